"""Datagrams that came, by channel, for the apps that receive them. The newest are kept, and nothing waits for an app
that is not there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from sidecar.metrics import Counters

KEPT = 256
"""Datagrams that wait for an app that is slower than they come."""


class Came(NamedTuple):
    """A datagram."""

    peer_id: str
    payload: bytes


class Box:
    """An app that receives a channel's datagrams."""

    def __init__(self, boxes: Boxes, channel: str, wake: Callable[[], None]) -> None:
        self.channel = channel
        self._boxes = boxes
        self._wake = wake
        self._held: deque[Came] = deque()
        self._dropped = 0

    def put(self, came: Came) -> bool:
        """Takes one; False when an older one gave way."""
        full = len(self._held) >= KEPT
        if full:
            self._held.popleft()
            self._dropped += 1
        self._held.append(came)
        self._wake()
        return not full

    def take(self) -> tuple[list[Came], int]:
        """What came, and how many were dropped."""
        held, dropped = list(self._held), self._dropped
        self._held.clear()
        self._dropped = 0
        return held, dropped

    def close(self) -> None:
        """The app receives no more."""
        self._boxes.leave(self)


class Boxes:
    """Every channel's."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._boxes: dict[str, deque[Box]] = {}

    def subscribe(self, channel: str, wake: Callable[[], None]) -> Box:
        """A subscription; those of one channel take turns."""
        box = Box(self, channel, wake)
        self._boxes.setdefault(channel, deque()).append(box)
        return box

    def leave(self, box: Box) -> None:
        """A subscription ends."""
        boxes = self._boxes[box.channel]
        boxes.remove(box)
        if not boxes:
            del self._boxes[box.channel]

    def put(self, channel: str, came: Came) -> None:
        """One that came."""
        boxes = self._boxes.get(channel)
        if boxes is None:
            self._counters.datagrams_dropped["no_app"] += 1
            return
        self._counters.datagrams["received"] += 1
        if not boxes[0].put(came):
            self._counters.datagrams_dropped["slow_app"] += 1
        boxes.rotate(-1)
