"""The committed generated code is what the pinned generator prints, and the protos are lint clean."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.gen.overlay.v1 import message_pb2 as server_side
from sidecar_client.gen.overlay.v1 import message_pb2 as client_side
from tests.generated import assert_committed
from tools import generate_proto

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(180)


def test_committed_code_is_what_the_generator_prints(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tools.generate_proto", "--into", str(tmp_path)], check=True, timeout=170, cwd=REPOSITORY
    )
    assert_committed(tmp_path, *(output.folder for output in generate_proto.OUTPUTS), generate_proto.DESCRIPTOR_SET)


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
        timeout=170,
        check=False,
        cwd=REPOSITORY / "proto",
    )
    assert done.returncode == 0, done.stdout + done.stderr
