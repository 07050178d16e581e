"""What a Consume call still has to tell, without any I/O: acknowledgements gathered into ranges."""

from __future__ import annotations

from collections.abc import Iterable

from sidecar_client.gen.overlay.v1 import message_pb2 as pb


class Acks:
    """Gathers delivery ids until the next request is made; consecutive ones become one range."""

    def __init__(self, channel: str, credits: int) -> None:  # noqa: A002
        self.opening = pb.ConsumeRequest(open=pb.ConsumeOpen(channel=channel, credits=credits))
        self._acked: list[tuple[int, int]] = []
        self._nacked: list[tuple[int, int]] = []

    def ack(self, ids: Iterable[int]) -> None:
        """Messages that are done."""
        extend(self._acked, ids)

    def nack(self, ids: Iterable[int]) -> None:
        """Messages to be handed out again."""
        extend(self._nacked, ids)

    def clear(self) -> None:
        """Forgets what was gathered: it was for a call that is over."""
        self._acked.clear()
        self._nacked.clear()

    def next_request(self) -> pb.ConsumeRequest | None:
        """The next frame; None when there is nothing to tell."""
        if self._acked:
            request = pb.ConsumeRequest(ack=pb.ConsumeAck(ranges=ranges(self._acked)))
            self._acked.clear()
            return request
        if self._nacked:
            request = pb.ConsumeRequest(nack=pb.ConsumeNack(ranges=ranges(self._nacked)))
            self._nacked.clear()
            return request
        return None


def extend(held: list[tuple[int, int]], ids: Iterable[int]) -> None:
    """Adds ids to ranges, joining an id to the range it continues."""
    for number in ids:
        if held and held[-1][1] + 1 == number:
            held[-1] = (held[-1][0], number)
        else:
            held.append((number, number))


def ranges(held: list[tuple[int, int]]) -> list[pb.DeliveryRange]:
    return [pb.DeliveryRange(first=first, last=last) for first, last in held]
