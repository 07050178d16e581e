"""SendStream: many messages to one peer and channel, handed on unparsed and answered by cumulative receipts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from sidecar.api.batches import (
    MAX_FRAME_BYTES,
    ChunkMemory,
    ChunkSeries,
    check_batch,
    delivery_of,
    level_of,
    priority_of,
    too_large,
)
from sidecar.api.front.base import HotCall
from sidecar.api.front.requests import decoded
from sidecar.api.receipts import ReceiptBook
from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.node import Node
from sidecar.overlay.kept_sender import AnySender

LINGER_SECONDS: Final = 10.0
"""What a vanished client had handed over is still sent for so long; then it is withdrawn, so that nobody's messages
wait for ever in a queue that others share."""

RECEIPT_SECONDS: Final = 0.002
BUSY_RECEIPT_SECONDS: Final = 0.005
BUSY_MESSAGES: Final = 64
"""So far apart are receipts for a client that does not wait for them, the longer time where many messages have no
outcome yet: a server spends on each receipt as much as on a message."""

PIPELINED_FRAMES: Final = 32
"""A client that sent on without waiting for outcomes counts as one that does not wait for so many frames more. Whoever
waits for each gets each at once."""

PENDING_DETAIL: Final = (
    "the call's deadline has come; it goes on in the journal, what SENT was not told of once it is written"
)

SMALL_FRAME: Final = 4096
JOINED_BYTES: Final = 64 << 10
"""Frames of at most so many bytes that come together are checked and handed on as one, up to so many bytes in all."""

SENT_SECONDS: Final = 0.02
"""How long it may take to tell that messages have left, where the client waits for them to be delivered."""


class SendStream:
    """One call. `receipts` is the sink that the layers below report to."""

    def __init__(self, node: Node, memory: ChunkMemory, call: HotCall) -> None:
        self._node = node
        self._memory = memory
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._sender: AnySender | None = None
        self._receipts = ReceiptBook(pb.DELIVERY_LEVEL_DELIVERED)
        self._series: ChunkSeries | None = None
        self._backlog: deque[bytes] = deque()
        """Frames that wait for memory."""
        self._alone = 0
        """So many of them are looked at one by one."""
        self._waiting = False
        """For room in the queue, or for memory."""
        self._half_closed = False
        self._durable = False
        self._over = False
        self._told_at = 0.0
        """When the last receipt was given to the front, by the loop's clock."""
        self._telling: asyncio.TimerHandle | None = None
        self._tell_at = 0.0
        """When that is due."""
        self._frames = 0
        self._pipelined_until = 0
        """Up to this frame the client counts as one that does not wait for outcomes."""
        self._deadline: asyncio.TimerHandle | None = None
        if call.context.answer_by is not None:
            self._deadline = self._loop.call_at(call.context.answer_by, self._deadline_passed)

    # HotMethod

    def messages(self, batch: list[bytes]) -> None:
        """Frames, in order."""
        self._backlog += batch
        self._work()

    def half_closed(self) -> None:
        """The call ends when every message has its outcome."""
        self._half_closed = True
        if not self._backlog:
            self._check_end()

    @property
    def paused(self) -> bool:
        """While the queue for the peer is full, memory for chunks is short, or the client reads no receipts."""
        return self._waiting or self._receipts.full

    def take(self, max_bytes: int) -> Sequence[bytes]:
        """One response with all that is known."""
        was_full = self._receipts.full
        response = self._receipts.take()
        if response is None:
            return ()
        self._told_at = self._loop.time()
        if was_full:
            self._call.resume()
        return (response,)

    def ended(self, completed: bool) -> None:
        """What is still under way goes on; what cannot go on is withdrawn."""
        self._over = True
        for timer in (self._deadline, self._telling):
            if timer is not None:
                timer.cancel()
        self._backlog.clear()
        self._abandon_series()
        sender = self._sender
        if sender is not None and sender.settled < sender.offered:
            self._loop.call_later(
                LINGER_SECONDS, sender.withdraw, Reason.CANCELLED, "its call ended before the message could be sent"
            )

    # frames

    def _work(self) -> None:
        """Takes frames for as long as there is memory for them. A full queue only pauses the reading."""
        while self._backlog and not self._over:
            if self._alone:
                self._alone -= 1
            elif len(self._backlog) > 1 and self._small_frames():
                continue
            if not self._frame(self._backlog[0]):
                return
            self._backlog.popleft()
        self._check_room()
        if self._half_closed:
            self._check_end()

    def _small_frames(self) -> bool:
        """Takes small frames of messages that have come together as one: behind each other they are a batch too. False
        when there are none, or something is wrong with one of them: then each is looked at alone."""
        sender = self._sender
        if sender is None or self._series is not None:
            return False
        small: list[bytes] = []
        last: list[int] = []
        size = 0
        for frame in self._backlog:
            if len(frame) > SMALL_FRAME or size >= JOINED_BYTES or not frame.startswith(b"\x0a"):
                break
            small.append(frame)
            size += len(frame)
            last.append(size)
        if len(small) < 2:
            return False
        joined = b"".join(small)
        try:
            ends = check_batch(joined, self._node.settings.max_message_bytes)
        except SidecarError:
            ends = []
        # No message may begin in one frame and end in the next.
        if ends != last and not set(last).issubset(ends):
            self._alone = len(small)
            return False
        self._frames += len(small)
        self._pipelined_until = self._frames + PIPELINED_FRAMES
        sender.offer(joined, ends)
        for _ in small:
            self._backlog.popleft()
        return True

    def _frame(self, frame: bytes) -> bool:
        """Takes one frame; false when it has to wait for memory."""
        if len(frame) > MAX_FRAME_BYTES:
            raise too_large("the frame", len(frame), MAX_FRAME_BYTES, "spread the messages over several frames")
        sender = self._sender
        if sender is None:
            self._open(decoded(pb.SendStreamRequest, frame))
        elif frame.startswith(b"\x0a"):
            if self._series is not None:
                raise SidecarError(
                    Reason.FRAME_UNEXPECTED,
                    f"messages between the chunks of one message, of which {self._series.gathered} of"
                    f" {self._series.total} bytes have come",
                )
            ends = check_batch(frame, self._node.settings.max_message_bytes)
            self._frames += 1
            if sender.offered > self._receipts.through:
                self._pipelined_until = self._frames + PIPELINED_FRAMES
            sender.offer(frame, ends)
        else:
            return self._other_frame(sender, decoded(pb.SendStreamRequest, frame))
        return True

    def _open(self, frame: pb.SendStreamRequest) -> None:
        if not frame.HasField("open") or frame.messages or frame.HasField("chunk"):
            raise SidecarError(Reason.FRAME_UNEXPECTED, "the first frame must be `open` and nothing else")
        opening = frame.open
        self._call.context.scope.require_send(opening.channel)
        self._receipts = ReceiptBook(level_of(opening.level, "open.level"))
        priority = priority_of(opening.priority, "open.priority")
        delivery = delivery_of(opening, self._receipts.level, "open.")
        self._durable = delivery.durable
        self._sender = self._node.open_kept_sender(opening.peer_id, opening.channel, priority, self, delivery)

    def _other_frame(self, sender: AnySender, frame: pb.SendStreamRequest) -> bool:
        """A frame that does not begin with messages."""
        if not frame.HasField("chunk") or frame.messages or frame.HasField("open"):
            raise SidecarError(
                Reason.FRAME_UNEXPECTED, "after `open`, a frame is either `messages` or `chunk`, and never empty"
            )
        chunk = frame.chunk
        if self._series is not None:
            self._series.add(chunk)
        else:
            series = ChunkSeries(chunk, self._node.settings.max_message_bytes)
            if not self._memory.reserve(series.total):
                self._waiting = True
                self._memory.want(self._memory_freed)
                return False
            self._series = series
        if self._series.complete:
            series, self._series = self._series, None
            sender.offer_large(series.message_id, series.headers, series.parts)
            self._memory.release(series.total)
        return True

    # waiting

    def _check_room(self) -> None:
        if self._sender is not None and self._sender.full and not self._over:
            self._waiting = True
            self._sender.want_room(self._room_came)

    def _room_came(self) -> None:
        self._waiting = False
        self._check_room()
        if not self._waiting:
            self._call.resume()

    def _memory_freed(self) -> None:
        if self._over:
            return
        self._waiting = False
        try:
            self._work()
        except SidecarError as error:
            self._call.finish(error)
        if not self._waiting:
            self._call.resume()

    # ends

    def _check_end(self) -> None:
        if self._series is not None:
            series = self._series
            self._abandon_series()
            raise SidecarError(
                Reason.FRAME_UNEXPECTED,
                f"the call was half-closed in the middle of a message: {series.gathered} of {series.total} bytes came",
            )
        if self._sender is None:
            raise SidecarError(Reason.FRAME_UNEXPECTED, "the call was half-closed without an `open` frame")
        if self._receipts.through >= self._sender.offered:
            self._call.finish()

    def _abandon_series(self) -> None:
        if self._series is not None:
            self._memory.release(self._series.total)
            self._series = None

    def _deadline_passed(self) -> None:
        """Answers while the client still listens: what was not sent is named, what was sent has no known outcome;
        what is in the journal goes on."""
        sender = self._sender
        if sender is not None and self._durable:
            sender.withdraw(Reason.PENDING, PENDING_DETAIL)
            self._receipts.failed(1, sender.offered, Reason.PENDING, PENDING_DETAIL)
        elif sender is not None:
            if sender.starved:
                reason, why = Reason.NO_SUBSCRIBER, "the channel is full over there and no app reads it"
            else:
                reason, why = Reason.DEADLINE, "it could not be sent before the call's deadline"
            sender.withdraw(reason, why)
            self._receipts.failed(
                1,
                sender.offered,
                Reason.OUTCOME_UNKNOWN,
                "it was sent, and not acknowledged before the call's deadline",
            )
        self._call.finish(
            SidecarError(Reason.DEADLINE, "the call's deadline has come; the receipts say how far it went")
        )

    # Sink

    def sent(self, first: int, count: int) -> None:
        """See wire.run.Sink."""
        self._receipts.sent(first, count)
        if self._receipts.level == pb.DELIVERY_LEVEL_SENT:
            self._progress()
        elif self._telling is None:  # it is never set for later
            self._tell_by(self._loop.time() + SENT_SECONDS)

    def delivered(self, first: int, count: int) -> None:
        """See wire.run.Sink."""
        self._receipts.delivered(first, count)
        self._progress()

    def processed(self, first: int, count: int) -> None:
        """See overlay.awaited.TrackedSink."""
        self._receipts.processed(first, count)
        self._progress()

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """See wire.run.Sink."""
        self._receipts.failed(first, count, reason, detail)
        self._progress()

    def _progress(self) -> None:
        sender = self._sender
        if self._over:
            return
        if self._frames > self._pipelined_until:
            self._call.wake()
        else:
            busy = sender is not None and sender.offered - self._receipts.through > BUSY_MESSAGES
            apart = BUSY_RECEIPT_SECONDS if busy else RECEIPT_SECONDS
            self._tell_by(self._told_at + apart)
        all_taken = self._half_closed and not self._backlog and self._series is None
        if all_taken and sender is not None and self._receipts.through >= sender.offered:
            self._call.finish()

    def _tell_by(self, due: float) -> None:
        """Lets the front ask for a receipt by then, at once when that is past."""
        if self._over:
            return
        if self._telling is not None:
            if self._tell_at <= due:
                return
            self._telling.cancel()
            self._telling = None
        if due <= self._loop.time():
            self._call.wake()
        else:
            self._tell_at = due
            self._telling = self._loop.call_at(due, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._call.wake()
