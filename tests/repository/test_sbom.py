"""`make sbom` names every package of the image, with its version and licence."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.conftest import require
from tests.repository.test_locks import OURS, REPOSITORY, lock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_sbom_lists_what_is_pinned() -> None:
    require("make")
    environment = os.environ | {"PYTHONWARNINGS": ""}
    subprocess.run(["make", "sbom"], cwd=REPOSITORY, env=environment, check=True, capture_output=True, timeout=280)
    bill = json.loads((REPOSITORY / "dist/sbom.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "quic-p2p-sidecar"
    listed = {each["name"].lower().replace("_", "-"): each["version"] for each in bill["components"]}
    ours = {name: version for name, version in listed.items() if name in OURS}
    assert set(ours) == {"quic-p2p-sidecar-client"} or set(ours) == OURS
    assert {name: version for name, version in listed.items() if name not in OURS} == lock("requirements.lock")
    assert all(each["purl"].startswith("pkg:pypi/") for each in bill["components"] if each["name"] not in OURS)
    assert sum("licenses" in each for each in bill["components"]) > 0.8 * len(listed)
