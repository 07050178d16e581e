"""What a Consume call still has to tell, without any I/O: acknowledgements gathered into ranges."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sidecar_client.gen.overlay.v1 import message_pb2 as pb


class Acks:
    """Gathers delivery ids until the next request is made, in their order; consecutive ones become one range."""

    def __init__(self, channel: str, credits: int) -> None:  # noqa: A002
        self.opening = pb.ConsumeRequest(open=pb.ConsumeOpen(channel=channel, credits=credits))
        self._gathered: deque[tuple[bool, list[tuple[int, int]]]] = deque()
        """(whether they are acks, ranges)"""

    def ack(self, ids: Iterable[int]) -> None:
        """Messages that are done."""
        self._gather(True, ids)

    def nack(self, ids: Iterable[int]) -> None:
        """Messages to be handed out again."""
        self._gather(False, ids)

    def _gather(self, done: bool, ids: Iterable[int]) -> None:
        if not self._gathered or self._gathered[-1][0] is not done:
            self._gathered.append((done, []))
        extend(self._gathered[-1][1], ids)

    def clear(self) -> None:
        """Forgets what was gathered: it was for a call that is over."""
        self._gathered.clear()

    def next_request(self) -> pb.ConsumeRequest | None:
        """The next frame; None when there is nothing to tell."""
        while self._gathered:
            done, held = self._gathered.popleft()
            if held:
                ranges = [pb.DeliveryRange(first=first, last=last) for first, last in held]
                if done:
                    return pb.ConsumeRequest(ack=pb.ConsumeAck(ranges=ranges))
                return pb.ConsumeRequest(nack=pb.ConsumeNack(ranges=ranges))
        return None


def extend(held: list[tuple[int, int]], ids: Iterable[int]) -> None:
    """Adds ids to ranges, joining an id to the range it continues."""
    for number in ids:
        if held and held[-1][1] + 1 == number:
            held[-1] = (held[-1][0], number)
        else:
            held.append((number, number))
