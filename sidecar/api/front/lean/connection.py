"""One client's connection: frames cut from what was read, what is to be written gathered for one write a turn."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import OrderedDict
from typing import Final, cast

from sidecar.api.front.base import CallContext
from sidecar.api.front.lean import allowance, frames
from sidecar.api.front.lean.allowance import Allowance
from sidecar.api.front.lean.call import RefusedCall, open_call
from sidecar.api.front.lean.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_HEAD,
    MESSAGE_HEAD,
    MOST_STREAM,
    MOST_WINDOW,
    NUMBER,
    PADDED,
    PING,
    PREFACE,
    SETTINGS,
    WITH_PRIORITY,
    Broken,
    ErrorCode,
    Reset,
)
from sidecar.api.front.lean.gate import Gate
from sidecar.api.front.lean.headers import BLOCK_BYTES, LIST_BYTES, Head, HeaderReader
from sidecar.api.front.lean.stream import TURN_BYTES, Stream
from sidecar.api.status import Status

logger = logging.getLogger(__name__)

WINDOW: Final = 16 << 20
"""What a client may have on its way to all its streams. It is given back as it is read: a stream that is held back
holds back no other, and what one may hold here is its own window."""
GROWABLE: Final = 64 << 20
"""What all the streams of a connection may have beside the first window of each."""
FRAME_MAX: Final = 1 << 20
"""The largest frame that is taken."""
MOST_FRAME_OUT: Final = 1 << 20
"""The largest frame that is made, where the client takes such."""
STREAMS_MAX: Final = 4096
"""Calls at once on one connection."""

CONTINUATIONS_MAX: Final = 32
"""Frames of one header block."""
CONTROL_BYTES: Final = frames.LEAST_FRAME
"""The longest frame that is taken but DATA. Each is read as a whole."""
CRUMB_BYTES: Final = 64
"""DATA of less that completes nothing is counted."""
LET_GO_KEPT: Final = 1024
"""So many streams that we ended first are known by their number; their client may not know yet."""

FRAMES_A_TURN: Final = 2048
"""So many frames of one read are looked at in one turn of the loop; a run of equal ones counts as one."""
WRITE_HIGH: Final = 128 << 10
WRITE_LOW: Final = 32 << 10
"""Water marks of the transport's buffer: above the one no more responses are taken until it is below the other."""

GREETING_TICKS: Final = 2
QUIET_TICKS: Final = 6
LOST_TICKS: Final = 9
"""Ticks of the sweep, five seconds each: to greet us, until a silent client is asked whether it is there, and for its
answer."""

SETTINGS_FRAME: Final = frames.settings_frame(
    {
        frames.MAX_CONCURRENT_STREAMS: STREAMS_MAX,
        frames.MAX_FRAME_SIZE: FRAME_MAX,
        frames.MAX_HEADER_LIST_SIZE: LIST_BYTES,
    }
)
GREETING: Final = SETTINGS_FRAME + frames.window_update(0, WINDOW - frames.DEFAULT_WINDOW)

SOCKET_BYTES: Final = 4 << 20
"""What a Unix socket is asked to hold; it gets what the system allows. Those of TCP grow by themselves."""

OUR_PING: Final = b"sidecar?"


class Connection(asyncio.Protocol):
    """A connection of a listener. Its streams call `wake`, `block`, `write` and `forget`; the server calls the rest."""

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

        self.lost: asyncio.Future[None] = gate.loop.create_future()
        """Done when the connection is."""

        self._gate = gate
        self._loop = gate.loop
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._draining = False
        self._streams: dict[int, Stream] = {}
        self._let_go: OrderedDict[int, None] = OrderedDict()
        self._last_stream = 0
        self._reader = HeaderReader()
        self._allowance = Allowance()

        # reading
        self._greeted = False
        self._settled = False
        """Whether the client's first SETTINGS came."""
        self._tail = b""
        """What was read of a frame that is not complete."""
        self._rest = b""
        """What was read and is for another turn."""
        self._window = WINDOW
        self._touched: list[Stream] = []
        self._left = 0
        """Bytes of the DATA frame that is being read, and of padding behind them."""
        self._padding = 0
        self._data_stream: Stream | None = None
        self._data_ends = False
        self._block: bytearray | None = None
        """A header block that CONTINUATION goes on with."""
        self._block_stream = 0
        self._block_ends = False
        self._block_frames = 0
        self._inside = False
        """Whether a read is being handled, or streams write: what they write is flushed at the end of that."""

        # writing
        self._first_window = frames.DEFAULT_WINDOW
        self._woken: list[Stream] = []
        self._blocked: dict[Stream, None] = {}
        self._flush_due = False
        self._write_paused = False

        # the sweep
        self._heard = False
        self._quiet = 0

    def __repr__(self) -> str:
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return f"<Connection of {peer or 'a Unix socket'}, {len(self._streams)} streams, last {self._last_stream}>"

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets the client (section 3.4)."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._gate.admit(self):
            self._closing = True
            self._transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() != "h2":
            self._closing = True
            self._transport.close()
            return
        self._transport.set_write_buffer_limits(WRITE_HIGH, WRITE_LOW)
        enlarge(transport.get_extra_info("socket"))
        self.out.append(GREETING)
        self.flush()

    def connection_lost(self, _error: Exception | None) -> None:
        """Every call ends."""
        self._closing = True
        self._gate.connections.discard(self)
        self._end_streams()
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        """The client, or the kernel, takes no more for now."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """It does."""
        self._write_paused = False
        if self._woken:
            self.flush_soon()

    def data_received(self, data: bytes) -> None:
        """One read."""
        self._heard = True
        if self._rest:
            self._rest += data
        else:
            self._read(data)

    def eof_received(self) -> None:
        """The client closed its half: nothing more can come, and asyncio closes ours."""

    # reading

    def _read(self, data: bytes) -> None:
        if self._tail:
            data, self._tail = self._tail + data, b""
        self._inside = True
        try:
            position = self._cut(data) if self._greeted else self._cut_first(data)
            if position < len(data) and not self._closing:
                self._tail = data[position:]
            self._deliver(len(data))
        except Broken as broken:
            self.fail(broken)
        finally:
            self._inside = False
        if self.out or self._woken:
            self.flush()

    def _cut_first(self, data: bytes) -> int:
        """The preface, and what follows it. Broken at the first byte that is wrong."""
        if not data.startswith(PREFACE[: len(data)]):
            raise Broken(ErrorCode.PROTOCOL_ERROR, "this is HTTP/2 with prior knowledge; the preface is not its")
        if len(data) < len(PREFACE):
            return 0
        self._greeted = True
        return self._cut(data, len(PREFACE))

    def _cut(self, data: bytes, position: int = 0) -> int:
        """Handles the frames in `data`; where that begins which is no whole frame yet."""
        end = len(data)
        view = memoryview(data)
        streams = self._streams
        frames_left = FRAMES_A_TURN
        while True:
            if self._left or self._padding:
                position = self._data_goes_on(view, position, end)
                if self._left or self._padding:
                    return position
            if end - position < FRAME_HEAD.size or self._closing:
                return position
            if not frames_left:
                self._rest_for_later(data[position:])
                return end
            frames_left -= 1
            high, low, kind, flags, stream_id = FRAME_HEAD.unpack_from(data, position)
            size = high << 8 | low
            if not kind | flags and size > 4:
                # DATA. The way of most small messages: each alone in a frame, many of one size after each other.
                stream = streams.get(stream_id)
                step = FRAME_HEAD.size + size
                if stream is not None and stream.runs and position + step <= end:
                    start = position + FRAME_HEAD.size + MESSAGE_HEAD.size
                    compressed, length = MESSAGE_HEAD.unpack_from(data, position + FRAME_HEAD.size)
                    if length + MESSAGE_HEAD.size == size and not compressed:
                        head = data[position:start]
                        begin, append = position, stream.ready.append
                        while True:
                            append(data[start : position + step])
                            position += step
                            start += step
                            if position + step > end or not data.startswith(head, position):
                                break
                        self._count(stream, (position - begin) // step * size)
                        continue
            following = self._frame(data, position, kind, flags, stream_id & MOST_STREAM, size)
            if following is None:
                return position
            position = following

    def _frame(self, data: bytes, position: int, kind: int, flags: int, stream_id: int, size: int) -> int | None:
        """One frame; where the next begins, None when more of it has to come first."""
        if size > FRAME_MAX:
            raise Broken(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {size} bytes, at most {FRAME_MAX} are taken")
        if not self._settled and (kind != SETTINGS or flags & ACK):
            raise Broken(ErrorCode.PROTOCOL_ERROR, "SETTINGS come first")
        if self._block is not None and (kind != CONTINUATION or stream_id != self._block_stream):
            raise Broken(ErrorCode.PROTOCOL_ERROR, "a header block is not finished")
        start = position + FRAME_HEAD.size
        try:
            if kind == DATA:
                if flags & PADDED:
                    if size and start == len(data):
                        return None
                    self._data(flags, stream_id, size, data[start] if size else -1)
                    return start + 1
                self._data(flags, stream_id, size, None)
                return start
            if kind > CONTINUATION:
                self._allowance.charge(allowance.IGNORED)
                self._padding = size
                return start
            if size > CONTROL_BYTES:
                raise Broken(ErrorCode.FRAME_SIZE_ERROR, f"a frame of type {kind} of {size} bytes")
            stop = start + size
            if stop > len(data):
                return None
            self._control(kind, flags, stream_id, data[start:stop])
        except Reset as reset:
            self._reset(stream_id, reset)
            return start + size if kind != DATA else start + bool(flags & PADDED and size)
        return stop

    def _rest_for_later(self, rest: bytes) -> None:
        """Other connections have their turn before the rest of this read."""
        self._rest = rest
        if self._transport is not None:
            self._transport.pause_reading()
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._closing:
            return
        rest, self._rest = self._rest, b""
        self._read(rest)
        self._read_on()

    def _read_on(self) -> None:
        if not self._rest and not self._closing and self._transport is not None:
            self._transport.resume_reading()

    def _deliver(self, read_bytes: int) -> None:
        touched = self._touched
        if touched:
            self._touched = []
            for stream in touched:
                stream.touched = False
                if not stream.over:
                    stream.deliver(read_bytes)

    # DATA

    def _count(self, stream: Stream, size: int) -> None:
        """Flow control of `size` bytes that came for a stream."""
        self._count_bytes(size)
        stream.window -= size
        if stream.window < 0:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"{-stream.window} bytes too many on stream {stream.id}")
        if not stream.touched:
            stream.touched = True
            self._touched.append(stream)

    def _count_bytes(self, size: int) -> None:
        self._window -= size
        if self._window < 0:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"{-self._window} bytes too many")
        if self._window < WINDOW // 2:
            self.out.append(frames.window_update(0, WINDOW - self._window))
            self._window = WINDOW

    def _data(self, flags: int, stream_id: int, size: int, padding: int | None) -> None:
        """The head of a DATA frame (section 6.1); its bytes follow. `padding` is None for none, -1 if not said."""
        stream = self._streams.get(stream_id)
        if stream_id == 0 or (stream is None and not self._was_open(stream_id)):
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"DATA for stream {stream_id}, which is not open")
        self._left = size
        self._data_stream = None
        self._data_ends = False
        if padding is not None:
            if padding < 0:
                raise Broken(ErrorCode.FRAME_SIZE_ERROR, "a padded frame without the length of its padding")
            if padding >= size:
                raise Broken(ErrorCode.PROTOCOL_ERROR, f"{padding} bytes of padding in a frame of {size}")
            self._left = size - 1 - padding
            self._padding = padding
        if self._left < CRUMB_BYTES and not flags & END_STREAM:
            self._allowance.charge(allowance.CRUMBS)
        if stream is None:
            self._count_bytes(size)
            if stream_id not in self._let_go:
                raise Reset(ErrorCode.STREAM_CLOSED, "DATA on a closed stream")
            self._allowance.charge(allowance.LATE)
            return
        self._count(stream, size)
        if stream.remote_ended:
            raise Reset(ErrorCode.STREAM_CLOSED, "DATA after END_STREAM")
        stream.count_content(self._left, ends=bool(flags & END_STREAM))
        self._data_stream = stream
        self._data_ends = bool(flags & END_STREAM)
        if self._data_ends and not self._left and not self._padding:
            stream.remote_ended = True

    def _data_goes_on(self, view: memoryview, position: int, end: int) -> int:
        """What there is of the frame's data and padding; where that ends."""
        stream = self._data_stream
        if self._left:
            stop = min(position + self._left, end)
            self._left -= stop - position
            if stream is not None and not stream.over:
                if not stream.touched:
                    stream.touched = True
                    self._touched.append(stream)
                stream.data_untrusted(view[position:stop])
            position = stop
        if self._padding and not self._left:
            stop = min(position + self._padding, end)
            self._padding -= stop - position
            position = stop
        if stream is not None and self._data_ends and not (self._left or self._padding):
            stream.remote_ended = True
            if not stream.touched:
                stream.touched = True
                self._touched.append(stream)
        return position

    def completed(self) -> None:
        """A frame's bytes were the end of a message, however few."""
        self._allowance.refund(allowance.CRUMBS)

    def _was_open(self, stream_id: int) -> bool:
        return bool(stream_id & 1) and stream_id <= self._last_stream

    # the other frames

    def _control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        match kind:
            case frames.HEADERS:
                self._headers(flags, stream_id, payload)
            case frames.CONTINUATION:
                self._continuation(flags, payload)
            case frames.WINDOW_UPDATE:
                self._window_update(stream_id, payload)
            case frames.RST_STREAM:
                self._rst_stream(stream_id, payload)
            case frames.SETTINGS:
                self._settings(flags, stream_id, payload)
            case frames.PING:
                self._ping(flags, stream_id, payload)
            case frames.PRIORITY:
                self._priority(stream_id, payload)
            case frames.GOAWAY:
                if stream_id:
                    raise Broken(ErrorCode.PROTOCOL_ERROR, f"GOAWAY on stream {stream_id}")
                self._allowance.charge(allowance.IGNORED)
            case _:
                raise Broken(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE from a client")

    def _headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Section 6.2. Priorities are not used and only checked."""
        if not stream_id & 1:
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"HEADERS on stream {stream_id}")
        if flags & PADDED:
            payload = frames.unpadded_untrusted(payload)
        if flags & WITH_PRIORITY:
            if len(payload) < frames.PRIORITY_BYTES:
                raise Broken(ErrorCode.FRAME_SIZE_ERROR, "HEADERS too short for their priority")
            if NUMBER.unpack_from(payload)[0] & MOST_STREAM == stream_id:
                raise Broken(ErrorCode.PROTOCOL_ERROR, f"stream {stream_id} depends on itself")
            payload = payload[frames.PRIORITY_BYTES :]
        if flags & END_HEADERS:
            self._block_done(stream_id, bool(flags & END_STREAM), payload)
        else:
            self._block = bytearray(payload)
            self._block_stream = stream_id
            self._block_ends = bool(flags & END_STREAM)
            self._block_frames = 1

    def _continuation(self, flags: int, payload: bytes) -> None:
        """Section 6.10."""
        block = self._block
        if block is None:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without HEADERS")
        self._block_frames += 1
        if len(block) + len(payload) > BLOCK_BYTES or self._block_frames > CONTINUATIONS_MAX:
            raise Broken(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"a header block of more than {BLOCK_BYTES} bytes or {CONTINUATIONS_MAX} frames",
            )
        block += payload
        if flags & END_HEADERS:
            self._block = None
            self._block_done(self._block_stream, self._block_ends, bytes(block))

    def _block_done(self, stream_id: int, ends: bool, block: bytes) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None:
            if stream.remote_ended:
                raise Broken(ErrorCode.STREAM_CLOSED, f"HEADERS after END_STREAM on stream {stream_id}")
            self._reader.trailers_untrusted(block)
            if not ends:
                raise Reset(ErrorCode.PROTOCOL_ERROR, "trailers without END_STREAM")
            stream.count_content(0, ends=True)
            stream.remote_ended = True
            if not stream.touched:
                stream.touched = True
                self._touched.append(stream)
            return
        if stream_id <= self._last_stream:
            if stream_id not in self._let_go:
                raise Broken(ErrorCode.STREAM_CLOSED, f"HEADERS on stream {stream_id}, which is closed")
            self._allowance.charge(allowance.LATE)
            self._reader.trailers_untrusted(block)
            return
        self._last_stream = stream_id
        head, timeout = self._reader.request_untrusted(block)
        if len(self._streams) >= STREAMS_MAX or self._draining:
            raise Reset(ErrorCode.REFUSED_STREAM, "not now")
        self._open(stream_id, head, timeout, ends=ends)

    def _open(self, stream_id: int, head: Head, timeout: float | None, *, ends: bool) -> None:
        stream = Stream(self, stream_id, head, self._first_window)
        self._streams[stream_id] = stream
        stream.remote_ended = ends
        if ends:
            stream.count_content(0, ends=True)
        stream.touched = True
        self._touched.append(stream)
        if head.refusal is not None:
            stream.answer_http(head.refusal)
            return
        try:
            method, context = self._gate.call(head, timeout)
            stream.call = open_call(method, stream, context, self._loop)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            stream.call = RefusedCall(stream, CallContext(head.path, {}, None, None), self._loop, error)

    def _rst_stream(self, stream_id: int, payload: bytes) -> None:
        """Section 6.4: the client cancels a call."""
        frames.number_untrusted(payload)
        stream = self._streams.get(stream_id)
        if stream is None:
            if not self._was_open(stream_id):
                raise Broken(ErrorCode.PROTOCOL_ERROR, f"RST_STREAM for stream {stream_id}, which is not open")
            self._allowance.charge(allowance.LATE)
            return
        self._allowance.charge(allowance.CANCELLED)
        stream.remote_ended = True
        stream.gone()

    def _priority(self, stream_id: int, payload: bytes) -> None:
        """Section 6.3: not used, only checked."""
        if not stream_id:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0")
        self._allowance.charge(allowance.IGNORED)
        if len(payload) != frames.PRIORITY_BYTES:
            raise Reset(ErrorCode.FRAME_SIZE_ERROR, f"PRIORITY of {len(payload)} bytes")
        if NUMBER.unpack_from(payload)[0] & MOST_STREAM == stream_id:
            raise Reset(ErrorCode.PROTOCOL_ERROR, f"stream {stream_id} depends on itself")

    def _ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Section 6.7."""
        if stream_id:
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"PING on stream {stream_id}")
        if len(payload) != frames.PING_BYTES:
            raise Broken(ErrorCode.FRAME_SIZE_ERROR, f"PING of {len(payload)} bytes")
        if flags & ACK:
            self._allowance.charge(allowance.IGNORED)
            return
        self._allowance.ping(self._loop.time())
        self.out.append(frames.frame(PING, ACK, 0, payload))

    def _settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Section 6.5."""
        if stream_id:
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"SETTINGS on stream {stream_id}")
        if flags & ACK:
            if payload:
                raise Broken(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS with ACK and a payload")
            self._allowance.charge(allowance.IGNORED)
            return
        self._allowance.charge(allowance.SETTINGS_SENT)
        self._settled = True
        # Of a name that stands there several times the last counts, as it would one after the other.
        told = dict(frames.settings_untrusted(payload))
        if frames.MAX_FRAME_SIZE in told:
            self.frame_max = min(told[frames.MAX_FRAME_SIZE], MOST_FRAME_OUT)
        if frames.INITIAL_WINDOW_SIZE in told:
            more = told[frames.INITIAL_WINDOW_SIZE] - self._first_window
            self._first_window += more
            for stream in self._streams.values():
                stream.send_window += more
                if stream.send_window > MOST_WINDOW:
                    raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"the window of stream {stream.id} is too large")
            self._wake_blocked()
        self.out.append(frames.frame(SETTINGS, ACK, 0))

    def _window_update(self, stream_id: int, payload: bytes) -> None:
        """Section 6.9."""
        more = frames.number_untrusted(payload) & MOST_WINDOW
        if not stream_id:
            if not more:
                raise Broken(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
            self.send_window += more
            if self.send_window > MOST_WINDOW:
                raise Broken(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is too large")
            self._wake_blocked()
            return
        stream = self._streams.get(stream_id)
        if stream is None:
            if not self._was_open(stream_id):
                raise Broken(ErrorCode.PROTOCOL_ERROR, f"WINDOW_UPDATE for stream {stream_id}, which is not open")
            return
        if not more:
            raise Reset(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
        stream.send_window += more
        if stream.send_window > MOST_WINDOW:
            raise Reset(ErrorCode.FLOW_CONTROL_ERROR, "the stream's window is too large")
        if stream.blocked:
            stream.blocked = False
            self._blocked.pop(stream, None)
            stream.wake()

    def _reset(self, stream_id: int, reset: Reset) -> None:
        """The client broke one stream."""
        self._allowance.charge(allowance.BROKEN)
        logger.debug("stream %d is reset: %s", stream_id, reset)
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.reset(reset.code)
        else:
            self.out.append(frames.rst_stream(stream_id, reset.code))
            self._remember(stream_id)

    # writing

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
        self._allowance.refund(allowance.CANCELLED)

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

    def flush_soon(self) -> None:
        """Flushes at the end of this read, or in the next turn of the loop."""
        if not self._inside and not self._flush_due and not self._closing:
            self._flush_due = True
            self._loop.call_soon(self._flush_now)

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
            if self.out_bytes:
                self.out_bytes = 0
                self._allowance.answered()
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        if self._draining and not self._streams:
            self.close()

    # ends

    def forget(self, stream: Stream) -> None:
        """A stream is over."""
        self._streams.pop(stream.id, None)
        self._blocked.pop(stream, None)
        if not stream.remote_ended:
            self._remember(stream.id)
        if self._draining and not self._streams:
            self.flush_soon()

    def _remember(self, stream_id: int) -> None:
        self._let_go[stream_id] = None
        if len(self._let_go) > LET_GO_KEPT:
            self._let_go.popitem(last=False)

    def fail(self, broken: Broken) -> None:
        """GOAWAY and the end."""
        if self._closing:
            return
        logger.info("%r is closed: %s", self, broken)
        self.out.append(frames.goaway(self._last_stream, broken.code, broken.why))
        self.close()

    def close(self) -> None:
        """Writes what is left to write, and ends; calls that are not over are cut off."""
        if self._closing or self._transport is None:
            return
        out, self.out = self.out, []
        self._closing = True
        self._transport.write(b"".join(out))
        self._transport.close()
        self._end_streams()

    def abort(self) -> None:
        """Ends at once."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()
        self._end_streams()

    def _end_streams(self) -> None:
        for stream in list(self._streams.values()):
            stream.gone()
        self._woken.clear()

    def drain(self) -> None:
        """Takes no new calls and ends with the last of those that run (section 6.8)."""
        if not self._closing and not self._draining:
            self._draining = True
            self.out.append(frames.goaway(self._last_stream, ErrorCode.NO_ERROR))
            self.flush()

    def stop(self, status: Status) -> None:
        """Ends every call with a status, then the connection."""
        for stream in list(self._streams.values()):
            stream.refuse(status)
        self.drain()

    def tick(self) -> None:
        """Once in a period of the sweep: who is silent is asked, who stays so is gone."""
        self._allowance.renew()
        if self._heard:
            self._heard = False
            self._quiet = 0
        else:
            self._quiet += 1
        if self._closing or self._quiet >= (LOST_TICKS if self._settled else GREETING_TICKS):
            self.abort()
        elif self._quiet == QUIET_TICKS:
            self.out.append(frames.frame(PING, 0, 0, OUR_PING))
            self.flush()


def enlarge(socket_: socket.socket | None) -> None:
    """A larger buffer for what is written to a Unix socket."""
    if socket_ is not None and socket_.family == socket.AF_UNIX:
        socket_.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
