"""Connection and identity: who is linked to whom, once, and by which side."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.identity import Identity
from sidecar.overlay import links
from sidecar.overlay.events import PeerLinked, PeerRefused, PeerUnlinked
from sidecar.overlay.peer import PeerState
from tests.overlay.network import Network, Site, Wire, a, turns


async def exchange(first: Site, second: Site, words: bytes = b"hello") -> None:
    """A message each way."""
    readers = first.read(), second.read()
    there, back = first.send(second, "", [words]), second.send(first, "", [words])
    await there.all_delivered()
    await back.all_delivered()
    for reader in readers:
        assert await reader.has(1) == [words]
        reader.close()


def links_of(site: Site, peer_id: str) -> int:
    """How often the site told that the peer was linked."""
    return sum(event.peer_id == peer_id for event in site.events(PeerLinked))


async def test_successful_connection(network: Network, engine_name: str) -> None:
    """The acceptor sees the dialler's address; both know each other by id."""
    dialler, acceptor = await network.pair(engine_name=engine_name)
    linked = acceptor.events(PeerLinked)
    assert linked == [PeerLinked(dialler.peer_id, dialler.address, dialled=False)]
    assert dialler.events(PeerLinked) == [PeerLinked(acceptor.peer_id, acceptor.address, dialled=True)]
    info = acceptor.node.get_peer(dialler.peer_id)
    assert info.state is PeerState.LINKED
    assert info.addresses == [dialler.address]
    assert info.connections == 1
    await exchange(dialler, acceptor)


@pytest.mark.parametrize(("dialling", "accepting"), [("aioquic", "qh3"), ("qh3", "aioquic")])
async def test_successful_connection_of_unlike_engines(network: Network, dialling: str, accepting: str) -> None:
    first, second = await network.site(engine_name=dialling), await network.site(engine_name=accepting)
    await first.join(second)
    await exchange(first, second, b"x" * 300_000)


async def test_keys_of_both_kinds_link(network: Network) -> None:
    first = await network.site(identity=Identity.ephemeral("p256"))
    second = await network.site(identity=Identity.ephemeral("ed25519"))
    await first.join(second)
    await exchange(first, second)


async def test_connect_to_fails(network: Network, engine_name: str) -> None:
    """Dialling where nobody is names the address."""
    site = await network.site(engine_name=engine_name, handshake_timeout=0.3)
    with pytest.raises(SidecarError) as raised:
        await site.node.connect("127.0.0.1:1")
    assert raised.value.reason is Reason.PEER_UNREACHABLE
    assert "127.0.0.1:1" in raised.value.detail


async def test_connect_to_an_address_of_a_family_the_socket_lacks(network: Network) -> None:
    site = await network.site()
    with pytest.raises(SidecarError) as raised:
        await site.node.connect("[2001:db8::1]:7400")
    assert raised.value.reason is Reason.PEER_UNREACHABLE
    assert "[2001:db8::1]:7400" in raised.value.detail


async def test_wrong_peer_id_expected(network: Network, engine_name: str) -> None:
    site, other = await network.site(engine_name=engine_name), await network.site(engine_name=engine_name)
    expected = Identity.ephemeral().peer_id
    with pytest.raises(SidecarError) as raised:
        await site.node.connect(f"{expected}@{other.address}")
    assert raised.value.reason is Reason.IDENTITY_MISMATCH
    assert expected in raised.value.detail
    assert other.peer_id in raised.value.detail
    assert not site.node.links.linked
    assert not other.node.links.linked


async def test_dialling_oneself(network: Network, engine_name: str) -> None:
    site = await network.site(engine_name=engine_name)
    for target in (site.address, site.contact, site.peer_id):
        with pytest.raises(SidecarError) as raised:
            await site.node.connect(target)
        assert raised.value.reason is Reason.PEER_IS_SELF, target
    with pytest.raises(SidecarError) as raised:
        site.node.open_sender(site.peer_id, "", 1, site.send(Identity.ephemeral().peer_id))
    assert raised.value.reason is Reason.PEER_IS_SELF
    assert site.node.list_peers("", 10) == []


async def test_another_network(network: Network, engine_name: str) -> None:
    """Both sides learn why, and each has an event."""
    dialler = await network.site(engine_name=engine_name, network_id="one")
    acceptor = await network.site(engine_name=engine_name, network_id="purple")
    with pytest.raises(SidecarError) as raised:
        await dialler.node.connect(acceptor.address)
    assert raised.value.reason is Reason.PEER_REFUSED
    assert "network id 'one'" in raised.value.detail
    assert acceptor.address in raised.value.detail
    there = await acceptor.event(a(PeerRefused, by_peer=False))
    here = await dialler.event(a(PeerRefused, by_peer=True))
    assert isinstance(there, PeerRefused)
    assert isinstance(here, PeerRefused)
    assert "network id 'one'" in there.reason
    assert there.reason == here.reason
    assert there.address == dialler.address
    assert here.address == acceptor.address
    assert here.peer_id == acceptor.peer_id
    assert "purple" not in there.reason, "a stranger is not told the network's name"
    assert len(acceptor.events(PeerRefused)) == len(dialler.events(PeerRefused)) == 1


async def test_a_refused_peer_leaves_nothing_behind(network: Network) -> None:
    dialler, acceptor = await network.site(network_id="one"), await network.site(network_id="purple")
    with pytest.raises(SidecarError):
        await dialler.node.connect(acceptor.address)
    await acceptor.event(a(PeerRefused))
    for site in (dialler, acceptor):
        assert site.node.links.peers == {}
        assert site.node.list_peers("", 10) == []
        assert site.node.links._pumps == {}
        assert not site.node.links.dialler._outcomes


@pytest.mark.parametrize("engines", [("qh3", "qh3"), ("aioquic", "aioquic"), ("qh3", "aioquic")])
async def test_simultaneous_incoming_and_outgoing(network: Network, engines: tuple[str, str]) -> None:
    """Both dial at once, at all distances: one link, one event each, messages both ways."""
    for turn in range(18):
        first, second = await network.site(engine_name=engines[0]), await network.site(engine_name=engines[1])
        late = asyncio.ensure_future(first.node.connect(second.contact))
        await turns(turn)
        await asyncio.gather(late, second.node.connect(first.contact))
        await exchange(first, second)
        for site, other in ((first, second), (second, first)):
            assert links_of(site, other.peer_id) == 1
            assert site.events(PeerUnlinked) == []
            assert len(site.node.links.linked) == 1
        await first.node.stop()
        await second.node.stop()


async def test_simultaneous_by_address_alone(network: Network) -> None:
    """The same when neither knows whom it will find."""
    for turn in range(18):
        first, second = await network.site(), await network.site()
        early = asyncio.ensure_future(first.node.connect(second.address))
        again = asyncio.ensure_future(first.node.connect(second.address))
        await turns(turn)
        await asyncio.gather(early, again, second.node.connect(first.address))
        await exchange(first, second)
        for site, other in ((first, second), (second, first)):
            assert links_of(site, other.peer_id) == 1
            assert site.events(PeerUnlinked) == []
        await first.node.stop()
        await second.node.stop()


async def test_after_one_side_drops_a_redial_makes_a_new_link(network: Network, engine_name: str) -> None:
    first, second = await network.pair(engine_name=engine_name)
    assert await second.node.disconnect(first.peer_id, 5) == 0
    await first.event(a(PeerUnlinked, peer_id=second.peer_id))
    assert not first.node.links.linked
    assert not second.node.links.linked
    await first.join(second)
    await first.event(a(PeerLinked, peer_id=second.peer_id), 2)
    await exchange(first, second)


async def test_multiple_concurrent_connects_to_the_same_peer(network: Network, engine_name: str) -> None:
    """Two peers dial one; messages both ways on each."""
    one = await network.site(engine_name=engine_name)
    two = [await network.site(engine_name=engine_name) for _ in range(2)]
    await asyncio.gather(*(site.node.connect(one.address) for site in two))
    for site in two:
        await exchange(site, one, site.peer_id.encode())
    assert {event.peer_id for event in one.events(PeerLinked)} == {site.peer_id for site in two}


async def test_reuse(network: Network, engine_name: str) -> None:
    """A second connect to a linked peer returns the same link, whichever way it is named."""
    first, second = await network.pair(engine_name=engine_name)
    before = first.node.get_peer(second.peer_id)
    for target in (second.peer_id, second.contact, second.address):
        assert replace(await first.node.connect(target), rtt=None) == replace(before, rtt=None)
    assert second.accepted == 1
    assert links_of(first, second.peer_id) == 1


async def test_concurrent_connects_share_one_attempt(network: Network, engine_name: str) -> None:
    first, second = await network.site(engine_name=engine_name), await network.site(engine_name=engine_name)
    await asyncio.gather(*(first.node.connect(second.contact) for _ in range(20)))
    assert first.node.links.dialler.attempts == 1
    assert second.accepted == 1


async def test_a_cancelled_first_connect_does_not_fail_the_waiters(network: Network, engine_name: str) -> None:
    first, second = await network.site(engine_name=engine_name), await network.site(engine_name=engine_name)
    wire = await Wire.to(second)
    wire.cut()
    contact = f"{second.peer_id}@{wire.address}"
    waiters = [asyncio.ensure_future(first.node.connect(contact)) for _ in range(3)]
    await wire.until(lambda: wire.dropped > 0)
    waiters[0].cancel()
    wire.mend()
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [info.peer_id for info in results[1:] if not isinstance(info, BaseException)] == [second.peer_id] * 2
    wire.close()


async def test_failure_is_told_to_every_waiter(network: Network) -> None:
    """A stalled connect ends for all who wait for it, messages included."""
    site = await network.site(handshake_timeout=0.3)
    absent = Identity.ephemeral().peer_id
    contact = f"{absent}@127.0.0.1:1"
    waiters = [asyncio.ensure_future(site.node.connect(contact)) for _ in range(3)]
    await asyncio.sleep(0)
    sending = site.send(absent, "", [b"lost"] * 3)
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert all(isinstance(error, SidecarError) and error.reason is Reason.PEER_UNREACHABLE for error in results)
    await sending.all_settled()
    assert sending.failures == {Reason.PEER_UNREACHABLE: 3}
    assert "127.0.0.1:1" in sending.details[0]
    assert site.node.links.peers == {}


async def test_a_good_address_after_a_bad_one(network: Network) -> None:
    """A contact that is given while another is being dialled in vain is tried as well."""
    site, other = await network.site(), await network.site()
    site.waits(1.0)
    vain = asyncio.ensure_future(site.node.connect(f"{other.peer_id}@127.0.0.1:1"))
    await turns(5)
    assert site.node.links.dialler.attempts == 1
    site.waits()
    info = await site.node.connect(other.contact)
    assert info.state is PeerState.LINKED
    assert (await vain).peer_id == other.peer_id


async def test_client(network: Network, engine_name: str) -> None:
    """Hello and world; the acceptor goes; the next send reports the loss; a reconnect works."""
    client = await network.site(engine_name=engine_name, resume_timeout=0)
    server = await network.site(engine_name=engine_name)
    await client.join(server)
    reader, replies = server.read(), client.read()

    def answer(peer_id: str, payload: bytes) -> None:
        server.send(peer_id, "", [b"world"])

    reader.arrived = answer
    await client.send(server, "", [b"hello"]).all_delivered()
    assert await replies.has(1) == [b"world"]
    replies.close()
    await server.node.stop()
    await client.event(a(PeerUnlinked, peer_id=server.peer_id))
    client.waits(0.5)
    lost = client.send(server, "", [b"anybody?"])
    await lost.all_settled()
    assert lost.failures == {Reason.PEER_UNREACHABLE: 1}
    client.waits()
    again = await network.site(engine_name=engine_name, identity=server.node.identity, port=server.port)
    await client.node.connect(again.contact)
    await exchange(client, again)


async def test_keep_alive(network: Network, engine_name: str) -> None:
    """Without it an idle connection times out; with it a send after the same wait finds it alive."""
    silent = await network.site(engine_name=engine_name, idle_timeout=1, keep_alive=0)
    mute = await network.site(engine_name=engine_name, idle_timeout=1, keep_alive=0)
    lively = await network.site(engine_name=engine_name, idle_timeout=1, keep_alive=0.3)
    other = await network.site(engine_name=engine_name, idle_timeout=1, keep_alive=0.3)
    await lively.join(other)
    await silent.join(mute)
    changes = silent.node.peer_changes
    while silent.node.counters.connection_attempts["out", "ok"] == 1:
        await changes.wait(changes.revision)
    await exchange(lively, other)
    for site in (lively, other):
        assert site.accepted == 1
        assert site.events(PeerUnlinked) == []


async def test_whoever_is_linked_is_a_handshake_no_longer(network: Network) -> None:
    """More links from one subnet than may shake hands there at once."""
    middle = await network.site(subnet_handshake_limit=2)
    others = [await network.site() for _ in range(5)]
    for each in others:
        await each.join(middle)
    assert len(middle.node.links.linked) == len(others)


async def test_links_are_bounded(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers may not take more; peers of before, and whom an app asks for, are let in."""
    monkeypatch.setattr(links, "LINKS_MAX", 2)
    middle = await network.site()
    one, two, three, own = [await network.site(resume_timeout=30) for _ in range(4)]
    await one.join(middle)
    await two.join(middle)
    with pytest.raises(SidecarError) as raised:
        await three.node.connect(middle.contact)
    assert raised.value.reason is Reason.PEER_REFUSED
    assert "2 peers" in raised.value.detail
    refused = await middle.event(a(PeerRefused, peer_id=three.peer_id))
    assert isinstance(refused, PeerRefused)
    assert not refused.by_peer
    await middle.join(own)
    await one.node.links.dialler.reach([("127.0.0.1", middle.port)], middle.peer_id)
    assert set(middle.node.links.peers) == {one.peer_id, two.peer_id, own.peer_id}
    for gone in (one, own):
        await gone.node.disconnect(middle.peer_id, 5)
        await middle.event(a(PeerUnlinked, peer_id=gone.peer_id))
    await three.join(middle)


async def test_one_link_has_at_most_one_connection_each_way(network: Network) -> None:
    first, second = await network.pair()
    for _ in range(5):
        await first.node.links.dialler.reach([("127.0.0.1", second.port)], second.peer_id)
        await second.node.links.dialler.reach([("127.0.0.1", first.port)], first.peer_id)
    await exchange(first, second)
    for site, other in ((first, second), (second, first)):
        assert site.node.get_peer(other.peer_id).connections <= 2
        assert links_of(site, other.peer_id) == 1
