"""The reference front: grpcio's asyncio server under generic handlers.

Every listener has a server of its own, so that its token and its TLS are its own. grpc.aio gives and takes one message
an await; a hot method adds none above that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import Message

from sidecar.api.auth import check_token
from sidecar.api.front.addresses import SOCKET_MODE, check_free, host_and_port, unix_path
from sidecar.api.front.base import (
    TRANSPORT_BYTES,
    CallContext,
    ColdBidi,
    ColdStream,
    ColdUnary,
    Hot,
    HotMethod,
    Listener,
    Method,
    ServerTls,
    Service,
    answer_by,
    whole,
)
from sidecar.api.front.failures import status_for
from sidecar.api.front.requests import decoded
from sidecar.api.scope import EVERYTHING
from sidecar.api.status import Status
from sidecar.errors import Reason, SidecarError

TAKE_BYTES: Final = 1 << 20
"""How many bytes of responses are taken at a time: grpcio writes them one by one."""

OPTIONS: Final = (
    # Without this a second server binds the same port and the kernel deals calls to either.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", TRANSPORT_BYTES),
    ("grpc.max_send_message_length", TRANSPORT_BYTES),
    # What a client may send ahead on one call: fewer window updates than the default of 64 KiB, and still bounded.
    ("grpc.http2.lookahead_bytes", 1 << 20),
    # Clients may ping every 10 s, also without calls; whoever vanished without a FIN is found out by our own pings.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 15_000),
)

CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


class GrpcioFront:
    """`sidecar.api.front.base.Front` over grpcio."""

    name = "grpcio"

    def __init__(self, refused: Callable[[], None] = lambda: None) -> None:
        """`refused` is called for each call whose token is wrong."""
        self._refused = refused
        self._servers: list[grpc.aio.Server] = []
        self._sockets: list[Path] = []

    async def start(self, services: Sequence[Service], listeners: Sequence[Listener]) -> list[str]:
        """As `Front.start`. When one listener fails none is left serving."""
        addresses: list[str] = []
        try:
            for listener in listeners:
                check_free(listener.address)
                handlers = [Handlers(services, listener, self._refused)]
                server = grpc.aio.server(handlers=handlers, options=OPTIONS)
                addresses.append(self._bind(server, listener))
                self._servers.append(server)
            for server in self._servers:
                await server.start()
        except BaseException:
            await self.stop(0)
            raise
        return addresses

    async def stop(self, grace: float) -> None:
        """As `Front.stop`; may be called more than once."""
        servers, self._servers = self._servers, []
        await asyncio.gather(*(server.stop(grace) for server in servers))
        sockets, self._sockets = self._sockets, []
        for path in sockets:
            path.unlink(missing_ok=True)

    def _bind(self, server: grpc.aio.Server, listener: Listener) -> str:
        """Binds and gives the address with its real port."""
        path = unix_path(listener.address)
        target = listener.address if path is None else f"unix:{path}"
        try:
            if listener.tls is None:
                port = server.add_insecure_port(target)
            else:
                port = server.add_secure_port(target, server_credentials(listener.tls))
        except RuntimeError as error:
            raise OSError(None, f"cannot listen there: {error}", listener.address) from error
        if path is not None:
            path.chmod(SOCKET_MODE)
            self._sockets.append(path)
            return target
        host, _ = host_and_port(listener.address)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def server_credentials(tls: ServerTls) -> grpc.ServerCredentials:
    """What grpcio takes for it."""
    return grpc.ssl_server_credentials(
        [(tls.private_key, tls.certificate_chain)],
        root_certificates=tls.client_ca,
        require_client_auth=tls.client_ca is not None,
    )


Context = Any
"""grpc.aio.ServicerContext, whose types say less than it does."""


class Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a call by its path, once the call's token is checked."""

    def __init__(self, services: Sequence[Service], listener: Listener, refused: Callable[[], None]) -> None:
        self._listener = listener
        self._refused = refused
        self._handlers = {
            f"/{service.name}/{short}": handler_of(f"/{service.name}/{short}", method, listener)
            for service in services
            for short, method in service.methods.items()
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler; None for an unknown method, which gRPC answers UNIMPLEMENTED."""
        method = handler_call_details.method
        try:
            check_token(self._listener.token, method, handler_call_details.invocation_metadata, self._listener.apps)
        except SidecarError as error:
            self._refused()
            return refusal(status_for(method, error))
        return self._handlers.get(method)


def refusal(status: Status) -> grpc.RpcMethodHandler[Any, Any]:
    """A handler that answers any call with one status."""

    async def refuse(_requests: Any, context: Context) -> NoReturn:
        await abort(context, status)

    return grpc.stream_stream_rpc_method_handler(refuse)


def handler_of(path: str, method: Method, listener: Listener) -> Any:
    """grpcio's handler for a method, by its kind."""
    handler: Any
    match method:
        case ColdUnary():
            handler = grpc.unary_unary_rpc_method_handler(cold_unary(path, method, listener), None, encoded)
        case ColdStream():
            handler = grpc.unary_stream_rpc_method_handler(cold_stream(path, method, listener), None, encoded)
        case ColdBidi():
            handler = grpc.stream_stream_rpc_method_handler(cold_bidi(path, method, listener), None, encoded)
        case Hot(unary_request=True, unary_response=True):
            handler = grpc.unary_unary_rpc_method_handler(hot(path, method, listener))
        case Hot(unary_request=True):
            handler = grpc.unary_stream_rpc_method_handler(hot(path, method, listener))
        case Hot(unary_response=True):
            handler = grpc.stream_unary_rpc_method_handler(hot(path, method, listener))
        case Hot():
            handler = grpc.stream_stream_rpc_method_handler(hot(path, method, listener))
    return handler


def encoded(message: Message) -> bytes:
    """A response's bytes."""
    return message.SerializeToString()


def call_context(path: str, context: Context, listener: Listener) -> CallContext:
    """What the call's method may know."""
    given = context.invocation_metadata() or ()
    metadata = {key: value for key, value in given if isinstance(value, str)}
    scope = check_token(listener.token, path, given, listener.apps) if listener.apps else EVERYTHING
    remaining = context.time_remaining()
    if remaining is None:
        return CallContext(path, metadata, None, None, scope)
    now = asyncio.get_running_loop().time()
    return CallContext(path, metadata, now + remaining, answer_by(now + remaining, now), scope)


async def abort(context: Context, status: Status) -> NoReturn:
    """Ends the call with a status: raises what grpc.aio takes for that."""
    await context.abort(CODES[status.code], status.message, status.trailers)
    raise AssertionError("abort returned")


@contextmanager
def to_client() -> Iterator[None]:
    """Around what goes out: grpc.aio calls a client that vanished meanwhile an internal error of the server, and logs
    it as one."""
    try:
        yield
    except grpc.aio.InternalError as error:
        raise asyncio.CancelledError("the client is gone") from error


async def abort_for(context: Context, path: str, error: Exception) -> NoReturn:
    """Ends the call as an exception of its method asks for."""
    if isinstance(error, grpc.aio.AbortError):
        raise error
    await abort(context, status_for(path, error))


def cold_unary(path: str, method: ColdUnary, listener: Listener) -> Callable[[bytes, Context], Awaitable[Message]]:
    """One request, one response. A method that is not done when the answer is due is cancelled and answered for."""

    async def handle(request: bytes, context: Context) -> Message:
        known = call_context(path, context, listener)
        due = None
        if known.deadline is not None and known.answer_by is not None:
            # Between the two: the method itself was told `answer_by` and has better words for what it waited for.
            due = (known.answer_by + known.deadline) / 2
        try:
            async with asyncio.timeout_at(due) as timer:
                return await method.call(decoded(method.request, request), known)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            if isinstance(error, TimeoutError) and timer.expired():
                error = SidecarError(Reason.DEADLINE, f"{path} was not done within the call's deadline")
            await abort_for(context, path, error)

    return handle


def cold_stream(path: str, method: ColdStream, listener: Listener) -> Callable[[bytes, Context], Awaitable[None]]:
    """One request, a stream of responses."""

    async def handle(request: bytes, context: Context) -> None:
        try:
            message = decoded(method.request, request)
            await write_all(method.call(message, call_context(path, context, listener)), context)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            await abort_for(context, path, error)

    return handle


def cold_bidi(
    path: str, method: ColdBidi, listener: Listener
) -> Callable[[AsyncIterator[bytes], Context], Awaitable[None]]:
    """A stream each way."""

    async def handle(requests: AsyncIterator[bytes], context: Context) -> None:
        messages = (decoded(method.request, request) async for request in requests)
        try:
            await write_all(method.call(messages, call_context(path, context, listener)), context)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            await abort_for(context, path, error)

    return handle


async def write_all(responses: AsyncIterator[Message], context: Context) -> None:
    """Writes what an iterator gives, and closes it however that ends."""
    async with aclosing(responses) as open_responses:  # type: ignore[type-var] # servicers give async generators
        with to_client():
            await context.send_initial_metadata(())
        async for response in open_responses:
            with to_client():
                await context.write(response)


def hot(path: str, method: Hot, listener: Listener) -> Callable[[Any, Context], Awaitable[bytes | None]]:
    """Encoded messages in batches."""

    async def handle(request: Any, context: Context) -> bytes | None:
        call = HotCall(call_context(path, context, listener))
        try:
            served = method.open(call)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            await abort_for(context, path, error)
        completed = False
        reader: asyncio.Task[None] | None = None
        try:
            if method.unary_request:
                call.hand_in(served, request)
                call.guarded(served.half_closed)
            else:
                reader = asyncio.create_task(call.read(served, context))
            response = await call.write(served, context, unary=method.unary_response)
            completed = call.drained
            if call.error is not None:
                await abort(context, status_for(path, call.error))
            return response
        finally:
            if reader is not None:
                reader.cancel()
            served.ended(completed)

    return handle


class HotCall:
    """`sidecar.api.front.base.HotCall` over grpcio."""

    __slots__ = ("context", "error", "drained", "_finished", "_woken", "_resumed", "_opened")

    def __init__(self, context: CallContext) -> None:
        self.context = context
        self.error: Exception | None = None
        """Why the call ends, once it is to end otherwise than OK."""
        self.drained = False
        """Whether every response was written after `finish`."""
        self._finished = False
        self._opened = False
        """Whether a request was handed in."""
        self._woken = asyncio.Event()
        self._resumed = asyncio.Event()

    def wake(self) -> None:
        """As `HotCall.wake`."""
        self._woken.set()

    def resume(self) -> None:
        """As `HotCall.resume`."""
        self._resumed.set()

    def finish(self, error: SidecarError | None = None) -> None:
        """As `HotCall.finish`; the first one counts."""
        self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        if not self._finished:
            self._finished = True
            self.error = error
            self._woken.set()

    def guarded(self, verb: Callable[..., None], *arguments: Any) -> None:
        """Calls a verb of the method; what it raises ends the call."""
        try:
            verb(*arguments)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self._finish(error)

    def hand_in(self, served: HotMethod, request: bytes) -> None:
        """Gives the method a request; the first one lets the headers go."""
        self.guarded(served.messages, [request])
        if not self._opened:
            self._opened = True
            self._woken.set()

    async def read(self, served: HotMethod, context: Context) -> None:
        """Hands in requests until the client half-closes or the call is to end."""
        while not self._finished:
            if served.paused:
                self._resumed.clear()
                if served.paused:
                    await self._resumed.wait()
                continue
            request = await context.read()
            if request is grpc.aio.EOF:
                # A call whose client vanished reads as ended too; its cancellation follows.
                self.guarded(served.half_closed)
                return
            self.hand_in(served, request)

    async def write(self, served: HotMethod, context: Context, *, unary: bool) -> bytes | None:
        """Writes responses until `finish` was asked for and none is left; gives a unary call's one."""
        only: bytes | None = None
        headers_due = not unary
        while True:
            if headers_due and self._opened and not self._finished:
                headers_due = False
                with to_client():
                    await context.send_initial_metadata(())
            # In this order: what is ready when `finish` is called is still written.
            finished = self._finished
            self._woken.clear()
            try:
                responses = served.take(TAKE_BYTES)
            except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
                self._finish(error)
                return only
            if unary:
                only = whole(responses[0]) if responses else only
            else:
                with to_client():
                    for response in responses:
                        headers_due = False
                        await context.write(whole(response))
            if not responses:
                if finished:
                    self.drained = True
                    return only
                await self._woken.wait()
