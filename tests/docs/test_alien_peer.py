"""A peer written from docs/protocol.md alone links to a real node and talks with it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.node import Node
from sidecar.overlay.contacts import Contacts
from sidecar.overlay.events import PeerLinked
from sidecar.settings import Settings
from sidecar.transport import engine
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine.base import EngineSettings
from sidecar.wire import ALPN
from sidecar.wire.batch import check_untrusted
from sidecar.wire.errors import Close
from tests.docs import alien_peer
from tests.docs.alien_peer import AlienPeer, Link, Refused, dial, entry, varint
from tests.docs.test_protocol_vectors import ACCEPTOR_LEAF, ACCEPTOR_NONCE, DIALLER_NONCE, documented

ENGINES = [
    "aioquic",
    pytest.param("qh3", marks=pytest.mark.skipif(engine.load("auto").name != "qh3", reason="qh3 is not installed")),
]
LARGE = bytes(range(256)) * 4096
"""1 MiB."""


@dataclass
class Outcomes:
    """What a sender learns."""

    delivered_count: int = 0
    failures: list[tuple[Reason, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def sent(self, first: int, count: int) -> None:
        """Handed to QUIC."""

    def delivered(self, first: int, count: int) -> None:
        """In the other inbox."""
        self.delivered_count += count
        self.changed.set()

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """Not there."""
        self.failures.append((reason, detail))
        self.changed.set()


class App:
    """What reads a channel of the node."""

    def __init__(self, node: Node, channel: str) -> None:
        self.batches: list[bytes] = []
        self._changed = asyncio.Event()
        self._subscription = node.subscribe(channel, self._changed.set)

    async def read(self, count: int) -> list[bytes]:
        """The next entries, so many of them."""
        while len(self.batches) < count:
            taken = self._subscription.take(1 << 24)
            for _, piece in taken:
                ends = check_untrusted(piece.batch, 1 << 24)
                self.batches += [piece.batch[start:end] for start, end in zip([0, *ends], ends, strict=False)]
            if not taken:
                await self._changed.wait()
                self._changed.clear()
        read, self.batches = self.batches[:count], self.batches[count:]
        return read


@asynccontextmanager
async def running_node(engine_name: str) -> AsyncIterator[tuple[Node, int]]:
    """A node on a free port of loopback, and the port."""
    settings = Settings.load({"ephemeral": True, "network_id": "test", "max_message_bytes": 4 << 20}, {})
    identity = Identity.ephemeral()
    node = Node(settings, identity, Contacts((), None))
    about = EngineSettings(
        alpn=ALPN, certificate_chain=(identity.certificate_der,), private_key_pem=identity.private_key_pem
    )
    endpoint = await Endpoint.open(("127.0.0.1", 0), engine.load(engine_name), about, node.links.accept)
    node.start(endpoint)
    try:
        yield node, endpoint.addresses[0][1]
    finally:
        await node.stop()


@asynccontextmanager
async def linked(engine_name: str, link: Link) -> AsyncIterator[tuple[Node, AlienPeer]]:
    """A node with the alien linked to it."""
    async with running_node(engine_name) as (node, port), dial("127.0.0.1", port, link) as peer:
        await peer.until(peer.welcomed)
        yield node, peer


def alien_id(link: Link) -> str:
    """The peer id of the alien's key."""
    return alien_peer.peer_id(alien_peer.public_key(link.key))


def test_it_makes_the_vectors() -> None:
    vectors = documented()
    values = (0, 63, 64, 16383, 16384, (1 << 30) - 1, 1 << 30, (1 << 62) - 1)
    assert " ".join(alien_peer.varint(value).hex() for value in values) == next(iter(vectors.values()))
    for spki, printed in (
        ("Ed25519 SubjectPublicKeyInfo", "its peer id"),
        ("P-256 SubjectPublicKeyInfo (of the private key 1)", "its peer id (P-256)"),
    ):
        assert alien_peer.peer_id(bytes.fromhex(vectors[spki])) == vectors[printed]
    hello = bytes.fromhex(vectors["body of the dialler's HELLO"])
    assert alien_peer.transcript(ACCEPTOR_LEAF, ACCEPTOR_NONCE, DIALLER_NONCE, hello).hex() == vectors["transcript"]


@pytest.mark.parametrize("engine_name", ENGINES)
async def test_it_sends(engine_name: str) -> None:
    link = Link()
    async with linked(engine_name, link) as (node, peer):
        app = App(node, "orders")
        channel = await peer.open_channel("orders")
        assert peer.credit[channel].subscribed
        peer.send(channel, [entry(b"one"), entry(b"two")])
        peer.send(channel, [entry(b"three")])
        await peer.send_bulk(channel, entry(LARGE))
        await peer.until(peer.all_acknowledged)
        read = await app.read(4)
        assert read[:3] == [entry(b"one"), entry(b"two"), entry(b"three")]
        assert hashlib.sha256(read[3]).digest() == hashlib.sha256(entry(LARGE)).digest()
        info = node.get_peer(alien_id(link))
        assert (info.agent, info.messages_received) == ("alien/1", 4)


@pytest.mark.parametrize("engine_name", ENGINES)
async def test_it_receives(engine_name: str) -> None:
    link = Link()
    async with linked(engine_name, link) as (node, peer):
        outcomes = Outcomes()
        data = entry(b"for the alien") + entry(b"")
        sender = node.open_sender(alien_id(link), "news", 1, outcomes)
        sender.offer(data, check_untrusted(data, 1 << 20))
        assert await link.inbox.get() == ("news", data)
        while outcomes.delivered_count < 2:
            await outcomes.changed.wait()
            outcomes.changed.clear()
        assert not outcomes.failures
        peer.send_ping()
        await peer.until(peer.pinged)
        assert await node.ping(alien_id(link)) > 0


@pytest.mark.parametrize("engine_name", ENGINES)
async def test_it_resumes_where_it_was_cut_off(engine_name: str) -> None:
    link = Link()
    async with running_node(engine_name) as (node, port):
        app = App(node, "")
        async with dial("127.0.0.1", port, link) as first:
            await first.until(first.welcomed)
            first.send(0, [entry(b"0"), entry(b"1"), entry(b"2")])
            await first.until(first.all_acknowledged)
            async with dial("127.0.0.1", port, link) as second:
                await second.until(second.welcomed)
                assert second.welcome is not None
                assert second.welcome.resume_epoch == link.epoch
                assert (await first.until_ended()).code == Close.REPLACED
                second.send(0, [entry(b"1"), entry(b"2"), entry(b"3")], first=1)
                await second.until(second.all_acknowledged)
                assert await app.read(4) == [entry(text) for text in (b"0", b"1", b"2", b"3")]


async def test_a_lane_is_opened_again() -> None:
    async with linked("aioquic", Link()) as (node, peer):
        app = App(node, "")
        peer.send(0, [entry(b"0"), entry(b"1")])
        await peer.until(peer.all_acknowledged)
        peer.send(0, [entry(b"1"), entry(b"2")], first=1)
        await peer.until(peer.all_acknowledged)
        assert await app.read(3) == [entry(b"0"), entry(b"1"), entry(b"2")]


async def test_a_new_epoch_begins_at_nothing() -> None:
    link = Link()
    async with running_node("aioquic") as (node, port):
        app = App(node, "")
        for text in (b"before", b"after"):
            async with dial("127.0.0.1", port, link) as peer:
                await peer.until(peer.welcomed)
                peer.send(0, [entry(text)])
                await peer.until(peer.all_acknowledged)
                assert await app.read(1) == [entry(text)]
            link = Link(key=link.key, instance=link.instance)


async def test_a_large_message_is_given_up() -> None:
    link = Link()
    async with linked("aioquic", link) as (node, peer):
        app = App(node, "")
        await peer.give_up_bulk(0, len(LARGE))
        await peer.until(peer.all_acknowledged)
        assert node.inbox.reserved == 0
        await peer.send_bulk(0, entry(LARGE))
        assert await app.read(1) == [entry(LARGE)]


class Silent(AlienPeer):
    """Says nothing of itself."""

    def introduce(self) -> None:
        """Not now."""


class Impostor(AlienPeer):
    """Shows its certificate and signs with another key."""

    def proof(self, signed: bytes) -> wire_pb2.Proof:
        """Not its own."""
        shown = super().proof(signed)
        shown.signature = Ed25519PrivateKey.generate().sign(signed)
        return shown


class Replaying(AlienPeer):
    """Signs as if this were another connection: another acceptor's certificate, or another nonce."""

    def proof(self, signed: bytes) -> wire_pb2.Proof:
        """Of another handshake."""
        return super().proof(signed[:40] + bytes([signed[40] ^ 1]) + signed[41:])


async def refusal(port: int, link: Link, *, alpn: str = "qp2p-sidecar/1", kind: type[AlienPeer] = AlienPeer) -> Refused:
    """How a dial ends that must not be welcomed."""
    async with dial("127.0.0.1", port, link, alpn=alpn, kind=kind) as peer:
        end = await peer.until_ended()
        assert peer.welcome is None
        return end


async def test_another_network_and_another_protocol_are_refused() -> None:
    async with running_node("aioquic") as (_, port):
        refused = await refusal(port, Link(network_id="elsewhere"))
        assert (refused.code, "elsewhere" in refused.reason) == (Close.NETWORK, True)
        with pytest.raises(ConnectionError):
            await refusal(port, Link(), alpn="qp2p-sidecar/0")


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("kind", [Impostor, Replaying])
async def test_a_proof_that_does_not_hold_is_refused(engine_name: str, kind: type[AlienPeer]) -> None:
    async with running_node(engine_name) as (node, port):
        assert (await refusal(port, Link(), kind=kind)).code == Close.PROOF
        assert not node.links.peers


async def test_messages_before_the_handshake_are_refused() -> None:
    async with running_node("aioquic") as (node, port), dial("127.0.0.1", port, Link(), kind=Silent) as peer:
        peer.send(0, [entry(b"too early")])
        assert (await peer.until_ended()).code == Close.MALFORMED
        assert node.inbox.messages == 0


@pytest.mark.parametrize("engine_name", ENGINES)
async def test_a_second_contradictory_hello_changes_nothing(engine_name: str) -> None:
    link = Link()
    async with linked(engine_name, link) as (node, peer):
        other = wire_pb2.Hello(version=9, nonce=bytes(32), network_id="elsewhere", instance=1, epoch=1)
        peer.say(alien_peer.HELLO, other)
        peer.say(alien_peer.PROOF, peer.proof(b"anything"))
        peer.send_ping()
        await peer.until(peer.pinged)
        linked_events = [each for each in node.events.after(node.instance, 0) if isinstance(each.event, PeerLinked)]
        assert len(linked_events) == 1
        assert node.get_peer(alien_id(link)).agent == "alien/1"


async def test_each_side_is_told_where_it_is_seen() -> None:
    async with linked("aioquic", Link()) as (node, peer):
        assert peer.welcome is not None
        transport: Any = peer._transport
        own = transport.get_extra_info("sockname")[1]
        assert peer.welcome.observed.rpartition(":")[2] == str(own)
        assert list(node.links.exchange.observed) == [peer.remote]


BEYOND = (1 << 62) - 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("too much", Close.CREDIT),
        ("bulk before its reservation", Close.CREDIT),
        ("unopened channel", Close.MALFORMED),
        ("no batch", Close.MALFORMED),
        ("another count", Close.MALFORMED),
        ("lane from beyond", Close.MALFORMED),
        ("frame that is declared endless", Close.MALFORMED),
        ("lane frame that is declared endless", Close.MALFORMED),
        ("bulk that is declared endless", Close.MALFORMED),
        ("second control stream", Close.MALFORMED),
        ("end of the control stream", Close.MALFORMED),
        ("frame that is no protobuf", Close.MALFORMED),
        ("acknowledgement of what was not sent", Close.MALFORMED),
        ("channel out of turn", Close.MALFORMED),
    ],
)
async def test_what_the_page_calls_an_error(bad: str, code: Close) -> None:
    async with linked("aioquic", Link()) as (node, peer):
        assert peer.control is not None
        match bad:
            case "too much":
                for _ in range(10):
                    peer.send(0, [entry(bytes(60_000))])
            case "bulk before its reservation":
                peer.write(peer.open(peer.bulk_header(0, 0, len(LARGE))), LARGE)
            case "unopened channel":
                peer.send(9, [entry(b"x")])
            case "no batch":
                peer.send(0, [b"\x0b\x00"])
            case "another count":
                peer.send(0, [entry(b"x") + entry(b"y")])
            case "lane from beyond":
                peer.send(0, [entry(b"x")], first=1)
            case "frame that is declared endless":
                peer.write(peer.control, varint(alien_peer.PING) + varint(BEYOND))
            case "lane frame that is declared endless":
                peer.open(b"".join(map(varint, (alien_peer.MESSAGES_STREAM, 0, 0, 0, 1, BEYOND))))
            case "bulk that is declared endless":
                peer.open(peer.bulk_header(0, 0, BEYOND))
            case "second control stream":
                peer.open(varint(alien_peer.CONTROL_STREAM))
            case "end of the control stream":
                peer.write(peer.control, b"", fin=True)
            case "frame that is no protobuf":
                peer.say(alien_peer.PING, b"\xff")
            case "acknowledgement of what was not sent":
                lanes = [wire_pb2.LaneReceived(lane=0, next=1)]
                peer.say(alien_peer.ACK, wire_pb2.Ack(received=wire_pb2.Received(lanes=lanes)))
            case "channel out of turn":
                peer.say(alien_peer.CHANNEL_OPEN, wire_pb2.ChannelOpen(channel=2, name="x"))
        assert (await peer.until_ended()).code == code
        assert not node.links.linked


async def test_what_is_unknown_is_skipped() -> None:
    async with linked("aioquic", Link()) as (_, peer):
        peer.say(0x1234, b"from a later version")
        ignored = peer.open(varint(0x4321) + b"a stream of one")
        peer.write(ignored, b"more of it", fin=True)
        peer.send_ping()
        await peer.until(peer.pinged)
