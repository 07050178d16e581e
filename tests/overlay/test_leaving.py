"""Links that are closed on purpose: what was accepted gets its outcome first."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.node import NodeState
from sidecar.overlay.events import PeerLinked, PeerRefused, PeerUnlinked, StateChanged
from sidecar.overlay.peer import Peer, PeerState
from tests.overlay.network import Network, Site, Wire, a, turns


async def unlinked(site: Site, other: Site) -> None:
    """The link is gone, told once."""
    await site.event(a(PeerUnlinked, peer_id=other.peer_id))
    assert site.node.links.state(other.peer_id) is PeerState.KNOWN
    assert len(site.events(PeerUnlinked)) == 1


async def test_disconnect_drains(network: Network, engine_name: str) -> None:
    """All that was queued is delivered first."""
    first, second = await network.pair(engine_name=engine_name)
    reader = second.read("x", keep=False)
    sending = first.send(second, "x", [bytes(10_000)] * 300).offer_large(bytes(2 << 20))
    assert await first.node.disconnect(second.peer_id, 20) == 0
    assert len(sending.was_delivered) == 301
    assert reader.count == 301
    for site, other in ((first, second), (second, first)):
        await unlinked(site, other)


async def test_disconnect_reports_what_is_not_acknowledged_in_time(network: Network) -> None:
    first, second = await network.pair()
    sending = first.send(second, "unread", [bytes(30_000)] * 200)
    lost = await first.node.disconnect(second.peer_id, 0.5)
    assert lost == len(sending.reasons) > 0
    assert sending.outcomes == 200
    assert set(sending.failures) <= {Reason.LINK_CLOSED, Reason.OUTCOME_UNKNOWN}
    for site, other in ((first, second), (second, first)):
        await unlinked(site, other)


async def test_disconnect_from_the_other_side_reports_what_was_not_sent(network: Network) -> None:
    first, second = await network.pair()
    sending = first.send(second, "unread", [bytes(30_000)] * 200)
    outbound = first.node.links.peers[second.peer_id].link.outbound
    await sending.until(lambda: len(sending.was_delivered) > 20 and not outbound.unacknowledged)
    assert await second.node.disconnect(first.peer_id, 5) == 0
    await sending.all_settled()
    assert sending.failures == {Reason.LINK_CLOSED: 200 - len(sending.was_delivered)}
    await unlinked(first, second)
    reader = second.read("unread", keep=False)
    await reader.has(len(sending.was_delivered))


async def test_both_disconnect_at_once(network: Network, engine_name: str) -> None:
    first, second = await network.pair(engine_name=engine_name)
    readers = first.read(), second.read()
    sendings = first.send(second, "", [b"x"] * 100), second.send(first, "", [b"x"] * 100)
    lost = await asyncio.gather(first.node.disconnect(second.peer_id, 10), second.node.disconnect(first.peer_id, 10))
    for site, other in ((first, second), (second, first)):
        await unlinked(site, other)
    for sending in sendings:
        assert sending.outcomes == 100
        assert set(sending.failures) <= {Reason.LINK_CLOSED}
    assert sum(lost) <= sum(len(sending.reasons) for sending in sendings)
    assert sum(reader.count for reader in readers) == sum(len(sending.was_delivered) for sending in sendings)


async def test_disconnect_counts_what_was_lost_with_the_connection(network: Network) -> None:
    first, second = await network.pair(idle_timeout=1, resume_timeout=1)
    sending = first.send(second, "unread", [bytes(30_000)] * 200)
    outbound = first.node.links.peers[second.peer_id].link.outbound
    await sending.until(lambda: len(sending.was_delivered) > 20 and not outbound.unacknowledged)
    leaving = asyncio.create_task(first.node.disconnect(second.peer_id, 20))
    await turns(3)
    await second.crash()
    assert await leaving == 200 - len(sending.was_delivered)


async def test_disconnect_of_a_peer_that_is_not_linked(network: Network) -> None:
    first, second = await network.pair()
    await first.node.disconnect(second.peer_id, 5)
    with pytest.raises(SidecarError) as raised:
        await first.node.disconnect(second.peer_id, 5)
    assert raised.value.reason is Reason.PEER_UNKNOWN


async def test_nothing_new_goes_to_a_link_that_is_being_closed(network: Network) -> None:
    first, second = await network.pair()
    first.send(second, "unread", [bytes(30_000)] * 200)
    leaving = asyncio.create_task(first.node.disconnect(second.peer_id, 1))
    await turns(1)
    late = first.send(second, "x", [b"late"])
    await late.all_settled()
    assert late.failures == {Reason.LINK_CLOSED: 1}
    await leaving
    reader = second.read("x")
    await first.send(second, "x", [b"anew"]).all_delivered()
    assert reader.payloads == [b"anew"]


async def test_drain_with_traffic(network: Network, engine_name: str) -> None:
    """What was accepted is delivered on every link; then nothing is taken, and strangers are refused."""
    middle = await network.site(engine_name=engine_name)
    others = [await network.site(engine_name=engine_name) for _ in range(3)]
    for other in others:
        await middle.join(other)
    readers = [other.read(keep=False) for other in others]
    sendings = [middle.send(other, "", [bytes(20_000)] * 100) for other in others]
    inward = middle.read(keep=False)
    towards = [other.send(middle, "", [b"x"] * 50) for other in others]
    assert await middle.node.drain(20) == 0
    assert middle.node.state is NodeState.STOPPING
    assert middle.node.stopped.is_set()
    assert [event.state for event in middle.events(StateChanged)] == ["draining", "stopping"]
    for sending, reader in zip(sendings, readers, strict=True):
        await sending.all_delivered()
        assert reader.count == 100
    for sending in towards:
        await sending.all_settled()
        assert set(sending.failures) <= {Reason.LINK_CLOSED}
    assert inward.count == sum(len(sending.was_delivered) for sending in towards)
    for verb in (lambda: middle.send(others[0]), lambda: middle.node.subscribe("", lambda: None)):
        with pytest.raises(SidecarError) as raised:
            verb()
        assert raised.value.reason is Reason.DRAINING
    await unlinked(others[0], middle)
    with pytest.raises(SidecarError) as raised:
        await others[0].node.connect(middle.contact)
    assert raised.value.reason is Reason.PEER_REFUSED
    assert "draining" in raised.value.detail
    assert await middle.node.drain(5) == 0


async def test_drain_gives_up_after_its_time(network: Network) -> None:
    first, second = await network.pair()
    sending = first.send(second, "unread", [bytes(30_000)] * 200)
    lost = await first.node.drain(0.5)
    assert lost == len(sending.reasons) > 0
    assert sending.outcomes == 200


async def test_drain_waits_for_a_link_that_is_being_made(network: Network) -> None:
    """Messages that were taken while connecting are delivered."""
    first, second = await network.site(), await network.site()
    wire = await Wire.to(second)
    wire.cut()
    first.node.links.directory.touch(second.peer_id).told = (("127.0.0.1", int(wire.address.rpartition(":")[2])),)
    reader = second.read()
    sending = first.send(second, "", [b"x"] * 10)
    await wire.until(lambda: wire.dropped > 0)
    draining = asyncio.create_task(first.node.drain(10))
    await turns(3)
    wire.mend()
    assert await draining == 0
    await sending.all_delivered()
    assert reader.count == 10
    wire.close()


@pytest.mark.parametrize("verb", ["drain", "disconnect"])
async def test_a_link_that_is_being_resumed_gets_its_outcomes(network: Network, verb: str) -> None:
    first, second = await network.site(idle_timeout=1), await network.site(idle_timeout=1)
    wire = await Wire.to(second)
    await first.node.connect(f"{second.peer_id}@{wire.address}")
    reader = second.read()
    wire.cut()
    first.waits(0.5)
    sending, late = first.send(second, "", [b"x"] * 10), first.send(second, "late")
    changes = first.node.peer_changes
    while first.node.links.state(second.peer_id) is not PeerState.RESUMING:
        await changes.wait(changes.revision)
    leaving = asyncio.create_task(
        first.node.drain(10) if verb == "drain" else first.node.disconnect(second.peer_id, 10)
    )
    await turns(3)
    late.offer([b"late"])
    await late.all_settled()
    assert late.failures == {Reason.DRAINING if verb == "drain" else Reason.LINK_CLOSED: 1}
    first.waits()
    wire.mend()
    assert await leaving == 0
    await sending.all_delivered()
    assert reader.count == 10
    wire.close()


async def test_disconnect_from_a_peer_that_cannot_be_reached(network: Network) -> None:
    """It waits as long as it may, and reports what is left; with nothing to wait for it does not."""
    first, second = await network.site(), await network.site()
    wire = await Wire.to(second)
    wire.cut()
    for count in (3, 0):
        dialling = asyncio.ensure_future(first.node.connect(f"{second.peer_id}@{wire.address}"))
        await turns(5)
        sending = first.send(second, "", [b"x"] * count)
        began = asyncio.get_running_loop().time()
        assert await first.node.disconnect(second.peer_id, 0.3 if count else 3600) == count
        assert asyncio.get_running_loop().time() - began >= 0.3 or not count
        await sending.all_settled()
        assert sending.failures == ({Reason.LINK_CLOSED: 3} if count else {})
        with pytest.raises(SidecarError) as raised:
            await dialling
        assert raised.value.reason is Reason.LINK_CLOSED
    assert not first.events(PeerLinked)
    assert not first.events(PeerUnlinked)
    wire.close()


async def test_a_dial_that_ends_while_draining(network: Network) -> None:
    """A stranger that is reached too late is let go in order."""
    first, second = await network.site(), await network.site()
    wire = await Wire.to(second)
    wire.cut()
    dialling = asyncio.ensure_future(first.node.connect(wire.address))
    await wire.until(lambda: wire.dropped > 0)
    await first.node.drain(1)
    wire.mend()
    with pytest.raises(SidecarError):
        await dialling
    assert first.events(PeerLinked) == []
    assert first.node.links.peers == {}
    assert second.events(PeerLinked) == []
    wire.close()


async def test_a_bug_in_leaving_one_link_does_not_keep_the_process(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await network.pair()
    third = await network.site()
    await first.join(third)
    leave = first.node.links.leave

    async def stumble(peer: Peer, why: str, timeout: float) -> int:
        if peer.peer_id == second.peer_id:
            raise RuntimeError("over a stone")
        return await leave(peer, why, timeout)

    monkeypatch.setattr(first.node.links, "leave", stumble)
    with pytest.raises(RuntimeError, match="over a stone"):
        await first.node.drain(20)
    assert first.node.stopped.is_set()
    await unlinked(third, first)


async def test_stop_reports_what_is_left(network: Network) -> None:
    first, second = await network.pair()
    sending = first.send(second, "unread", [bytes(30_000)] * 200)
    await first.node.stop()
    assert sending.outcomes == 200
    assert set(sending.failures) <= {Reason.LINK_CLOSED, Reason.OUTCOME_UNKNOWN}
    await unlinked(second, first)
    assert second.events(PeerRefused) == []


async def test_a_peer_that_stopped_is_not_dialled_again(network: Network) -> None:
    """Until somebody wants it, where it is not the way back into the network."""
    first, second = await network.pair()
    first.waits(0.3)
    first.node.cache.forget(second.peer_id)
    await second.node.stop()
    await unlinked(first, second)
    attempts = first.node.links.dialler.attempts
    sending = first.send(second, "", [b"x"])
    await sending.all_settled()
    assert sending.failures == {Reason.PEER_UNREACHABLE: 1}
    assert first.node.links.dialler.attempts == attempts + 1
