"""The race for the way in: who is dialled when, how many at once, and what becomes of those who are not needed."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.addresses import Contact, HostPort
from sidecar.overlay import dialler, race
from sidecar.overlay.events import PeerLinked, PeerUnlinked
from sidecar.overlay.peer import Peer, PeerState
from sidecar.overlay.race import ContactResult, Race
from tests.overlay.network import Network, Site, Wire, turns

pytestmark = pytest.mark.slow


def nobody(number: int) -> Contact:
    """A contact where datagrams vanish, at an address of its own: nothing listens on 127.1.0.0/16 here."""
    return Contact(f"127.1.{number >> 8}.{number & 255}", 9)


def watch(site: Site) -> list[tuple[float, tuple[str, int]]]:
    """When which address was dialled from now on."""
    dialled: list[tuple[float, tuple[str, int]]] = []
    dial = site.node.endpoint.dial
    clock = asyncio.get_running_loop().time

    def noted(address: tuple[str, int], *arguments: object, **more: object) -> object:
        dialled.append((clock(), address))
        return dial(address, *arguments, **more)  # type: ignore[arg-type]

    site.node.endpoint.dial = noted  # type: ignore[method-assign,assignment]
    return dialled


def ignore(_: ContactResult) -> None:
    """What is linked is looked at later."""


async def settle(condition: Callable[[], bool]) -> float:
    """Seconds until it holds, at most 10 or so. All sites are in this loop: what a busy machine keeps it from its turns
    is not their time, so that a turn counts as 5 ms at most."""
    clock = asyncio.get_running_loop().time
    took, before = 0.0, clock()
    while not condition() and took < 10:
        await asyncio.sleep(0.001)  # what is measured tells nobody of its end
        now = clock()
        took, before = took + min(now - before, 0.005), now
    return took


async def test_attempts_start_five_milliseconds_apart_and_sixty_four_are_outstanding(
    network: Network, engine_name: str
) -> None:
    live = await network.site(engine_name=engine_name)
    site = await network.site(engine_name=engine_name)
    dialled = watch(site)
    outstanding: list[int] = []
    ended = site.node.links.dialler.ended

    def noted(*arguments: object) -> None:
        outstanding.append(len(site.node.links.dialler._outcomes))
        ended(*arguments)  # type: ignore[arg-type]

    site.node.links.dialler.ended = noted  # type: ignore[method-assign,assignment]
    contacts = [nobody(number) for number in range(199)] + [Contact.parse(live.contact)]
    running = Race(site.node.links, 1, ignore)
    times: list[float] = []
    start = running._start

    def started(waiting: deque[Contact], now: float) -> bool:
        begun = start(waiting, now)
        if begun:
            times.append(now)
        return begun

    running._start = started  # type: ignore[method-assign]
    results = await running.run(contacts)
    assert results[-1] == ContactResult(contacts[-1], peer_id=live.peer_id)
    assert [address for _, address in dialled] == [(contact.host, contact.port) for contact in contacts]
    assert len(times) == len(contacts)
    # A busy machine may be late, and what is late is caught up with, but never more than CATCH_UP at once.
    assert times[-1] - times[0] >= (len(times) - 1) * race.STAGGER - race.CATCH_UP - 1e-6
    assert all(times[i + 9] - times[i] >= 9 * race.STAGGER - race.CATCH_UP - 1e-6 for i in range(len(times) - 9))
    assert 1 < max(outstanding) <= dialler.OUTSTANDING_MAX
    left = [result for result in results if "others were waiting" in result.error]
    assert len(left) >= len(contacts) - dialler.OUTSTANDING_MAX - 1
    assert all("300 ms" in result.error for result in left)


async def test_losers_are_closed_within_a_tenth_of_a_second(network: Network, engine_name: str) -> None:
    live = await network.site(engine_name=engine_name)
    site = await network.site(engine_name=engine_name)
    dead = [nobody(number) for number in range(20)]
    await Race(site.node.links, 1, ignore).run([*dead, Contact.parse(live.contact)])
    assert await settle(lambda: len(site.node.links.pumps) == 1) < 0.1
    assert site.node.links.dialler._outcomes == {}


@pytest.mark.parametrize("delays", [None, (0.0, 0.01, 0.02, 0.03)])
async def test_bootstrap_to_only_one_node(network: Network, engine_name: str, delays: tuple[float, ...] | None) -> None:
    """With min_links = 1: whoever answers, at whatever distance, one link remains a tenth of a second later."""
    others = [await network.site(engine_name=engine_name) for _ in range(4)]
    wires = [await Wire.to(other, delay) for other, delay in zip(others, delays or (0.0,) * 4, strict=True)]
    site = await network.site(engine_name=engine_name)
    results = await site.node.bootstrap([wire.address if delays else other.address
                                         for wire, other in zip(wires, others, strict=True)])  # fmt: skip
    [winner] = [result.peer_id for result in results if result.peer_id]
    took = await settle(
        lambda: (
            [peer.peer_id for peer in site.node.links.linked] == [winner]
            and sum(len(other.node.links.linked) for other in others) == 1
            and {session.peer_id for session in site.node.links.sessions if session.dialled} == {winner}
        )
    )
    assert took < 0.1
    await asyncio.sleep(0.1)  # and so it stays: nothing tells of what does not happen
    assert [peer.peer_id for peer in site.node.links.linked] == [winner]
    for wire in wires:
        wire.close()


async def test_those_who_win_in_the_same_moment_are_left_again(network: Network) -> None:
    """Six are linked before the race has its next turn: one is wanted, one stays."""
    others = [await network.site() for _ in range(6)]
    site = await network.site(role="client")
    meet = site.node.links.meet
    met: list[Peer] = []
    everybody = asyncio.Event()

    async def together(addresses: list[HostPort], expected: str | None, **more: Any) -> Peer:
        peer = await meet(addresses, expected, **more)
        met.append(peer)
        if len(met) == len(others):
            everybody.set()
        await everybody.wait()
        return peer

    site.node.links.meet = together  # type: ignore[method-assign]
    await Race(site.node.links, 1, ignore).run([Contact.parse(other.contact) for other in others])
    assert await settle(lambda: len(site.node.links.linked) == 1) < 0.1
    assert len(site.events(PeerLinked)) == 6
    assert len(site.events(PeerUnlinked)) == 5
    assert await settle(lambda: sum(len(other.node.links.linked) for other in others) == 1) < 0.5


async def test_a_loser_that_somebody_uses_stays(network: Network) -> None:
    """A message waits for the peer that loses the race: its link is made all the same."""
    fast, slow = await network.site(), await network.site()
    wire = await Wire.to(slow, 0.05)
    site = await network.site()
    racing = asyncio.ensure_future(
        Race(site.node.links, 1, ignore).run(
            [Contact.parse(f"{slow.peer_id}@{wire.address}"), Contact.parse(fast.contact)]
        )
    )
    await turns(3)
    site.node.directory.reached(slow.peer_id, ("127.0.0.1", int(wire.address.rsplit(":", 1)[1])))
    sending = site.send(slow, "x", [b"for the slow one"])
    await racing
    await sending.all_delivered()
    assert site.node.links.state(slow.peer_id) is PeerState.LINKED
    wire.close()


async def test_one_host_is_not_knocked_down(network: Network) -> None:
    """Contacts at one address wait for each other, and let those elsewhere pass."""
    live = await network.site()
    site = await network.site()
    dialled = watch(site)
    crowd = [Contact("127.1.0.1", port) for port in range(9, 9 + 3 * dialler.PER_HOST_MAX)]
    results = await Race(site.node.links, 1, ignore, patience=60).run([*crowd, Contact.parse(live.contact)])
    assert results[-1].peer_id == live.peer_id
    assert len(dialled) == dialler.PER_HOST_MAX + 1


async def test_everybody_on_one_host_gets_a_turn(network: Network) -> None:
    site = await network.site(handshake_timeout=2)
    crowd = [Contact("127.1.0.1", port) for port in range(9, 9 + 2 * dialler.PER_HOST_MAX)]
    dialled = watch(site)
    results = await Race(site.node.links, 1, ignore, patience=0.1).run(crowd)
    assert {result.contact for result in results} == set(crowd)
    assert len(dialled) == len(crowd)
    assert not any(result.peer_id for result in results)


async def test_a_loop_that_stood_still_makes_nobody_leave(network: Network) -> None:
    """There are places enough: who waits only for its moment to start needs nobody's, however late it is."""
    live, site = await network.site(), await network.site()
    running = Race(site.node.links, 1, ignore)
    start = running._start

    def stumbling(waiting: deque[Contact], now: float) -> bool:
        running._start = start  # type: ignore[method-assign]
        begun = start(waiting, now)
        time.sleep(race.PATIENCE + 0.1)  # it stands still: that is what is tested
        return begun

    running._start = stumbling  # type: ignore[method-assign]
    results = await running.run([Contact.parse(live.contact), nobody(0)])
    assert [result.peer_id for result in results] == [live.peer_id]


async def test_places_that_somebody_else_has_are_taken_when_they_are_free(network: Network) -> None:
    """All towards one host are, when a race begins that has no attempt of its own whose end it could wait for."""
    site = await network.site(handshake_timeout=0.5)
    crowd = [("127.1.0.1", port) for port in range(9, 9 + dialler.PER_HOST_MAX)]
    others = [asyncio.ensure_future(site.node.links.dialler.reach([address], None)) for address in crowd]
    await turns(3)
    assert not site.node.links.dialler.has_room("127.1.0.1")
    late = Contact("127.1.0.1", 99)
    (result,) = await Race(site.node.links, 1, ignore).run([late])
    assert result.contact == late
    assert "127.1.0.1:99" in result.error
    await asyncio.gather(*others, return_exceptions=True)


async def test_as_many_as_are_wanted(network: Network) -> None:
    others = [await network.site() for _ in range(6)]
    site = await network.site()
    linked: list[str] = []
    await Race(site.node.links, 3, lambda result: linked.append(result.peer_id)).run(
        [Contact.parse(other.contact) for other in others]
    )
    assert len(linked) == 3
    assert await settle(lambda: {peer.peer_id for peer in site.node.links.linked} == set(linked)) < 0.1
    assert len(site.events(PeerLinked)) >= 3


async def test_a_race_that_is_called_off_leaves_nothing(network: Network) -> None:
    site = await network.site()
    racing = asyncio.ensure_future(Race(site.node.links, 1, ignore).run([nobody(number) for number in range(5)]))
    await settle(lambda: len(site.node.links.pumps) == 5)
    racing.cancel()
    await asyncio.wait({racing})
    assert await settle(lambda: not site.node.links.pumps) < 0.1
