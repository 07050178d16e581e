"""Calls of hot methods with one request and one response."""

from __future__ import annotations

import asyncio

from sidecar.api.front.base import CallContext, Encoded, Hot, whole
from sidecar.api.front.failures import status_for
from sidecar.api.front.lean.cold_call import SingleRequest
from sidecar.api.front.lean.hot_call import TAKE_BYTES
from sidecar.api.front.lean.stream import Stream
from sidecar.errors import SidecarError


class HotUnaryCall(SingleRequest):
    """Hot with one request and one response; the front's side of `sidecar.api.front.base.HotCall` too. No task, and no
    object but the call's and the method's."""

    def __init__(self, method: Hot, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(stream, context, loop)
        self._served = method.open(self)
        self._response: Encoded | None = None
        self._error: Exception | None = None
        if not method.punctual:
            self.at(context.deadline)

    def begin(self, request: bytes) -> None:
        """As `SingleRequest.begin`."""
        self._request = b""
        self._served.messages([request])
        self._served.half_closed()

    def give(self, room: int) -> bool:
        """As `Call.give`."""
        # In this order: what is ready when `finish` is called is still written.
        ending = self.ending
        try:
            responses = self._served.take(TAKE_BYTES)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self.ending, self._error, responses = True, error, ()
        if responses:
            self._response = responses[0]
        if not ending:
            return bool(responses) or self.ending
        if self._error is not None:
            self.stream.finish(status_for(self.path, self._error))
        elif self._response is not None:
            self.stream.respond(whole(self._response))
        else:
            self.stream.finish()
        return True

    def over(self, completed: bool) -> None:
        """As `Call.over`."""
        super().over(completed)
        self.ending = True
        self._served.ended(completed)

    def wake(self) -> None:
        """As `base.HotCall.wake`."""
        self.stream.wake()

    def resume(self) -> None:
        """As `base.HotCall.resume`: there is nothing more to read."""

    def finish(self, error: SidecarError | None = None) -> None:
        """As `base.HotCall.finish`; the first one counts."""
        if not self.ending:
            self.ending = True
            self._error = error
            self.stream.wake()
