"""Faults that ancestors of this system had, and the rows of the seed's own tests that stand nearest to them."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.errors import SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.overlay.events import PeerLinked, PeerUnlinked
from sidecar.overlay.peer import PeerState
from sidecar.wire.frames import FrameType
from tests.overlay.network import Network, Site, Wire, a, turns

pytestmark = pytest.mark.slow


def contradict(site: Site, other: Site) -> None:
    """On every connection of a link: another HELLO, of another network, key and instance, with another proof."""
    hello = wire_pb2.Hello(version=9, nonce=bytes(32), network_id="elsewhere", instance=1, epoch=1)
    for session in site.node.links.peers[other.peer_id].sessions:
        session._write(FrameType.HELLO, hello)
        session._write(FrameType.PROOF, wire_pb2.Proof(signature=bytes(64)))
        session._write(FrameType.WELCOME, wire_pb2.Welcome(instance=7, epoch=7, agent="nobody"))


async def nothing_changed(first: Site, second: Site, connections: int) -> None:
    """One link, told once on each side, which carries messages both ways."""
    for site, other in ((first, second), (second, first)):
        reader = other.read()
        await site.send(other, "", [b"hello"]).all_delivered()
        assert await reader.has(1) == [b"hello"]
        reader.close()
    for site, other in ((first, second), (second, first)):
        assert [event.peer_id for event in site.events(PeerLinked)] == [other.peer_id]
        assert site.events(PeerUnlinked) == []
        info = site.node.get_peer(other.peer_id)
        assert info.connections == connections
        assert info.agent == f"{site.node.links.local.agent}"


async def test_double_handshake_client(network: Network, engine_name: str) -> None:
    """A second, contradictory hello on the one connection of who only dials, from either side, changes nothing."""
    client = await network.site(engine_name=engine_name, role="client")
    node = await network.site(engine_name=engine_name)
    await client.join(node)
    contradict(client, node)
    contradict(node, client)
    await nothing_changed(client, node, 1)


async def test_double_handshake_node(network: Network, engine_name: str) -> None:
    """The same where each side has dialled: both connections."""
    first, second = await network.pair(engine_name=engine_name)
    await second.node.links.dialler.reach([("127.0.0.1", first.port)], first.peer_id)
    for site, other in ((first, second), (second, first)):
        while len(site.node.links.peers[other.peer_id].sessions) < 2:
            await site.node.ping(other.peer_id)
    contradict(first, second)
    contradict(second, first)
    await nothing_changed(first, second, 2)


async def test_echo(network: Network, engine_name: str) -> None:
    """A peer tells where it sees us: our port, not its own; without any peer only what is bound is known."""
    first, second = await network.site(engine_name=engine_name), await network.site(engine_name=engine_name)
    for site in (first, second):
        assert site.node.listen_addresses() == [f"127.0.0.1:{site.port}"]
        assert site.node.links.exchange.observed == []
    await first.join(second)
    assert first.node.links.exchange.observed == [f"127.0.0.1:{first.port}"]
    assert first.port != second.port


async def test_any_message_is_no_answer_to_an_address_query(network: Network, engine_name: str) -> None:
    """Messages that come while an answer is awaited are messages: the answer is its own, to each who asked."""
    first, second = await network.pair(engine_name=engine_name)
    reader = first.read()
    second.send(first, "", [b"%d" % number for number in range(500)])
    pings = [first.node.ping(second.peer_id) for _ in range(50)]
    assert all(seconds > 0 for seconds in await asyncio.gather(*pings))
    assert await reader.has(500) == [b"%d" % number for number in range(500)]
    assert first.node.links.exchange.observed == [f"127.0.0.1:{first.port}"]


async def test_the_end_of_an_attempt_leaves_a_newer_one_to_the_same_address(network: Network, engine_name: str) -> None:
    """A deadline belongs to its attempt, not to the address."""
    first = await network.site(engine_name=engine_name, handshake_timeout=0.8)
    second = await network.site(engine_name=engine_name)
    wire = await Wire.to(second)
    wire.cut()
    host, _, port = wire.address.rpartition(":")
    clock = asyncio.get_running_loop().time
    began = clock()
    early = asyncio.ensure_future(first.node.links.dialler.reach([(host, int(port))], second.peer_id))
    await wire.until(lambda: clock() - began > 0.1)  # it repeats itself: some of its time is over
    anew = clock()
    late = asyncio.ensure_future(first.node.links.dialler.reach([(host, int(port))], second.peer_id))
    await asyncio.wait({early})
    assert early.exception() is not None
    await turns(20)
    assert not late.done() or clock() - anew >= 0.8
    with pytest.raises(SidecarError):
        await late
    assert clock() - anew >= 0.8, "it had all of its own time"
    wire.close()


async def test_stalled_handshakes_delay_no_other(network: Network, engine_name: str) -> None:
    """Forty strangers begin and say no more; with a minute for each, who comes next is let in all the same."""
    node = await network.site(engine_name=engine_name, handshake_timeout=60)
    wire = await Wire.to(node)
    stalled = await network.site(engine_name=engine_name, handshake_timeout=60)
    host, _, port = wire.address.rpartition(":")
    wire.deaf = True
    for _ in range(40):
        stalled.node.endpoint.dial((host, int(port)), stalled.node.links.accept)
    await wire.until(lambda: len(node.node.endpoint._opening) >= 40)
    other = await network.site(engine_name=engine_name, handshake_timeout=5)
    await other.join(node)
    assert len(node.node.endpoint._opening) >= 40
    wire.close()


async def test_a_zombie_does_not_refuse_the_redial(network: Network, engine_name: str) -> None:
    """A client whose network went away comes again from elsewhere while the node still takes its old connection for
    alive: it is let in at once, and messages go the new way."""
    node = await network.site(engine_name=engine_name, idle_timeout=60, keep_alive=0)
    client = await network.site(engine_name=engine_name, idle_timeout=60, keep_alive=0, role="client")
    await client.join(node)
    await client.crash()
    assert node.node.links.state(client.peer_id) is PeerState.LINKED, "it knows of nothing"
    again = await network.site(engine_name=engine_name, identity=client.node.identity, role="client")
    await again.node.connect(node.contact)
    await node.event(a(PeerLinked, peer_id=client.peer_id), 2)
    reader = again.read()
    await node.send(again, "", [b"the new way"]).all_delivered()
    assert reader.payloads == [b"the new way"]
    assert node.node.get_peer(client.peer_id).connections == 1


async def test_a_stalled_connect_ends(network: Network, engine_name: str) -> None:
    """The handshake of QUIC is done and then nothing is said: whoever waits is told within the handshake's time."""
    site = await network.site(engine_name=engine_name, handshake_timeout=0.5)
    mute = await network.site(engine_name=engine_name)
    wire = await Wire.to(mute)
    wire.deaf = True
    absent = Identity.ephemeral().peer_id
    with pytest.raises(SidecarError, match=wire.address):
        await site.node.connect(f"{absent}@{wire.address}")
    assert site.node.links.peers == {}
    wire.close()
