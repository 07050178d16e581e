"""Calls: what stands between a stream and a method, one class for each way of `sidecar.api.front.base`.

The stream calls `messages`, `half_closed`, `give` and, once and last, `over`. Nothing here waits for a client: a cold
method's coroutine does, in its own task.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Final

from sidecar.api.front.base import CallContext
from sidecar.api.front.failures import status_for
from sidecar.api.front.lean.stream import Stream
from sidecar.errors import Reason, SidecarError

REFUSAL_SECONDS: Final = 0.05


class Call(ABC):
    """One call, whatever its method."""

    streams = False
    """Whether the client may send more than one request."""

    def __init__(self, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> None:
        self.stream = stream
        self.context = context
        self.path = context.method
        self.loop = loop
        self.held = 0
        """Bytes of requests that the method has not taken."""
        self.ending = False
        """Whether `give` ends the call when the method gives no more."""
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    @abstractmethod
    def messages(self, batch: list[bytes]) -> None:
        """Requests have come."""

    @abstractmethod
    def half_closed(self) -> None:
        """No more will come."""

    @abstractmethod
    def give(self, room: int) -> bool:
        """Hands the stream what there is, some `room` bytes; whether there may be more, or the call's end."""

    def over(self, completed: bool) -> None:
        """The stream has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def late(self) -> None:
        """The client's deadline has passed."""
        self.stream.refuse(
            status_for(self.path, SidecarError(Reason.DEADLINE, f"{self.path} was not done within the call's deadline"))
        )

    def at(self, when: float | None) -> None:
        """Has `late` called then, unless the call is over before."""
        if when is not None:
            self._timer = self.loop.call_at(when, self.late)


class RefusedCall(Call):
    """A call that was refused before its first request. It is told when that comes, or soon: the library of Python apps
    takes a call that ended before its first write for an internal error."""

    def __init__(self, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop, error: Exception) -> None:
        super().__init__(stream, context, loop)
        self._status = status_for(context.method, error)
        self.at(loop.time() + REFUSAL_SECONDS)

    def messages(self, batch: list[bytes]) -> None:
        """As `Call.messages`."""
        self.stream.refuse(self._status)

    def half_closed(self) -> None:
        """As `Call.half_closed`."""
        self.stream.refuse(self._status)

    def late(self) -> None:
        """As `Call.late`."""
        self.stream.refuse(self._status)

    def give(self, room: int) -> bool:
        """Nothing."""
        return False
