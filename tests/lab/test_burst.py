"""A burst after a quiet stretch on a thin link floods it with neither engine."""

from __future__ import annotations

import time

import pytest

from tests.lab.link import Link

SHAPE = "delay=20ms,rate=100mbit,queue=100ms"
BURST = 4 << 20


def overflow_of_a_burst(engine: str, quiet: float) -> tuple[int, float]:
    """Frames the link's queue dropped during the burst, and the seconds it took."""
    with Link(SHAPE) as link:
        receiver = link.start(link.right, "tests.lab.burst", "receive", engine, link.right_address, "4433")
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "serving\n"
        arguments = ("send", engine, link.right_address, "4433", "4", str(quiet), str(BURST))
        sender = link.start(link.left, "tests.lab.burst", *arguments)
        assert sender.stdout is not None
        assert sender.stdin is not None
        assert sender.stdout.readline() == "ready\n"
        before, _ = link.passed()
        start = time.monotonic()
        sender.stdin.write("go\n")
        sender.stdin.flush()
        assert sender.stdout.readline() == "sent\n"
        took = time.monotonic() - start
        after, _ = link.passed()
        assert sender.wait(timeout=20) == 0
        assert receiver.wait(timeout=20) == 0
    assert after.came - before.came > BURST / 1500
    return after.overflowed - before.overflowed, took


@pytest.mark.lab
@pytest.mark.requires("netns", "gcc")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("quiet", [0.0, 3.0])
def test_a_burst_loses_no_more_on_qh3_than_on_aioquic(quiet: float) -> None:
    reference, _ = overflow_of_a_burst("aioquic", quiet)
    lost, took = overflow_of_a_burst("qh3", quiet)
    assert lost <= reference
    # And it is not timidity: 4 MiB at 100 Mbit/s are 0.34 s on the wire.
    assert took < 3
