"""Room for large messages on their way in: a client may send one only when all of it has room here."""

from __future__ import annotations

from collections.abc import Callable


class MessageMemory:
    """Bytes reserved by streams that are in the middle of a large message, over all connections. Who finds no room
    waits for its turn: a reservation is for a whole message, so that each one that was begun can end."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._waiting: dict[object, tuple[int, Callable[[], None]]] = {}

    def __repr__(self) -> str:
        return f"<MessageMemory {self.used}/{self.limit} bytes, {len(self._waiting)} waiting>"

    def reserve(self, owner: object, size: int, granted: Callable[[], None]) -> bool:
        """Whether there is room, which is then the owner's; else `granted` is called once it is. One always has."""
        if self._waiting or (self.used and self.used + size > self.limit):
            self._waiting[owner] = size, granted
            return False
        self.used += size
        return True

    def take(self, size: int) -> bool:
        """Whether there was room at once."""
        if self.used + size > self.limit:
            return False
        self.used += size
        return True

    def release(self, size: int) -> None:
        """Gives room back."""
        self.used -= size
        self._grant()

    def forget(self, owner: object) -> None:
        """The owner waits no more."""
        if self._waiting.pop(owner, None) is not None:
            self._grant()

    def _grant(self) -> None:
        while self._waiting:
            owner, (size, granted) = next(iter(self._waiting.items()))
            if self.used and self.used + size > self.limit:
                return
            del self._waiting[owner]
            self.used += size
            granted()
