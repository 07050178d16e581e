"""One stream of a connection: requests put together and given to their call, responses written as the windows allow."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sidecar.api.front.base import TRANSPORT_BYTES, Encoded
from sidecar.api.front.lean import frames, headers
from sidecar.api.front.lean.assembly import Assembly
from sidecar.api.front.lean.encodings import packed
from sidecar.api.front.lean.frames import (
    DATA,
    DATA_HEAD,
    END_HEADERS,
    END_STREAM,
    FRAME_HEAD,
    HEADERS,
    MESSAGE_HEAD,
    ErrorCode,
    Reset,
)
from sidecar.api.status import Code, ForeignStatus, Status

if TYPE_CHECKING:
    from sidecar.api.front.lean.call import Call
    from sidecar.api.front.lean.control import Control

FIRST_WINDOW: Final = 65_535
"""What a client may send on a new stream: HTTP/2's own default."""
FAST_WINDOW: Final = 4 << 20
"""What a stream's window grows to when its method takes what comes."""
GROWN_SHARE: Final = 4
"""A stream gets at most this part of what the connection has left for growing."""
TURN_BYTES: Final = 256 << 10
"""So many bytes of responses are written in one turn of the loop: about what a socket takes. What it does not take,
asyncio copies, and moves at each further write."""

STRANGERS_BYTES: Final = 4096
"""The largest request of a method that is open to whoever has no token."""

WAITING_MAX: Final = 64 << 20
"""Responses that wait for one client's windows; a call beyond that fails."""


class Stream:
    """Both directions of one call. `call` is None for what is no gRPC call."""

    __slots__ = (
        "id",
        "call",
        "connection",
        "encoding",
        "most",
        "ready",
        "touched",
        "assembly",
        "window",
        "target",
        "reserved",
        "remote_ended",
        "content_left",
        "send_window",
        "woken",
        "blocked",
        "over",
        "_told_ended",
        "_asked",
        "_served",
        "_headers_sent",
        "_pending",
        "_pending_bytes",
        "_last",
        "_answered",
    )

    def __init__(self, connection: Control, stream_id: int, head: headers.Head, send_window: int) -> None:
        self.id = stream_id
        self.connection = connection
        self.call: Call | None = None
        self.encoding = head.encoding
        self.most = TRANSPORT_BYTES
        """The largest request."""

        self.ready: list[bytes] = []
        """Complete requests of this read."""
        self.touched = False
        """Whether this read brought anything."""
        self.assembly = Assembly()
        self.window = FIRST_WINDOW
        """What the client may still send."""
        self.target = FIRST_WINDOW
        """What it may have here unread."""
        self.reserved = 0
        """Room that the message on its way in has beside that."""
        self._asked = False
        """Whether room was asked for and not given yet."""
        self._served = False
        """Whether this is a stream of requests that has brought some."""
        self.remote_ended = False
        self._told_ended = False
        self.content_left = head.content_length
        """Bytes of DATA that are still to come; None where the client did not say."""

        self.send_window = send_window
        self.woken = False
        """Whether the connection's next turn looks at it."""
        self.blocked = False
        """Whether it waits for a window of the client's."""
        self.over = False
        self._headers_sent = False
        self._pending: deque[memoryview] = deque()
        self._pending_bytes = 0
        self._last: bytes | None = None
        """The last frame, once there is nothing more to take."""
        self._answered = False
        """Whether it has gone out on a stream that is no call, whose client may go on."""

    def __repr__(self) -> str:
        return (
            f"<Stream {self.id} {self.call!r} in: window {self.window}/{self.target} {self.assembly!r}"
            f" out: window {self.send_window} pending {self._pending_bytes}>"
        )

    # requests

    @property
    def plain(self) -> bool:
        """Whether DATA of it is parts of requests and nothing more has to be looked at."""
        return self.call is not None and self.content_left is None and not self.remote_ended and not self.over

    def count_content(self, size: int, *, ends: bool) -> None:
        """Reset when the client's content-length is not what it sends (section 8.1.1)."""
        if self.content_left is not None:
            self.content_left -= size
            if self.content_left < 0 or (ends and self.content_left):
                raise Reset(ErrorCode.PROTOCOL_ERROR, "the content-length is not the length of the content")

    def data_untrusted(self, piece: memoryview) -> None:
        """Bytes of DATA, without padding, whose flow control is done."""
        assembly = self.assembly
        if assembly.grow(piece):
            return
        call = self.call
        if call is None:
            return
        position, end = 0, len(piece)
        while position < end and not self.over:
            if not assembly.have and end - position >= MESSAGE_HEAD.size:
                compressed, size = MESSAGE_HEAD.unpack_from(piece, position)
                start = position + MESSAGE_HEAD.size
                position = min(start + size, end)
                if size <= end - start:
                    self._complete(compressed, bytes(piece[start:position]))
                    continue
                assembly.begin(compressed, size, piece[start:])
            else:
                stop = min(position + assembly.lacking, end)
                if assembly.add(piece[position:stop]):
                    compressed = assembly.compressed
                    self._complete(compressed, assembly.take())
                    if call.streams:
                        self._give_back()
                position = stop
            if assembly.size > self.most:
                self.too_large(assembly.size)
                return

    def _complete(self, compressed: int, message: bytes) -> None:
        if compressed:
            try:
                message = packed(compressed, self.encoding, message)
            except ForeignStatus as error:
                self.refuse(error.status)
                return
        self.connection.completed()
        self.ready.append(message)

    def too_large(self, size: int) -> None:
        """Ends the call for a message that no servicer would take."""
        self.refuse(
            Status(Code.RESOURCE_EXHAUSTED, f"a message of {size} bytes; this server takes at most {self.most}")
        )

    def deliver(self, read_bytes: int) -> None:
        """At the end of a read: what it brought goes to the call."""
        batch, self.ready = self.ready, []
        call = self.call
        if call is None:
            if self.remote_ended and self._answered:
                self.gone()
            return
        if batch:
            self._served = call.streams
            call.messages(batch)
        if self.over:
            return
        if self.remote_ended:
            if not self._told_ended:
                self._told_ended = True
                if self.assembly.have:
                    self.refuse(Status(Code.INTERNAL, "the call was half-closed in the middle of a message"))
                else:
                    call.half_closed()
            return
        if self.assembly.have:
            self.assembly.settle(read_bytes)
        self.open_window()

    def open_window(self) -> None:
        """Lets the client send as much as there is room for, once that is worth a frame."""
        if self.remote_ended or self.over:
            return
        call, target, assembly = self.call, self.target, self.assembly
        held = assembly.have + (call.held if call is not None else 0)
        if not self.reserved and 2 * assembly.size > target and not self._asked:
            self._ask(assembly.size + MESSAGE_HEAD.size)
        room = target + self.reserved - held - self.window
        if 2 * room >= target or (room > 0 and self.reserved and self.window < assembly.lacking):
            if self._served and target < FAST_WINDOW and not (call is None or call.held):
                room += self._grow()
            self.window += room
            self.connection.write(frames.window_update(self.id, room))

    def _grow(self) -> int:
        grown = min(FAST_WINDOW, self.target + self.connection.growable // GROWN_SHARE) - self.target
        self.connection.growable -= grown
        self.target += grown
        return grown

    def _ask(self, size: int) -> None:
        """For room for the whole message that has begun to come."""
        if self.connection.memory.reserve(self, size):
            self.reserved = size
        else:
            self._asked = True

    def granted(self) -> None:
        """There is room for the message that has begun to come."""
        self._asked = False
        self.reserved = self.assembly.size + MESSAGE_HEAD.size
        self.open_window()

    def overdue(self) -> None:
        """The message is long on its way, and others wait for its room."""
        if self.assembly.have:
            what = f"{self.assembly.lacking} bytes of a message have not come, and other clients wait for its room"
            self.refuse(Status(Code.RESOURCE_EXHAUSTED, what))

    def _give_back(self) -> None:
        if self._asked:
            self._asked = False
            self.connection.memory.forget(self)
        if self.reserved:
            reserved, self.reserved = self.reserved, 0
            self.connection.memory.release(self, reserved)

    def keep(self, size: int) -> bool:
        """Whether there is room for so much beside what came, until the stream is over."""
        kept = self.connection.memory.take(self, size)
        if kept:
            self.reserved += size
        return kept

    # responses

    def start(self) -> None:
        """Sends the response headers now."""
        if not self._headers_sent and not self.over:
            self._headers_sent = True
            self.connection.write_headers(frames.frame(HEADERS, END_HEADERS, self.id, headers.RESPONSE))

    def send(self, responses: Sequence[Encoded]) -> None:
        """Responses in order, headers first: what the windows do not let through waits here."""
        connection = self.connection
        if not self._headers_sent:
            self.start()
        out = connection.out
        room = min(self.send_window, connection.send_window, TURN_BYTES - connection.out_bytes)
        if self._pending or connection.full:
            room = 0
        most = connection.frame_max
        sent = 0
        for response in responses:
            if isinstance(response, tuple):
                room = 0
                self._wait(sum(map(len, response)), response)
                continue
            size = len(response) + MESSAGE_HEAD.size
            if size <= room and size <= most:
                out.append(DATA_HEAD.pack(size >> 8, size & 0xFF, DATA, 0, self.id, 0, size - MESSAGE_HEAD.size))
                out.append(response)
                room -= size
                sent += size
            else:
                room = 0
                self._wait(len(response), (response,))
        self.send_window -= sent
        connection.send_window -= sent
        connection.out_bytes += sent
        if self._pending:
            self._write_pending()

    def _wait(self, size: int, parts: tuple[bytes | memoryview, ...]) -> None:
        """A response waits behind others, or for being cut into frames."""
        self._pending.append(memoryview(MESSAGE_HEAD.pack(0, size)))
        self._pending += [memoryview(part) for part in parts if part]
        self._pending_bytes += size + MESSAGE_HEAD.size
        self.connection.waiting_bytes += size + MESSAGE_HEAD.size

    def respond(self, response: bytes) -> None:
        """The one response of a call, and its end."""
        if len(response) > TRANSPORT_BYTES:
            self.refuse(
                Status(
                    Code.RESOURCE_EXHAUSTED, f"a response of {len(response)} bytes, at most {TRANSPORT_BYTES} go out"
                )
            )
            return
        if self.connection.waiting_bytes > WAITING_MAX:
            what = f"{self.connection.waiting_bytes} bytes of responses wait for this client to read"
            self.refuse(Status(Code.RESOURCE_EXHAUSTED, what))
            return
        self.send([response])
        self.finish()

    @property
    def waiting(self) -> bool:
        """Whether responses wait for the client to open its windows."""
        return bool(self._pending)

    @property
    def pending_bytes(self) -> int:
        """How many bytes of responses wait."""
        return self._pending_bytes

    def _write_pending(self) -> bool:
        """Frames from what waits; whether all of it could go."""
        connection, pending = self.connection, self._pending
        if connection.full:
            self.wake()
            return False
        out = connection.out
        most = TURN_BYTES - connection.out_bytes
        room = min(self.send_window, connection.send_window, most)
        while pending and room > 0:
            size = min(connection.frame_max, room, self._pending_bytes)
            out.append(FRAME_HEAD.pack(size >> 8, size & 0xFF, DATA, 0, self.id))
            room -= size
            self._pending_bytes -= size
            connection.waiting_bytes -= size
            self.send_window -= size
            connection.send_window -= size
            connection.out_bytes += size
            while size:
                piece = pending[0]
                if len(piece) <= size:
                    out.append(piece)
                    size -= len(piece)
                    pending.popleft()
                else:
                    out.append(piece[:size])
                    pending[0] = piece[size:]
                    size = 0
        if pending:
            if connection.out_bytes >= TURN_BYTES:
                self.wake()
            else:
                connection.block(self)
        return not pending

    def finish(self, status: Status | None = None) -> None:
        """Ends the call, OK without a status, once what was sent has gone out."""
        if self._last is None and not self.over:
            if status is None:
                if not self._headers_sent:
                    self.start()
                self._last = self._trailers(headers.DONE)
            else:
                self._last = self._trailers_of(status)
            self.wake()

    def _trailers(self, block: bytes) -> bytes:
        return frames.frame(HEADERS, END_HEADERS | END_STREAM, self.id, block)

    def _trailers_of(self, status: Status) -> bytes:
        return self._trailers(
            headers.trailers_block(status) if self._headers_sent else headers.trailers_only_block(status)
        )

    def wake(self) -> None:
        """Has the connection's next turn look here."""
        if not self.woken and not self.over:
            self.woken = True
            self.connection.wake(self)

    def pump(self) -> None:
        """Takes and writes as much as windows and transport have room for."""
        connection = self.connection
        while not self.over:
            if self._pending and not self._write_pending():
                return
            if self._last is not None:
                self._end(self._last, completed=True)
                return
            call = self.call
            if call is None:
                return
            if connection.full:
                self.wake()
                return
            room = min(self.send_window, connection.send_window)
            if room <= 0 and not call.ending:
                connection.block(self)
                return
            if not call.give(room):
                return

    # ends

    def refuse(self, status: Status) -> None:
        """Ends the call with a status at once, whatever waits to be sent."""
        if not self.over:
            self._end(self._trailers_of(status), completed=False)

    def answer_http(self, http_status: int) -> None:
        """Answers what is no gRPC request. What else the client sends on this stream is read for its framing only."""
        self._headers_sent = True
        self.connection.write_headers(frames.frame(HEADERS, END_HEADERS, self.id, headers.refusal_block(http_status)))
        self._pending.append(memoryview(headers.REFUSAL))
        self._pending_bytes += len(headers.REFUSAL)
        self.connection.waiting_bytes += len(headers.REFUSAL)
        self._last = frames.frame(DATA, END_STREAM, self.id)
        self.wake()

    def reset(self, code: ErrorCode) -> None:
        """Ends the stream with RST_STREAM."""
        if not self.over:
            self.connection.write(frames.rst_stream(self.id, code))
            self.gone()

    def gone(self, *, completed: bool = False) -> None:
        """The stream is over; its call learns it."""
        if self.over:
            return
        self.over = True
        self._pending.clear()
        self.connection.waiting_bytes -= self._pending_bytes
        self._pending_bytes = 0
        self.ready = []
        self.assembly.clear()
        self._give_back()
        self.connection.growable += self.target - FIRST_WINDOW
        self.connection.forget(self)
        if self.call is not None:
            self.call.over(completed)

    def _end(self, last: bytes, *, completed: bool) -> None:
        connection = self.connection
        connection.write_last(last)
        if self.call is None and not self.remote_ended:
            self._last, self._answered = None, True
            return
        if not self.remote_ended:
            # Section 8.1: the client need not send what nobody will read.
            connection.write(frames.rst_stream(self.id, ErrorCode.NO_ERROR))
        self.gone(completed=completed)
