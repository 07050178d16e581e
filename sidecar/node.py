"""The node: every verb the API may ask. It knows no protobuf of the API, no gRPC and no QUIC library.

api -> Node.open_sender -> Sender -> outbox -> link -> session -> connection -> UDP
UDP -> connection -> session -> link -> inbox -> Subscription -> api
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from sidecar import __version__
from sidecar.addresses import Contact, format_address, parse_address
from sidecar.errors import Reason, SidecarError, invalid_field
from sidecar.identity import Identity, parse_peer_id
from sidecar.mail.datagrams import Box, Boxes, Came
from sidecar.mail.doors import Doors, Visit
from sidecar.mail.inbox import Inbox
from sidecar.mail.journal import Journal
from sidecar.mail.requests import Question, Requests, Worker
from sidecar.mail.subscription import Subscription
from sidecar.metrics import Counters
from sidecar.overlay import peer_info
from sidecar.overlay.awaited import TrackedSink
from sidecar.overlay.bootstrap import Bootstrap
from sidecar.overlay.cache import Cache
from sidecar.overlay.contacts import Contacts
from sidecar.overlay.directory import Directory
from sidecar.overlay.events import (
    ContactAdded,
    ContactOrigin,
    ContactRemoved,
    Event,
    MessagesDead,
    MessagesLost,
    PeerLinked,
    PeerUnlinked,
    StateChanged,
)
from sidecar.overlay.flow_news import FlowNews
from sidecar.overlay.history import History
from sidecar.overlay.kept_sender import AnySender
from sidecar.overlay.links import Links
from sidecar.overlay.peer import Peer
from sidecar.overlay.peer_info import PeerInfo
from sidecar.overlay.post import Delivery, Post
from sidecar.overlay.race import ContactResult
from sidecar.overlay.renewal import Renewal
from sidecar.overlay.reunion import Reunion
from sidecar.overlay.sender import Sender
from sidecar.overlay.standing import Reached
from sidecar.settings import Settings
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.surroundings import Surroundings
from sidecar.trust import Access, Refusal, Refused, Trust
from sidecar.wire.batch import ENTRY_OVERHEAD_MAX, IN_LINE_MAX
from sidecar.wire.budget import CHANNEL_NAME_MAX, Windows
from sidecar.wire.flow import Flow
from sidecar.wire.flow_frames import FlowKind
from sidecar.wire.flows import FLOWS_MAX
from sidecar.wire.hello import LocalPeer
from sidecar.wire.roles import ADDRESSES_MAX, Role
from sidecar.wire.run import Sink

if TYPE_CHECKING:  # a sidecar that asks no CA does without
    from sidecar.trust.files import Loaded, TrustFiles

_log = logging.getLogger(__name__)

EVENTS_KEPT = 4096
PEER_CHANGES_KEPT = 4096
LINK_MESSAGES = 1 << 18
CHANNEL_MESSAGES = 1 << 14
CHANNELS_PER_LINK = 1024
FIRST_CHANNEL_BYTES = (256 << 10) + ENTRY_OVERHEAD_MAX
UNREAD_CHANNEL_BYTES = 1 << 20
INBOX_LINKS = 4
"""The inbox as a whole holds so many links' windows."""
RESERVED_MESSAGES = 4
"""Memory for so many of the largest messages may be reserved at once."""


class NodeState(Enum):
    """What the node takes."""

    SERVING = "serving"
    DRAINING = "draining"
    STOPPING = "stopping"


class TimedEvent(NamedTuple):
    """An event and when it happened, in seconds since 1970."""

    time: float
    event: Event


class PeerChange(NamedTuple):
    """A peer is other than it was."""

    peer_id: str
    removed: bool


class Node:
    """See the module. Everything runs in the event loop's thread."""

    def __init__(
        self, settings: Settings, identity: Identity, contacts: Contacts, trust: Trust | None = None,
        cache: Cache | None = None, journal: Journal | None = None,
    ) -> None:  # fmt: skip
        """Without `trust` any key may be a peer; without a cache the node remembers whom it has met as long as it
        runs; without a journal there is one in memory, and no message is durable."""
        self.settings = settings
        self.identity = identity
        self.instance = secrets.randbits(63) | 1
        self.state = NodeState.SERVING
        self.started_at = time.time()
        self.counters = Counters()
        self.contacts = contacts
        self.trust = trust or Trust.unverified(Access(settings.allow))
        self.renewal: Renewal | None = None
        """What looks after the own certificates; None where no CA is asked."""
        self.cache = Cache(None) if cache is None else cache
        self.directory = Directory()
        self.events: History[TimedEvent] = History(self.instance, EVENTS_KEPT)
        self.peer_changes: History[PeerChange] = History(self.instance, PEER_CHANGES_KEPT)
        self.stopped = asyncio.Event()
        """Set when a drain is over and the process may end."""
        self.on_overlay: Callable[[bool], None] = lambda linked: None
        """Told whether any peer is linked, when that changes."""
        self.on_state: Callable[[NodeState], None] = lambda state: None
        self.endpoint: Endpoint
        if journal is None:
            journal = Journal(None, settings.journal_bytes)
        self.inbox = Inbox(
            INBOX_LINKS * settings.link_window_bytes,
            max(RESERVED_MESSAGES * settings.max_message_bytes, settings.link_window_bytes),
            journal,
            window=settings.dedupe_window,
            on_dead=lambda peer_id, channel, count: self._tell(MessagesDead(peer_id, channel, count, outgoing=False)),
        )
        labels = dict(label.split("=", 1) for label in settings.labels)
        agent, role = f"quic-p2p-sidecar/{__version__}", Role[settings.role.upper()]
        local = LocalPeer(identity, settings.network_id, self.instance, agent, self.trust, role, labels)
        windows = Windows(
            max_message_bytes=settings.max_message_bytes,
            link_bytes=settings.link_window_bytes,
            link_messages=LINK_MESSAGES,
            channel_bytes=settings.channel_window_bytes,
            channel_messages=CHANNEL_MESSAGES,
            first_channel_bytes=max(IN_LINE_MAX, min(FIRST_CHANNEL_BYTES, settings.link_window_bytes // 4)),
            unread_channel_bytes=min(UNREAD_CHANNEL_BYTES, settings.channel_window_bytes),
            max_channels=CHANNELS_PER_LINK,
            durable=journal.durable,
        )
        self.links = Links(
            local, self.directory, self.inbox, windows,
            outbox_bytes=settings.outbox_bytes,
            resume_timeout=settings.resume_timeout,
            handshake_timeout=5.0,
            counters=self.counters,
            tell=self._tell,
            changed=self._peer_changed,
        )  # fmt: skip
        self.bootstrapper = Bootstrap(
            contacts, self.cache, self.links, self.counters, self._tell, min_links=settings.min_links
        )
        self.reunion = Reunion(contacts, self.links, self.bootstrapper)
        self._surroundings: Surroundings | None = None
        self.post = Post(
            self.links, self.inbox, journal, self.counters, self._tell,
            queue_bytes=settings.queue_bytes, queue_time=settings.queue_time, window=settings.dedupe_window,
        )  # fmt: skip
        self.requests = Requests(self.counters)
        self.doors = Doors()
        self.flow_news = FlowNews(self.counters, self._tell)
        self.links.flow_memory.turned = self.flow_news.turned
        self.links.on_flow = self._flow_came
        self.datagrams = Boxes(self.counters)
        self.links.on_datagram = lambda peer_id, channel, payload: self.datagrams.put(channel, Came(peer_id, payload))
        self._linked = False
        self._lost: dict[tuple[str, str, Reason], MessagesLost] = {}

    def start(self, endpoint: Endpoint) -> None:
        """Begins to work on an open endpoint whose connections are made by `links.accept`."""
        self.endpoint = self.links.dialler.endpoint = endpoint
        if self.renewal is not None:
            self.renewal.start()
        self.links.roles.start(endpoint)
        self.bootstrapper.start()
        self.reunion.start()
        self._surroundings = Surroundings(self.surroundings_changed)
        self.post.start()

    # messages

    def open_kept_sender(
        self, peer_id: str, channel: str, priority: int, sink: TrackedSink, delivery: Delivery, token: str = ""
    ) -> AnySender:
        """The same, as `delivery` says."""
        if not (delivery.durable or delivery.awaits_processed or delivery.ttl is not None):
            return self.open_sender(peer_id, channel, priority, sink, token)
        self._check_way(peer_id, channel)
        return self.post.open_sender(peer_id, channel, priority, sink, delivery, token)

    def open_sender(self, peer_id: str, channel: str, priority: int, sink: Sink, token: str = "") -> Sender:
        """A way to send to a peer and channel; priority 0 high, 1 normal, 2 low. The peer is dialled once something
        is sent. Events of losses name `token`.

        SidecarError INVALID_FIELD, PEER_IS_SELF, DRAINING.
        """
        self._check_way(peer_id, channel)
        return Sender(self.links, self.counters, self._tell, peer_id, channel, priority, sink, token)

    def _check_way(self, peer_id: str, channel: str) -> None:
        self.require_serving()
        self._check_peer_id(peer_id)
        if peer_id == self.identity.peer_id:
            raise SidecarError(Reason.PEER_IS_SELF, "this is the sidecar's own peer id: name another peer")
        self._check_channel(channel)

    def subscribe(
        self, channel: str, wake: Callable[[], None], *, credit: int | None = None, ack_deadline: float = 0.0,
        max_deliveries: int = 0,
    ) -> Subscription:  # fmt: skip
        """A subscription to a channel; see Inbox.subscribe."""
        self.require_serving()
        self._check_channel(channel)
        return self.inbox.subscribe(
            channel, wake, credit=credit, ack_deadline=ack_deadline, max_deliveries=max_deliveries
        )

    # requests and byte streams

    def ask(
        self, peer_id: str, channel: str, headers: Mapping[str, str], payload: bytes, *, timeout: float,
        settled: Callable[[], None],
    ) -> Question:  # fmt: skip
        """Asks an app beside a peer, which is dialled where it is not linked; `timeout` in seconds, 0 for none.

        SidecarError INVALID_FIELD, PEER_IS_SELF, DRAINING, LIMIT_REACHED.
        """
        self._check_channel(channel)
        flow = self._open_flow(FlowKind.REQUEST, peer_id, channel, headers, timeout=timeout, size=len(payload))
        self.counters.requests["sent"] += 1
        return Question(flow, headers, payload, settled, self.counters)

    def answer(self, channel: str, wake: Callable[[], None], credit: int, peers: frozenset[str]) -> Worker:
        """A worker that answers a channel's requests."""
        self.require_serving()
        self._check_channel(channel)
        return self.requests.subscribe(channel, wake, credit, peers)

    def open_stream(self, peer_id: str, name: str, headers: Mapping[str, str], timeout: float) -> Flow:
        """A byte stream to an app beside a peer; `timeout` in seconds for it to be accepted, 0 for the usual."""
        self._check_channel(name, "name")
        return self._open_flow(FlowKind.STREAM, peer_id, name, headers, timeout=timeout)

    def accept_stream(self, name: str, peers: frozenset[str], came: Callable[[Flow], None]) -> Visit:
        """Waits for one byte stream by a name; see Doors.accept."""
        self.require_serving()
        self._check_channel(name, "name")
        return self.doors.accept(name, peers, came)

    def send_datagram(self, peer_id: str, channel: str, payload: bytes, ttl: float) -> None:
        """Sends an unreliable message to a linked peer; it waits `ttl` seconds at most. SidecarError INVALID_FIELD,
        PEER_UNREACHABLE where there is no connection, DRAINING."""
        self.require_serving()
        self._check_peer_id(peer_id)
        self._check_channel(channel)
        peer = self.links.peers.get(peer_id)
        if peer is None or not peer.sessions:
            raise SidecarError(Reason.PEER_UNREACHABLE, f"{peer_id} is not linked: Connect first", retry_after=1)
        self.counters.datagrams["sent"] += 1
        peer.link.datagrams.send(channel, payload, asyncio.get_running_loop().time() + ttl)
        peer.link.wake()

    def receive_datagrams(self, channel: str, wake: Callable[[], None]) -> Box:
        """A subscription to a channel's datagrams."""
        self.require_serving()
        self._check_channel(channel)
        return self.datagrams.subscribe(channel, wake)

    def linked_with(self, labels: Mapping[str, str]) -> list[str]:
        """The linked peers that carry all of these labels, by id."""
        self.require_serving()
        return sorted(peer.peer_id for peer in self.links.linked if labels.items() <= peer.labels.items())

    def _open_flow(
        self, kind: FlowKind, peer_id: str, name: str, headers: Mapping[str, str], *, timeout: float, size: int = 0
    ) -> Flow:
        self.require_serving()
        if peer_id not in self.links.peers:
            self._check_peer_id(peer_id)
        peer = self.links.want(peer_id)
        flow = peer.link.flows.open(kind, name, headers, timeout=timeout, size=size)
        if flow is None:
            raise SidecarError(
                Reason.LIMIT_REACHED,
                f"{FLOWS_MAX} requests and byte streams to {peer_id} are open: end some of them",
                metadata={"limit": str(FLOWS_MAX)},
            )
        self.flow_news.begun(flow)
        return flow

    def _flow_came(self, flow: Flow) -> None:
        self.flow_news.begun(flow)
        if flow.kind is FlowKind.REQUEST:
            self.requests.came(flow)
        else:
            self.doors.came(flow)

    @staticmethod
    def _check_channel(channel: str, field: str = "channel") -> None:
        if len(channel.encode()) > CHANNEL_NAME_MAX:
            raise invalid_field(field, f"has {len(channel.encode())} bytes, at most {CHANNEL_NAME_MAX} are allowed")

    @staticmethod
    def _check_peer_id(peer_id: str, field: str = "peer_id") -> None:
        try:
            parse_peer_id(peer_id)
        except ValueError as error:
            raise invalid_field(field, str(error)) from error

    def require_serving(self) -> None:
        """SidecarError DRAINING when nothing new is taken."""
        if self.state is not NodeState.SERVING:
            raise SidecarError(
                Reason.DRAINING,
                f"this sidecar is {self.state.value}: use another, or wait for its restart",
                retry_after=5,
            )

    # peers

    def get_peer(self, peer_id: str) -> PeerInfo:
        """What is known of a peer. SidecarError INVALID_FIELD, PEER_UNKNOWN."""
        self._check_peer_id(peer_id)
        found = self.find_peer(peer_id)
        if found is None:
            raise SidecarError(Reason.PEER_UNKNOWN, f"nothing is known of {peer_id}")
        return found

    def find_peer(self, peer_id: str) -> PeerInfo | None:
        """The same, None for nothing."""
        return peer_info.find(self.links, peer_id)

    def list_peers(self, after: str, limit: int, *, linked_only: bool = False) -> list[PeerInfo]:
        """At most `limit` peers with ids greater than `after`, by id."""
        return peer_info.page(self.links, after, limit, linked_only=linked_only)

    async def connect(self, target: str) -> PeerInfo:
        """Links to a peer id or a contact. SidecarError tells why not."""
        self.require_serving()
        if "@" not in target and ":" not in target:
            self._check_peer_id(target, "target")
            peer = await self.links.connect(target)
        else:
            contact = self._contact(target, "target")
            peer = await self._connect_contact(contact)
        return self.get_peer(peer.peer_id)

    async def _connect_contact(self, contact: Contact) -> Peer:
        addresses = await self.links.dialler.resolve(contact)
        return await self.links.connect_address(addresses, contact.peer_id, name=contact.name)

    def _contact(self, text: str, field: str) -> Contact:
        """A contact that is to be dialled."""
        contact = self._parse_contact(text, field)
        if self.trust.needs_name and contact.name is None and contact.peer_id is None:
            raise invalid_field(
                field,
                f"{contact} has neither a DNS name nor a peer id: trust public-ca needs one to know who should answer",
            )
        return contact

    @staticmethod
    def _parse_contact(text: str, field: str) -> Contact:
        try:
            return Contact.parse(text)
        except ValueError as error:
            raise invalid_field(field, str(error)) from error

    async def disconnect(self, peer_id: str, timeout: float) -> int:
        """Closes a link once what was sent is acknowledged, or after `timeout` seconds; how many messages had no
        outcome."""
        self._check_peer_id(peer_id)
        peer = self.links.peers.get(peer_id)
        if peer is None:
            raise SidecarError(Reason.PEER_UNKNOWN, f"{peer_id} is not linked")
        self.bootstrapper.leave_alone(peer_id)
        return await self.links.leave(peer, "disconnected", timeout)

    def block_peer(self, peer_id: str) -> None:
        """Puts a peer on the block list, which outlasts restarts, and cuts its link at once."""
        self._check_peer_id(peer_id)
        if peer_id == self.identity.peer_id:
            raise SidecarError(Reason.PEER_IS_SELF, "this is the sidecar's own peer id: name another peer")
        if self.trust.access.block(peer_id):
            self.cache.forget(peer_id)
            self.links.exclusion.exclude(peer_id, Refused(Refusal.BLOCKED, "it was put on the block list"))
            self._peer_changed(peer_id)

    def unblock_peer(self, peer_id: str) -> None:
        """Takes a peer off the block list. SidecarError PEER_UNKNOWN when it is not on it."""
        self._check_peer_id(peer_id)
        if not self.trust.access.unblock(peer_id):
            raise SidecarError(Reason.PEER_UNKNOWN, f"{peer_id} is not blocked")
        self._peer_changed(peer_id)

    def keep_renewed(self, files: TrustFiles, loaded: Loaded) -> None:
        """Looks after the files of trust from `start` on; `loaded` is what they say now."""
        self.renewal = Renewal(
            files, loaded, self.identity, self.trust, counters=self.counters, tell=self._tell, renewed=self._renewed
        )

    def _renewed(self) -> None:
        """The own certificates, or what is trusted, have changed: links stay, but for those that no longer may."""
        self.endpoint.show(self.identity.certificates)
        self.links.exclusion.judge_again()

    async def ping(self, peer_id: str) -> float:
        """Seconds to a peer's sidecar and back, linking first where needed."""
        self._check_peer_id(peer_id)
        return await self.links.ping(await self.links.connect(peer_id))

    # the way in

    async def bootstrap(self, contacts: Sequence[str]) -> list[ContactResult]:
        """See Bootstrap.once."""
        self.require_serving()
        chosen = [self._contact(text, f"contacts[{index}]") for index, text in enumerate(contacts)]
        return await self.bootstrapper.once(chosen)

    def add_contacts(self, contacts: Sequence[str]) -> list[Contact]:
        """Adds contacts; they outlast a restart."""
        chosen = [self._contact(text, f"contacts[{index}]") for index, text in enumerate(contacts)]
        for contact in self.contacts.add(chosen):
            self._tell(ContactAdded(str(contact), ContactOrigin.ADDED))
        self.bootstrapper.hurry()
        return chosen

    def list_contacts(self, *, cached: bool) -> list[tuple[Contact, ContactOrigin, float | None]]:
        """The contacts by address, with how they are known and when a remembered node was last connected to."""
        found: dict[str, tuple[Contact, ContactOrigin, float | None]] = {}
        if cached:
            for node in self.cache.newest_first():
                for endpoint in node.endpoints:
                    contact = Contact(*endpoint, node.peer_id)
                    found[str(contact)] = (contact, ContactOrigin.CACHED, node.connected_at)
        for contact, configured in self.contacts.all():
            origin = ContactOrigin.CONFIGURED if configured else ContactOrigin.ADDED
            found[str(contact)] = (contact, origin, None)
        return [found[address] for address in sorted(found)]

    def remove_contact(self, contact: str) -> None:
        """Removes an added contact, or forgets a remembered one."""
        chosen = self._parse_contact(contact, "contact")
        try:
            self.contacts.remove(chosen)
        except SidecarError as error:
            if error.reason is not Reason.CONTACT_UNKNOWN or chosen.peer_id is None:
                raise
            if not self.cache.forget(chosen.peer_id, (chosen.host, chosen.port)):
                raise
            return
        self._tell(ContactRemoved(str(chosen), ContactOrigin.ADDED))

    def surroundings_changed(self, what: str) -> None:
        """Another network, or time that has passed unseen: what waits for its next attempt is tried at once."""
        _log.info("%s: trying again at once whoever is not linked", what)
        self.links.resuming.hurry()
        self.bootstrapper.hurry()
        self.reunion.hurry()

    async def check_reachability(self, addresses: Sequence[str]) -> list[Reached]:
        """What linked peers say who dial this sidecar back, at most 3; each where it sees this sidecar, or at the
        addresses that are given. SidecarError INVALID_FIELD."""
        self.require_serving()
        if len(addresses) > ADDRESSES_MAX:
            raise invalid_field("addresses", f"are {len(addresses)}: give at most {ADDRESSES_MAX}")
        for index, text in enumerate(addresses):
            try:
                parsed = parse_address(text)
            except ValueError as error:
                raise invalid_field(f"addresses[{index}]", str(error)) from error
            if not parsed[1]:
                raise invalid_field(f"addresses[{index}]", f"{text!r}: nobody can be dialled at port 0")
        return await self.links.roles.standing.look(addresses)

    # state

    def not_ready(self) -> list[str]:
        """Why the node is not ready to serve an app; empty when it is. Peers are no reason: an app may be the first."""
        return [] if self.state is NodeState.SERVING else [self.state.value]

    def listen_addresses(self) -> list[str]:
        """Where QUIC is heard, as host:port."""
        return [format_address(address) for address in self.endpoint.addresses]

    async def drain(self, timeout: float) -> int:
        """Takes nothing new, waits until what was accepted has an outcome or `timeout` seconds have passed, and
        leaves every link; then `stopped` is set. How many messages had no outcome. A second call waits for the
        first."""
        if self.state is not NodeState.SERVING:
            await self.stopped.wait()
            return 0
        self._set_state(NodeState.DRAINING)
        self.links.refusing = "the sidecar is draining"
        leaving = [self.links.leave(peer, "draining", timeout) for peer in list(self.links.peers.values())]
        left = await asyncio.gather(*leaving, return_exceptions=True)
        self._set_state(NodeState.STOPPING)
        self.stopped.set()
        for each in left:
            if isinstance(each, BaseException):  # a bug: the other links have had their end all the same
                raise each
        return sum(each for each in left if isinstance(each, int))

    async def stop(self) -> None:
        """Ends everything at once; what was not acknowledged is reported as such."""
        self.state = NodeState.STOPPING
        self.links.refusing = "the sidecar stops"
        if self._surroundings is not None:
            self._surroundings.close()
            self._surroundings = None
        self.post.courier.closed = True
        await self.bootstrapper.stop()
        if self.renewal is not None:
            self.renewal.stop()
        await self.reunion.stop()
        self.cache.refresh([peer.peer_id for peer in self.links.linked])
        self.links.close()
        self.endpoint.close(0xC, "the sidecar stops")
        self.post.close()
        self.contacts.close()
        self.cache.close()

    def _set_state(self, state: NodeState) -> None:
        self.state = state
        self._tell(StateChanged(state.value))
        self.on_state(state)

    # what happens below

    def _tell(self, event: Event) -> None:
        if isinstance(event, MessagesLost):
            # Many runs may fail in one go: they are one event for each peer, channel and reason.
            if not self._lost:
                asyncio.get_running_loop().call_soon(self._tell_lost)
            key = (event.peer_id, event.channel, event.reason)
            before = self._lost.get(key)
            self._lost[key] = event if before is None else before.with_more(event)
            return
        self.events.append(TimedEvent(time.time(), event))
        if isinstance(event, PeerLinked):
            self.bootstrapper.linked(event.peer_id)
        elif isinstance(event, PeerUnlinked):
            self.cache.refresh([event.peer_id])

    def _tell_lost(self) -> None:
        lost, self._lost = self._lost, {}
        for event in lost.values():
            _log.warning(
                "%d messages to %s on channel %r were lost: %s", event.count, event.peer_id, event.channel, event.reason
            )
            self.events.append(TimedEvent(time.time(), event))

    def _peer_changed(self, peer_id: str) -> None:
        self.post.peer_changed(peer_id)
        self.peer_changes.append(PeerChange(peer_id, removed=not peer_info.is_known(self.links, peer_id)))
        self.bootstrapper.nudge()
        self.reunion.nudge()
        linked = bool(self.links.roster)
        if linked != self._linked:
            self._linked = linked
            self.on_overlay(linked)

    # figures

    def count_auth_failure(self) -> None:
        """A call came without the right token."""
        self.counters.auth_failures += 1

    def role_line(self) -> str:
        """This sidecar's role, and why."""
        standing = self.links.roles.standing
        return f"{standing.role.name.lower()} ({standing.why})"
