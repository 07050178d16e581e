"""The committed generated code is what the pinned generator prints, and the protos are lint clean."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.gen.overlay.v1 import message_pb2 as server_side
from sidecar_client.gen.overlay.v1 import message_pb2 as client_side

REPOSITORY = Path(__file__).resolve().parents[2]

FOLDERS = ("sidecar/gen", "clients/python/src/sidecar_client/gen")


def listing(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py*"))
        if path.suffix in {".py", ".pyi"}
    }


def test_committed_code_is_what_the_generator_prints(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tools.generate_proto", "--into", str(tmp_path)], check=True, timeout=60, cwd=REPOSITORY
    )
    printed, committed = listing(tmp_path), listing(REPOSITORY)
    assert sorted(printed) == sorted(committed), "run `make proto`"
    for name, text in printed.items():
        assert committed[name] == text, f"{name} is not what the generator prints: run `make proto`"
    described = Path("proto/overlay.v1.binpb")
    assert (REPOSITORY / described).read_bytes() == (tmp_path / described).read_bytes(), "run `make proto`"


def test_both_copies_live_in_one_process() -> None:
    both: set[type] = {server_side.Message, client_side.Message}
    assert len(both) == 1
    assert server_side.DESCRIPTOR.name == "overlay/v1/message.proto"


@pytest.mark.requires("npm")
def test_protos_are_lint_clean(tmp_path: Path) -> None:
    npx = shutil.which("npx")
    assert npx is not None
    done = subprocess.run(
        [npx, "--yes", "--package", "@bufbuild/buf@1.75.0", "buf", "lint"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=REPOSITORY / "proto",
    )
    assert done.returncode == 0, done.stdout + done.stderr
