"""Requests that are odd and allowed, or nearly: both fronts give the same answer, and lean the better one where HTTP/2
or gRPC is clear and grpcio is not."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, StringValue
from hpack import Encoder

from sidecar.api.front.lean import frames
from sidecar.api.front.lean.frames import ErrorCode
from tests.api.front.conftest import Serve, Serving
from tests.api.front.raw import RawClient, message, request_fields
from tests.api.front.services import SERVICE

Request = Callable[[RawClient], bytes]

HELLO = message(StringValue(value="hello").SerializeToString())
PLAIN = [(name, value, True) for name, value in request_fields("Unary")]
"""In no table."""


def data(payload: bytes, flags: int = frames.END_STREAM) -> bytes:
    return frames.frame(frames.DATA, flags, 1, payload)


def request(*more: tuple[str, str], drop: str = "", body: bytes = HELLO, **instead: str) -> Request:
    """A unary call with other headers: `te="..."` for one that stands there, `drop` without one."""
    changed = {name.replace("_", "-"): value for name, value in instead.items()}
    fields = [(name, changed.get(name.lstrip(":"), value)) for name, value in request_fields("Unary") if name != drop]
    return lambda client: frames.frame(frames.HEADERS, 4, 1, client.encoder.encode([*fields, *more])) + data(body)


def packed(payload: bytes) -> bytes:
    """A compressed message."""
    return struct.pack(">BI", 1, len(payload)) + payload


def a_frame_a_byte(client: RawClient) -> bytes:
    """The block in CONTINUATION of a byte each, as many as may be; the message in DATA of one byte each."""
    block = client.encoder.encode(request_fields("Unary"))
    first, rest = block[:-20], block[-20:]
    begun = frames.frame(frames.HEADERS, 0, 1, first)
    for byte in rest:
        begun += frames.frame(frames.CONTINUATION, 0, 1, bytes([byte]))
    begun += frames.frame(frames.CONTINUATION, frames.END_HEADERS, 1)
    return begun + b"".join(data(bytes([byte]), 0) for byte in HELLO) + data(b"")


def with_priorities(client: RawClient) -> bytes:
    """Priorities of idle, open and closed streams, and in HEADERS."""
    first, last = (frames.frame(frames.PRIORITY, 0, number, b"\0\0\0\0\x10") for number in (9, 1))
    block = b"\x80\0\0\0\xff" + client.encoder.encode(request_fields("Unary"))
    return first + frames.frame(frames.HEADERS, 4 | frames.WITH_PRIORITY, 1, block) + last + data(HELLO) + last


def with_trailers(client: RawClient) -> bytes:
    trailers = frames.frame(frames.HEADERS, 5, 1, client.encoder.encode([("x-late", "1")]))
    return request()(client)[: -len(data(HELLO))] + data(HELLO, 0) + trailers


ODD: dict[str, Request] = {
    "nothing odd": request(),
    "empty :authority": request(authority=""),
    "no :authority, but host": request(("host", "elsewhere"), drop=":authority"),
    "host is another": request(("host", "elsewhere")),
    "scheme https without TLS": request(scheme="https"),
    "application/grpc+proto": request(content_type="application/grpc+proto"),
    "application/grpc;charset=utf-8": request(content_type="application/grpc;charset=utf-8"),
    "binary metadata, padded": request(("x-bin", "YWI=")),
    "binary metadata, not padded": request(("x-bin", "YWI")),
    "a name twice": request(("x-a", "1"), ("x-a", "2")),
    "an empty value": request(("x-a", "")),
    "grpc- headers nobody knows": request(("grpc-more", "1")),
    "user-agent twice": request(("user-agent", "one"), ("user-agent", "two")),
    "99999999 hours": request(("grpc-timeout", "99999999H")),
    "99999999 microseconds": request(("grpc-timeout", "99999999u")),
    "an encoding that no message has": request(("grpc-encoding", "gzip")),
    "gzip": request(("grpc-encoding", "gzip"), body=packed(gzip.compress(HELLO[5:]))),
    "the right content-length": request(("content-length", str(len(HELLO)))),
    "priorities": with_priorities,
    "a frame a byte": a_frame_a_byte,
    "trailers": with_trailers,
    "no table": lambda client: frames.frame(frames.HEADERS, 4, 1, b"\x20" + Encoder().encode(PLAIN)) + data(HELLO),
    "a table of 0, then of 4,096": lambda client: (
        frames.frame(frames.HEADERS, 4, 1, b"\x20\x3f\xe1\x1f" + client.encoder.encode(request_fields("Unary")))
        + data(HELLO)
    ),
    "settings nobody knows": lambda client: (
        frames.frame(frames.SETTINGS, 0, 0, frames.SETTING.pack(0x99, 7)) + request()(client)
    ),
}


async def answer(client: RawClient) -> bytes:
    """The response of stream 1, whose call ended well."""
    response, status = b"", None
    while status is None:
        frame = await client.read()
        if frame.kind == frames.HEADERS:
            status = {str(name): str(value) for name, value in client.decoder.decode(frame.payload)}.get("grpc-status")
        elif frame.kind == frames.DATA:
            response += frame.payload
        else:
            assert frame.kind not in {frames.RST_STREAM, frames.GOAWAY}, frame
    assert status == "0"
    return response


@pytest.mark.parametrize("odd", ODD)
async def test_what_is_odd_is_answered(serving: Serving, odd: str) -> None:
    client = await RawClient.connect(serving.address)
    await client.send(ODD[odd](client))
    assert await answer(client) == HELLO
    await client.close()


async def test_no_time_left(serving: Serving) -> None:
    """A call that comes after its deadline is not made."""
    client = await RawClient.connect(serving.address)
    await client.send(client.headers(1, "Echo", ("grpc-timeout", "0n")), data(HELLO))
    assert (await client.trailers(1))["grpc-status"] == "4"
    await client.close()


async def test_reset_after_the_half_close(serving: Serving) -> None:
    """It cancels, whatever is still on its way; the connection serves on."""
    client = await RawClient.connect(serving.address)
    waits = message(StringValue(value="wait").SerializeToString())
    await client.send(
        client.headers(1, "Unary") + data(waits) + frames.rst_stream(1, ErrorCode.CANCEL),
        client.headers(3, "Unary") + frames.frame(frames.DATA, frames.END_STREAM, 3, HELLO),
    )
    assert (await client.trailers(3))["grpc-status"] == "0"
    await client.close()


# What lean answers, and grpcio otherwise or not at all.

REFUSED: dict[str, tuple[Request, str]] = {
    "no request": (lambda client: client.headers(1, "Unary", flags=5), "13"),
    "no request, and an empty frame": (lambda client: client.headers(1, "Unary") + data(b""), "13"),
    "half a head": (request(body=HELLO[:3]), "13"),
    "half a message": (request(body=HELLO[:-1]), "13"),
    "two requests": (request(body=HELLO * 2), "13"),
    "compressed and identity": (request(("grpc-encoding", "identity"), body=packed(HELLO[5:])), "13"),
    "neither compressed nor not": (request(body=b"\2" + HELLO[1:]), "13"),
    "123456789 seconds": (request(("grpc-timeout", "123456789S")), "3"),
    "a unit that is none": (request(("grpc-timeout", "1x")), "3"),
    "no time-out in it": (request(("grpc-timeout", "")), "3"),
    "a path without a slash": (request(path="test.Front/Unary"), "12"),
    "a path with a question": (request(path=f"/{SERVICE}/Unary?x=1"), "12"),
    "a path of 9,000": (request(path="/" + "x" * 9000), "12"),
    "more than any message": (
        lambda client: client.headers(1, "Unary") + data(struct.pack(">BI", 0, 40 << 20), 0),
        "8",
    ),
}

RESET: dict[str, Request] = {
    "te": request(te="gzip"),
    "te is empty": request(te=""),
    "a content-length too small": request(("content-length", "3")),
    "a content-length too large": request(("content-length", "300")),
    "two content-lengths": request(("content-length", "3"), ("content-length", str(len(HELLO)))),
    "a content-length that is no number": request(("content-length", "+10")),
    "a status": request((":status", "200")),
    ":protocol": request((":protocol", "websocket")),
    "no path": request(drop=":path"),
    "an empty path": request(path=""),
    "upper case": request(("X-A", "1")),
    "connection": request(("connection", "close")),
    "trailers that do not end": lambda client: (
        client.headers(1, "Unary") + data(HELLO, 0)
        + frames.frame(frames.HEADERS, 4, 1, client.encoder.encode([("x-late", "1")]))
    ),
    "trailers with a path": lambda client: (
        client.headers(1, "Unary") + data(HELLO, 0)
        + frames.frame(frames.HEADERS, 5, 1, client.encoder.encode([(":path", "/")]))
    ),
}  # fmt: skip

HTTP: dict[str, tuple[Request, str]] = {
    "GET": (request(method="GET"), "405"),
    "no content-type": (request(drop="content-type"), "415"),
    "text": (request(content_type="text/plain"), "415"),
    "gRPC-Web": (request(content_type="application/grpc-web+proto"), "415"),
}

lean_only = pytest.mark.parametrize("make_front", ["lean"], indirect=True)


@lean_only
@pytest.mark.parametrize("odd", REFUSED)
async def test_what_is_wrong_has_a_status(serving: Serving, odd: str) -> None:
    client = await RawClient.connect(serving.address)
    wrong, code = REFUSED[odd]
    await client.send(wrong(client))
    assert (await client.trailers(1))["grpc-status"] == code
    await client.send(client.headers(3, "Unary") + frames.frame(frames.DATA, frames.END_STREAM, 3, HELLO))
    assert (await client.trailers(3))["grpc-status"] == "0"
    await client.close()


@lean_only
@pytest.mark.parametrize("odd", RESET)
async def test_what_is_malformed_is_reset(serving: Serving, odd: str) -> None:
    """And costs its stream (RFC 9113 section 8.1.1)."""
    client = await RawClient.connect(serving.address)
    await client.send(RESET[odd](client))
    assert (await client.until(frames.RST_STREAM, 1)).payload == frames.NUMBER.pack(ErrorCode.PROTOCOL_ERROR)
    await client.send(client.headers(3, "Unary") + frames.frame(frames.DATA, frames.END_STREAM, 3, HELLO))
    assert (await client.trailers(3))["grpc-status"] == "0"
    await client.close()


@lean_only
@pytest.mark.parametrize("odd", HTTP)
async def test_what_is_no_grpc_has_a_status_of_http(serving: Serving, odd: str) -> None:
    client = await RawClient.connect(serving.address)
    wrong, status = HTTP[odd]
    await client.send(wrong(client))
    told = client.decoder.decode((await client.until(frames.HEADERS, 1)).payload)
    assert {str(name): str(value) for name, value in told}[":status"] == status
    await client.close()


@lean_only
@pytest.mark.parametrize("padding", [0, 1, 255])
async def test_padding_on_every_frame(serving: Serving, padding: int) -> None:
    """Of HEADERS and DATA, also where there is nothing else in the frame; what it says is zeros or not."""
    client = await RawClient.connect(serving.address)
    tail = b"p" * padding
    block = bytes([padding]) + client.encoder.encode(request_fields("Unary")) + tail
    await client.send(
        frames.frame(frames.HEADERS, 4 | frames.PADDED, 1, block),
        *(data(bytes([padding]) + HELLO[at : at + 3] + tail, frames.PADDED) for at in range(0, len(HELLO), 3)),
        data(bytes([padding]) + tail, frames.PADDED | frames.END_STREAM),
    )
    assert await answer(client) == HELLO
    await client.close()


async def test_windows_that_become_negative(serve: Serve) -> None:
    """SETTINGS take back, in the middle of a stream, what was not used of its window, and more; WINDOW_UPDATE has to
    make up for that before another byte comes (section 6.9.2)."""
    serving = await serve()
    client = await RawClient.connect(serving.address, settings={frames.INITIAL_WINDOW_SIZE: 1000})
    size = 4000
    body = message(BytesValue(value=bytes(size)).SerializeToString())
    await client.send(client.headers(1, "Bytes"), data(body))
    response = b""
    while len(response) < 1000:
        response += (await client.until(frames.DATA, 1)).payload
    assert len(response) == 1000
    await client.send(frames.settings_frame({frames.INITIAL_WINDOW_SIZE: 100}), frames.window_update(1, 900))
    await client.send(frames.frame(frames.PING, 0, 0, b"12345678"))
    while (frame := await client.read()).kind != frames.PING:
        assert frame.kind != frames.DATA
    # The window is at nothing: each byte more is a byte.
    await client.send(frames.window_update(1, 1))
    assert len((await client.until(frames.DATA, 1)).payload) == 1
    await client.send(frames.settings_frame({frames.INITIAL_WINDOW_SIZE: 1 << 20}))
    while len(response) < len(body) - 1:
        response += (await client.until(frames.DATA, 1)).payload
    assert (await client.trailers(1))["grpc-status"] == "0"
    await client.close()
