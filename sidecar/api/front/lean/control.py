"""The frames of a connection that are not DATA: calls that begin and end, windows, settings, PINGs."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from sidecar.api.auth import is_open
from sidecar.api.front.base import CallContext, ColdBidi, ColdStream, ColdUnary, Hot, Method
from sidecar.api.front.lean import allowance, frames
from sidecar.api.front.lean.call import Call, RefusedCall
from sidecar.api.front.lean.cold_call import BidiCall, ServerStreamCall, UnaryCall
from sidecar.api.front.lean.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    MOST_STREAM,
    MOST_WINDOW,
    NUMBER,
    PADDED,
    PING,
    SETTINGS,
    WITH_PRIORITY,
    Broken,
    ErrorCode,
    Reset,
)
from sidecar.api.front.lean.gate import Gate
from sidecar.api.front.lean.headers import BLOCK_BYTES, Head, HeaderReader
from sidecar.api.front.lean.hot_call import HotCall
from sidecar.api.front.lean.outflow import Outflow
from sidecar.api.front.lean.stream import STRANGERS_BYTES, Stream
from sidecar.api.front.lean.unary_call import HotUnaryCall

logger = logging.getLogger(__name__)

STREAMS_MAX: Final = 4096
"""Calls at once on one connection."""

STRANGERS_STREAMS: Final = 32
"""Calls at once of a connection to a listener with tokens until one of them has come: health is open to all."""

MOST_FRAME_OUT: Final = 1 << 20
"""The largest frame that is made, where the client takes such."""
CONTINUATIONS_MAX: Final = 32
"""Frames of one header block."""
LET_GO_KEPT: Final = STREAMS_MAX
"""So many streams that we ended first are known by their number; their client may not know yet."""


class Control(Outflow):
    """What a connection knows of its streams, and what changes it."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(gate)
        self._gate = gate
        self._draining = False
        self._settled = False
        """Whether the client's first SETTINGS came."""
        self._streams: dict[int, Stream] = {}
        self._streams_max = STRANGERS_STREAMS if gate.guarded else STREAMS_MAX
        self._touched: list[Stream] = []
        """Streams that this read brought something for."""
        self._let_go: OrderedDict[int, int] = OrderedDict()
        """Streams that we ended first: what their clients may have sent before they knew, which was their windows."""
        self._last_stream = 0
        self._first_window = frames.DEFAULT_WINDOW
        self._reader = HeaderReader()
        self._block: bytearray | None = None
        """A header block that CONTINUATION goes on with."""
        self._block_stream = 0
        self._block_ends = False
        self._block_frames = 0

    def _touch(self, stream: Stream) -> None:
        if not stream.touched:
            stream.touched = True
            self._touched.append(stream)

    def _was_open(self, stream_id: int) -> bool:
        return bool(stream_id & 1) and stream_id <= self._last_stream

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
            self._touch(stream)
            return
        if stream_id <= self._last_stream:
            if stream_id not in self._let_go:
                raise Broken(ErrorCode.STREAM_CLOSED, f"HEADERS on stream {stream_id}, which is closed")
            self._allowance.charge(allowance.LATE)
            self._reader.trailers_untrusted(block)
            return
        self._last_stream = stream_id
        head, timeout = self._reader.request_untrusted(block)
        if len(self._streams) >= self._streams_max or self._draining:
            raise Reset(ErrorCode.REFUSED_STREAM, "not now")
        self._open(stream_id, head, timeout, ends=ends)

    def _open(self, stream_id: int, head: Head, timeout: float | None, *, ends: bool) -> None:
        stream = Stream(self, stream_id, head, self._first_window)
        self._streams[stream_id] = stream
        stream.remote_ended = ends
        if ends:
            stream.count_content(0, ends=True)
        self._touch(stream)
        if head.refusal is not None:
            stream.answer_http(head.refusal)
            return
        try:
            method, context = self._gate.call(head, timeout)
            if self._gate.guarded:
                if is_open(head.path):
                    stream.most = STRANGERS_BYTES
                else:
                    self._streams_max = STREAMS_MAX
            stream.call = _open_call(method, stream, context, self._loop)
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
            self._wake_some(self.send_window)
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
            self._remember(stream_id, frames.DEFAULT_WINDOW)

    def forget(self, stream: Stream) -> None:
        """A stream is over."""
        self._streams.pop(stream.id, None)
        self._blocked.pop(stream, None)
        if not stream.remote_ended:
            self._remember(stream.id, stream.window)
        if self._draining and not self._streams:
            self.flush_soon()

    def _remember(self, stream_id: int, window: int) -> None:
        self._let_go[stream_id] = window
        if len(self._let_go) > LET_GO_KEPT:
            self._let_go.popitem(last=False)


def _open_call(method: Method, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> Call:
    """The call for a method."""
    match method:
        case ColdUnary():
            return UnaryCall(method, stream, context, loop)
        case ColdStream():
            return ServerStreamCall(method, stream, context, loop)
        case ColdBidi():
            return BidiCall(method, stream, context, loop)
        case Hot(unary_request=True, unary_response=True):
            return HotUnaryCall(method, stream, context, loop)
        case Hot():
            return HotCall(method, stream, context, loop)
