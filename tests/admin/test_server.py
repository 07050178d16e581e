"""The admin endpoint: health, metrics and status, and nothing that anyone sends it does harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from sidecar.addresses import parse_address
from sidecar.admin import AdminServer, Exposition
from sidecar.admin import http as admin_http
from sidecar.admin import server as admin_server
from sidecar.metrics import Counters, Gauges
from sidecar.settings import SettingsError


class Admin:
    """A running endpoint and what it tells."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.counters = Counters()
        exposition = Exposition(self.counters, Gauges, engine="aioquic", front="grpcio")
        self.server = AdminServer(ready=lambda: self.reasons, status=lambda: "a peer: ü\n", exposition=exposition)
        self.endpoint = ""
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*parse_address(self.endpoint))
        self.writers.append(writer)
        return reader, writer

    async def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self.writers), return_exceptions=True)

    async def raw(self, data: bytes) -> bytes:
        """What comes back until the server closes."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def ask(self, path: str, method: str = "GET", headers: str = "") -> tuple[int, dict[str, str], str]:
        """Status, headers and body of one request."""
        answer = await self.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode())
        head, _, body = answer.decode().partition("\r\n\r\n")
        line, *fields = head.split("\r\n")
        pairs = (field.partition(": ") for field in fields)
        return int(line.split()[1]), {name.lower(): value for name, _, value in pairs}, body


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    running = Admin()
    running.endpoint = await running.server.start("127.0.0.1:0")
    yield running
    await running.server.stop()
    await running.hang_up()


async def test_livez(admin: Admin) -> None:
    admin.reasons = ["no peer is linked"]
    assert (await admin.ask("/livez"))[::2] == (200, "ok\n")


async def test_readyz_in_text_and_json(admin: Admin) -> None:
    as_json = "Accept: application/json\r\n"
    assert (await admin.ask("/readyz"))[::2] == (200, "ready\n")
    status, headers, body = await admin.ask("/readyz", headers=as_json)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body) == {"ready": True, "reasons": []}

    admin.reasons = ["draining", "no peer is linked"]
    assert (await admin.ask("/readyz"))[::2] == (503, "draining\nno peer is linked\n")
    status, _, body = await admin.ask("/readyz?verbose", headers=as_json)
    assert status == 503
    assert json.loads(body) == {"ready": False, "reasons": ["draining", "no peer is linked"]}


async def test_metrics_and_status_page(admin: Admin) -> None:
    status, headers, body = await admin.ask("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=")
    assert 'sidecar_bytes_total{direction="in"} 0.0' in body
    assert (await admin.ask("/"))[::2] == (200, "a peer: ü\n")


async def test_head_is_get_without_body(admin: Admin) -> None:
    status, headers, body = await admin.ask("/", "HEAD")
    assert (status, headers["content-length"], body) == (200, str(len("a peer: ü\n".encode())), "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
async def test_nothing_can_be_changed(admin: Admin, method: str) -> None:
    status, headers, _ = await admin.ask("/livez", method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


async def test_other_paths_say_what_there_is(admin: Admin) -> None:
    status, _, body = await admin.ask("/healthz")
    assert status == 404
    assert "/livez" in body


async def test_requests_follow_each_other_on_one_connection(admin: Admin) -> None:
    answer = await admin.raw(
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        b"HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.endswith(b"ready\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", 400),
        (b"GET /livez\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        (b"GET /" + b"x" * 100_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 100_000, 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ],
    ids=["TLS", "HTTP/0.9", "no Host", "no colon", "long target", "many headers", "body", "chunked", "negative"],
)
async def test_what_is_no_request_is_refused(admin: Admin, data: bytes, status: int) -> None:
    answer = await admin.raw(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (await admin.ask("/livez"))[0] == 200


async def test_late_request_is_closed(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_http, "REQUEST_TIMEOUT", 0.05)
    reader, writer = await admin.connect()
    writer.write(b"GET /livez HTTP/1.1\r\nHost:")
    assert await reader.read() == b""
    writer.close()


async def test_silent_connection_is_closed(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_http, "REQUEST_TIMEOUT", 0.05)
    monkeypatch.setattr(admin_http, "IDLE_TIMEOUT", 0.05)
    reader, writer = await admin.connect()
    assert await reader.read() == b""
    writer.close()
    monkeypatch.setattr(admin_http, "REQUEST_TIMEOUT", 30.0)
    reader, writer = await admin.connect()
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.read()).endswith(b"ok\n"), "and after the request it waits no longer"
    writer.close()


async def test_client_that_resets_costs_nothing(admin: Admin) -> None:
    for data in (b"", b"GET /", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"):
        _, writer = await admin.connect()
        writer.write(data)
        writer.transport.abort()
    assert (await admin.ask("/livez"))[0] == 200


async def test_connections_are_bounded(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_server, "MAX_CONNECTIONS", 3)
    held = [await admin.connect() for _ in range(3)]
    for reader, writer in held:
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"ok\n")
    assert (await admin.raw(b"")).startswith(b"HTTP/1.1 503 ")

    held[0][1].close()
    await held[0][1].wait_closed()
    while True:
        reader, writer = await admin.connect()
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        if (await reader.readline()).startswith(b"HTTP/1.1 200 "):
            break
    for _, writer in held:
        writer.close()


async def test_taken_port_is_one_line(admin: Admin) -> None:
    with pytest.raises(SettingsError, match=rf"^--admin-endpoint {admin.endpoint} is taken: "):
        await Admin().server.start(admin.endpoint)
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1:0 cannot be had"):
        await Admin().server.start("192.0.2.1:0")


async def test_event_loop_lag_is_measured(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_server, "LAG_INTERVAL", 0.01)
    other = Admin()
    await other.server.start("127.0.0.1:0")
    loop = asyncio.get_running_loop()
    passed = asyncio.Event()
    loop.call_later(0.1, passed.set)
    await passed.wait()
    await other.server.stop()
    assert sum(other.counters.loop_lag.counts) > 0


@pytest.mark.requires("ipv6")
async def test_ipv6(admin: Admin) -> None:
    other = Admin()
    other.endpoint = await other.server.start("[::1]:0")
    assert other.endpoint.startswith("[::1]:")
    assert (await other.ask("/livez"))[0] == 200
    await other.server.stop()
    await other.hang_up()
