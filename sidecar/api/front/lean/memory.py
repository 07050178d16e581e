"""Room for large messages on their way in: a client may send one only when all of it has room here."""

from __future__ import annotations

from typing import Final, Protocol

SHARES: Final = 2
"""One connection has at most this part of the room, so that it cannot take all of it from others."""
OVERDUE_TICKS: Final = 6
"""Ticks of the sweep that a message may take to come in while another connection waits for its room."""


class Holder(Protocol):
    """Who has room, or waits for it."""

    @property
    def connection(self) -> object:
        """Whose share it is of."""
        ...

    def granted(self) -> None:
        """The room that it waited for is its own."""
        ...

    def overdue(self) -> None:
        """It has had its room for long, and others wait."""
        ...


class MessageMemory:
    """Bytes reserved by streams that are in the middle of a large message, over all connections. Who finds no room
    waits for its turn: a reservation is for a whole message, so that each one that was begun can end."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.share = limit // SHARES
        self.used = 0
        self._shares: dict[object, int] = {}
        """What is used, by connection."""
        self._waiting: dict[Holder, int] = {}
        self._ages: dict[Holder, int] = {}
        """Ticks since a reservation was given, of those whose message may still be on its way."""

    def __repr__(self) -> str:
        return f"<MessageMemory {self.used}/{self.limit} bytes, {len(self._waiting)} waiting>"

    def reserve(self, holder: Holder, size: int) -> bool:
        """Whether there is room, which is then the holder's; else its `granted` is called once it is. One always
        has, in all and of a share."""
        self._waiting[holder] = size
        if self._turn() is not holder or self._is_full(size):
            return False
        self._give(holder)
        return True

    def take(self, holder: Holder, size: int) -> bool:
        """Whether there was room at once."""
        if self.used + size > self.limit:
            return False
        self._use(holder, size)
        return True

    def release(self, holder: Holder, size: int) -> None:
        """Gives room back."""
        self._use(holder, -size)
        self._ages.pop(holder, None)
        self._grant()

    def forget(self, holder: Holder) -> None:
        """The holder waits no more."""
        if self._waiting.pop(holder, None) is not None:
            self._grant()

    def tick(self) -> None:
        """Once in a period of the sweep: who has had room for long must not keep it from other connections."""
        for holder in self._ages:
            self._ages[holder] += 1
        turn = self._turn()
        if turn is not None:
            late = [each for each, age in self._ages.items() if age > OVERDUE_TICKS]
            for holder in late:
                if holder.connection is not turn.connection:
                    holder.overdue()

    def _is_full(self, size: int) -> bool:
        return bool(self.used) and self.used + size > self.limit

    def _turn(self) -> Holder | None:
        """Who is next: the first of the connection that has least, if its share is not used up."""
        firsts: dict[object, Holder] = {}
        for holder in self._waiting:
            firsts.setdefault(holder.connection, holder)
        able = []
        for connection, holder in firsts.items():
            used = self._shares.get(connection, 0)
            if not used or used + self._waiting[holder] <= self.share:
                able.append((used, holder))
        return min(able, key=lambda each: each[0])[1] if able else None

    def _use(self, holder: Holder, size: int) -> None:
        self.used += size
        used = self._shares.get(holder.connection, 0) + size
        if used:
            self._shares[holder.connection] = used
        else:
            self._shares.pop(holder.connection, None)

    def _give(self, holder: Holder) -> None:
        self._use(holder, self._waiting.pop(holder))
        self._ages[holder] = 0

    def _grant(self) -> None:
        while (holder := self._turn()) is not None and not self._is_full(self._waiting[holder]):
            self._give(holder)
            holder.granted()
