"""Nodes and clients: who is dialled back, with how many connections, and who is never dialled."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.overlay import admission, prober
from sidecar.overlay.events import PeerLinked, PeerRefused, PeerUnlinked, RoleChanged
from sidecar.overlay.peer import PeerState
from sidecar.wire.roles import Role
from tests.overlay.network import Network, Site, Wire, a


async def exchange(first: Site, second: Site, words: bytes = b"hello") -> None:
    """A message each way."""
    readers = first.read(), second.read()
    there, back = first.send(second, "", [words]), second.send(first, "", [words])
    await asyncio.gather(there.all_delivered(), back.all_delivered())
    for reader in readers:
        assert await reader.has(1) == [words]
        reader.close()


# nodes


async def test_node_to_node_is_two_connections_one_dialled_by_each(network: Network, engine_name: str) -> None:
    """Each carries its dialler's messages; there is one link, and one event on each side."""
    first, second = await network.pair(engine_name=engine_name)
    await first.takes(second)
    await second.takes(first)
    await exchange(first, second)
    for site, other in ((first, second), (second, first)):
        peer = site.node.links.peers[other.peer_id]
        assert sorted(session.dialled for session in peer.sessions) == [False, True]
        assert peer.carrier is not None
        assert peer.carrier.dialled
        assert [event.peer_id for event in site.events(PeerLinked)] == [other.peer_id]
        assert site.events(PeerUnlinked) == []
        assert [event.role for event in site.events(RoleChanged)] == [Role.NODE]
        assert other.peer_id in site.events(RoleChanged)[0].reason


async def test_two_sidecars_alone_are_checked_by_one(network: Network) -> None:
    first, second = await network.pair()
    await second.takes(first)
    assert second.node.get_peer(first.peer_id).checked_by == 1


@pytest.mark.parametrize("role", ["auto", "node"])
async def test_a_third_node_checks_too(network: Network, engine_name: str, role: str) -> None:
    """The newcomer visits it, which makes no link, and hands over what it has signed."""
    acceptor, third = await network.pair(engine_name=engine_name)
    await acceptor.takes(third)
    await third.takes(acceptor)
    newcomer = await network.site(engine_name=engine_name, role=role)
    await newcomer.join(acceptor)
    await acceptor.takes(newcomer)
    await acceptor.takes(newcomer, checked_by=2)
    assert set(third.node.links.peers) == {acceptor.peer_id}
    assert third.events(PeerRefused) == newcomer.events(PeerRefused) == acceptor.events(PeerRefused) == []
    await newcomer.becomes(Role.NODE)
    await exchange(newcomer, acceptor)


async def test_a_node_that_cannot_be_dialled_back_is_refused(
    network: Network, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides have the reason; what was sent meanwhile is reported, and reaches nobody."""
    monkeypatch.setattr(prober, "PROBE_TIMEOUT", 0.5)
    acceptor = await network.site(engine_name=engine_name)
    newcomer = await network.site(engine_name=engine_name, role="node", resume_timeout=0)
    wire = await Wire.to(acceptor)
    reader = acceptor.read()
    contact = f"{acceptor.peer_id}@{wire.address}"
    connecting = asyncio.ensure_future(newcomer.node.connect(contact))
    await asyncio.sleep(0)
    sent = newcomer.send(acceptor, "", [b"early"] * 3)
    with pytest.raises(SidecarError) as raised:
        await connecting
    assert raised.value.reason is Reason.PEER_REFUSED
    assert "cannot be dialled back" in raised.value.detail
    await sent.all_settled()
    assert sent.failures == {Reason.PEER_REFUSED: 3}
    there = await acceptor.event(a(PeerRefused, peer_id=newcomer.peer_id, by_peer=False))
    here = await newcomer.event(a(PeerRefused, peer_id=acceptor.peer_id, by_peer=True))
    assert isinstance(there, PeerRefused)
    assert isinstance(here, PeerRefused)
    assert there.reason == here.reason
    assert "dialled from another socket" in there.reason
    assert reader.count == 0
    assert acceptor.node.links.peers == {}
    assert newcomer.node.links.roles.standing.role is Role.CLIENT
    assert "cannot be dialled back" in newcomer.node.role_line()
    wire.close()


async def test_messages_queued_until_a_node_is_admitted_are_released(network: Network) -> None:
    acceptor, newcomer = await network.site(), await network.site(role="node")
    reader = acceptor.read()
    connecting = asyncio.ensure_future(newcomer.node.connect(acceptor.contact))
    await asyncio.sleep(0)
    sent = newcomer.send(acceptor, "", [b"early"] * 3)
    await connecting
    await sent.all_delivered()
    assert await reader.has(3) == [b"early"] * 3
    assert newcomer.accepted + newcomer.node.counters.connection_attempts["out", "ok"] >= 1


async def test_auto_that_cannot_be_dialled_back_stays_a_client(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says why, and messages go both ways on its one connection."""
    monkeypatch.setattr(prober, "PROBE_TIMEOUT", 0.3)
    acceptor, newcomer = await network.site(role="node"), await network.site()
    wire = await Wire.to(acceptor)
    await newcomer.node.connect(f"{acceptor.peer_id}@{wire.address}")
    await acceptor.takes(newcomer, Role.CLIENT, connections=1)
    await exchange(newcomer, acceptor)
    while "dialled from another socket" not in newcomer.node.role_line():
        await newcomer.node.ping(acceptor.peer_id)
    assert newcomer.node.role_line().startswith("client")
    assert acceptor.node.links.exchange.own_record() is not None
    assert acceptor.node.get_peer(newcomer.peer_id).addresses == []
    wire.close()


async def test_a_node_becomes_a_client_when_nobody_reaches_it(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a node again when somebody does; whoever is linked is told."""
    first, second = await network.pair()
    await second.takes(first)
    await first.takes(second)
    await first.becomes(Role.NODE)
    real = prober.Prober.probe

    async def deaf(self: prober.Prober, addresses: object, *_: object) -> list[prober.Tried]:
        return [prober.Tried("192.0.2.1:7400", "nobody answers")]

    monkeypatch.setattr(prober.Prober, "probe", deaf)
    first.node.links.roles.standing.check()
    event = await first.becomes(Role.CLIENT)
    assert "192.0.2.1:7400" in event.reason
    while second.node.get_peer(first.peer_id).role is not Role.CLIENT:
        await second.node.peer_changes.wait(second.node.peer_changes.revision)
    monkeypatch.setattr(prober.Prober, "probe", real)
    first.node.links.roles.standing.check()
    await first.becomes(Role.NODE, 2)


async def test_who_was_checked_by_one_is_checked_again(network: Network) -> None:
    first, second = await network.pair()
    await second.takes(first)
    third = await network.site()
    await third.join(second)
    await second.takes(third)
    assert second.node.get_peer(first.peer_id).checked_by == 1
    second.node.links.roles.admission.refresh()
    await second.takes(first, checked_by=2)


async def test_a_lost_second_connection_is_dialled_again(network: Network, engine_name: str) -> None:
    """By whoever dialled it; not a message is lost, and nobody is unlinked."""
    first, second = await network.pair(engine_name=engine_name)
    await second.takes(first)
    reader = second.read(keep=False)
    for turn in range(4):
        site, other = ((first, second), (second, first))[turn % 2]
        (lost,) = [each for each in site.node.links.peers[other.peer_id].sessions if each.dialled]
        sent = first.send(second, "", [b"x"] * 500)
        site.node.links.pump(lost)._connection.close(2, "cut")
        site.node.links.pump(lost)._write()
        await sent.all_delivered()
        changes = site.node.peer_changes
        while not any(each.dialled and each is not lost for each in site.node.links.peers[other.peer_id].sessions):
            await changes.wait(changes.revision)
        await first.takes(second)
        await second.takes(first)
    assert reader.count == 2000
    assert first.events(PeerUnlinked) == second.events(PeerUnlinked) == []


async def test_reverse_connections_pair_by_peer_id_and_nonce(network: Network) -> None:
    """A reverse connection that comes from elsewhere than the peer was dialled at belongs to its link all the same, and
    its dialler is not dialled back once more."""
    acceptor, newcomer = await network.site(), await network.site()
    wire = await Wire.to(acceptor)
    probes: list[str] = []
    real = newcomer.node.links.roles.prober.probe

    async def counted(addresses: object, peer_id: str, *rest: object) -> list[prober.Tried]:
        probes.append(peer_id)
        return await real(addresses, peer_id, *rest)  # type: ignore[arg-type]

    newcomer.node.links.roles.prober.probe = counted  # type: ignore[method-assign, assignment]
    await newcomer.node.connect(f"{acceptor.peer_id}@{wire.address}")
    link = acceptor.node.links.peers[newcomer.peer_id]
    await acceptor.node.links.dialler.reach(
        [("127.0.0.1", newcomer.port)], newcomer.peer_id, answers=link.sessions[0].peer_nonce
    )
    await newcomer.takes(acceptor)
    assert len(newcomer.events(PeerLinked)) == 1
    assert acceptor.peer_id not in probes[1:], "at most for the acceptor's own standing"
    wire.close()


# clients


async def test_client_uses_one_connection_both_ways(network: Network, engine_name: str) -> None:
    client = await network.site(engine_name=engine_name, role="client")
    node = await network.site(engine_name=engine_name)
    await client.join(node)
    await node.becomes(Role.NODE)
    await exchange(client, node, b"x" * 100_000)
    assert node.node.get_peer(client.peer_id).role is Role.CLIENT
    assert client.node.get_peer(node.peer_id).role is Role.NODE
    for site, other in ((client, node), (node, client)):
        assert site.node.get_peer(other.peer_id).connections == 1
    assert client.accepted == 0
    assert node.node.links.dialler.attempts == 0
    assert client.events(RoleChanged) == []
    assert client.node.role_line() == "client (as set)"


async def test_a_client_is_never_dialled(network: Network, engine_name: str) -> None:
    """Who is not linked to it learns that at once; whoever names its address, from itself."""
    client = await network.site(engine_name=engine_name, role="client")
    node = await network.site(engine_name=engine_name)
    await client.join(node)
    await client.node.disconnect(node.peer_id, 5)
    await node.event(a(PeerUnlinked, peer_id=client.peer_id))
    attempts = node.node.links.dialler.attempts
    with pytest.raises(SidecarError) as raised:
        await node.node.connect(client.peer_id)
    assert raised.value.reason is Reason.PEER_NOT_DIALABLE
    sent = node.send(client, "", [b"x"])
    await sent.all_settled()
    assert sent.failures == {Reason.PEER_NOT_DIALABLE: 1}
    assert node.node.links.dialler.attempts == attempts
    stranger = await network.site(engine_name=engine_name)
    with pytest.raises(SidecarError) as raised:
        await stranger.node.connect(client.contact)
    assert raised.value.reason is Reason.PEER_NOT_DIALABLE
    assert "client" in raised.value.detail
    await client.join(node)
    await exchange(client, node)


async def test_a_clients_loss_is_noticed(network: Network, engine_name: str) -> None:
    """By the node within the idle timeout, after which its messages are reported; and by the client's own next send."""
    client = await network.site(engine_name=engine_name, role="client", idle_timeout=1, resume_timeout=0.5)
    node = await network.site(engine_name=engine_name, idle_timeout=1, resume_timeout=0.5)
    wire = await Wire.to(node)
    await client.node.connect(f"{node.peer_id}@{wire.address}")
    await node.event(a(PeerLinked, peer_id=client.peer_id))
    wire.cut()
    sent, back = client.send(node, "", [b"anybody?"]), node.send(client, "", [b"hello?"])
    began = asyncio.get_running_loop().time()
    await node.event(a(PeerUnlinked, peer_id=client.peer_id))
    assert asyncio.get_running_loop().time() - began < 4
    await asyncio.gather(sent.all_settled(), back.all_settled())
    assert set(sent.reasons.values()) <= {Reason.OUTCOME_UNKNOWN, Reason.PEER_UNREACHABLE}
    assert set(back.reasons.values()) <= {Reason.OUTCOME_UNKNOWN, Reason.PEER_NOT_DIALABLE}
    wire.mend()
    await client.node.connect(f"{node.peer_id}@{wire.address}")
    await exchange(client, node)
    wire.close()


async def test_a_lost_client_resumes_by_itself(network: Network) -> None:
    """The node waits for it, and does not dial."""
    client, node = await network.site(role="client"), await network.site()
    await client.join(node)
    attempts = node.node.links.dialler.attempts
    (session,) = node.node.links.peers[client.peer_id].sessions
    sent = node.send(client, "", [b"x"] * 10)
    node.node.links.pump(session)._connection.close(2, "cut")
    node.node.links.pump(session)._write()
    reader = client.read()
    await sent.all_delivered()
    assert reader.payloads == [b"x"] * 10
    assert node.node.links.dialler.attempts == attempts
    assert node.events(PeerUnlinked) == []


async def test_peers_lists_nodes_only(network: Network) -> None:
    middle, client, node = await network.site(), await network.site(role="client"), await network.site()
    await client.join(middle)
    await node.join(middle)
    await middle.takes(node)
    asker = await network.site()
    await asker.join(middle)
    assert (await asker.node.connect(node.peer_id)).state is PeerState.LINKED
    with pytest.raises(SidecarError) as raised:
        await asker.node.connect(client.peer_id)
    assert raised.value.reason is Reason.PEER_UNKNOWN


async def test_a_restarted_client_may_become_a_node(network: Network) -> None:
    """What it was taken for is forgotten with its run."""
    node = await network.site()
    client = await network.site(role="client")
    await client.join(node)
    await node.takes(client, Role.CLIENT, connections=1)
    await client.crash()
    again = await network.site(identity=client.node.identity, port=client.port)
    await again.node.connect(node.contact)
    await node.takes(again)
    await exchange(node, again)


async def test_too_many_newcomers_at_once_are_told_to_come_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "CHECKS_MAX", 0)
    acceptor, newcomer = await network.site(), await network.site(role="node")
    with pytest.raises(SidecarError) as raised:
        await newcomer.node.connect(acceptor.contact)
    assert "come again" in raised.value.detail


async def test_a_reverse_connection_that_answers_nothing_is_refused(network: Network) -> None:
    """It comes late, when the connection it answers is gone: no link is made of it, and nobody is told of a refusal."""
    first, second = await network.nodes()
    with pytest.raises(SidecarError) as raised:
        await second.node.links.dialler.reach([("127.0.0.1", first.port)], first.peer_id, answers=bytes(32))
    assert raised.value.reason is Reason.PEER_REFUSED
    await exchange(first, second)
    assert first.events(PeerRefused) == second.events(PeerRefused) == []
    assert len(first.events(PeerLinked)) == len(second.events(PeerLinked)) == 1
