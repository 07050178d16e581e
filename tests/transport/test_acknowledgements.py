"""When packets are acknowledged: a lone one with what goes out next, and in time where nothing does."""

from __future__ import annotations

from collections import Counter
from functools import partial

from sidecar.transport.engine.base import Address
from tests.transport.conftest import Pair
from tests.transport.network import Line, Network

ROUND_TRIP = 0.02
MAX_ACK_DELAY = 0.025
"""Seconds that the other side reckons with (RFC 9000 section 18.2)."""
THOUGHT = 0.002
"""Seconds that an app takes to answer: more than the millisecond for which no engine adds an acknowledgement."""
WORDS = bytes(256)


class Counting(Network):
    """A network that counts datagrams by where they came from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.datagrams: Counter[Address] = Counter()

    def carry(self, source: Address, target: Address, data: bytes) -> None:
        self.datagrams[source] += 1
        super().carry(source, target, data)


def _has(line: Line, stream: int, size: int) -> bool:
    return len(line.received.get(stream, b"")) >= size


def say(line: Line, stream: int) -> None:
    line.streams.send(stream, WORDS)
    line.drive()


def test_a_lone_packet_is_acknowledged_in_time(pair: Pair, network: Network) -> None:
    line, accepted = pair.joined(network)
    network.run_for(1)
    for near in (line, accepted):
        room = near.streams.send_room()
        say(near, near.streams.open_stream())
        assert near.streams.send_room() < room
        network.run_for(ROUND_TRIP + MAX_ACK_DELAY)
        assert near.streams.send_room() == room


def test_an_answer_takes_the_acknowledgement_along() -> None:
    network = Counting()
    line, accepted = Pair("qh3", "qh3").joined(network)
    network.run_for(1)
    ends = [(line, accepted, line.streams.open_stream()), (accepted, line, accepted.streams.open_stream())]
    network.datagrams.clear()
    for turn in range(1, 21):
        for near, far, stream in ends:
            say(near, stream)
            network.run_until(partial(_has, far, stream, turn * len(WORDS)))
            network.run_for(THOUGHT)
    network.run_for(1)
    last = 1  # the one of the last answer goes alone
    assert network.datagrams == {line.host.address: 20 + last, accepted.host.address: 20}
    for near, _, _ in ends:
        smoothed = near.connection.statistics().smoothed_rtt
        assert smoothed is not None
        assert smoothed < ROUND_TRIP + THOUGHT, "the wait is no part of the round trip (RFC 9002 section 5.3)"
