"""Requests by id: a `Send` that is repeated sends nothing and is answered for the first one. Where its message is
durable the next run of the sidecar knows it too."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from sidecar.errors import Reason, SidecarError, invalid_field
from sidecar.mail.journal import Journal, outgoing
from sidecar.overlay.awaited import TrackedSink
from sidecar.overlay.courier import Courier

REMEMBERED = 10_000
"""Requests that are remembered at most; the oldest that has its outcome goes first."""

REQUEST_ID_MAX = 128
"""Bytes of the longest request id."""

NEVER_SENT = frozenset(
    {
        Reason.QUEUE_FULL, Reason.NO_SUBSCRIBER, Reason.DEADLINE, Reason.CANCELLED, Reason.JOURNAL_FULL,
        Reason.JOURNAL_FAILED, Reason.PEER_UNKNOWN, Reason.PEER_UNREACHABLE, Reason.LINK_CLOSED, Reason.DRAINING,
    }
)  # fmt: skip
"""Reasons that say that nothing has arrived: the request may be made anew."""


class Request:
    """A request that is remembered."""

    def __init__(self, request_id: str, digest: bytes, message_id: str, number: int = 0) -> None:
        self.request_id = request_id
        self.digest = digest
        self.message_id = message_id
        self.number = number
        """Of its message, where that is durable."""
        self.sink: TrackedSink | None = None
        """What knows how far it has come; None for one of a former run that nobody has asked for yet."""
        self.times = (0.0, 0.0)
        """When that one was sent and delivered, in seconds since 1970; 0 for not yet."""
        self.failure: tuple[Reason, str] | None = None
        self.until = 0.0
        """When it may be forgotten, by the journal's clock; 0 while it has no outcome."""


class Requests:
    """See the module."""

    def __init__(self, journal: Journal, courier: Courier, *, window: float) -> None:
        self._journal = journal
        self._courier = courier
        self._window = window
        self._known: OrderedDict[str, Request] = OrderedDict()
        self._former: dict[int, Request] = {}
        """Requests of a former run that had no outcome then, by the number of their message."""
        courier.request_window = window
        courier.on_unasked = self._unasked
        for kept in reversed(journal.requests(REMEMBERED)):
            request = Request(kept.request_id, kept.digest, kept.message_id, kept.number)
            request.times = (kept.sent, kept.delivered)
            request.until = kept.until
            if kept.reason:
                request.failure = (Reason(kept.reason), kept.detail)
            self._known[kept.request_id] = request
            if not kept.until:
                courier.remembered.add(kept.number)
                self._former[kept.number] = request

    def find(self, request_id: str, digest: bytes) -> Request | None:
        """The request, if it was made before. SidecarError INVALID_FIELD when it was made for another message."""
        found = self._known.get(request_id)
        if found is not None and found.digest != digest:
            raise invalid_field("request_id", "was used for another message, peer or level: give each call its own")
        return found

    def begin(self, request_id: str, digest: bytes, message_id: str, sink: TrackedSink) -> Request:
        """A request is made. SidecarError LIMIT_REACHED."""
        if len(self._known) >= REMEMBERED:
            done = next((known for known in self._known.values() if known.until), None)
            if done is None:
                raise SidecarError(
                    Reason.LIMIT_REACHED, f"{REMEMBERED} requests have no outcome yet", retry_after=1,
                    metadata={"limit": str(REMEMBERED)},
                )  # fmt: skip
            del self._known[done.request_id]
        request = self._known[request_id] = Request(request_id, digest, message_id)
        request.sink = sink
        return request

    def row(self, request: Request) -> outgoing.Request:
        """A request as the journal keeps it with its message."""
        now = self._journal.clock.now()
        return outgoing.Request(
            request.request_id, request.digest, request.number, request.message_id, now, 0.0, 0.0, "", "", 0.0
        )

    def take_up(self, request: Request, peer_id: str, make: Callable[[], TrackedSink], *, tracked: bool) -> TrackedSink:
        """What knows how far a request has come; for one of a former run it is made, and told what is known."""
        if request.sink is not None:
            return request.sink
        sink = request.sink = make()
        if request.failure is not None:
            sink.failed(1, 1, *request.failure)
        else:
            sink.sent(1, 1)
            if request.times[1]:
                sink.delivered(1, 1)
            if not request.times[1] or tracked:
                self._courier.watch(peer_id, request.number, sink, tracked=tracked)
        return sink

    def _unasked(self, number: int, failure: tuple[Reason, str] | None) -> None:
        """The message of a request has its outcome before anybody has asked again: it is kept for who does."""
        request = self._former.pop(number, None)
        if request is None or request.sink is not None:
            return
        now = self._journal.clock.now()
        request.until = now + self._window
        request.failure = failure
        if failure is None:
            request.times = (request.times[0], now)

    def settled(self, request: Request, failure: Reason | None) -> None:
        """A request has its outcome."""
        if failure in NEVER_SENT:
            self._known.pop(request.request_id, None)
        else:
            request.until = self._journal.clock.now() + self._window

    def forget(self) -> None:
        """Lets go of those whose window has passed."""
        now = self._journal.clock.now()
        for request_id in [known.request_id for known in self._known.values() if 0 < known.until <= now]:
            del self._known[request_id]
