"""What a Consume call still has to tell, without any I/O: acknowledgements gathered into ranges."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.times import duration

Verb = Literal["ack", "nack", "extend"]

ACK: Final[tuple[Verb, float]] = ("ack", 0.0)


class Acks:
    """Gathers delivery ids until the next request is made, in their order; consecutive ones become a range."""

    def __init__(
        self,
        channel: str,
        credits: int,  # noqa: A002
        ack_deadline: float | None = None,
        max_deliveries: int = 0,
    ) -> None:
        opening = pb.ConsumeOpen(channel=channel, credits=credits, max_deliveries=max_deliveries)
        if ack_deadline is not None:
            opening.ack_deadline.CopyFrom(duration("ack_deadline", ack_deadline))
        self.opening = pb.ConsumeRequest(open=opening)
        self._gathered: deque[tuple[Verb, float, list[list[int]]]] = deque()
        """(what is said of them, the seconds that go with it, ranges)"""
        self._said: tuple[Verb, float] | None = None
        """The first two of the last one."""
        self._ranges: list[list[int]] = []
        """Its ranges."""

    def ack(self, ids: Iterable[int]) -> None:
        """Messages that are done."""
        self._gather(ACK, ids)

    def nack(self, ids: Iterable[int], delay: float = 0.0) -> None:
        """Messages to be handed out again, after `delay` seconds. InvalidField for what is no time."""
        duration("delay", delay)
        self._gather(("nack", delay), ids)

    def extend(self, ids: Iterable[int], seconds: float) -> None:
        """Messages that take `seconds` more. InvalidField for what is no time."""
        duration("seconds", seconds)
        self._gather(("extend", seconds), ids)

    def _gather(self, said: tuple[Verb, float], ids: Iterable[int]) -> None:
        for number in ids:
            if said != self._said:
                self._said, self._ranges = said, []
                self._gathered.append((*said, self._ranges))
            ranges = self._ranges
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1][1] = number
            else:
                ranges.append([number, number])

    def clear(self) -> None:
        """Forgets what was gathered: it was for a call that is over."""
        self._gathered.clear()
        self._said = None

    def next_request(self) -> pb.ConsumeRequest | None:
        """The next frame; None when there is nothing to tell."""
        if not self._gathered:
            return None
        verb, seconds, held = self._gathered.popleft()
        if not self._gathered:
            self._said = None
        ranges = [pb.DeliveryRange(first=first, last=last) for first, last in held]
        if verb == "ack":
            return pb.ConsumeRequest(ack=pb.ConsumeAck(ranges=ranges))
        time = duration("seconds", seconds)
        if verb == "extend":
            return pb.ConsumeRequest(extend=pb.ConsumeExtend(ranges=ranges, deadline=time))
        return pb.ConsumeRequest(nack=pb.ConsumeNack(ranges=ranges, delay=time if seconds else None))
