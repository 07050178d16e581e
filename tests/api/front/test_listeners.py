"""Listeners: addresses, sockets, TLS and tokens, each refusal included."""

from __future__ import annotations

import errno
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sidecar.api.front.base import Front, Listener, ServerTls
from tests.api.front.conftest import Serve, Serving
from tests.api.front.services import SERVICE
from tests.api.front.test_cold import Channel, details_of, unary
from tests.api.front.tls import Authority

TOKEN = b"correct horse battery staple"


async def call_once(serving: Serving, address: str, credentials: grpc.ChannelCredentials | None = None) -> str:
    async with serving.channel(address, credentials) as channel:
        return await unary(channel, "hello", timeout=10)


async def test_tcp_and_unix_at_once(serve: Serve, socket_path: Path) -> None:
    serving = await serve(Listener("127.0.0.1:0"), Listener(f"unix:{socket_path}"))
    host, _, port = serving.addresses[0].rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0
    assert serving.addresses[1] == f"unix:{socket_path}"
    for address in serving.addresses:
        assert await call_once(serving, address) == "hello"
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o660
    await serving.front.stop(0)
    assert not socket_path.exists()


@pytest.mark.requires("ipv6")
async def test_ipv6(serve: Serve) -> None:
    serving = await serve(Listener("[::1]:0"))
    assert serving.address.startswith("[::1]:")
    assert await call_once(serving, serving.address) == "hello"


async def test_taken_port(serve: Serve, make_front: Callable[[], Front]) -> None:
    serving = await serve()
    second = make_front()
    with pytest.raises(OSError, match=serving.address.replace(".", r"\.")) as raised:
        await second.start([], [Listener(serving.address)])
    assert raised.value.errno == errno.EADDRINUSE
    assert await call_once(serving, serving.address) == "hello"


async def test_taken_path(serve: Serve, make_front: Callable[[], Front], socket_path: Path) -> None:
    serving = await serve(Listener(f"unix:{socket_path}"))
    second = make_front()
    with pytest.raises(OSError, match=str(socket_path)) as raised:
        await second.start([], [Listener(f"unix:{socket_path}")])
    assert raised.value.errno == errno.EADDRINUSE
    await second.stop(0)
    assert await call_once(serving, serving.address) == "hello"


async def test_stale_socket_is_replaced(serve: Serve, socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    assert socket_path.exists()
    serving = await serve(Listener(f"unix:{socket_path}"))
    assert await call_once(serving, serving.address) == "hello"


async def test_what_is_no_socket_is_left_alone(make_front: Callable[[], Front], socket_path: Path) -> None:
    socket_path.write_text("precious")
    with pytest.raises(OSError, match=str(socket_path)):
        await make_front().start([], [Listener(f"unix:{socket_path}")])
    assert socket_path.read_text() == "precious"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.0.0.1:http",
        "127.0.0.1:70000",
        ":7401",
        "unix:/no/such/folder/api.sock",
        "unix:/tmp/" + "x" * 120,
        "192.0.2.1:0",
        "no-such-host.invalid:0",
    ],
)
async def test_an_address_that_cannot_be_listened_on_is_named(make_front: Callable[[], Front], address: str) -> None:
    with pytest.raises(OSError) as raised:
        await make_front().start([], [Listener(address)])
    assert raised.value.filename == address
    assert raised.value.strerror


async def test_one_bad_listener_leaves_none(make_front: Callable[[], Front], socket_path: Path) -> None:
    front = make_front()
    with pytest.raises(OSError):
        await front.start([], [Listener(f"unix:{socket_path}"), Listener("192.0.2.1:0")])
    assert not socket_path.exists()


def server_tls(authority: Authority, *, mutual: bool = False) -> ServerTls:
    pair = authority.issue("sidecar")
    return ServerTls(pair.certificate, pair.key, authority.certificate if mutual else None)


async def test_tls(serve: Serve, authority: Authority) -> None:
    serving = await serve(Listener("127.0.0.1:0", server_tls(authority)), Listener("127.0.0.1:0"))
    trusted = grpc.ssl_channel_credentials(authority.certificate)
    assert await call_once(serving, serving.addresses[0], trusted) == "hello"
    assert await call_once(serving, serving.addresses[1]) == "hello"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call_once(serving, serving.addresses[0])
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_tls_of_a_foreign_authority_is_refused_by_the_client(
    serve: Serve, authority: Authority, tmp_path: Path
) -> None:
    serving = await serve(Listener("127.0.0.1:0", server_tls(authority)))
    foreign = Authority.make("another ca", tmp_path)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call_once(serving, serving.address, grpc.ssl_channel_credentials(foreign.certificate))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_client_certificates(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    serving = await serve(Listener("127.0.0.1:0", server_tls(authority, mutual=True)))
    known = authority.issue("app")
    unknown = Authority.make("another ca", tmp_path).issue("app")

    def credentials(key: bytes | None, certificate: bytes | None) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(authority.certificate, key, certificate)

    assert await call_once(serving, serving.address, credentials(known.key, known.certificate)) == "hello"
    for refused in (credentials(None, None), credentials(unknown.key, unknown.certificate)):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call_once(serving, serving.address, refused)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def authorization(*values: str) -> dict[str, Any]:
    return {"metadata": tuple(("authorization", value) for value in values), "timeout": 10}


async def test_token(serve: Serve) -> None:
    serving = await serve(Listener("127.0.0.1:0", token=TOKEN), Listener("127.0.0.1:0"))
    async with serving.channel() as channel:
        assert await unary(channel, "hello", **authorization(f"Bearer {TOKEN.decode()}")) == "hello"
        assert await unary(channel, "hello", **authorization(f"bearer {TOKEN.decode()}")) == "hello"
    # A token is its listener's own.
    assert await call_once(serving, serving.addresses[1]) == "hello"


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["Bearer wrong"],
        ["Bearer "],
        [f"Basic {TOKEN.decode()}"],
        [TOKEN.decode()],
        [f"Bearer {TOKEN.decode()}x"],
        [f"Bearer {TOKEN.decode()}", "Bearer wrong"],
    ],
)
async def test_wrong_token(serve: Serve, values: list[str]) -> None:
    serving = await serve(Listener("127.0.0.1:0", token=TOKEN))
    async with serving.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await unary(channel, "hello", **authorization(*values))
        assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert details_of(raised.value)[0].reason == "TOKEN_INVALID"
        assert TOKEN.decode() not in (raised.value.details() or "")

        call: Any = channel.stream_stream(f"/{SERVICE}/Probe")(**authorization(*values))
        assert await call.code() is grpc.StatusCode.UNAUTHENTICATED
    assert not serving.services.all_probes


async def test_token_guards_reflection_and_not_health(serve: Serve) -> None:
    serving = await serve(Listener("127.0.0.1:0", token=TOKEN))
    async with serving.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        response = await health.Check(health_pb2.HealthCheckRequest(service="live"))
        assert response.status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await reflection.ServerReflectionInfo(iter([request])).read()
        assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection(serving: Serving, channel: Channel, version: str) -> None:
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = await call.read()
    assert {service.name for service in listed.list_services_response.service} >= {SERVICE}
    await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=StringValue.DESCRIPTOR.full_name))
    assert (await call.read()).file_descriptor_response.file_descriptor_proto
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK
