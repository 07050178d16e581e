"""Programs of others that tests judge by or talk to: built from the Go module proxy, once, into the user's cache."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"

BUILD_SECONDS = 900
"""Helm's dependencies take minutes on two busy cores."""


def cache() -> Path:
    """Where what was built stays."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quic-p2p-sidecar-tests"


def go_program(module: str) -> Path:
    """The path of a Go program, `PACKAGE@VERSION`, built if it is not there."""
    folder = cache() / module.replace("/", "-")
    if not folder.is_dir():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        subprocess.run(
            ["go", "install", module], env={**os.environ, "GOBIN": str(making)}, check=True, timeout=BUILD_SECONDS
        )
        keep(making, folder)
    (program,) = folder.iterdir()
    return program


def keep(making: Path, folder: Path) -> None:
    """Gives what was made its place, unless another run was first."""
    try:
        making.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
