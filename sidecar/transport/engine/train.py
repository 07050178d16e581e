"""Datagrams coupled into trains: equal sizes for one address, as many as one UDP_SEGMENT call takes."""

from __future__ import annotations

from collections.abc import Iterable

from sidecar.transport.engine.base import Address, Train

MOST_DATAGRAMS = 64
"""The kernel's UDP_MAX_SEGMENTS (128 since Linux 6.2)."""
MOST_BYTES = 65536 - 14 - 40 - 8
"""What a network device takes as one frame (gso_max_size), Ethernet, IPv6 and UDP headers included. A larger train is
cut before the device: each datagram then passes the stack, and wakes the receiver, on its own."""


def couple(datagrams: Iterable[tuple[bytes, Address]]) -> list[Train]:
    """The datagrams in order, coupled: in each train all are of one size but the last, which may be shorter."""
    trains: list[Train] = []
    cars: list[bytes] = []
    size = room = 0
    where: Address | None = None
    for data, address in datagrams:
        length = len(data)
        if cars and where is not None and (length > size or room < length or address != where):
            trains.append(Train(where, size, cars))
            cars = []
        if not cars:
            size, where = length, address
            room = min(MOST_BYTES, MOST_DATAGRAMS * size)
        cars.append(data)
        room = room - size if length == size else 0
    if cars and where is not None:
        trains.append(Train(where, size, cars))
    return trains
