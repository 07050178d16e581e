"""One side of the protocol: links, outboxes, an inbox, and the least owner that makes, resumes and replaces links as
the sidecar's does. It has no clock; `tests.wire.pair` joins sides by QUIC under virtual time, `tests.wire.pipe` by
streams alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from sidecar.errors import Reason
from sidecar.gen.overlay.v1.message_pb2 import SendStreamRequest
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.mail.inbox import Inbox
from sidecar.mail.piece import Piece
from sidecar.mail.subscription import Subscription
from sidecar.wire import batch
from sidecar.wire.arrival import Arrival
from sidecar.wire.batch import ENTRY_OVERHEAD_MAX
from sidecar.wire.budget import Windows
from sidecar.wire.errors import Close
from sidecar.wire.flow import Flow, FlowMemory
from sidecar.wire.flows import Flows
from sidecar.wire.hello import Greeting, Introduction, LocalPeer
from sidecar.wire.inbound import Inbound
from sidecar.wire.lanes import RUN_MAX
from sidecar.wire.link import Link
from sidecar.wire.outbound import Outbound
from sidecar.wire.outbox import Outbox
from sidecar.wire.run import Run, runs_of
from sidecar.wire.session import Session

KIB, MIB = 1 << 10, 1 << 20
NORMAL = 1
HANDSHAKE = 5.0

WINDOWS = Windows(
    max_message_bytes=8 * MIB,
    link_bytes=4 * MIB,
    link_messages=1 << 16,
    channel_bytes=MIB,
    channel_messages=1 << 12,
    first_channel_bytes=(256 << 10) + ENTRY_OVERHEAD_MAX,
    unread_channel_bytes=512 * KIB,
    max_channels=64,
)


def entry(payload: bytes) -> bytes:
    """A message that is nothing but a payload, as an entry of a batch."""
    return b"".join(batch.large_entry("", {}, [payload]))


def payloads_of(data: bytes) -> Iterator[bytes]:
    """The payloads of such entries."""
    for message in SendStreamRequest.FromString(data).messages:
        yield message.payload


@lru_cache(maxsize=64)
def identity(number: int) -> Identity:
    """One of some identities; making them costs time."""
    return Identity.ephemeral()


class Book:
    """What became of messages: a Sink that holds what every Sink may rely on."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.was_sent: set[int] = set()
        self.outcomes: dict[int, Reason | None] = {}
        self.order: list[int] = []
        """Numbers, as they were delivered."""
        self.details: list[str] = []

    def sent(self, first: int, count: int) -> None:
        """See Sink."""
        for number in range(first, first + count):
            assert number not in self.was_sent, f"{number} was sent twice"
            assert number not in self.outcomes, f"{number} was sent after its outcome"
            self.was_sent.add(number)

    def delivered(self, first: int, count: int) -> None:
        """See Sink."""
        for number in range(first, first + count):
            assert number not in self.outcomes, f"{number} has an outcome already"
            self.outcomes[number] = None
            self.order.append(number)

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """See Sink."""
        assert detail
        self.details.append(detail)
        for number in range(first, first + count):
            assert number not in self.outcomes, f"{number} has an outcome already"
            self.outcomes[number] = reason

    @property
    def complete(self) -> bool:
        """Whether every message has its outcome."""
        return len(self.outcomes) == self.count

    @property
    def delivered_all(self) -> bool:
        """Whether that is DELIVERED for each."""
        return self.complete and self.failures == {}

    @property
    def failures(self) -> Counter[Reason]:
        """How many failed, by reason."""
        return Counter(reason for reason in self.outcomes.values() if reason is not None)


class Reader:
    """An app that reads a channel as soon as there is something."""

    def __init__(self, inbox: Inbox, channel: str, max_bytes: int) -> None:
        self.pieces: list[tuple[str, int, int]] = []
        """(peer, priority, first sequence) of what was read."""
        self.payloads: list[bytes] = []
        self.channel = channel
        self._max_bytes = max_bytes
        self._woken = False
        self._subscription: Subscription = inbox.subscribe(channel, self._wake)

    def _wake(self) -> None:
        self._woken = True

    def read(self) -> None:
        """Takes what is there."""
        while self._woken:
            self._woken = False
            while taken := self._subscription.take(self._max_bytes):
                for _, piece in taken:
                    self._note(piece)

    def _note(self, piece: Piece) -> None:
        self.pieces.append((piece.arrival.inbound.peer_id, piece.arrival.priority, piece.first_sequence))
        self.payloads += payloads_of(piece.batch)

    def close(self) -> None:
        """Ceases to read."""
        self.read()
        self._subscription.close(written=True)


@dataclass
class End:
    """How a session ended."""

    session: Session
    code: int
    reason: str
    application: bool
    remote: bool


@dataclass
class Peer:
    """A link and its welcomed sessions."""

    link: Link
    sessions: list[Session] = field(default_factory=list)


class Named(Protocol):
    """Whoever has a peer id."""

    @property
    def peer_id(self) -> str:
        """It."""
        ...


class LoggedInbox(Inbox):
    """An inbox that remembers what came."""

    def __init__(self, max_bytes: int, max_reserved: int) -> None:
        super().__init__(max_bytes, max_reserved)
        self.log: list[Arrival] = []

    def put(self, arrival: Arrival) -> None:
        """See Inbox."""
        self.log.append(arrival)
        super().put(arrival)


class Side:
    """One sidecar's wire: an Owner."""

    def __init__(self, number: int, windows: Windows = WINDOWS, network_id: str = "test") -> None:
        self.identity = identity(number)
        self.windows = windows
        self.local = LocalPeer(self.identity, network_id, random.getrandbits(63) | 1, "test/1")
        self.inbox = LoggedInbox(4 * windows.link_bytes, 4 * windows.max_message_bytes)
        self.peers: dict[str, Peer] = {}
        self.ends: list[End] = []
        self.cuts: dict[Session, Callable[[], None]] = {}
        """By session: takes its connection away without a word."""
        self.renewals = 0
        self.readers: list[Reader] = []
        self.refusing: Exception | None = None
        self.told: list[wire_pb2.Peers] = []
        self.asked: list[bytes] = []
        self.leaving: list[str] = []
        self.flow_memory = FlowMemory(8 * MIB)
        self.flows: list[Flow] = []
        """Those that came in."""
        self.outcomes: list[wire_pb2.OutcomeRange] = []

    @property
    def peer_id(self) -> str:
        """Who it is."""
        return self.identity.peer_id

    # doing

    def link(self, to: Named) -> Link:
        """The link to another side, made where there is none."""
        return self.peer(to.peer_id).link

    def peer(self, peer_id: str) -> Peer:
        """The same by peer id."""
        peer = self.peers.get(peer_id)
        if peer is None:
            inbound = Inbound(self.windows, self.inbox, peer_id)
            self.inbox.register(inbound)
            peer = self.peers[peer_id] = Peer(
                Link(peer_id, Outbound(Outbox(8 * MIB)), inbound, Flows(peer_id, self.flow_memory, self.flows.append))
            )
        return peer

    def linked(self, to: Named) -> bool:
        """Whether there is a welcomed connection."""
        return bool(self.peer(to.peer_id).sessions)

    def send(
        self, to: Named, payloads: list[bytes], *, channel: str = "", priority: int = NORMAL, book: Book | None = None
    ) -> Book:
        """Queues messages; the book that tells what becomes of them."""
        if book is None:
            book = Book(len(payloads))
            first = 1
        else:
            first = book.count + 1
            book.count += len(payloads)
        data = b"".join(map(entry, payloads))
        ends = batch.check_untrusted(data, 1 << 30)
        link = self.link(to)
        for run in runs_of(data, ends, book, first, RUN_MAX):
            link.outbound.outbox.put(channel, priority, run)
        link.wake()
        return book

    def send_parts(self, to: Named, parts: list[bytes], *, channel: str = "", priority: int = NORMAL) -> Book:
        """Queues one large message that came in parts."""
        book = Book(1)
        run = Run(batch.large_entry("", {}, parts), 1, book, 1)
        assert run.bulk
        link = self.link(to)
        link.outbound.outbox.put(channel, priority, run)
        link.wake()
        return book

    def read(self, channel: str = "", max_bytes: int = MIB) -> Reader:
        """An app that reads a channel."""
        reader = Reader(self.inbox, channel, max_bytes)
        self.readers.append(reader)
        return reader

    def kill(self, session: Session) -> None:
        """The connection is gone on this side, without a word to the other."""
        self.cuts.pop(session)()

    def read_all(self) -> None:
        """Lets every reader take what is there."""
        for reader in self.readers:
            reader.read()

    def forget(self, to: Named, reason: Reason = Reason.LINK_CLOSED) -> None:
        """Gives the link up, as a sidecar does that cannot resume it or has restarted."""
        peer = self.peer(to.peer_id)
        del self.peers[to.peer_id]
        for session in list(peer.sessions):
            self.kill(session)
        peer.link.outbound.fail(reason, "forgotten")
        peer.link.inbound.reset()
        peer.link.flows.fail("forgotten", reason)
        self.inbox.unregister(peer.link.inbound)

    # Owner

    def limits(self) -> wire_pb2.Limits:
        """See Owner."""
        return self.windows.limits()

    def greet(self, session: Session, peer_id: str) -> Greeting:
        """See Owner."""
        if self.refusing is not None:
            raise self.refusing
        return self._greeting(self.peer(peer_id))

    @staticmethod
    def _greeting(peer: Peer) -> Greeting:
        link = peer.link
        return Greeting(link.epoch, link.peer_epoch, link.inbound.received(), None)

    def admit(self, session: Session, peer: Introduction) -> tuple[Link, Greeting]:
        """See Owner."""
        if self.refusing is not None:
            raise self.refusing
        known = self.peer(peer.peer_id)
        link = known.link
        if link.peer_instance not in (0, peer.instance):
            self._replace(known, known.sessions)
        self.renewals += link.meet_untrusted(
            peer.instance, peer.epoch, peer.resume_epoch, peer.received, told_epoch=peer.told_epoch
        )
        return link, self._greeting(known)

    def settled(self, session: Session) -> None:
        """See Owner."""
        assert session.peer_id is not None
        peer = self.peer(session.peer_id)
        self._replace(peer, [one for one in peer.sessions if one.dialled == session.dialled])
        peer.sessions.append(session)

    @staticmethod
    def _replace(peer: Peer, sessions: list[Session]) -> None:
        for session in list(sessions):
            peer.sessions.remove(session)
            peer.link.detach(session)
            session.close(Close.REPLACED, "a newer connection has come")

    def peers_requested(self, session: Session, peer_id: bytes) -> None:
        """See Owner."""
        self.asked.append(peer_id)

    def peers_told_untrusted(self, session: Session, peers: wire_pb2.Peers) -> None:
        """See Owner."""
        self.told.append(peers)

    def outcomes_told(self, session: Session, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """See Owner."""
        self.outcomes += ranges

    def role_frame_untrusted(self, session: Session, kind: int, body: bytes) -> None:
        """See Owner: roles are not part of it here."""

    def going_away(self, session: Session, reason: str) -> None:
        """See Owner."""
        self.leaving.append(reason)

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """See Owner."""
        self.cuts.pop(session, None)
        self.ends.append(End(session, code, reason, application, remote))
        for peer in self.peers.values():
            if session in peer.sessions:
                peer.sessions.remove(session)
