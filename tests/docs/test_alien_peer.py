"""A peer written from docs/protocol.md alone links to a real node and talks with it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sidecar.errors import Reason
from sidecar.identity import Identity
from sidecar.node import Node
from sidecar.overlay.contacts import Contacts
from sidecar.settings import Settings
from sidecar.transport import engine
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine.base import EngineSettings
from sidecar.wire import ALPN
from sidecar.wire.batch import check_untrusted
from sidecar.wire.errors import Close
from tests.docs import alien_peer
from tests.docs.alien_peer import AlienPeer, Link, Refused, dial, entry
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


async def refusal(port: int, link: Link, *, alpn: str = "qp2p-sidecar/1") -> Refused:
    """How a dial ends that must not be welcomed."""
    async with dial("127.0.0.1", port, link, alpn=alpn) as peer:
        end = await peer.until_ended()
        assert peer.welcome is None
        return end


async def test_refusals() -> None:
    async with running_node("aioquic") as (_, port):
        refused = await refusal(port, Link(network_id="elsewhere"))
        assert (refused.code, "elsewhere" in refused.reason) == (Close.NETWORK, True)
        with pytest.raises(ConnectionError):
            await refusal(port, Link(), alpn="qp2p-sidecar/0")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("too much", Close.CREDIT),
        ("bulk before its reservation", Close.CREDIT),
        ("unopened channel", Close.MALFORMED),
        ("no batch", Close.MALFORMED),
        ("lane from beyond", Close.MALFORMED),
    ],
)
async def test_what_the_page_calls_an_error(bad: str, code: Close) -> None:
    async with linked("aioquic", Link()) as (_, peer):
        match bad:
            case "too much":
                for _ in range(10):
                    peer.send(0, [entry(bytes(60_000))])
            case "bulk before its reservation":
                peer.credit.clear()
                peer.link.next_bulk = 1
                peer._write(peer._open(peer._bulk_header(0, 0, len(LARGE))), LARGE)
            case "unopened channel":
                peer.send(9, [entry(b"x")])
            case "no batch":
                peer.send(0, [b"\x0b\x00"])
            case "lane from beyond":
                peer.send(0, [entry(b"x")], first=1)
        assert (await peer.until_ended()).code == code
