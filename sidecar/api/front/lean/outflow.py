"""What a connection writes: gathered by all its streams, written once in a turn of the loop."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from sidecar.api.front.lean import frames
from sidecar.api.front.lean.allowance import CANCELLED, CRUMBS, Allowance
from sidecar.api.front.lean.gate import Gate
from sidecar.api.front.lean.stream import TURN_BYTES, Stream
from sidecar.turn import turn_of

UNJOINED_BYTES: Final = 32 << 10
"""A turn that writes as much hands it to the kernel in the parts it consists of."""
MOST_PARTS: Final = 1024
"""The kernel's IOV_MAX."""

GROWABLE: Final = 64 << 20
"""What all the streams of a connection may have beside the first window of each."""


class Outflow:
    """The writing half of a connection. Its streams call `wake`, `block` and the three ways to write."""

    def __init__(self, gate: Gate) -> None:
        self.memory = gate.memory
        self.growable = GROWABLE
        self.out: list[bytes | memoryview] = []
        """What this turn writes."""
        self.out_bytes = 0
        """Bytes of DATA in it."""
        self.waiting_bytes = 0
        """Bytes of responses that wait for the client's windows."""
        self.send_window = frames.DEFAULT_WINDOW
        self.frame_max = frames.LEAST_FRAME

        self._loop = gate.loop
        self._turn = turn_of(gate.loop)
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1
        """The socket's while it is open and what is written goes out as it is, without TLS."""
        self._closing = False
        self._allowance = Allowance()
        self._woken: list[Stream] = []
        self._blocked: dict[Stream, None] = {}
        self._inside = False
        """Whether a read is being handled, or streams write: what they write is flushed at the end of that."""
        self._flush_due = False
        self._write_paused = False

    def pause_writing(self) -> None:
        """The client, or the kernel, takes no more for now."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """It does."""
        self._write_paused = False
        if self._woken:
            self.flush_soon()

    def write(self, frame: bytes) -> None:
        """A control frame, behind what this turn has to write already."""
        self.out.append(frame)
        self.flush_soon()

    def write_headers(self, frame: bytes) -> None:
        """HEADERS, which tell the client more than a PING would."""
        self.out.append(frame)
        self._allowance.answered()
        self.flush_soon()

    def write_last(self, frame: bytes) -> None:
        """The frame that ends an answered call."""
        self.write_headers(frame)
        self._allowance.refund(CANCELLED)

    def completed(self) -> None:
        """A frame's bytes were the end of a message, however few."""
        self._allowance.refund(CRUMBS)

    @property
    def full(self) -> bool:
        """Whether this turn takes no more responses."""
        return self._write_paused or self.out_bytes >= TURN_BYTES

    def wake(self, stream: Stream) -> None:
        """A stream may have something to write."""
        self._woken.append(stream)
        if not self._write_paused:
            self.flush_soon()

    def block(self, stream: Stream) -> None:
        """A stream waits for a window."""
        if not stream.blocked:
            stream.blocked = True
            self._blocked[stream] = None

    def _wake_blocked(self) -> None:
        if self._blocked:
            blocked, self._blocked = self._blocked, {}
            for stream in blocked:
                stream.blocked = False
                stream.wake()

    def _wake_some(self, room: int) -> None:
        """The connection's window has `room` bytes again: wakes, in order, those that can take as much, and no more, so
        that a window that grows by a byte costs as little."""
        able = []
        for stream in self._blocked:
            if room <= 0:
                break
            if stream.send_window > 0:
                able.append(stream)
                room -= max(1, min(stream.send_window, stream.pending_bytes))
        for stream in able:
            del self._blocked[stream]
            stream.blocked = False
            stream.wake()

    def flush_soon(self) -> None:
        """Flushes at the end of this read, or in the next turn of the loop."""
        if not self._inside and not self._flush_due and not self._closing:
            self._flush_due = True
            self._turn.soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flush_due = False
        self.flush()

    def flush(self) -> None:
        """Lets the streams that were woken write, then writes all of it at once."""
        if self._closing or self._transport is None:
            return
        if self._woken and not self._write_paused:
            woken, self._woken = self._woken, []
            self._inside = True
            try:
                for stream in woken:
                    stream.woken = False
                    stream.pump()
            finally:
                self._inside = False
            if self._woken and not self._write_paused:
                self.flush_soon()
        out = self.out
        if out:
            self.out = []
            size = self.out_bytes
            if size:
                self.out_bytes = 0
                self._allowance.answered()
                if size >= UNJOINED_BYTES and self._descriptor >= 0 and not self._transport.get_write_buffer_size():
                    out = _written(self._descriptor, out)
            if out:
                self._transport.write(out[0] if len(out) == 1 else b"".join(out))


def _written(descriptor: int, parts: list[bytes | memoryview]) -> list[bytes | memoryview]:
    """Writes to a socket; what it did not take. An error is left to the transport, which finds it again."""
    if len(parts) > MOST_PARTS:
        return parts
    try:
        done = os.writev(descriptor, parts)
    except OSError:
        return parts
    for index, part in enumerate(parts):
        if done < len(part):
            return [memoryview(part)[done:], *parts[index + 1 :]]
        done -= len(part)
    return []
