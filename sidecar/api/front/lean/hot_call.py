"""Calls of hot methods: batches of requests as they came, responses as windows have room."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from sidecar.api.front.base import CallContext, Hot, whole
from sidecar.api.front.failures import status_for
from sidecar.api.front.lean.call import Call
from sidecar.api.front.lean.encodings import IDENTITY, plain
from sidecar.api.front.lean.stream import Stream
from sidecar.api.status import Code, Status
from sidecar.errors import SidecarError

TAKE_BYTES: Final = 1 << 20
"""The most that a hot method is asked for at a time."""

HAND_IN_BYTES: Final = 256 << 10
"""The most that a hot method gets at a time of what has waited while it was paused."""


class HotCall(Call):
    """Hot; the front's side of `sidecar.api.front.base.HotCall` too."""

    def __init__(self, method: Hot, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(stream, context, loop)
        self.streams = not method.unary_request
        self._unary_response = method.unary_response
        self._one_by_one = stream.encoding != IDENTITY
        """Whether requests may be compressed, so that each is inflated when it is its turn."""
        self._only: bytes | None = None
        self._error: Exception | None = None
        self._opened = False
        """Whether a request was handed in."""
        self._backlog: deque[bytes] = deque()
        """Requests that came while the method was paused."""
        self._half_closed = False
        """Whether the client has, and the method does not know yet."""
        self._ended = False
        self._served = method.open(self)
        self.at(context.deadline)

    # the stream's side

    def messages(self, batch: list[bytes]) -> None:
        """As `Call.messages`."""
        if self.ending:
            return
        if self._backlog or self._one_by_one or self._served.paused or not self.streams:
            self._backlog += batch
            self.held += sum(map(len, batch))
            if self.streams:
                self._hand_in()
        else:
            self._take_in(batch)

    def half_closed(self) -> None:
        """As `Call.half_closed`."""
        self._half_closed = True
        if self.streams:
            self._hand_in()
            return
        if len(self._backlog) != 1:
            self.stream.refuse(Status(Code.INTERNAL, f"{self.path} takes one request, and {len(self._backlog)} came"))
            return
        self.held = 0
        self._take_in([self._backlog.popleft()])
        self._tell_half_closed()

    def _take_in(self, batch: list[bytes]) -> None:
        try:
            if self._one_by_one:
                batch = [plain(message) for message in batch]
            self._served.messages(batch)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self._finish(error)
            return
        if not self._opened:
            self._opened = True
            if not self._unary_response and not self.ending:
                self.stream.start()

    def _hand_in(self) -> None:
        """Gives the method what has waited, until it is paused again; and then the client's end."""
        backlog = self._backlog
        while backlog and not self.ending and not self._served.paused:
            batch = [backlog.popleft()]
            size = len(batch[0])
            while not self._one_by_one and backlog and size + len(backlog[0]) <= HAND_IN_BYTES:
                batch.append(backlog.popleft())
                size += len(batch[-1])
            self.held -= size
            self._take_in(batch)
        if self._half_closed and not backlog:
            self._tell_half_closed()

    def _tell_half_closed(self) -> None:
        self._half_closed = False
        if self.ending:
            return
        try:
            self._served.half_closed()
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self._finish(error)

    def give(self, room: int) -> bool:
        """As `Call.give`."""
        # In this order: what is ready when `finish` is called is still written.
        ending = self.ending
        try:
            responses = self._served.take(max(1, min(room, TAKE_BYTES)))
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self.ending = True
            self.stream.finish(status_for(self.path, error))
            return True
        if responses:
            if self._unary_response:
                self._only = whole(responses[0])
            else:
                self.stream.send(responses)
            return True
        if ending:
            if self._error is not None:
                self.stream.finish(status_for(self.path, self._error))
            else:
                if self._only is not None:
                    self.stream.send([self._only])
                self.stream.finish()
        return ending

    def over(self, completed: bool) -> None:
        """As `Call.over`."""
        super().over(completed)
        self.ending = True
        self._backlog.clear()
        if not self._ended:
            self._ended = True
            self._served.ended(completed)

    # the method's side

    def wake(self) -> None:
        """As `base.HotCall.wake`."""
        self.stream.wake()

    def resume(self) -> None:
        """As `base.HotCall.resume`."""
        if self._backlog or self._half_closed:
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if not self.stream.over:
            self._hand_in()
            self.stream.open_window()

    def finish(self, error: SidecarError | None = None) -> None:
        """As `base.HotCall.finish`; the first one counts."""
        self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        if not self.ending:
            self.ending = True
            self._error = error
            self._backlog.clear()
            self.held = 0
            self.stream.wake()
