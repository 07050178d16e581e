"""The state directory belongs to one sidecar at a time."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar import state
from sidecar.settings import SettingsError
from sidecar.state import StateDirectory, default_directory


def test_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with StateDirectory(tmp_path / "a" / "b"):
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_directory_is_held_by_one_and_left_to_the_next(tmp_path: Path) -> None:
    with (
        StateDirectory(tmp_path),
        pytest.raises(SettingsError, match=rf"^state directory {tmp_path} is in use by pid {os.getpid()}: "),
    ):
        StateDirectory(tmp_path)
    StateDirectory(tmp_path).close()


def test_close_twice_is_close_once(tmp_path: Path) -> None:
    held = StateDirectory(tmp_path)
    held.close()
    held.close()


HOLDER = """
import sys
from pathlib import Path
from sidecar.state import StateDirectory
held = StateDirectory(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_holder_is_named_and_its_kill_frees_the_directory(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(SettingsError, match=f"in use by pid {holder.pid}: "):
                StateDirectory(tmp_path)
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait()
    StateDirectory(tmp_path).close()


def test_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is not a directory"):
        StateDirectory(tmp_path / "file")
    with pytest.raises(SettingsError, match="cannot make the state directory"):
        StateDirectory(tmp_path / "file" / "below")


def test_directory_that_everyone_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(SettingsError, match="everyone may write"):
        StateDirectory(tmp_path / "open")


def test_directory_where_nothing_can_be_made_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"cannot make the state directory /proc/sidecar: .*--state-dir"):
        StateDirectory(Path("/proc/sidecar"))
    with pytest.raises(SettingsError, match="cannot write to the state directory /proc/self"):
        StateDirectory(Path("/proc/self"))


def test_default_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SYSTEM_DIRECTORY", tmp_path)
    assert default_directory() == tmp_path
    if os.geteuid() == 0:
        monkeypatch.setattr(state, "SYSTEM_DIRECTORY", tmp_path / "missing")
        assert default_directory() == tmp_path / "missing"


@pytest.mark.requires("root")
def test_default_directory_of_a_user_without_a_system_one(tmp_path: Path) -> None:
    script = "import os, platformdirs, sidecar.state as s; os.setuid(65534); print(s.default_directory())"
    environment = {"XDG_STATE_HOME": "/home/nobody/.state", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=20
    ).stdout.strip()
    assert printed in {"/home/nobody/.state/sidecar", "/var/lib/sidecar"}
