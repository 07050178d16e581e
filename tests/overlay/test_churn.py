"""Two sidecars that are told to link and part by both their apps at once, again and again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

import pytest

from sidecar.errors import SidecarError
from sidecar.overlay.events import InstanceConflict
from tests.overlay.network import Network, Site, turns

ROUNDS = 15
AT_ONCE = 2
"""Apps beside each."""


async def test_two_that_link_and_part_all_the_time_are_two(
    network: Network, engine_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither takes the other for two sidecars with one key, no check of a role stumbles over a link that has gone
    meanwhile, and a message passes in the end."""
    chance = random.Random(engine_name)
    first, second = [await network.site(engine_name=engine_name) for _ in range(2)]

    async def restless(site: Site, other: Site) -> None:
        for _ in range(ROUNDS):
            with contextlib.suppress(SidecarError):  # the other side has had its way
                await site.node.connect(other.contact)
            await turns(chance.randrange(20))
            with contextlib.suppress(SidecarError):
                await site.node.disconnect(other.peer_id, chance.choice((0.0, 0.01, 0.2)))
            await turns(chance.randrange(20))

    with caplog.at_level(logging.INFO, "sidecar"):
        await asyncio.gather(*(restless(*pair) for pair in ((first, second), (second, first)) for _ in range(AT_ONCE)))
        reader = second.read()
        while not reader.count:  # one may have parted, and the other not have heard of it yet
            with contextlib.suppress(SidecarError):
                await first.node.connect(second.contact)
                await first.send(second, "", [b"still there"]).all_settled()
        assert set(reader.payloads) == {b"still there"}
    for site in (first, second):
        assert site.events(InstanceConflict) == []
    said = [record.getMessage() for record in caplog.records]
    assert [words for words in said if "one's key" in words] == []
    assert [words for words in said if "by a bug" in words] == []
