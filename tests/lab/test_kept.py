"""Kept messages over bad links: nothing is lost, nothing is out of order, nothing comes twice unmarked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.crash.scene import Place, Scene
from tests.lab.link import Link
from tests.processes import Sidecars

pytestmark = [pytest.mark.lab, pytest.mark.requires("netns", "gcc"), pytest.mark.timeout(300)]


def places(link: Link) -> tuple[Place, Place]:
    """The two ends."""
    return (
        Place(link.left_address, ("ip", "netns", "exec", link.left)),
        Place(link.right_address, ("ip", "netns", "exec", link.right)),
    )


@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
def test_ten_percent_of_loss_with_reordering(sidecars: Sidecars, tmp_path: Path, engine: str) -> None:
    """And kills on top of it."""
    sidecars.common["engine"] = engine
    with Link("delay=5ms,loss=10%,reorder=25%") as link:
        scene = Scene(tmp_path, sidecars, 5, places(link))
        verdicts = scene.run(kills=6, pause=1.0)
        sidecars.end()
    assert all(verdict.good for verdict in verdicts), verdicts
    assert all(verdict.seen for verdict in verdicts)


def test_the_link_is_cut_and_healed_every_second_for_a_minute(sidecars: Sidecars, tmp_path: Path) -> None:
    with Link("delay=1ms") as link:
        scene = Scene(tmp_path, sidecars, 6, places(link))

        def cut_and_heal() -> None:
            for number in range(60):
                link.reshape("delay=1ms,loss=100%" if number % 2 == 0 else "delay=1ms")
                time.sleep(1)  # it is the time that is tried
            link.reshape("delay=1ms")

        verdicts = scene.during(cut_and_heal)
        sidecars.end()
    assert all(verdict.good for verdict in verdicts), verdicts
    assert all(verdict.seen for verdict in verdicts)
