"""The examples that need nothing but messages, run as README of examples/ says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidecar_client import Sidecar
from tests.examples.app import EXAMPLES, App
from tests.processes import SidecarProcess, Sidecars

pytestmark = pytest.mark.slow


@pytest.fixture
def pair(sidecars: Sidecars) -> tuple[SidecarProcess, SidecarProcess]:
    """Two sidecars, of which the second knows the first."""
    first = sidecars.spawn("first", ephemeral=True)
    return first, sidecars.spawn("second", ephemeral=True, bootstrap=[first.contact])


def test_chat(pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    """Both ways, and who is gone is told of."""
    first, second = pair
    with App("chat.py", second.peer_id, beside=first) as alice, App("chat.py", first.peer_id, beside=second) as bob:
        assert alice.line() == f"you are {first.peer_id}"
        assert bob.line() == f"you are {second.peer_id}"
        bob.type("hello, Alice")
        assert alice.line() == f"{second.peer_id[:8]}: hello, Alice"
        alice.type("hello, Bob")
        assert bob.line() == f"{first.peer_id[:8]}: hello, Bob"
        second.stop()
        alice.type("still there?")
        assert alice.line().startswith(f"{second.peer_id[:8]} did not get it: ")


def test_file_drop(pair: tuple[SidecarProcess, SidecarProcess], tmp_path: Path) -> None:
    """Files of no, one and many parts; a name that wants to go elsewhere does not."""
    first, second = pair
    folder = tmp_path / "drop"
    bodies = {"empty": b"", "short": b"hello", "long": bytes(range(256)) * (20 << 10)}
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    with App("file_drop.py", "receive", str(folder), beside=first) as receiver:
        receiver.line()
        files = [str(tmp_path / name) for name in bodies]
        with App("file_drop.py", "send", first.peer_id, *files, beside=second) as sender:
            assert [sender.line() for _ in bodies] == [f"{name} is there" for name in bodies]
            assert sender.ends() == 0
        landed = [receiver.line() for _ in bodies]
    assert landed == [f"{name}: {len(body)} bytes from {second.peer_id[:8]}" for name, body in bodies.items()]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == bodies


def test_request_reply(pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    """Many questions at once; each answer finds its own."""
    first, second = pair
    with App("request_reply.py", "answer", beside=first) as answering:
        answering.line()
        words = [f"question {number}" for number in range(20)]
        with App("request_reply.py", "ask", first.peer_id, *words, beside=second) as asking:
            assert sorted(asking.line() for _ in words) == sorted(f"{each} -> {each.upper()}" for each in words)
            assert asking.ends() == 0


def test_work_queue(sidecars: Sidecars) -> None:
    """Jobs outlive the sidecar of who does them, and one that fails for ever is put aside."""
    first = sidecars.spawn("first")
    second = sidecars.spawn("second", bootstrap=[first.contact])
    with Sidecar(second.endpoint) as beside_second:
        beside_second.connect(first.contact)
    first.kill()
    with App("work_queue.py", "submit", first.peer_id, "one", "bad", "two", beside=second) as submitting:
        assert submitting.line() == "3 jobs are in the journal"
        assert submitting.ends() == 0
    first.restart()
    with App("work_queue.py", "work", beside=first) as working:
        working.line()
        told = [working.line() for _ in range(5)]
        assert sorted(told) == ["bad failed", "bad failed, attempt 2", "bad failed, attempt 3", "one done", "two done"]
        assert [line for line in told if "done" in line] == ["one done", "two done"]


def test_every_example_is_listed_and_tested() -> None:
    """examples/README.md has each, with the test that runs it."""
    page = (EXAMPLES / "README.md").read_text()
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".sh"}}
    rows = dict(re.findall(r"^\| `([\w.]+)` \|.*\| `(tests/[\w/.]+::\w+)` \|$", page, flags=re.MULTILINE))
    assert rows.keys() == there
    root = EXAMPLES.parent
    for name, test in rows.items():
        path, function = test.split("::")
        text = (root / path).read_text()
        assert f"def {function}(" in text, test
        assert name in text, f"{path} does not run {name}"
