"""What happens to messages when connections, links and peers are lost: delivered, or reported with the reason."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.overlay import resuming
from sidecar.overlay.events import Event, InstanceConflict, MessagesLost, PeerLinked, PeerRefused, PeerUnlinked
from sidecar.overlay.peer import PeerState
from sidecar.wire.errors import Close
from tests.overlay.network import Network, Reading, Sending, Site, Wire, a, turns

pytestmark = pytest.mark.slow


def payloads(count: int, size: int = 500) -> list[bytes]:
    """Messages that tell their number."""
    return [b"%08d" % number + bytes(size) for number in range(count)]


def numbers(reading: Reading) -> list[int]:
    """Those of the messages that came, in order."""
    return [int(payload[:8]) for payload in reading.payloads]


def kill(site: Site, peer_id: str) -> None:
    """Ends a site's newest connection to a peer by a fault."""
    site.node.links.peers[peer_id].sessions[-1].close(Close.INTERNAL, "killed by the test")


async def linked_again(site: Site, other: Site, count: int = 2) -> None:
    """Returns once the site has told so many times that it was linked to the other."""
    await site.event(a(PeerLinked, peer_id=other.peer_id), count)


@pytest.mark.parametrize("dials", ["restarted", "survivor"])
async def test_restart(network: Network, engine_name: str, dials: str) -> None:
    """A peer restarted on the same port with the same key is linked again at once, whoever notices. What was sent and
    not acknowledged is reported, what waited is delivered, and nothing is silent."""
    first, second = await network.pair(engine_name=engine_name, idle_timeout=60, keep_alive=20)
    sending = first.send(second, "x", payloads(400, 30_000))  # more than nobody's window there
    before = await window_filled(first, second, sending)
    await second.crash()
    sending.offer([b"into the dark"])
    bootstrap = [first.contact] if dials == "restarted" else []
    again = await network.site(
        engine_name=engine_name, identity=second.node.identity, port=second.port, bootstrap=bootstrap
    )
    began = asyncio.get_running_loop().time()
    reader = again.read("x")
    await linked_again(first, again)
    assert asyncio.get_running_loop().time() - began < 10, "well under the idle timeout"
    await sending.all_settled()
    assert sending.failures.keys() <= {Reason.OUTCOME_UNKNOWN}
    unknown = set(sending.reasons)
    assert reader.count == len(sending.was_delivered - before)
    assert len(sending.was_delivered) + len(unknown) == 401
    assert unknown.isdisjoint(range(300, 400)), "what had not been sent was delivered"
    if unknown:
        await first.event(a(MessagesLost, reason=Reason.OUTCOME_UNKNOWN, count=len(unknown)))
    assert first.events(PeerUnlinked) == []


async def test_a_restarted_peer_says_so_itself(
    network: Network, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stateless reset ends the connection that the restarted sidecar does not know: nobody waits for silence, and the
    restarted one dials nobody."""
    monkeypatch.setattr(resuming, "SILENCE", 1000.0)
    first = await network.site(engine_name=engine_name, idle_timeout=60, keep_alive=20, role="client")
    second = await network.site(engine_name=engine_name, idle_timeout=60, keep_alive=20)
    await first.join(second)
    await second.crash()
    again = await network.site(engine_name=engine_name, identity=second.node.identity, port=second.port)
    reader = again.read("x")
    sending = first.send(second, "x", [b"are you there?"])
    await linked_again(first, again)
    await sending.all_settled()
    assert sending.failures.keys() <= {Reason.OUTCOME_UNKNOWN}
    await first.send(second, "x", [b"now you are"]).all_delivered()
    assert reader.payloads[-1] == b"now you are"
    assert again.node.endpoint.counters.resets >= 1
    assert again.node.links.dialler.attempts == 0


async def window_filled(site: Site, other: Site, sending: Sending) -> set[int]:
    """The messages whose delivery is known, once no more can be sent."""
    outbound = site.node.links.peers[other.peer_id].link.outbound
    await sending.until(lambda: len(sending.was_delivered) > 20 and not outbound.unacknowledged)
    return set(sending.was_delivered)


async def test_restart_while_messages_flow(network: Network, engine_name: str) -> None:
    """Small ones and large ones, both ways."""
    first, second = await network.pair(engine_name=engine_name)
    reader = second.read("x", keep=False)
    sending = first.send(second, "x")
    stop = False

    async def flow() -> None:
        number = 0
        while not stop:
            await sending.room()
            sending.offer([b"%08d" % number])
            if number % 100 == 0:
                sending.offer_large(bytes(300_000))
            number += 1
            await asyncio.sleep(0)

    flowing = asyncio.create_task(flow())
    await reader.has(500)
    await second.crash()
    again = await network.site(
        engine_name=engine_name, identity=second.node.identity, port=second.port, bootstrap=[first.contact]
    )
    after = again.read("x", keep=False)
    await after.has(500)
    stop = True
    await flowing
    await sending.all_settled()
    assert sending.failures.keys() <= {Reason.OUTCOME_UNKNOWN}
    assert len(sending.was_delivered) <= reader.count + after.count <= sending.sender.offered
    await second.node.stop()


@pytest.mark.timeout(600)
async def test_a_killed_connection_is_resumed(network: Network, engine_name: str) -> None:
    """Nothing is lost and nothing comes twice, however often and on whichever side."""
    first, second = await network.pair(engine_name=engine_name)
    readers = second.read("x"), first.read("x")
    sendings = first.send(second, "x"), second.send(first, "x")
    dice = random.Random(7)
    total = 3000
    for number in range(total):
        for sending in sendings:
            sending.offer([b"%08d" % number + bytes(dice.choice((10, 1000, 60_000)))])
        if number % 500 == 250:
            for sending in sendings:
                sending.offer_large(b"%08d" % (total + number), bytes(1 << 20))
            await turns(dice.randrange(30))
            for site, other in ((first, second), (second, first)):
                if dice.random() < 0.7 and site.node.links.state(other.peer_id) is PeerState.LINKED:
                    kill(site, other.peer_id)
            await turns(dice.randrange(30))
        for sending in sendings:
            await sending.room()
    for sending, reader in zip(sendings, readers, strict=True):
        await sending.all_delivered()
        small = [number for number in numbers(reader) if number < total]
        assert small == list(range(total))
        assert Counter(numbers(reader)).most_common(1)[0][1] == 1
        assert reader.count == total + total // 500
    for site, other in ((first, second), (second, first)):
        assert [event.peer_id for event in site.events(PeerLinked)] == [other.peer_id]
        assert site.events(PeerUnlinked) == []
        assert site.events(MessagesLost) == []
        assert site.node.endpoint.counters.handshakes > 3


async def test_a_cable_that_is_cut_and_mended(network: Network, engine_name: str) -> None:
    """The connection times out, the link does not: it goes on where it was."""
    first = await network.site(engine_name=engine_name, idle_timeout=1)
    second = await network.site(engine_name=engine_name, idle_timeout=1)
    wire = await Wire.to(second)
    await first.node.connect(f"{second.peer_id}@{wire.address}")
    for site in (first, second):
        site.waits(0.5)
    readers = second.read("x"), first.read("x")
    sendings = first.send(second, "x", payloads(50)), second.send(first, "x", payloads(50))
    for sending in sendings:
        await sending.all_delivered()
    wire.cut()
    for sending in sendings:
        sending.offer(payloads(100)[50:])
    changes = first.node.peer_changes
    while first.node.links.state(second.peer_id) is not PeerState.RESUMING:
        await changes.wait(changes.revision)
    for site in (first, second):
        site.waits()
    wire.mend()
    for sending, reader in zip(sendings, readers, strict=True):
        await sending.all_delivered()
        assert numbers(reader) == list(range(100))
    assert len(first.events(PeerLinked)) == len(second.events(PeerLinked)) == 1
    wire.close()


async def test_a_link_that_cannot_be_resumed_is_given_up(network: Network, engine_name: str) -> None:
    """What was sent has no known outcome, what waited was not received; both are told."""
    first, second = await network.pair(engine_name=engine_name, idle_timeout=1, resume_timeout=0.5)
    first.waits(0.3)
    wanted = first.send(second, "unread", payloads(200, 30_000))
    await window_filled(first, second, wanted)
    await second.crash()
    fresh = first.send(second, "other", [b"sent into the dark"])
    await first.event(a(PeerUnlinked, peer_id=second.peer_id))
    await wanted.all_settled()
    await fresh.all_settled()
    assert wanted.failures == {Reason.PEER_UNREACHABLE: 200 - len(wanted.was_delivered)}
    assert fresh.outcomes == 1
    assert fresh.failures.keys() <= {Reason.OUTCOME_UNKNOWN, Reason.PEER_UNREACHABLE}
    assert first.node.links.peers == {}
    info = first.node.get_peer(second.peer_id)
    assert info.state is PeerState.KNOWN
    assert info.queued_bytes == 0


async def test_a_connection_lost_before_the_dial_has_ended(network: Network) -> None:
    """The link is resumed all the same."""
    first, second = await network.site(), await network.site()
    tell = first.node.links.tell
    killed: list[Event] = []

    def kill_at_once(event: Event) -> None:
        tell(event)
        if isinstance(event, PeerLinked) and not killed:
            killed.append(event)
            kill(first, second.peer_id)
            pump = first.node.links.pump(first.node.links.peers[second.peer_id].sessions[-1])
            asyncio.get_running_loop().call_soon(pump.work, pump._endpoint.now())

    first.node.links.tell = kill_at_once
    second.node.links.resuming._dial = lambda peer: None  # type: ignore[method-assign]
    reader = second.read()
    await first.node.connect(second.contact)
    await first.send(second, "", [b"hello"]).all_delivered()
    assert killed
    assert reader.payloads == [b"hello"]


async def test_an_idle_link_whose_ping_is_not_answered_is_doubted(network: Network, engine_name: str) -> None:
    """A dead path is noticed by what is not heard: who dialled dials beside it long before the idle timeout."""
    first = await network.site(engine_name=engine_name, idle_timeout=60, keep_alive=0.3)
    second = await network.site(engine_name=engine_name, idle_timeout=60, keep_alive=0)
    wire = await Wire.to(second)
    await first.node.connect(f"{second.peer_id}@{wire.address}")
    wire.cut()
    attempts = first.node.links.dialler.attempts
    while first.node.links.dialler.attempts == attempts:  # what is dropped is what tells
        dropped = wire.dropped
        await wire.until(lambda past=dropped: wire.dropped > past)  # type: ignore[misc]
    wire.mend()
    reader = second.read()
    await first.send(second, "", [b"still linked"]).all_delivered()
    assert reader.payloads == [b"still linked"]
    assert len(first.events(PeerLinked)) == 1
    assert first.events(PeerUnlinked) == []
    wire.close()


async def test_a_quiet_link_is_not_doubted(network: Network) -> None:
    """A large message that waits for a reader is no sign of death: no connection is made anew for it."""
    first = await network.site(idle_timeout=60, keep_alive=20, role="client")
    second = await network.site(idle_timeout=60, keep_alive=20)
    await first.join(second)
    stuck = first.send(second, "unread").offer_large(bytes(8 << 20))
    links = first.node.links
    session = links.peers[second.peer_id].sessions[-1]
    while not stuck.sender.starved:
        await links.ping(links.peers[second.peer_id])
    for _ in range(6):
        # As if so much time had passed since the last packet.
        links.pump(session)._heard_at -= 3
        links.resuming._look()
        await links.ping(links.peers[second.peer_id])
        await turns(20)
    assert links.dialler.attempts == 1
    assert links.peers[second.peer_id].sessions == [session]
    assert second.accepted == 1
    second.read("unread")
    await stuck.all_delivered()


async def test_a_hello_that_breaks_a_rule_leaves_the_link_usable(network: Network) -> None:
    """Another instance of a linked peer comes with a record that is not its own: it is refused, and the peer's link is
    resumed."""
    first, second = await network.pair()
    hostile = await network.site(identity=second.node.identity)
    other = await network.site()
    await other.join(first)
    foreign = other.node.links.exchange.own_record()
    assert foreign is not None
    hostile.node.links.exchange.own_record = lambda: foreign  # type: ignore[method-assign]
    with pytest.raises(SidecarError):
        await hostile.node.connect(first.contact)
    await first.event(a(PeerRefused, by_peer=False))
    for peer in first.node.links.linked:
        assert peer.sessions, "linked means that there is a connection"
    first.node.links.resuming._look()
    reader = second.read()
    sending = first.send(second)
    while not sending.was_delivered:  # both may be dialling, and then the later connection begins the link anew
        sending.offer([b"still there"])
        await sending.all_settled()
    assert sending.failures.keys() <= {Reason.OUTCOME_UNKNOWN}
    assert sending.sender.offered < 4
    assert b"still there" in reader.payloads


async def test_instance_conflict(network: Network) -> None:
    """Two sidecars with one key take turns: an event says so, and they do not do it as fast as they can."""
    first, second = await network.pair()
    twin = await network.site(identity=second.node.identity)
    await twin.node.connect(first.contact)
    event = await first.event(a(InstanceConflict, peer_id=second.peer_id))
    assert isinstance(event, InstanceConflict)
    assert event.address in {second.address, twin.address}
    began = asyncio.get_running_loop().time()
    handshakes = first.node.endpoint.counters.handshakes
    await first.event(a(InstanceConflict), 2)
    passed = asyncio.get_running_loop().time() - began
    assert first.node.endpoint.counters.handshakes - handshakes <= 5 + 10 * passed


async def test_twins_rest_longer_each_time(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits before it takes the link back, twice as long as the last time; its messages wait with it."""
    monkeypatch.setattr(resuming, "REST", 0.1)
    first, second = await network.pair(resume_timeout=0)
    twin = await network.site(identity=second.node.identity, resume_timeout=0)
    began = asyncio.get_running_loop().time()
    await twin.node.connect(first.contact)
    await first.event(a(InstanceConflict), 6)
    passed = asyncio.get_running_loop().time() - began
    assert passed > 0.67 * 2 * (0.1 + 0.2 + 0.4)
    assert second.events(PeerUnlinked) == twin.events(PeerUnlinked) == []


async def test_a_peer_that_closes_every_connection_is_not_dialled_as_fast_as_it_can_be(network: Network) -> None:
    first, second = await network.pair()
    began = asyncio.get_running_loop().time()
    second.node.links.tell = lambda event: None
    count = 0
    while count < 5:
        changes = second.node.peer_changes
        if second.node.links.state(first.peer_id) is PeerState.LINKED:
            kill(second, first.peer_id)
            count += 1
        await changes.wait(changes.revision)
    passed = asyncio.get_running_loop().time() - began
    assert second.node.endpoint.counters.handshakes <= 4 + 10 * passed
