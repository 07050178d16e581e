"""clients/python: the wheel that a registry would take, alone in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from tests.processes import Sidecars, sidecar_environment

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "python"

pytestmark = [pytest.mark.clients, pytest.mark.timeout(200)]

PROGRAM = """
import asyncio, sidecar_client
from sidecar_client import AsyncSidecar, Sidecar

assert sidecar_client.__file__.startswith(FOLDER), sidecar_client.__file__
with Sidecar() as sidecar:
    print(sidecar.node().peer_id)

async def main():
    async with AsyncSidecar() as sidecar:
        print((await sidecar.node()).peer_id)

asyncio.run(main())
"""


def pip(*arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments], check=True, timeout=120
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, CLIENT)
    (found,) = folder.iterdir()
    return found


def test_a_registry_would_take_it(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as held:
        names = held.namelist()
        (described,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Metadata.from_email(held.read(described), validate=True)
        assert (
            held.read("sidecar_client/service_config.json") == (REPOSITORY / "clients/service_config.json").read_bytes()
        )
        (license_,) = (name for name in names if name.endswith("/licenses/LICENSE"))
        assert held.read(license_) == (REPOSITORY / "LICENSE").read_bytes()
    assert metadata.license_expression == "MIT"
    assert metadata.description == (CLIENT / "README.md").read_text()
    assert metadata.description_content_type == "text/markdown"
    assert "sidecar_client/py.typed" in names
    stubs = {name for name in names if name.startswith("sidecar_client/gen/") and name.endswith(".pyi")}
    committed = {str(path.relative_to(CLIENT / "src")) for path in (CLIENT / "src/sidecar_client/gen").rglob("*.pyi")}
    assert stubs == committed != set()


def test_it_works_where_it_is_installed(wheel: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    """Threads and asyncio, from the wheel and not from this repository."""
    sidecar = sidecars.spawn(ephemeral=True)
    pip("install", "--no-deps", "--target", tmp_path / "installed", wheel)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("FOLDER", repr(str(tmp_path))))
    told = subprocess.run(
        [sys.executable, program],
        env=sidecar_environment({"SIDECAR_ENDPOINT": sidecar.endpoint, "PYTHONPATH": str(tmp_path / "installed")}),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert told.stdout.split() == [sidecar.peer_id] * 2, told.stderr
