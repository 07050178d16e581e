"""The crash test, in short; `python -m tests.crash` has all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.checker import judge
from tests.crash.scene import Scene
from tests.processes import Sidecars


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_promise_is_broken_by_kills(sidecars: Sidecars, tmp_path: Path) -> None:
    """Each process killed with -9 at random moments under traffic of every level."""
    scene = Scene(tmp_path, sidecars, seed=3)
    verdicts = scene.run(kills=20)
    assert all(verdict.good for verdict in verdicts), verdicts
    assert not scene.tracebacks()
    assert all(verdict.seen > 100 for verdict in verdicts), "there was traffic on every channel"


def test_the_checker_finds_what_is_wrong(tmp_path: Path) -> None:
    sender, receiver = tmp_path / "sender", tmp_path / "receiver"
    sender.write_text("offered durable-sent 9\ntold durable-sent 0 1 2 3\noffered sent 9\ntold sent 0 1\ntold sent 2")
    receiver.write_text(
        "saw durable-sent 1 0\nsaw durable-sent 0 0\nsaw durable-sent 2 0\nsaw durable-sent 2 0\nsaw durable-sent 2 1\n"
        "saw sent 0 0\n"
    )
    verdicts = {verdict.kind.name: verdict for verdict in judge(sender, receiver)}
    durable = verdicts["durable-sent"]
    assert (durable.offered, durable.told, durable.seen, durable.repeats) == (10, 4, 3, 2)
    assert (durable.lost, durable.unmarked, durable.disordered) == ([3], [2], [0])
    assert not durable.good
    assert verdicts["sent"].lost == [1], "its last line was cut off"
    assert verdicts["sent"].good, "SENT without a journal promises nothing more"
