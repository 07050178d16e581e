"""One client's connection: frames cut from what was read, what is to be written gathered for one write a turn."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final, cast

from sidecar.api.front.lean import allowance, frames
from sidecar.api.front.lean.control import STREAMS_MAX, Control
from sidecar.api.front.lean.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_STREAM,
    FRAME_HEAD,
    MESSAGE_HEAD,
    MOST_STREAM,
    PADDED,
    PING,
    PREFACE,
    SETTINGS,
    Broken,
    ErrorCode,
    Reset,
)
from sidecar.api.front.lean.gate import Gate
from sidecar.api.front.lean.headers import LIST_BYTES
from sidecar.api.front.lean.stream import Stream
from sidecar.api.status import Status

logger = logging.getLogger(__name__)

WINDOW: Final = 16 << 20
"""What a client may have on its way to all its streams. It is given back as it is read: a stream that is held back
holds back no other, and what one may hold here is its own window."""
FRAME_MAX: Final = 1 << 20
"""The largest frame that is taken."""
CONTROL_BYTES: Final = frames.LEAST_FRAME
"""The longest frame that is taken but DATA. Each is read as a whole."""
CRUMB_BYTES: Final = 64
"""DATA of less that completes nothing is counted."""
FRAMES_A_TURN: Final = 2048
"""So many frames of one read are looked at in one turn of the loop; a run of equal ones counts as one."""
CALLS_TOGETHER: Final = 16
"""After so many calls of one read what they have caused goes out: the other sidecar works on it while this one goes on
with the rest. In one lot, the two would wait for each other by turns."""
WRITE_HIGH: Final = 128 << 10
WRITE_LOW: Final = 32 << 10
"""Water marks of the transport's buffer: above the one no more responses are taken until it is below the other."""

UNREAD_MAX: Final = 1 << 20
"""With so much in the transport's buffer nothing more is read: who does not read gets no further answers."""

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


class Connection(Control, asyncio.Protocol):
    """A connection of a listener."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(gate)
        self.lost: asyncio.Future[None] = gate.loop.create_future()
        """Done when the connection is."""

        self._greeted = False
        self._tail = b""
        """What was read of a frame that is not complete."""
        self._rest = b""
        """What was read and is for another turn."""
        self._window = WINDOW
        self._left = 0
        """Bytes of the DATA frame that is being read, and of padding behind them."""
        self._padding = 0
        self._data_stream: Stream | None = None
        self._data_ends = False

        # the sweep
        self._heard = False
        self._quiet = 0

        self._held_back = False
        """Whether nothing is read until the client has read."""

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
        socket_ = transport.get_extra_info("socket")
        if socket_ is not None:
            enlarge(socket_)
            if tls is None:
                self._descriptor = socket_.fileno()
        self.out.append(GREETING)
        self.flush()

    def connection_lost(self, _error: Exception | None) -> None:
        """Every call ends."""
        self._closing = True
        self._descriptor = -1
        self._gate.connections.discard(self)
        self._end_streams()
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """One read."""
        self._heard = True
        if self._rest:
            self._rest += data
            return
        self._turn.begin()
        try:
            self._read(data)
        finally:
            self._turn.end()

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
            if not kind | flags and self._block is None:
                # DATA, neither padded nor the last of its stream.
                stream = streams.get(stream_id)
                step = FRAME_HEAD.size + size
                if stream is not None and stream.plain and position + step <= end and size <= FRAME_MAX:
                    start = position + FRAME_HEAD.size
                    if size >= MESSAGE_HEAD.size and not stream.assembly.have:
                        # The way of most small messages: each alone in a frame, many of one size after each other.
                        compressed, length = MESSAGE_HEAD.unpack_from(data, start)
                        if length + MESSAGE_HEAD.size == size and not compressed:
                            body = start + MESSAGE_HEAD.size
                            head = data[position:body]
                            begin, append = position, stream.ready.append
                            while True:
                                append(data[body : position + step])
                                position += step
                                body += step
                                if position + step > end or not data.startswith(head, position):
                                    break
                            self._count(stream, (position - begin) // step * size)
                            continue
                    # And of the parts of a large one.
                    if size < CRUMB_BYTES:
                        self._allowance.charge(allowance.CRUMBS)
                    position += step
                    self._count(stream, size)
                    stream.data_untrusted(view[start:position])
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
        if not (self._rest or self._held_back or self._closing) and self._transport is not None:
            self._transport.resume_reading()

    def resume_writing(self) -> None:
        """As `Outflow.resume_writing`; a client that was held back may go on."""
        super().resume_writing()
        if self._held_back:
            self._held_back = False
            self._read_on()

    def _hold_back(self) -> None:
        """Nothing is read of a client that leaves too much unread: calls that fail, and PINGs, are answered whatever
        its windows are."""
        transport = self._transport
        if not self._held_back and transport is not None and transport.get_write_buffer_size() > UNREAD_MAX:
            self._held_back = True
            transport.pause_reading()

    def _deliver(self, read_bytes: int) -> None:
        touched = self._touched
        if touched:
            self._touched = []
            for count, stream in enumerate(touched):
                if count and not count % CALLS_TOGETHER:
                    self._turn.pause()
                stream.touched = False
                if not stream.over:
                    stream.deliver(read_bytes)

    # DATA

    def _count(self, stream: Stream, size: int) -> None:
        """Flow control of `size` bytes that came for a stream."""
        self._window -= size
        if self._window < WINDOW // 2:
            self._give_window()
        stream.window -= size
        if stream.window < 0:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"{-stream.window} bytes too many on stream {stream.id}")
        if not stream.touched:
            self._touch(stream)

    def _give_window(self) -> None:
        """What was read of the connection's window is given back."""
        if self._window < 0:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"{-self._window} bytes too many")
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
        if stream is None:
            self._window -= size
            if self._window < WINDOW // 2:
                self._give_window()
            self._late(stream_id, size)
            return
        if self._left < CRUMB_BYTES and not flags & END_STREAM:
            self._allowance.charge(allowance.CRUMBS)
        self._count(stream, size)
        if stream.remote_ended:
            raise Reset(ErrorCode.STREAM_CLOSED, "DATA after END_STREAM")
        stream.count_content(self._left, ends=bool(flags & END_STREAM))
        self._data_stream = stream
        self._data_ends = bool(flags & END_STREAM)
        if self._data_ends and not self._left and not self._padding:
            stream.remote_ended = True

    def _late(self, stream_id: int, size: int) -> None:
        """DATA of a call that has ended: its client may have written a window of it before it knew, in frames as small
        as its messages."""
        window = self._let_go.get(stream_id)
        if window is None:
            raise Reset(ErrorCode.STREAM_CLOSED, "DATA on a closed stream")
        if size > window:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"{size - window} bytes too many on stream {stream_id}")
        self._let_go[stream_id] = window - size
        if not size:
            self._allowance.charge(allowance.LATE)

    def _data_goes_on(self, view: memoryview, position: int, end: int) -> int:
        """What there is of the frame's data and padding; where that ends."""
        stream = self._data_stream
        if self._left:
            stop = min(position + self._left, end)
            self._left -= stop - position
            if stream is not None and not stream.over:
                self._touch(stream)
                stream.data_untrusted(view[position:stop])
            position = stop
        if self._padding and not self._left:
            stop = min(position + self._padding, end)
            self._padding -= stop - position
            position = stop
        if stream is not None and self._data_ends and not (self._left or self._padding):
            stream.remote_ended = True
            self._touch(stream)
        return position

    # ends

    def flush(self) -> None:
        """As `Outflow.flush`; ends a connection that was only waiting for its last call."""
        super().flush()
        if self._write_paused:
            self._hold_back()
        if self._draining and not self._streams:
            self.close()

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
        if self._heard and self._settled:
            self._quiet = 0
        else:
            self._quiet += 1
        self._heard = False
        if self._closing or self._quiet >= (LOST_TICKS if self._settled else GREETING_TICKS):
            self.abort()
        elif self._quiet == QUIET_TICKS:
            self.out.append(frames.frame(PING, 0, 0, OUR_PING))
            self.flush()


def enlarge(socket_: socket.socket) -> None:
    """A larger buffer for what is written to a Unix socket."""
    if socket_.family == socket.AF_UNIX:
        socket_.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
