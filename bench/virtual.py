"""A network in virtual time below real endpoints: the loop's clock moves to whatever comes next, sockets are queues.

    network = Network(Path("20 ms", delay=0.01, rate=12.5e6, queue=0.05), seed=1)
    with network.loop() as loop:
        loop.run_until_complete(work(network))

All above the sockets' calls is what a sidecar runs: `UdpSocket`, `Endpoint`, pumps and engines. There is no processor
in it: whatever is computed takes no time, so that a figure is the protocol's alone, the same on every machine and, but
for aioquic with many streams under way, in every run of one seed. Where a real processor is slower than the
path, it says nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
import selectors
import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from sidecar.transport.endpoint import Endpoint, ProtocolFactory
from sidecar.transport.engine.base import Address, Engine, EngineSettings
from sidecar.transport.udp import READ_BYTES, UdpSocket

HEADERS = 42
"""Bytes of Ethernet, IPv4 and UDP, which take of the rate as well."""
FIRST_DESCRIPTOR = 1 << 20
"""Above any the process has."""
LATE = 1e-6
"""No timer rings to the bit: aioquic's loss timer, at exactly its time, may round to not yet, for ever."""
UDP_GRO = (17, 104)


class Stuck(Exception):
    """Nothing is on its way and nobody has set a timer: what is waited for never comes."""


@dataclass(frozen=True)
class Path:
    """What lies between the hosts, in each direction: seconds, bytes a second, and a probability a datagram."""

    name: str
    delay: float
    """One way."""
    rate: float
    queue: float
    """What waits longer than that for the rate is dropped."""
    loss: float = 0.0


@dataclass
class Passed:
    """What one direction has carried, in datagrams."""

    came: int = 0
    lost: int = 0
    """By chance."""
    overflowed: int = 0
    """For want of room in the queue."""


@dataclass
class Direction:
    """One way along the path; all who send that way share its rate."""

    chance: random.Random
    busy_until: float = 0.0
    passed: Passed = field(default_factory=Passed)


class Network:
    """Hosts on either side of a path."""

    def __init__(self, path: Path, seed: int = 0) -> None:
        self.path = path
        self.now = 100.0
        self.calm = False
        """Whether nothing is lost by chance for now."""
        self.there, self.back = (Direction(random.Random(f"{seed} {way}")) for way in ("there", "back"))
        """From the diallers' side, and from the other."""
        self._sockets: dict[Address, VirtualSocket] = {}
        self._wire: list[tuple[float, int, VirtualSocket, bytes, Address]] = []
        self._hosts = 0
        self._carried = 0

    @contextlib.contextmanager
    def loop(self) -> Iterator[asyncio.AbstractEventLoop]:
        """An event loop in this network's time."""
        made = _Loop(self)
        try:
            yield made
        finally:
            made.close()

    def host(self, engine: Engine, settings: EngineSettings, accept: ProtocolFactory, *, dials: bool) -> Endpoint:
        """An endpoint on one side; to be called in the loop."""
        self._hosts += 1
        bound = VirtualSocket(self, self._hosts, self.there if dials else self.back)
        self._sockets[bound.getsockname()] = bound
        return Endpoint(
            UdpSocket(cast("socket.socket", bound), offload=True), engine, settings, accept, retry="never",
            handshake_timeout=5.0, keep_alive=10.0, handshake_limit=512, subnet_handshake_limit=512,
        )  # fmt: skip

    def forget(self, closed: VirtualSocket) -> None:
        """Nobody reads there any more."""
        self._sockets.pop(closed.getsockname(), None)

    def carry(self, way: Direction, source: Address, target: Address, data: bytes) -> None:
        """Puts a datagram on the wire."""
        way.passed.came += 1
        path = self.path
        if not self.calm and way.chance.random() < path.loss:
            way.passed.lost += 1
            return
        begins = max(self.now, way.busy_until)
        if begins - self.now > path.queue:
            way.passed.overflowed += 1
            return
        way.busy_until = begins + (len(data) + HEADERS) / path.rate
        self._carried += 1
        there = self._sockets.get(target)
        if there is not None:
            heapq.heappush(self._wire, (way.busy_until + path.delay, self._carried, there, data, source))

    def advance(self, timeout: float | None) -> list[int]:
        """Moves the clock to the next datagram, or by so many seconds if that is sooner; not at all while something has
        not been read. Returns the descriptors on which something has come."""
        wire = self._wire
        ready = [one.fileno() for one in self._sockets.values() if one.arrived]
        if not ready and (timeout is None or timeout > 0):
            until = None if timeout is None else self.now + timeout
            if wire and (until is None or wire[0][0] <= until):
                self.now = max(self.now, wire[0][0])
            elif until is None:
                raise Stuck("nothing is on its way, and no timer is set")
            else:
                self.now = until + LATE
        while wire and wire[0][0] <= self.now:
            _, _, there, data, source = heapq.heappop(wire)
            if there.getsockname() not in self._sockets:
                continue
            there.arrived.append((data, source))
            if there.fileno() not in ready:
                ready.append(there.fileno())
        return ready


class VirtualSocket:
    """What `UdpSocket` asks of a socket, with the network's queue in place of the kernel's."""

    family = socket.AF_INET

    def __init__(self, network: Network, number: int, way: Direction) -> None:
        self._network = network
        self._descriptor = FIRST_DESCRIPTOR + number
        self._address: Address = (f"10.0.0.{number}", 4433)
        self._way = way
        self.arrived: deque[tuple[bytes, Address]] = deque()

    def fileno(self) -> int:
        """A number that is no descriptor's."""
        return self._descriptor

    def getsockname(self) -> Address:
        """Where it is."""
        return self._address

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """It can all that is asked for: trains both ways."""

    def getsockopt(self, level: int, option: int) -> int:
        """Its buffers have no end."""
        return 1 << 30

    def close(self) -> None:
        """What comes later is lost."""
        self._network.forget(self)
        self.arrived.clear()

    def recvmsg(self, size: int, ancillary: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, Address]:
        """What has come: like UDP_GRO several datagrams of one size from one sender, the last of which may be
        shorter."""
        arrived = self.arrived
        if not arrived:
            raise BlockingIOError
        first, source = arrived.popleft()
        segment, total, joined = len(first), len(first), [first]
        while arrived and arrived[0][1] == source and len(arrived[0][0]) <= segment == len(joined[-1]):
            if total + len(arrived[0][0]) > READ_BYTES:
                break
            joined.append(arrived.popleft()[0])
            total += len(joined[-1])
        told = [(*UDP_GRO, segment.to_bytes(4, "little"))] if len(joined) > 1 else []
        return b"".join(joined), told, 0, source

    def sendmsg(self, cars: list[bytes], ancillary: object, flags: int, address: Address) -> int:
        """Sends a train."""
        return sum(self.sendto(data, address) for data in cars)

    def sendto(self, data: bytes, address: Address) -> int:
        """Sends a datagram."""
        self._network.carry(self._way, self._address, address, data)
        return len(data)


class _Selector(selectors.SelectSelector):
    """Waits by moving the clock."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As any, and found by its number."""
        key = super().register(fileobj, events, data)
        self._keys[key.fd] = key
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Sockets on which something has come."""
        keys = self._keys
        return [(keys[one], selectors.EVENT_READ) for one in self._network.advance(timeout) if one in keys]


class _Loop(asyncio.SelectorEventLoop):
    """asyncio's own, by the network's clock."""

    def __init__(self, network: Network) -> None:
        self._network = network
        super().__init__(_Selector(network))

    def time(self) -> float:
        """Virtual seconds."""
        return self._network.now
