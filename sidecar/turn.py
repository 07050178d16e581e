"""What a handler of the loop's has to do before it returns, because of what it did.

`call_soon` would do, but that the loop looks at its sockets and timers in between: for a lone message, which passes two
handlers of each sidecar, that was an eighth of all work.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable


class Turn:
    """One loop's. Handlers that read from a socket `begin` and `end` it; whoever wants to write asks for it `soon`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: asyncio.AbstractEventLoop = weakref.proxy(loop)  # or `_turns` would keep it for ever
        self._open = False
        self._calls: deque[Callable[[], None]] = deque()

    def soon(self, call: Callable[[], None]) -> None:
        """Calls at the end of the handler that is running, or in the loop's next turn: outside of one, and for what is
        asked for by such a call, so that every handler ends."""
        if self._open:
            self._calls.append(call)
        else:
            self._loop.call_soon(call)

    def begin(self) -> None:
        """A handler begins."""
        self._open = True

    def end(self) -> None:
        """It has done its own."""
        self._open = False
        calls = self._calls
        while calls:
            call = calls.popleft()
            try:
                call()
            except Exception as error:  # noqa: BLE001  as the loop treats a call of `call_soon`: it is none of the handler's
                self._loop.call_exception_handler({"message": f"{call!r} failed", "exception": error})

    def pause(self) -> None:
        """Calls what was asked for so far, and the handler goes on: who has much to do lets others begin with what is
        done of it. Outside of a handler nothing happens."""
        if self._open:
            self.end()
            self._open = True


_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = weakref.WeakKeyDictionary()


def turn_of(loop: asyncio.AbstractEventLoop) -> Turn:
    """The one of a loop."""
    turn = _turns.get(loop)
    if turn is None:
        turn = _turns[loop] = Turn(loop)
    return turn
