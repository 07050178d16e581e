"""The client for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

from sidecar_client import aio_flows, requests
from sidecar_client.aio_flows import AsyncStream
from sidecar_client.aio_sender import AsyncSender
from sidecar_client.aio_streams import AsyncConsumer, AsyncReceiver, AsyncSubscription
from sidecar_client.endpoint import Endpoint, Tls
from sidecar_client.errors import (
    Cancelled,
    CursorExpired,
    DeadlinePassed,
    InvalidField,
    SidecarError,
    SidecarUnavailable,
    translated,
)
from sidecar_client.foreign import HealthCheckRequest
from sidecar_client.gen.overlay.v1 import bootstrap_pb2, datagram_pb2, node_pb2, peer_pb2, queue_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1.cursor_pb2 import Cursor
from sidecar_client.messages import (
    QUEUES,
    Gap,
    PeerChange,
    PeersSnapshot,
    Priority,
    QueueName,
    Readiness,
    Replied,
    Sent,
    Wait,
)
from sidecar_client.outgoing import SMALL_BYTES, Sizes
from sidecar_client.requests import DEFAULT_TIMEOUT, PAGE
from sidecar_client.stubs import AsyncStubs
from sidecar_client.times import duration_seconds, limit


class AsyncSidecar:
    """The sidecar beside this app.

    What is not given comes from the environment (see `sidecar_client.endpoint`). Calls take `timeout` seconds at most,
    30 where nothing is said. It belongs to the event loop it is made in. Every verb raises `SidecarError` or one of its
    kinds.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        token: str | None = None,
        tls: Tls | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self.endpoint = Endpoint.from_environment(endpoint, token, tls)
        self.timeout = timeout
        self._closed = False
        self._subscriptions: WeakSet[AsyncSubscription] = WeakSet()
        self._learnt: Sizes | None = None
        self.channel = self.endpoint.aio_channel()
        """gRPC's channel. Calls made on it directly carry no token; those on `stubs` do."""
        self.stubs = AsyncStubs(self.channel, self.endpoint.metadata())

    def __repr__(self) -> str:
        return f"<AsyncSidecar at {self.endpoint.address}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call and the channel; watches and subscriptions that other tasks iterate over end too."""
        self._closed = True
        for subscription in list(self._subscriptions):
            subscription.abandon()
        self.stubs.cancel()
        await self.channel.close()

    async def wait_ready(self, timeout: float = DEFAULT_TIMEOUT, level: Readiness = "api") -> None:
        """Returns once the sidecar is ready at `level`; DeadlinePassed says what it waited for."""
        end = time.monotonic() + timeout
        ladder = requests.Ladder(level)
        attempt = 0
        while (left := end - time.monotonic()) > 0:
            try:
                with translated():
                    response = await self.stubs.health.Check(
                        HealthCheckRequest(service=level), timeout=min(left, 2.0), wait_for_ready=True
                    )
                if ladder.serving(response.status):
                    return
            except SidecarError as failed:
                if self._closed:
                    raise SidecarUnavailable("this client is closed") from failed
                if not isinstance(failed, SidecarUnavailable | DeadlinePassed):
                    raise
                ladder.last = f"no sidecar answers at {self.endpoint.address}: {failed.detail}"
            await asyncio.sleep(max(0.0, min(requests.retry_wait(attempt), end - time.monotonic())))
            attempt += 1
        raise DeadlinePassed(f"not ready after {timeout:g} s: {ladder.last}")

    # messages

    async def send(
        self,
        peer_id: str,
        payload: bytes = b"",
        *,
        channel: str = "",
        headers: Mapping[str, str] | None = None,
        message_id: str = "",
        priority: Priority = "normal",
        wait: Wait = "delivered",
        durable: bool = False,
        ttl: float | None = None,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Sent:
        """Sends one message of any size and waits for its level. A durable one is kept in the journals of both
        sidecars, for
        `ttl` seconds at most; called again with the same `request_id`, nothing is sent twice (a message in chunks has
        none)."""
        sizes = await self._sizes() if len(payload) > SMALL_BYTES else None
        if sizes is None or sizes.goes_whole(len(payload), request_id):
            with translated():
                message = pb.Message(message_id=message_id, headers=headers, payload=payload)
                request = requests.send_request(
                    peer_id, channel, priority, wait, message, durable=durable, ttl=ttl, request_id=request_id
                )
                return requests.sent(await self.stubs.messages.Send(request, timeout=self._seconds(timeout)))
        async with self.sender(
            peer_id,
            channel=channel,
            priority=priority,
            wait=wait,
            durable=durable,
            ttl=ttl,
            timeout=self._seconds(timeout),
        ) as sender:
            await sender.result(await sender.send(payload, headers=headers, message_id=message_id))
            return Sent(message_id, wait, sent_at=None, delivered_at=None)

    def sender(
        self,
        peer_id: str,
        *,
        channel: str = "",
        priority: Priority = "normal",
        wait: Wait = "delivered",
        durable: bool = False,
        ttl: float | None = None,
        timeout: float | None = None,
    ) -> AsyncSender:
        """Opens a pipelined way to one peer and channel, for many messages; `timeout` seconds for all of it.
        `async with` opens it."""
        return AsyncSender(
            self.stubs,
            peer_id=peer_id,
            channel=channel,
            priority=priority,
            wait=wait,
            durable=durable,
            ttl=ttl,
            timeout=timeout,
            sizes=self._sizes,
        )

    def receive(self, channel: str = "", *, timeout: float | None = None) -> AsyncReceiver:
        """Subscribes to a channel and iterates over what comes: `Received`, and `Gap` where the subscription was broken
        off and taken up again. A message counts as taken once it is written to this app. After `timeout` seconds in all
        it raises DeadlinePassed. `async with` (or the first message asked for) opens it."""
        subscription = AsyncReceiver(self.stubs, channel, timeout)
        self._subscriptions.add(subscription)
        return subscription

    def consume(
        self,
        channel: str = "",
        *,
        credits: int = 64,  # noqa: A002
        ack_deadline: float | None = None,
        max_deliveries: int = 0,
        timeout: float | None = None,
    ) -> AsyncConsumer:
        """The same with acknowledgements: at most `credits` messages are handed out and not yet acked or nacked. One
        that
        is not acked `ack_deadline` seconds later is handed out again; one that comes back for the `max_deliveries`th
        time becomes a dead letter (0: never)."""
        if credits < 1:
            raise InvalidField("credits: at least 1", fields=(("credits", "at least 1"),))
        subscription = AsyncConsumer(self.stubs, channel, credits, timeout, ack_deadline, max_deliveries)
        self._subscriptions.add(subscription)
        return subscription

    # what is kept

    async def queues(self, *, timeout: float | None = None) -> queue_pb2.ListQueuesResponse:
        """What the sidecar keeps, summed by queue, peer and channel."""
        with translated():
            return await self.stubs.queues.ListQueues(queue_pb2.ListQueuesRequest(), timeout=self._seconds(timeout))

    async def letters(
        self,
        queue: QueueName,
        *,
        peer_id: str | None = None,
        channel: str | None = None,
        limit: int = PAGE,
        timeout: float | None = None,
    ) -> list[queue_pb2.Letter]:
        """At most `limit` of what a queue holds, oldest first."""
        chosen = requests.letter_filter(queue, peer_id, channel)
        letters: list[queue_pb2.Letter] = []
        token = ""
        while len(letters) < limit:
            size = min(PAGE, limit - len(letters))
            request = queue_pb2.ListLettersRequest(filter=chosen, page_size=size, page_token=token)
            with translated():
                page = await self.stubs.queues.ListLetters(request, timeout=self._seconds(timeout))
            letters += page.letters
            token = page.next_page_token
            if not token:
                break
        return letters

    async def letter(
        self, queue: QueueName, letter_id: int, *, timeout: float | None = None
    ) -> queue_pb2.GetLetterResponse:
        """One letter with its messages; LetterUnknown when there is no such."""
        request = queue_pb2.GetLetterRequest(queue=QUEUES[queue], id=letter_id)
        with translated():
            return await self.stubs.queues.GetLetter(request, timeout=self._seconds(timeout))

    async def purge(
        self,
        queue: QueueName,
        *,
        peer_id: str | None = None,
        channel: str | None = None,
        ids: Iterable[int] = (),
        timeout: float | None = None,
    ) -> int:
        """Removes letters for good: those of a peer, a channel, or these; how many messages."""
        request = queue_pb2.PurgeLettersRequest(filter=requests.letter_filter(queue, peer_id, channel, ids))
        with translated():
            return (await self.stubs.queues.PurgeLetters(request, timeout=self._seconds(timeout))).messages

    async def replay(
        self,
        queue: QueueName,
        *,
        peer_id: str | None = None,
        channel: str | None = None,
        ids: Iterable[int] = (),
        timeout: float | None = None,
    ) -> int:
        """Puts dead letters back where they came from; how many messages."""
        request = queue_pb2.ReplayLettersRequest(filter=requests.letter_filter(queue, peer_id, channel, ids))
        with translated():
            return (await self.stubs.queues.ReplayLetters(request, timeout=self._seconds(timeout))).messages

    # requests and byte streams

    async def request(
        self,
        peer_id: str,
        payload: bytes = b"",
        *,
        channel: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Replied:
        """Asks an app beside a peer, one that answers on the channel. RequestFailed with its `code` when it
        answered with an error; the deadline is the request's."""
        return await aio_flows.request(self.stubs, peer_id, payload, channel, headers, self._seconds(timeout))

    async def reply(
        self,
        answer: aio_flows.Answerer,
        channel: str = "",
        *,
        credits: int = 16,  # noqa: A002
        peer_ids: Iterable[str] = (),
    ) -> None:
        """Answers the requests of a channel, `credits` at once, until cancelled. `answer` gives the payload or a
        Replied, or raises AnswerError. Only requests of `peer_ids` come, or of any peer where none are named."""
        if credits < 1:
            raise InvalidField("credits: at least 1", fields=(("credits", "at least 1"),))
        await aio_flows.requests_of(self.stubs, channel, answer, credits, peer_ids)

    async def open_stream(
        self,
        peer_id: str,
        name: str,
        *,
        headers: Mapping[str, str] | None = None,
        accept_timeout: float | None = None,
    ) -> AsyncStream:
        """A byte stream to an app beside a peer that accepts that name; it may be written at once."""
        return await aio_flows.open_stream(self.stubs, peer_id, name, headers, accept_timeout)

    async def accept_stream(self, name: str, *, peer_ids: Iterable[str] = ()) -> AsyncStream:
        """Waits for the next byte stream of that name; of `peer_ids` only, where any are named."""
        return await aio_flows.accept_stream(self.stubs, name, peer_ids)

    async def broadcast(
        self,
        payload: bytes = b"",
        *,
        channel: str = "",
        headers: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> dict[str, str]:
        """Sends a message to every linked peer, or to those with all of some labels; by peer id why it was not
        delivered there, an empty word where it was."""
        request = datagram_pb2.BroadcastRequest(channel=channel, payload=payload, headers=headers, labels=labels)
        with translated():
            response = await self.stubs.messages.Broadcast(request, timeout=self._seconds(timeout))
        return {result.peer_id: requests.outcome(result) for result in response.results}

    async def send_datagram(
        self, peer_id: str, payload: bytes, *, channel: str = "", ttl: float | None = None, timeout: float | None = None
    ) -> None:
        """Sends an unreliable message to a linked peer; it waits at most `ttl` seconds for its turn, 0.1 where nothing
        is said."""
        request = requests.datagram_request(peer_id, channel, payload, ttl)
        with translated():
            await self.stubs.messages.SendDatagram(request, timeout=self._seconds(timeout))

    async def datagrams(self, channel: str = "") -> AsyncIterator[tuple[str, bytes]]:
        """What comes on a channel, as pairs of sender and payload. It subscribes when the iteration begins."""
        with translated():
            call = self.stubs.messages.ReceiveDatagrams(datagram_pb2.ReceiveDatagramsRequest(channel=channel))
        try:
            with translated():
                async for response in call:
                    for came in response.datagrams:
                        yield came.peer_id, came.payload
        except Cancelled:
            if not self._closed:
                raise
        finally:
            call.cancel()

    # peers

    async def peers(self, *, linked_only: bool = False, timeout: float | None = None) -> list[peer_pb2.Peer]:
        """Every peer the sidecar knows, by id."""
        peers: list[peer_pb2.Peer] = []
        token = ""
        while True:
            request = peer_pb2.ListPeersRequest(page_size=PAGE, page_token=token, linked_only=linked_only)
            with translated():
                page = await self.stubs.peers.ListPeers(request, timeout=self._seconds(timeout))
            peers += page.peers
            token = page.next_page_token
            if not token:
                return peers

    async def peer(self, peer_id: str, *, timeout: float | None = None) -> peer_pb2.Peer:
        """One peer; PeerUnknown when there is no such."""
        with translated():
            request = peer_pb2.GetPeerRequest(peer_id=peer_id)
            return (await self.stubs.peers.GetPeer(request, timeout=self._seconds(timeout))).peer

    def watch_peers(self) -> AsyncIterator[PeersSnapshot | PeerChange]:
        """A snapshot of the peers, then every change. When the sidecar restarts the watch goes on, with a new snapshot
        where the changes in between are not known."""
        watch = requests.PeerWatch()

        def expired() -> None:
            watch.expired()

        return self._resuming(lambda: self.stubs.peers.WatchPeers(watch.request()), watch.take, expired)

    async def connect(self, target: str, *, timeout: float | None = None) -> peer_pb2.Peer:
        """Links to a peer id or contact `[peer-id@]host:port`."""
        with translated():
            request = peer_pb2.ConnectRequest(target=target)
            return (await self.stubs.peers.Connect(request, timeout=self._seconds(timeout))).peer

    async def disconnect(self, peer_id: str, *, timeout: float | None = None) -> int:
        """Ends the link to a peer; gives the number of messages that were lost by it."""
        with translated():
            request = peer_pb2.DisconnectRequest(peer_id=peer_id)
            return (await self.stubs.peers.Disconnect(request, timeout=self._seconds(timeout))).messages_lost

    async def block_peer(self, peer_id: str, *, timeout: float | None = None) -> None:
        """Keeps a peer out from now on, over restarts too, and cuts its link at once."""
        with translated():
            request = peer_pb2.BlockPeerRequest(peer_id=peer_id)
            await self.stubs.peers.BlockPeer(request, timeout=self._seconds(timeout))

    async def unblock_peer(self, peer_id: str, *, timeout: float | None = None) -> None:
        """Keeps a peer out no longer; PeerUnknown when it was not blocked."""
        with translated():
            request = peer_pb2.UnblockPeerRequest(peer_id=peer_id)
            await self.stubs.peers.UnblockPeer(request, timeout=self._seconds(timeout))

    async def ping(self, peer_id: str, *, timeout: float | None = None) -> float:
        """Seconds to a peer's sidecar and back."""
        with translated():
            request = peer_pb2.PingRequest(peer_id=peer_id)
            return duration_seconds((await self.stubs.peers.Ping(request, timeout=self._seconds(timeout))).rtt)

    # the way in

    async def bootstrap(
        self, contacts: Iterable[str] = (), *, timeout: float | None = None
    ) -> list[bootstrap_pb2.ContactResult]:
        """Dials the contacts given, or the remembered and known ones, until the first is linked."""
        with translated():
            request = bootstrap_pb2.BootstrapRequest(contacts=list(contacts))
            return list((await self.stubs.bootstrap.Bootstrap(request, timeout=self._seconds(timeout))).results)

    async def contacts(self, *, cached: bool = False, timeout: float | None = None) -> list[bootstrap_pb2.Contact]:
        """The contacts, configured and added; with `cached` also the nodes the sidecar remembers."""
        contacts: list[bootstrap_pb2.Contact] = []
        token = ""
        while True:
            request = bootstrap_pb2.ListContactsRequest(page_size=PAGE, page_token=token, cached=cached)
            with translated():
                page = await self.stubs.bootstrap.ListContacts(request, timeout=self._seconds(timeout))
            contacts += page.contacts
            token = page.next_page_token
            if not token:
                return contacts

    async def add_contacts(self, *contacts: str, timeout: float | None = None) -> list[bootstrap_pb2.Contact]:
        """Adds contacts, which outlast a restart of the sidecar."""
        with translated():
            request = bootstrap_pb2.AddContactsRequest(contacts=contacts)
            return list((await self.stubs.bootstrap.AddContacts(request, timeout=self._seconds(timeout))).contacts)

    async def remove_contact(self, contact: str, *, timeout: float | None = None) -> None:
        """Removes an added contact, or forgets a remembered one; ContactUnknown when there is no such."""
        with translated():
            request = bootstrap_pb2.RemoveContactRequest(contact=contact)
            await self.stubs.bootstrap.RemoveContact(request, timeout=self._seconds(timeout))

    # the sidecar itself

    async def node(self, *, timeout: float | None = None) -> node_pb2.GetNodeResponse:
        """Who this sidecar is, where it listens, what its limits are."""
        with translated():
            return await self.stubs.node.GetNode(node_pb2.GetNodeRequest(), timeout=self._seconds(timeout))

    async def check_reachability(
        self, addresses: Iterable[str] = (), *, timeout: float | None = None
    ) -> node_pb2.CheckReachabilityResponse:
        """Has linked peers dial this sidecar back, where each sees it or at the addresses given (numeric host:port)."""
        with translated():
            request = node_pb2.CheckReachabilityRequest(addresses=list(addresses))
            return await self.stubs.node.CheckReachability(request, timeout=self._seconds(timeout))

    def events(self, cursor: Cursor | None = None) -> AsyncIterator[node_pb2.Event | Gap]:
        """What happens from now on, or from `cursor` on; a Gap where events in between are not known."""
        watch = requests.EventWatch(cursor)
        return self._resuming(lambda: self.stubs.node.WatchEvents(watch.request()), watch.take, watch.expired)

    async def drain(self, timeout: float | None = None, *, wait: bool = True) -> int:
        """Asks the sidecar to leave and stop; gives the number of messages that had no outcome by then."""
        # The sidecar's wait is bounded by `timeout`; the call's deadline leaves room for its answer.
        with translated():
            request = requests.drain_request(timeout, wait)
            return (
                await self.stubs.node.Drain(
                    request, timeout=limit((self.timeout if timeout is None else timeout) + 2.0)
                )
            ).messages_lost

    async def _sizes(self) -> Sizes:
        if self._learnt is None:
            self._learnt = Sizes.of((await self.node()).limits)
        return self._learnt

    def _seconds(self, timeout: float | None) -> float | None:
        return limit(self.timeout if timeout is None else timeout)

    async def _resuming(
        self, begin: Callable[[], Any], take: Callable[[Any], Iterable[Any]], expired: Callable[[], Any]
    ) -> AsyncIterator[Any]:
        """Iterates over a watch, taking it up again whenever the sidecar went away."""
        attempt, begun = 0, False
        while True:
            try:
                with translated():
                    call = begin()
            except SidecarUnavailable:
                if begun and self._closed:  # while it waited to take the watch up again
                    return
                raise
            begun = True
            try:
                with translated():
                    async for response in call:
                        attempt = 0
                        for item in take(response):
                            yield item
                broken: SidecarError = SidecarUnavailable("the sidecar ended the watch")
            except SidecarError as error:
                if self._closed:
                    return
                broken = error
                if isinstance(broken, CursorExpired):
                    gap = expired()
                    if gap is not None:
                        yield gap
                    continue
                if not isinstance(broken, SidecarUnavailable):
                    raise
            finally:
                call.cancel()
            await asyncio.sleep(requests.retry_wait(attempt))
            attempt += 1
