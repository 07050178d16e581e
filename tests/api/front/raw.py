"""A client that writes what it likes: frames by hand, for what no gRPC library would send."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from hpack import Decoder, Encoder

from sidecar.api.front.lean import frames
from tests.api.front.services import SERVICE

CLOSED_SECONDS = 20.0


@dataclass(frozen=True)
class Frame:
    """One frame as it came."""

    kind: int
    flags: int
    stream_id: int
    payload: bytes


def request_fields(method: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """The headers of a call."""
    return [
        (":method", "POST"), (":scheme", "http"), (":path", f"/{SERVICE}/{method}"), (":authority", "test"),
        ("content-type", "application/grpc"), ("te", "trailers"), *more,
    ]  # fmt: skip


def message(payload: bytes) -> bytes:
    """A gRPC message in its frame."""
    return struct.pack(">BI", 0, len(payload)) + payload


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.gone = False

    @classmethod
    async def connect(cls, address: str, *, greet: bool = True, settings: dict[int, int] | None = None) -> RawClient:
        host, _, port = address.rpartition(":")
        client = cls(*await asyncio.open_connection(host, int(port)))
        if greet:
            client.writer.write(frames.PREFACE + frames.settings_frame(settings or {}))
        return client

    def headers(self, stream_id: int, method: str = "Probe", *more: tuple[str, str], flags: int = 4) -> bytes:
        return frames.frame(frames.HEADERS, flags, stream_id, self.encoder.encode(request_fields(method, *more)))

    async def send(self, *what: bytes) -> None:
        """Writes; an end of the connection shows when something is read."""
        try:
            self.writer.write(b"".join(what))
            await self.writer.drain()
        except ConnectionError:
            self.gone = True

    async def read(self) -> Frame:
        """The next frame; EOFError at the end of the connection."""
        try:
            high, low, kind, flags, stream_id = frames.FRAME_HEAD.unpack(await self.reader.readexactly(9))
            return Frame(kind, flags, stream_id, await self.reader.readexactly(high << 8 | low))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError from error

    async def until(self, kind: int, stream_id: int | None = None) -> Frame:
        """The next frame of a kind."""
        while True:
            frame = await self.read()
            if frame.kind == kind and stream_id in {None, frame.stream_id}:
                return frame

    async def trailers(self, stream_id: int) -> dict[str, str]:
        """The status of a call."""
        while True:
            frame = await self.until(frames.HEADERS)
            fields = {str(name): str(value) for name, value in self.decoder.decode(frame.payload)}
            if frame.stream_id == stream_id and "grpc-status" in fields:
                return fields

    async def ended_by(self) -> frames.ErrorCode | None:
        """Reads to the end of the connection: the code of the GOAWAY before it; None where it was reset before that
        could be read."""
        code = None
        try:
            async with asyncio.timeout(CLOSED_SECONDS):
                while True:
                    frame = await self.read()
                    if frame.kind == frames.GOAWAY:
                        code = frames.ErrorCode(frames.TWO_NUMBERS.unpack_from(frame.payload)[1])
        except EOFError:
            return code

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            self.gone = True
