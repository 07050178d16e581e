"""What a gRPC server does for the servicers above it, whichever server it is.

A servicer never sees a server library's types. It comes in two kinds:

- *cold* methods are coroutines over protobuf messages, one call at a time;
- *hot* methods are objects over encoded messages in batches, which await nothing: a front hands in the list of messages
  that have arrived and takes as many responses as it has room for.

Errors are `sidecar.errors.SidecarError`; the front turns one into a status by the table in `sidecar.api.status`, which
also has `ForeignStatus` for services of other packages. Any other exception is a bug: logged once, answered INTERNAL.

The response headers of a stream go out as soon as its first request was handed in without an error, before any
response: a client that waits for them knows that its call was taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.message import Message

from sidecar.api.scope import EVERYTHING, App, Scope
from sidecar.errors import SidecarError

TRANSPORT_BYTES = 32 << 20
"""The largest gRPC message that is let in or out: twice what a servicer takes, so that it is the servicer who refuses
what is too large, with words that help."""

ANSWER_SECONDS = 0.1
"""An answer at a deadline sets out so much before it, or a tenth of the call's time where that is less."""

ROUNDING = 0.01
"""grpc-timeout goes through some libraries rounded up to three digits: the client may give up so much of the call's
time earlier than the server is told."""


def answer_by(deadline: float, now: float) -> float:
    """When to answer a call that came in `now` and whose client gives up at `deadline`."""
    left = max(0.0, deadline - now)
    return deadline - min(ANSWER_SECONDS, left / 10) - left * ROUNDING


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a method may know of its call."""

    method: str
    """`/package.Service/Method`."""
    metadata: Mapping[str, str]
    """Lower-case names; binary ones (`-bin`) are left out."""
    deadline: float | None
    """When the client gives up, in seconds of the event loop's clock; None without one."""
    answer_by: float | None
    """When to answer at the latest, so that the answer is there before the client gives up: what a method hands down as
    the deadline of its work. None without one."""
    scope: Scope = EVERYTHING
    """What the app behind the call's token may do; what `check_token` gave."""


class HotCall(Protocol):
    """The front's side of a hot call: what its method may ask of it. Every verb is cheap and may be called at any time,
    also after the call has ended."""

    context: CallContext

    def wake(self) -> None:
        """Responses are there: the front calls `take` soon, and again whenever it has room, until it gives nothing."""
        ...

    def resume(self) -> None:
        """`paused` has become false: the front reads on."""
        ...

    def finish(self, error: SidecarError | None = None) -> None:
        """Ends the call, with OK or an error, once what `take` still gives is written."""
        ...


Encoded = bytes | tuple[bytes | memoryview, ...]
"""An encoded response: whole, or in parts that a front need not join."""


def whole(response: Encoded) -> bytes:
    """A response in one piece."""
    return response if isinstance(response, bytes) else b"".join(response)


class HotMethod(Protocol):
    """A servicer's side of a hot call. The front calls it from the event loop's thread, one verb at a time.

    Raising SidecarError from any verb ends the call with it; `ended` is still called.
    """

    def messages(self, batch: list[bytes]) -> None:
        """Encoded requests have arrived, in order. They are taken even when `paused` has just become true."""
        ...

    def half_closed(self) -> None:
        """The client sends no more requests."""
        ...

    @property
    def paused(self) -> bool:
        """True while the front is to read no more requests from the client, so that HTTP/2 holds it back."""
        ...

    def take(self, max_bytes: int) -> Sequence[Encoded]:
        """Responses to write now, some `max_bytes` in all (one may be larger); empty when there are none."""
        ...

    def ended(self, completed: bool) -> None:
        """The call is over: `completed` when every response was handed to the client's transport after `finish`; else
        it was cancelled, its client vanished or its deadline passed. Called exactly once, last."""
        ...


@dataclass(frozen=True, slots=True)
class ColdUnary:
    """One request, one response."""

    request: type[Message]
    call: Callable[[Any, CallContext], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class ColdStream:
    """One request, a stream of responses. The iterator is closed when the call ends."""

    request: type[Message]
    call: Callable[[Any, CallContext], AsyncIterator[Message]]


@dataclass(frozen=True, slots=True)
class ColdBidi:
    """A stream of requests, a stream of responses."""

    request: type[Message]
    call: Callable[[AsyncIterator[Any], CallContext], AsyncIterator[Message]]


@dataclass(frozen=True, slots=True)
class Hot:
    """Encoded messages in batches, whatever the cardinality; a unary method gets one message and gives one."""

    open: Callable[[HotCall], HotMethod]
    unary_request: bool = False
    unary_response: bool = False
    punctual: bool = False
    """Whether its calls end by their `answer_by` without being told, so that a front needs no timer for them."""


Method = ColdUnary | ColdStream | ColdBidi | Hot


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its full name and its methods by their short ones."""

    name: str
    methods: Mapping[str, Method]


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a front listens and whom it lets in there."""

    address: str
    """`host:port` (port 0 takes a free one) or `unix:/path`."""
    tls: ServerTls | None = None
    token: bytes | None = None
    """Asked of every call but health as `authorization: Bearer TOKEN`, compared in constant time."""
    apps: tuple[App, ...] = ()
    """Tokens that let in as well, each for what its scope has."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """PEM, all of it."""

    certificate_chain: bytes
    private_key: bytes
    client_ca: bytes | None
    """When given, a client must show a certificate that chains to it."""


class Front(Protocol):
    """A gRPC server."""

    name: str

    async def start(self, services: Sequence[Service], listeners: Sequence[Listener]) -> list[str]:
        """Serves; gives the addresses with their real ports. A taken port or path is an OSError whose text names the
        address."""
        ...

    async def stop(self, grace: float) -> None:
        """Takes no new calls, lets running ones end for `grace` seconds, then cancels them."""
        ...
