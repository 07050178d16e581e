"""A network in memory under virtual time: hosts, their connections, and what happens to datagrams in between.

    network = Network(delay=0.02, loss=0.05)
    server = network.host(engine, settings, accept=factory)
    client = network.host(engine, settings)
    line = client.dial(server)
    network.run_until(lambda: line.chain is not None)

Nothing sleeps and no socket is opened: `run_until` moves the clock to whatever comes next. The same seed gives the same
losses; keys and connection ids are still random.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from sidecar.transport.engine.base import (
    Address,
    Closed,
    Connection,
    ConnectionIdAdded,
    ConnectionIdRetired,
    DatagramFrame,
    Engine,
    EngineSettings,
    Event,
    KeysReady,
    PeerShown,
    StopSending,
    StreamData,
    StreamReset,
    Train,
)
from sidecar.transport.engine.packet import is_short, read_long_untrusted, version_negotiation
from sidecar.transport.engine.tokens import Refused, RetryTokens
from sidecar.wire.streams import StreamProtocol, Streams

SLICE = 128 << 10
MOST_EVENTS = 2_000_000
TICK = 1e-6
"""No timer is looked at to the bit: aioquic's loss timer, at exactly its time, may round to not yet, for ever."""


class Stuck(AssertionError):
    """What was waited for did not happen in the virtual time given."""


class Line:
    """One connection of a host: what its engine reported, and the protocol on it if it has one."""

    def __init__(self, host: Host, connection: Connection, remote: Address) -> None:
        self.host = host
        self.connection = connection
        self.remote = remote
        self.protocol: StreamProtocol | None = None
        self.events: list[Event] = []
        self.received: dict[int, bytearray] = {}
        self.finished: set[int] = set()
        self.chain: tuple[bytes, ...] | None = None
        self.keys_ready_at: float | None = None
        self.closed: Closed | None = None
        self.wrote: Callable[[Train], None] = lambda train: None
        """Told of each train that the engine gave."""

    @property
    def streams(self) -> Streams:
        """What may be done to the connection."""
        return self.connection

    def wake(self, *, busy: bool = False) -> None:
        """Lets the protocol fill, and sends what is to be sent."""
        self.drive()

    def drive(self) -> None:
        """Hands events on, lets the protocol fill, sends."""
        now = self.host.network.now
        self._tell(now)
        if self.protocol is not None:
            self.protocol.fill(now)
            self._tell(now)
        while True:
            trains = self.connection.transmit(now, SLICE)
            self._tell(now)
            size = 0
            for train in trains:
                self.wrote(train)
                for data in train.datagrams:
                    size += len(data)
                    self.host.network.carry(self.host.address, train.address, data)
            if size < SLICE:
                return

    def deadline(self) -> float | None:
        """When this connection wants to be looked at."""
        dues = [self.connection.timer()]
        if self.protocol is not None:
            dues.append(self.protocol.deadline())
        return min((due for due in dues if due is not None), default=None)

    def fire(self, now: float) -> None:
        """Its deadline has come."""
        due = self.connection.timer()
        if due is not None and due <= now:
            self.connection.handle_timer(now)
        self.drive()

    def _tell(self, now: float) -> None:
        for event in self.connection.events():
            self.events.append(event)
            self._note(event, now)
            if self.protocol is not None:
                self._hand_on(self.protocol, event, now)

    def _note(self, event: Event, now: float) -> None:
        match event:
            case ConnectionIdAdded(connection_id):
                self.host.table[connection_id] = self
            case ConnectionIdRetired(connection_id):
                self.host.table.pop(connection_id, None)
            case KeysReady():
                self.keys_ready_at = now
            case PeerShown(chain):
                self.chain = chain
            case StreamData(stream_id, data, fin):
                self.received.setdefault(stream_id, bytearray()).extend(data)
                if fin:
                    self.finished.add(stream_id)
            case Closed():
                assert self.closed is None, "closed twice"
                self.closed = event

    def _hand_on(self, protocol: StreamProtocol, event: Event, now: float) -> None:
        match event:
            case KeysReady():
                protocol.opened(now)
            case PeerShown(chain):
                protocol.established(chain, now)
            case StreamData(stream_id, data, fin):
                protocol.stream_data(stream_id, data, fin, now)
            case StreamReset(stream_id, code):
                protocol.stream_reset(stream_id, code, now)
            case StopSending(stream_id, code):
                protocol.stop_sending(stream_id, code, now)
            case DatagramFrame(data):
                protocol.datagram(data, now)
            case Closed():
                self.protocol = None
                protocol.closed(*event, now)


ProtocolFactory = Callable[[Line], StreamProtocol]


@dataclass
class Host:
    """An address with an engine: it dials, and accepts whoever sends a first packet."""

    network: Network
    address: Address
    engine: Engine
    settings: EngineSettings
    accept: ProtocolFactory | None = None
    tokens: RetryTokens | None = None
    """With them every stranger is sent a Retry first."""
    table: dict[bytes, Line] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    retries: int = 0

    def dial(self, to: Host, protocol: ProtocolFactory | None = None, settings: EngineSettings | None = None) -> Line:
        """A new connection to another host."""
        connection = self.engine.dial(settings or self.settings, None)
        line = Line(self, connection, to.address)
        if protocol is not None:
            line.protocol = protocol(line)
        self.lines.append(line)
        connection.connect(to.address, self.network.now)
        line.drive()
        return line

    def take(self, data: bytes, source: Address) -> None:
        """A datagram has come."""
        now = self.network.now
        if not data:
            return
        if is_short(data):
            line = self.table.get(data[1:9])
        else:
            header = read_long_untrusted(data)
            line = None if header is None else self.table.get(header.destination_id) or self._stranger(data, source)
        if line is not None:
            line.connection.receive(data, len(data), source, now)
            line.drive()

    def _stranger(self, data: bytes, source: Address) -> Line | None:
        header = read_long_untrusted(data)
        if header is None or len(data) < 1200:
            return None
        if header.version != 1:
            if header.version:
                self.network.carry(self.address, source, version_negotiation(header))
            return None
        if not header.initial:
            return None
        original, given = header.destination_id, None
        if self.tokens is not None:
            if not header.token:
                self.retries += 1
                self.network.carry(self.address, source, self.tokens.retry(header, source, self.network.now))
                return None
            try:
                ticket = self.tokens.read_untrusted(header, source, self.network.now)
            except Refused:
                return None
            if ticket is None:
                return None
            self.tokens.spend(ticket)
            original, given = ticket.original, ticket.given
        line = Line(
            self,
            self.engine.accept(self.settings, original_connection_id=original, retry_connection_id=given),
            source,
        )
        if self.accept is not None:
            line.protocol = self.accept(line)
        self.lines.append(line)
        for event in line.connection.events():
            assert isinstance(event, ConnectionIdAdded)
            line.events.append(event)
            self.table[event.connection_id] = line
        return line


@dataclass
class Network:
    """Hosts and the path between them, the same in every direction. Probabilities are per datagram, delays in seconds.

    `rate` (bytes a second) and `queue` (seconds) make a bottleneck with a drop-tail queue at each sender.
    """

    delay: float = 0.01
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    """A datagram is held back by up to four delays."""
    rate: float | None = None
    queue: float = 0.1
    seed: int = 0
    now: float = 100.0
    sent: int = 0
    lost: int = 0
    overflowed: int = 0
    filter: Callable[[Address, Address, bytes], bytes | None] = lambda source, target, data: data
    """Sees every datagram first, and may change or drop it."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._hosts: dict[Address, Host] = {}
        self._wire: list[tuple[float, int, Address, Address, bytes]] = []
        self._busy_until: dict[Address, float] = {}

    def host(
        self,
        engine: Engine,
        settings: EngineSettings,
        *,
        accept: ProtocolFactory | None = None,
        tokens: RetryTokens | None = None,
    ) -> Host:
        """A new host with an address of its own."""
        address: Address = (f"10.0.0.{len(self._hosts) + 1}", 4433)
        made = Host(self, address, engine, settings, accept, tokens)
        self._hosts[address] = made
        return made

    def move(self, host: Host, address: Address) -> None:
        """Gives a host another address, as a NAT that forgot it does; what goes to the old one is lost."""
        del self._hosts[host.address]
        host.address = address
        self._hosts[address] = host

    def carry(self, source: Address, target: Address, data: bytes) -> None:
        """Puts a datagram on the wire."""
        passed = self.filter(source, target, data)
        if passed is None:
            return
        self.sent += 1
        if self._random.random() < self.loss:
            self.lost += 1
            return
        at = self.now
        if self.rate is not None:
            begin = max(at, self._busy_until.get(source, at))
            if begin - at > self.queue:
                self.overflowed += 1
                return
            at = self._busy_until[source] = begin + len(passed) / self.rate
        at += self.delay
        if self._random.random() < self.reorder:
            at += self._random.random() * 4 * self.delay
        self._push(at, source, target, passed)
        if self._random.random() < self.duplicate:
            self._push(at + self._random.random() * self.delay, source, target, passed)

    def run_until(self, done: Callable[[], bool], limit: float = 60.0) -> None:
        """Moves the clock until `done`; raises Stuck after `limit` virtual seconds."""
        end = self.now + limit
        for _ in range(MOST_EVENTS):
            if done():
                return
            if not self._step(end):
                raise Stuck(f"not after {limit} s of virtual time")
        raise Stuck(f"not after {MOST_EVENTS} steps")

    def run_for(self, seconds: float) -> None:
        """Moves the clock by that much."""
        end = self.now + seconds
        while self._step(end):
            pass
        self.now = end

    def _push(self, at: float, source: Address, target: Address, data: bytes) -> None:
        heapq.heappush(self._wire, (at, self.sent, source, target, data))

    def _step(self, end: float) -> bool:
        """Lets the next thing happen; False when nothing does before `end`."""
        at = self._wire[0][0] if self._wire else end + 1
        next_line: Line | None = None
        for host in self._hosts.values():
            for line in host.lines:
                due = line.deadline()
                if due is not None and due < at:
                    at, next_line = due, line
        if at > end:
            return False
        self.now = max(self.now, at)
        if next_line is not None:
            self.now += TICK
            next_line.fire(self.now)
            return True
        _, _, source, target, data = heapq.heappop(self._wire)
        host_there = self._hosts.get(target)
        if host_there is not None:
            host_there.take(data, source)
        return True
