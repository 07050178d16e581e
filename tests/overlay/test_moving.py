"""A live peer changes its address: its NAT gives it another port in the middle of everything, and no message is lost,
none comes twice, and no link is made anew (RFC 9000 section 9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sidecar.addresses import format_address
from sidecar.overlay import resuming
from sidecar.overlay.events import MessagesLost, PeerLinked, PeerUnlinked
from sidecar.overlay.peer import PeerState
from sidecar.wire.roles import Role
from tests.overlay.network import Network, Sending, Site, Wire

pytestmark = pytest.mark.slow

PAIRINGS = [("aioquic", "aioquic"), ("qh3", "qh3"), ("aioquic", "qh3"), ("qh3", "aioquic")]
MOVES = 2
FOLLOWED_BY_QH3 = 3
"""As often as its core follows a peer."""


@pytest.fixture(params=PAIRINGS, ids=["-".join(pairing) for pairing in PAIRINGS])
def engines(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The one that moves, and the one that stays."""
    pairing: tuple[str, str] = request.param
    return pairing


class Behind:
    """A site behind a NAT, linked to one that it has dialled through it."""

    def __init__(self, moving: Site, staying: Site, nat: Wire) -> None:
        self.moving, self.staying, self.nat = moving, staying, nat
        self.handshakes = [site.node.endpoint.counters.handshakes for site in (moving, staying)]

    @property
    def seen_at(self) -> str:
        """Where the staying site sends what is for the moving one."""
        sessions = self.staying.node.links.peers[self.moving.peer_id].sessions
        return format_address(self.staying.node.links.pump(sessions[-1]).remote) if sessions else ""

    def still_one_link(self) -> None:
        """Nothing was made anew, and nothing told as lost."""
        assert self.handshakes == [site.node.endpoint.counters.handshakes for site in (self.moving, self.staying)]
        for site in (self.moving, self.staying):
            assert len(site.events(PeerLinked)) == 1
            assert site.events(PeerUnlinked) == []
            assert site.events(MessagesLost) == []


@pytest_asyncio.fixture
async def behind(network: Network, engines: tuple[str, str]) -> AsyncIterator[Behind]:
    """Linked, each pinging after 0.3 s of silence."""
    moving = await network.site(engine_name=engines[0], keep_alive=0.3, role="client")
    staying = await network.site(engine_name=engines[1], keep_alive=0.3)
    nat = await Wire.to(staying)
    await moving.node.connect(f"{staying.peer_id}@{nat.address}")
    await staying.becomes(Role.NODE)
    yield Behind(moving, staying, nat)
    nat.close()


@pytest.fixture
def undoubted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody dials a second connection beside one that is silent, which on a busy machine may be for long."""
    monkeypatch.setattr(resuming, "SILENCE", 1000.0)


@pytest.mark.usefixtures("undoubted")
async def test_nothing_is_lost_while_messages_flow_both_ways(behind: Behind) -> None:
    await move_in_traffic(behind, MOVES)
    assert behind.seen_at == behind.nat.seen_at(behind.moving)
    behind.still_one_link()


@pytest.mark.parametrize("engines", [("qh3", "qh3")])
async def test_who_moves_more_often_than_an_engine_follows_loses_nothing_either(behind: Behind) -> None:
    """Another connection is made, of which the messages know nothing."""
    await move_in_traffic(behind, FOLLOWED_BY_QH3 + 1)
    for site in (behind.moving, behind.staying):
        assert len(site.events(PeerLinked)) == 1
        assert site.events(PeerUnlinked) == []
        assert site.events(MessagesLost) == []


async def move_in_traffic(behind: Behind, moves: int) -> None:
    """Moves so often while messages flow both ways; each arrives once, in order."""
    readers = behind.staying.read("x"), behind.moving.read("x")
    sendings = behind.moving.send(behind.staying, "x"), behind.staying.send(behind.moving, "x")
    stop = asyncio.Event()

    async def flow(sending: Sending) -> None:
        number = 0
        while not stop.is_set():
            await sending.room()
            sending.offer([b"%08d" % number + bytes(2000)])
            number += 1
            await asyncio.sleep(0)

    flowing = [asyncio.create_task(flow(sending)) for sending in sendings]
    for _ in range(moves):
        await behind.nat.rebind()
        await readers[0].until(lambda: behind.seen_at == behind.nat.seen_at(behind.moving))
        counts = [reader.count for reader in readers]
        for reader, count in zip(readers, counts, strict=True):
            await reader.has(count + 100)
    stop.set()
    await asyncio.gather(*flowing)
    for sending, reader in zip(sendings, readers, strict=True):
        await sending.all_delivered()
        assert [int(payload[:8]) for payload in reader.payloads] == list(range(sending.sender.offered))


@pytest.mark.usefixtures("undoubted")
async def test_a_large_message_goes_on(behind: Behind) -> None:
    body = bytes(range(256)) * (16 << 10)
    for sender, receiver in ((behind.moving, behind.staying), (behind.staying, behind.moving)):
        reader = receiver.read("large")
        sending = sender.send(receiver, "large").offer_large(body)
        session = receiver.node.links.peers[sender.peer_id].sessions[-1]
        began = receiver.node.endpoint.traffic.bytes_in
        while receiver.node.endpoint.traffic.bytes_in < began + (1 << 20):  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0)
        await behind.nat.rebind()
        await sending.all_delivered()
        assert reader.payloads == [body]
        assert session in receiver.node.links.peers[sender.peer_id].sessions
    behind.still_one_link()


@pytest.mark.usefixtures("undoubted")
async def test_an_idle_link_is_found_again_by_its_next_ping(behind: Behind) -> None:
    """Who stays cannot know before: what it sends meanwhile arrives when the ping has come."""
    before = behind.seen_at
    await behind.nat.rebind()
    reader = behind.moving.read()
    await behind.staying.send(behind.moving, "", [b"where are you?"]).all_delivered()
    assert reader.payloads == [b"where are you?"]
    assert behind.seen_at != before
    assert behind.seen_at == behind.nat.seen_at(behind.moving)
    assert behind.staying.node.links.state(behind.moving.peer_id) is PeerState.LINKED
    behind.still_one_link()
