"""Nodes of one process over loopback: real sockets, real QUIC, and what a test sees of them.

    a, b = await network.node(), await network.node()
    await a.join(b)
    reader = b.read("x")
    sent = a.send(b, "x", [b"one", b"two"])
    await sent.all_delivered()

Nothing waits for time: every wait is for an event, and the test's own timeout bounds it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from sidecar.errors import Reason
from sidecar.gen.overlay.v1 import message_pb2
from sidecar.identity import Identity
from sidecar.mail.journal import Journal
from sidecar.node import Node
from sidecar.overlay.cache import Cache
from sidecar.overlay.cache_file import CacheFile
from sidecar.overlay.contacts import Contacts
from sidecar.overlay.events import Event, PeerLinked, RoleChanged
from sidecar.overlay.peer_info import PeerInfo
from sidecar.overlay.sender import Sender
from sidecar.settings import Settings
from sidecar.transport import engine
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine.base import EngineSettings
from sidecar.trust import Trust
from sidecar.wire import ALPN, batch
from sidecar.wire.roles import Role
from sidecar.wire.run import Sink

READ_BYTES = 1 << 20
NORMAL = 1

Kind = TypeVar("Kind", bound=Event)


def entry(payload: bytes, message_id: str = "") -> bytes:
    """One message as a batch."""
    return b"".join(batch.large_entry(message_id, {}, [payload]))


async def turns(count: int) -> None:
    """Lets everything else have so many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


class Waiter:
    """Something that is noticed: `until` a condition holds."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notice(self) -> None:
        """Something has changed."""
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once the condition holds; it is looked at after each `notice`."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()


class Sending(Waiter, Sink):
    """One caller's messages to one peer and channel, and what became of each by its number."""

    def __init__(self, node: Node, peer_id: str, channel: str, priority: int, token: str = "") -> None:
        super().__init__()
        self.sender: Sender = node.open_sender(peer_id, channel, priority, self, token)
        self.limit = node.settings.max_message_bytes
        self.was_sent: set[int] = set()
        self.was_delivered: set[int] = set()
        self.reasons: dict[int, Reason] = {}
        self.details: list[str] = []

    # what is sent

    def offer(self, payloads: Iterable[bytes]) -> Sending:
        """Small messages, as one batch."""
        data = b"".join(entry(payload) for payload in payloads)
        self.sender.offer(data, batch.check_untrusted(data, self.limit))
        return self

    def offer_large(self, *parts: bytes) -> Sending:
        """One message in parts."""
        self.sender.offer_large("", {}, list(parts))
        return self

    async def room(self) -> None:
        """Returns once the queue has room."""
        while self.sender.full:
            there = asyncio.Event()
            self.sender.want_room(there.set)
            await there.wait()

    # what became of it

    @property
    def outcomes(self) -> int:
        """Messages that have an outcome."""
        return len(self.was_delivered) + len(self.reasons)

    @property
    def failures(self) -> Counter[Reason]:
        """How many failed, by reason."""
        return Counter(self.reasons.values())

    async def all_settled(self) -> None:
        """Returns once every message has its outcome, and who reads there has had the turns to take it: what is
        delivered is in the inbox."""
        await self.until(lambda: self.outcomes >= self.sender.offered)
        await turns(5)

    async def all_delivered(self) -> None:
        """Returns once every message is delivered; fails when one has another outcome."""
        await self.until(lambda: self.outcomes >= self.sender.offered or bool(self.reasons))
        assert not self.reasons, f"{self.failures}: {self.details[0]}"
        await turns(5)

    # Sink

    def sent(self, first: int, count: int) -> None:
        """See Sink."""
        self.was_sent.update(range(first, first + count))
        self.notice()

    def delivered(self, first: int, count: int) -> None:
        """See Sink."""
        numbers = range(first, first + count)
        assert not self.was_delivered.intersection(numbers), "an outcome was told twice"
        assert not self.reasons.keys() & set(numbers), "an outcome was told twice"
        self.was_delivered.update(numbers)
        self.notice()

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """See Sink."""
        numbers = range(first, first + count)
        assert not self.was_delivered.intersection(numbers), "an outcome was told twice"
        assert not self.reasons.keys() & set(numbers), "an outcome was told twice"
        self.reasons.update(dict.fromkeys(numbers, reason))
        self.details.append(detail)
        self.notice()


class Reading(Waiter):
    """An app that reads a channel: payloads in order of arrival, each with who sent it."""

    def __init__(self, node: Node, channel: str, *, keep: bool = True) -> None:
        super().__init__()
        self.messages: list[tuple[str, bytes]] = []
        self.count = 0
        self.bytes = 0
        self._keep = keep
        self.arrived: Callable[[str, bytes], None] = lambda peer_id, payload: None
        """Called with each message."""
        self.subscription = node.subscribe(channel, self._wake)

    @property
    def payloads(self) -> list[bytes]:
        """What came, in order."""
        return [payload for _, payload in self.messages]

    def close(self) -> None:
        """The app goes, having read all it was given."""
        self.subscription.close(written=True)

    async def has(self, count: int) -> list[bytes]:
        """Returns once `count` messages have come."""
        await self.until(lambda: self.count >= count)
        return self.payloads

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._take)

    def _take(self) -> None:
        while taken := self.subscription.take(READ_BYTES):
            for _, piece in taken:
                self.count += piece.count
                self.bytes += len(piece.batch)
                if self._keep:
                    peer_id = piece.arrival.inbound.peer_id
                    for message in message_pb2.SendStreamRequest.FromString(piece.batch).messages:
                        self.messages.append((peer_id, message.payload))
                        self.arrived(peer_id, message.payload)
        self.notice()


class Site:
    """A node with its socket, as a test handles it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.peer_id = node.identity.peer_id
        self.address = node.listen_addresses()[0]
        """Its socket, host:port."""
        self.port = node.endpoint.addresses[0][1]

    def __repr__(self) -> str:
        return f"<site {self.peer_id[:8]} at {self.address}>"

    @property
    def contact(self) -> str:
        """Its contact with the peer id."""
        return f"{self.peer_id}@{self.address}"

    @property
    def accepted(self) -> int:
        """Connections it has welcomed; probes are none."""
        return self.node.counters.connection_attempts["in", "ok"]

    async def join(self, other: Site) -> PeerInfo:
        """Links to another, which knows it too when this returns."""
        info = await self.node.connect(other.contact)
        await other.event(a(PeerLinked, peer_id=self.peer_id))
        return info

    def send(
        self, other: Site | str, channel: str = "", payloads: Iterable[bytes] = (), *, priority: int = NORMAL
    ) -> Sending:
        """A sender, and messages given to it."""
        sending = Sending(self.node, other if isinstance(other, str) else other.peer_id, channel, priority)
        payloads = list(payloads)
        return sending.offer(payloads) if payloads else sending

    def read(self, channel: str = "", *, keep: bool = True) -> Reading:
        """An app that reads a channel."""
        return Reading(self.node, channel, keep=keep)

    # roles

    async def takes(
        self, other: Site, role: Role = Role.NODE, *, connections: int = 2, checked_by: int | None = None
    ) -> None:
        """Returns once it takes another for this, and has so many connections with it."""
        changes = self.node.peer_changes
        while True:
            revision = changes.revision
            info = self.node.find_peer(other.peer_id)
            if (
                info is not None
                and (info.role, info.connections) == (role, connections)
                and checked_by in (None, info.checked_by)
            ):
                return
            await changes.wait(revision)

    async def becomes(self, role: Role, count: int = 1) -> RoleChanged:
        """Its `count`th change to a role."""
        event = await self.event(a(RoleChanged, role=role), count)
        assert isinstance(event, RoleChanged)
        return event

    # patience

    def waits(self, seconds: float = 5.0) -> None:
        """From now on it waits so long for whoever it dials and whoever dials it. Little of it only while nobody who
        could answer is dialled: a busy machine may take a second for a handshake."""
        links = self.node.links
        links.dialler._timeout = links._handshake_timeout = self.node.endpoint.handshake_timeout = seconds

    # events

    def events(self, kind: type[Kind]) -> list[Kind]:
        """The events of a kind so far."""
        history = self.node.events
        return [each.event for each in history.after(history.instance, 0) if isinstance(each.event, kind)]

    async def event(self, wanted: Callable[[Event], bool], count: int = 1) -> Event:
        """The `count`th event that is wanted, past ones included."""
        history = self.node.events
        seen = 0
        revision = 0
        while True:
            for each in history.after(history.instance, revision):
                revision += 1
                if wanted(each.event):
                    seen += 1
                    if seen == count:
                        return each.event
            await history.wait(revision)

    # ends

    async def crash(self) -> None:
        """Ends as kill -9 ends a process: not a packet more."""
        self.node.endpoint._pumps.clear()
        self.node.endpoint.close()
        await self.node.stop()


def a(kind: type[Event], **fields: Any) -> Callable[[Event], bool]:
    """Wanted: an event of this kind with these fields."""
    return lambda event: isinstance(event, kind) and all(getattr(event, name) == fields[name] for name in fields)


class Network:
    """The sites of one test."""

    def __init__(self) -> None:
        self.sites: list[Site] = []

    async def site(
        self,
        *,
        engine_name: str = "auto",
        identity: Identity | None = None,
        port: int = 0,
        directory: Path | None = None,
        handshake_timeout: float = 5.0,
        subnet_handshake_limit: int = 128,
        trust: Trust | None = None,
        **settings: Any,
    ) -> Site:
        """A node that runs."""
        chosen = Settings.load(
            {"ephemeral": True, "udp_port": port, "udp_host": "127.0.0.1", "network_id": "test", "min_links": 1}
            | settings,
            {},
        )
        identity = identity or Identity.ephemeral()
        cache = Cache(None if directory is None else CacheFile(directory))
        journal = Journal(directory, chosen.journal_bytes)
        node = Node(chosen, identity, Contacts(chosen.bootstrap, directory), trust, cache, journal)
        node.links.dialler._timeout = node.links._handshake_timeout = handshake_timeout
        endpoint = await Endpoint.open(
            (chosen.udp_host, port),
            engine.load(engine_name),
            EngineSettings(
                alpn=ALPN,
                certificate_chain=identity.certificates,
                private_key_pem=identity.private_key_pem,
                idle_timeout=chosen.idle_timeout,
                max_datagram=chosen.max_datagram,
            ),
            node.links.accept,
            retry=chosen.retry,
            keep_alive=chosen.keep_alive,
            handshake_timeout=handshake_timeout,
            subnet_handshake_limit=subnet_handshake_limit,
        )
        node.start(endpoint)
        site = Site(node)
        self.sites.append(site)
        return site

    async def pair(self, **settings: Any) -> tuple[Site, Site]:
        """Two sites that are linked."""
        first, second = await self.site(**settings), await self.site(**settings)
        await first.join(second)
        return first, second

    async def nodes(self, **settings: Any) -> tuple[Site, Site]:
        """Two sites that are linked and have dialled each other back: nothing is under way any more."""
        first, second = await self.pair(**settings)
        for site, other in ((first, second), (second, first)):
            await site.becomes(Role.NODE)
            await site.takes(other)
        return first, second

    async def close(self) -> None:
        """Ends all of them."""
        for site in self.sites:
            await site.node.stop()


class Wire(Waiter, asyncio.DatagramProtocol):
    """A stretch of cable between two sites: what is dialled at its address comes out at the far site. It can be cut and
    mended."""

    def __init__(self, far: tuple[str, int], delay: float = 0.0) -> None:
        super().__init__()
        self.delay = delay
        """Seconds each way."""
        self.whole = True
        self.passed = 0
        self.dropped = 0
        self.deaf = False
        """What comes back from the far site is lost."""
        self._far = far
        self._near: dict[tuple[str, int], _End] = {}
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def to(cls, site: Site, delay: float = 0.0) -> Wire:
        """A cable to a site."""
        loop = asyncio.get_running_loop()
        wire = cls(("127.0.0.1", site.port), delay)
        wire._transport, _ = await loop.create_datagram_endpoint(lambda: wire, local_addr=("127.0.0.1", 0))
        return wire

    @property
    def address(self) -> str:
        """Where to dial, host:port."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    def seen_at(self, near: Site) -> str:
        """Where the far site sees what the near one sends from its socket, host:port."""
        return self._near["127.0.0.1", near.port].address

    def cut(self) -> None:
        """Nothing passes any more, either way."""
        self.whole = False

    def mend(self) -> None:
        """All passes again."""
        self.whole = True

    async def rebind(self) -> None:
        """Everybody comes out at the far site from another port, as behind a NAT that has forgotten its mappings; what
        goes to the old one is lost."""
        for near, former in list(self._near.items()):
            end = _End(self, near)
            await end.open(self._far)
            self._near[near] = end
            former.close()

    def close(self) -> None:
        """Removes the cable."""
        assert self._transport is not None
        self._transport.close()
        for end in self._near.values():
            end.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio."""
        if not self._passes():
            return
        end = self._near.get(addr)
        if end is None:
            end = self._near[addr] = _End(self, addr)
            end.opening = asyncio.get_running_loop().create_task(end.open(self._far))
        self._later(lambda: end.forward(data))

    def back(self, data: bytes, near: tuple[str, int]) -> None:
        """Something for the near side."""
        self.notice()
        if not self.deaf and self._passes():
            self._later(lambda: self._give_back(data, near))

    def _give_back(self, data: bytes, near: tuple[str, int]) -> None:
        if self._transport is not None:
            self._transport.sendto(data, near)

    def _later(self, act: Callable[[], None]) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, act)
        else:
            act()

    def _passes(self) -> bool:
        if self.whole:
            self.passed += 1
        else:
            self.dropped += 1
        self.notice()
        return self.whole


class _End(asyncio.DatagramProtocol):
    """The far socket of one near address."""

    def __init__(self, wire: Wire, near: tuple[str, int]) -> None:
        self.opening: asyncio.Task[None] | None = None
        self._wire = wire
        self._near = near
        self._waiting: list[bytes] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = False

    async def open(self, far: tuple[str, int]) -> None:
        """Makes the socket."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=far)
        if self._closed:
            self._transport.close()
            return
        for data in self._waiting:
            self._transport.sendto(data)
        self._waiting.clear()

    @property
    def address(self) -> str:
        """Where the far site sees it, host:port."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    def forward(self, data: bytes) -> None:
        """Something for the far side."""
        if self._transport is None:
            self._waiting.append(data)
        else:
            self._transport.sendto(data)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio."""
        self._wire.back(data, self._near)

    def error_received(self, exc: Exception) -> None:
        """See asyncio: the far side's socket is closed."""

    def close(self) -> None:
        """Closes the socket, also one that is about to be."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()
