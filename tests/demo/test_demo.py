"""A small run of the demo, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs it with its files below `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "demo", *words],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def processes_of(folder: Path) -> list[str]:
    """What still runs with a path below `folder` on its command line."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended
        if str(folder) in line:
            lines.append(line)
    return lines


@pytest.fixture
def short_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short name: the path of a Unix socket has at most 107 bytes."""
    return tmp_path_factory.mktemp("d")


@pytest.mark.timeout(300)
def test_everything_arrives_although_a_sidecar_is_killed(short_folder: Path) -> None:
    done = demo(short_folder, "--messages", "1000", "--file-mib", "8", "--limit", "200")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kill -9" in done.stdout
    assert done.stdout.count("  same\n") == 12
    assert "3 peers, 6,000 messages" in done.stdout
    assert "processed by c's app" in done.stdout
    assert not processes_of(short_folder)
    assert not list(short_folder.iterdir())


@pytest.mark.timeout(300)
def test_what_is_missing_fails_it(short_folder: Path) -> None:
    done = demo(short_folder, "--messages", "1000000", "--file-mib", "1", "--limit", "4")
    assert done.returncode == 1
    assert "the demo failed: not complete after" in done.stderr
    assert not processes_of(short_folder)
    assert not list(short_folder.iterdir())


@pytest.mark.timeout(300)
def test_a_signal_ends_every_process(short_folder: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "demo", "--messages", "1000000"],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(short_folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "three apps" in line:
            break
    assert len(processes_of(short_folder)) == 6
    running.terminate()
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "ended by SIGTERM" in errors
    assert not processes_of(short_folder)
