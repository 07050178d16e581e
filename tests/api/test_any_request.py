"""Every method of the API with requests made of extreme values, broken bytes and deadlines of all kinds: each call
ends, by an answer that says what was wrong, and none by a bug of ours."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from sidecar.api.front.lean import frames
from sidecar.gen.overlay.v1 import bootstrap_pb2, message_pb2, node_pb2, peer_pb2, queue_pb2, stream_pb2
from tests.api.conftest import Sides
from tests.api.front.raw import RawClient, message

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

ROUNDS = 25
AT_ONCE = 16
FILES = (bootstrap_pb2, message_pb2, node_pb2, peer_pb2, queue_pb2, stream_pb2)
ENDING = {"Drain", "Disconnect"}
"""They do what they say to the sidecar that the others need."""

DEADLINES = ("300m", "300m", "300m", "0n", "1n", "999u", "30000u")
WORDS = ("", "ch", "x", "a" * 300, "b" * 9000, "\0", "é" * 40, "127.0.0.1:1", "/", "*", "key-bin")
PIECES = (b"", b"x", bytes(1000), b"\x0a\x02hi", bytes(70_000))
FLOATS = (0.0, 1.0, -1.0, math.nan, math.inf, 1e308)
ENUMS = (0, 1, 2, 3, 99, -1, 2**31 - 1)
UNCLEAR = {"2", "13"}
"""UNKNOWN and INTERNAL."""


WIDE = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_SINT64}
SIGNED = {
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_SINT32,
    FieldDescriptor.TYPE_SINT64,
}


def numbers(field: FieldDescriptor) -> tuple[int, ...]:
    """The edges of an integer's type, and some between."""
    signed = field.type in SIGNED
    top = 2 ** ((64 if field.type in WIDE else 32) - signed) - 1
    return (0, 1, 2, 7, 1000, top // 2, top, -top - 1 if signed else top)


class Requests:
    """Requests of any type, drawn from a seed; `names` are strings that mean something."""

    def __init__(self, seed: int, names: tuple[str, ...]) -> None:
        self.random = random.Random(seed)
        self.words = WORDS + names * 2

    def value(self, field: FieldDescriptor) -> Any:
        if field.type == FieldDescriptor.TYPE_STRING:
            return self.random.choice(self.words)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self.random.choice(PIECES)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return self.random.random() < 0.5
        if field.type == FieldDescriptor.TYPE_ENUM:
            return self.random.choice(ENUMS)
        if field.type in {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}:
            return self.random.choice(FLOATS)
        return self.random.choice(numbers(field))

    def fill(self, target: Any, depth: int = 0) -> Any:
        for field in target.DESCRIPTOR.fields:
            if self.random.random() < (0.45 if depth < 4 else 0.95):
                continue
            held = getattr(target, field.name)
            kind = field.message_type
            if kind is not None and kind.GetOptions().map_entry:
                for _ in range(self.random.choice((1, 1, 3, 200))):
                    held[self.value(kind.fields_by_name["key"])] = self.value(kind.fields_by_name["value"])
            elif field.is_repeated:
                for _ in range(self.random.choice((1, 1, 2, 3, 50))):
                    if kind is not None:
                        self.fill(held.add(), depth + 1)
                    else:
                        held.append(self.value(field))
            elif kind is not None:
                held.SetInParent()
                self.fill(held, depth + 1)
            else:
                setattr(target, field.name, self.value(field))
        return target

    def call(self, method: MethodDescriptor) -> list[bytes]:
        """The messages of a call, as many as one window takes."""
        kind = message_factory.GetMessageClass(method.input_type)
        messages, room = [], frames.DEFAULT_WINDOW
        for _ in range(self.random.choice((1, 1, 2, 3, 6)) if method.client_streaming else 1):
            encoded = bytearray(self.fill(kind()).SerializeToString())
            if encoded and self.random.random() < 0.1:
                encoded[self.random.randrange(len(encoded))] = self.random.randrange(256)
            framed = message(bytes(encoded))
            if len(framed) <= room:
                messages.append(framed)
                room -= len(framed)
        return messages or [message(b"")]


def methods() -> Iterator[MethodDescriptor]:
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from (method for method in service.methods if method.name not in ENDING)


async def status(address: str, method: MethodDescriptor, requests: Requests) -> str:
    """How a call ends."""
    client = await RawClient.connect(address, settings={frames.INITIAL_WINDOW_SIZE: 1 << 20})
    fields = [
        (":method", "POST"), (":scheme", "http"), (":path", f"/{method.containing_service.full_name}/{method.name}"),
        (":authority", "test"), ("content-type", "application/grpc"), ("te", "trailers"),
        ("grpc-timeout", requests.random.choice(DEADLINES)),
    ]  # fmt: skip
    pieces = [each[at : at + 16_000] for each in requests.call(method) for at in range(0, len(each), 16_000)]
    ends = not method.client_streaming or requests.random.random() < 0.6
    await client.send(
        frames.frame(frames.HEADERS, frames.END_HEADERS, 1, client.encoder.encode(fields)),
        *(frames.frame(frames.DATA, 0, 1, piece) for piece in pieces),
        *([frames.frame(frames.DATA, frames.END_STREAM, 1)] if ends else []),
    )
    told = None
    while told is None:
        frame = await client.read()
        if frame.kind == frames.HEADERS:
            read = {str(name): str(value) for name, value in client.decoder.decode(frame.payload)}
            if read.get("grpc-status") in UNCLEAR:
                told = f"{read['grpc-status']} {read.get('grpc-message')}"
            else:
                told = read.get("grpc-status")
        elif frame.kind in {frames.RST_STREAM, frames.GOAWAY}:
            # grpcio's way to say that a deadline has passed.
            told = "4" if frame.payload == frames.NUMBER.pack(frames.ErrorCode.CANCEL) else f"frame {frame}"
    await client.close()
    return told


async def test_each_call_has_a_clear_end(sides: Sides, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    here, there = await sides.pair()
    requests = Requests(20_261_123, (here.peer_id, there.peer_id, there.contact))
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(method: MethodDescriptor) -> tuple[str, str]:
        async with limit:
            return method.name, await status(here.sidecar.address, method, requests)

    unclear = []
    for _ in range(ROUNDS):
        ends = await asyncio.gather(*map(one, methods()))
        unclear += [(name, end) for name, end in ends if not end.isdecimal()]
    assert unclear == []
    assert [record.getMessage() for record in caplog.records] == []
    assert (await here.client.node()).peer_id == here.peer_id
