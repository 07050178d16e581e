"""Rosters: who belongs to one, and the few that are drawn from it."""

from __future__ import annotations

import random

import pytest

from sidecar.mail.inbox import Inbox
from sidecar.overlay.peer import Peer
from sidecar.overlay.roster import Roster
from sidecar.wire.flow import FlowMemory
from sidecar.wire.flows import Flows
from sidecar.wire.inbound import Inbound
from sidecar.wire.link import Link
from sidecar.wire.outbound import Outbound
from sidecar.wire.outbox import Outbox
from tests.wire.side import WINDOWS

pytestmark = pytest.mark.asyncio


def peer(name: str) -> Peer:
    """A peer whose id that is."""
    flows = Flows(name, FlowMemory(1), lambda flow: None)
    return Peer(name, Link(name, Outbound(Outbox(1)), Inbound(WINDOWS, Inbox(1, 1), name), flows))


async def test_who_belongs_to_it() -> None:
    chance = random.Random(7)
    peers = [peer(str(number)) for number in range(30)]
    roster, expected = Roster(), set[Peer]()
    for _ in range(2000):
        one = chance.choice(peers)
        there = chance.random() < 0.5
        roster.set(one, there=there)
        (expected.add if there else expected.discard)(one)
        assert len(roster) == len(expected)
        assert set(roster) == expected
    assert bool(roster) == bool(expected)


async def test_a_few_are_drawn_and_never_the_one_that_is_not_wanted() -> None:
    peers = [peer(str(number)) for number in range(10)]
    roster = Roster()
    assert roster.some(3) == []
    for one in peers:
        roster.set(one, there=True)
    seen = set[Peer]()
    for _ in range(500):
        drawn = roster.some(3, but="4")
        assert len(set(drawn)) == 3
        seen.update(drawn)
    assert seen == set(peers) - {peers[4]}
    assert sorted(each.peer_id for each in roster.some(20, but="9")) == [str(number) for number in range(9)]
    assert len(roster.some(20, but="nobody")) == 10


async def test_one_who_has_gone_takes_nobody_along_who_came_after_it_with_the_same_id() -> None:
    former, later = peer("a"), peer("a")
    roster = Roster()
    roster.set(former, there=True)
    roster.set(later, there=True)
    assert list(roster) == [later]
    roster.set(former, there=False)
    assert list(roster) == [later]
    roster.set(later, there=False)
    assert not roster
