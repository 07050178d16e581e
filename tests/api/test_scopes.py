"""Apps with tokens and scopes: what each may, and that everything else is refused, verb by verb."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest

from sidecar.api.auth import check_token
from sidecar.api.front.base import Listener
from sidecar.api.scope import EVERYTHING, LOOKING, NAMED, App, Scope
from sidecar.api.services import services
from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.v1 import datagram_pb2, request_pb2, stream_pb2
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar_client import AsyncSidecar, ScopeDenied
from tests.api.inprocess import InProcess, sidecar_in_process

Clients = Callable[[App], Awaitable[AsyncSidecar]]

ORDERS = App(b"orders-token-orders", Scope("orders", send=("orders.*",), receive=("orders.in",), open=("pg",)))
ADMIN = App(b"admin-token-of-admin", Scope("operator", admin=True))


@pytest.fixture
async def shared(front_name: str) -> AsyncIterator[InProcess]:
    """A sidecar of two apps."""
    async with sidecar_in_process(front=front_name, listener=Listener("127.0.0.1:0", apps=(ORDERS, ADMIN))) as sidecar:
        yield sidecar


@pytest.fixture
async def app(shared: InProcess) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as closing:

        async def client(who: App) -> AsyncSidecar:
            return await closing.enter_async_context(AsyncSidecar(shared.address, token=who.token.decode()))

        yield client


def test_patterns() -> None:
    scope = ORDERS.scope
    scope.require_send("orders.new")
    scope.require_receive("orders.in")
    scope.require_open("pg")
    refusals: list[Callable[[], None]] = [
        lambda: scope.require_send("billing"),
        lambda: scope.require_send(""),
        lambda: scope.require_receive("orders.inner"),
        lambda: scope.require_open("pgx"),
        lambda: scope.require_accept("pg"),
    ]
    for refused in refusals:
        with pytest.raises(SidecarError) as error:
            refused()
        assert error.value.reason is Reason.SCOPE_DENIED
        assert error.value.metadata["app"] == "orders"


def test_each_token_has_its_scope() -> None:
    def scope(token: str, method: str = "/overlay.v1.MessageService/Send") -> Scope:
        return check_token(b"the operator's own", method, [("authorization", f"Bearer {token}")], (ORDERS, ADMIN))

    assert scope("the operator's own") is EVERYTHING
    assert scope("orders-token-orders") is ORDERS.scope
    with pytest.raises(SidecarError) as error:
        scope("another-token-of-nobody")
    assert error.value.reason is Reason.TOKEN_INVALID
    with pytest.raises(SidecarError) as error:
        scope("orders-token-orders", "/overlay.v1.NodeService/Drain")
    assert error.value.reason is Reason.SCOPE_DENIED


async def test_every_verb_is_on_one_list_or_for_admins(shared: InProcess) -> None:
    """A verb that names something must ask the scope itself; so each is listed here by hand."""
    offered = services(shared.node, shared.health, "grpcio")
    verbs = {f"/{each.name}/{short}" for each in offered for short in each.methods if each.name.startswith("overlay.")}
    assert verbs >= LOOKING | NAMED
    assert {verb for verb in verbs if "Message" in verb or "Stream" in verb} == NAMED
    for verb in verbs - LOOKING - NAMED:
        with pytest.raises(SidecarError):
            ORDERS.scope.require_method(verb)


async def test_what_no_scope_has_is_refused(shared: InProcess, app: Clients) -> None:
    """Every verb of the API, called by an app whose scope lacks it."""
    client = await app(ORDERS)
    call: Any = grpc.aio.insecure_channel(shared.address)
    metadata = (("authorization", f"Bearer {ORDERS.token.decode()}"),)
    refused = {
        "Send": pb.SendRequest(peer_id=shared.peer_id, channel="billing"),
        "SendStream": pb.SendStreamRequest(open=pb.SendStreamOpen(peer_id=shared.peer_id, channel="billing")),
        "Receive": pb.ReceiveRequest(channel="billing"),
        "Consume": pb.ConsumeRequest(open=pb.ConsumeOpen(channel="billing")),
        "Request": request_pb2.RequestRequest(peer_id=shared.peer_id, channel="billing"),
        "Reply": request_pb2.ReplyRequest(open=request_pb2.ReplyOpen(channel="billing")),
        "Broadcast": datagram_pb2.BroadcastRequest(channel="billing"),
        "SendDatagram": datagram_pb2.SendDatagramRequest(channel="billing"),
        "ReceiveDatagrams": datagram_pb2.ReceiveDatagramsRequest(channel="billing"),
        "Open": stream_pb2.OpenRequest(open=stream_pb2.StreamOpen(peer_id=shared.peer_id, name="billing")),
        "Accept": stream_pb2.AcceptRequest(accept=stream_pb2.StreamAccept(name="billing")),
    }
    for service in services(shared.node, shared.health, "grpcio"):
        if not service.name.startswith("overlay.v1."):
            continue
        for short in service.methods:
            path = f"/{service.name}/{short}"
            if path in LOOKING:
                continue
            request = refused[short].SerializeToString() if path in NAMED else b""
            stream = call.stream_stream(path)(iter([request]), metadata=metadata, timeout=10)
            with pytest.raises(grpc.aio.AioRpcError) as error:
                async for _ in stream:
                    pass
            assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED, path
    await call.close()
    with pytest.raises(ScopeDenied) as denied:
        await client.send(shared.peer_id, b"", channel="billing")
    assert denied.value.metadata == {"app": "orders", "needs": "send"}


async def test_what_a_scope_has_goes_on(shared: InProcess, app: Clients) -> None:
    client, admin = await app(ORDERS), await app(ADMIN)
    assert (await client.node()).peer_id == shared.peer_id
    assert await client.peers() == []
    await admin.add_contacts("127.0.0.1:9")
    with pytest.raises(ScopeDenied):
        await client.add_contacts("127.0.0.1:9")
