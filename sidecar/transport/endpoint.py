"""One UDP socket and every connection on it: who a datagram is for, who may connect, whose turn it is, and what time
asks for.

A wake-up reads at most READ_BUDGET bytes, tells the protocols concerned, lets them fill, and then writes at most
WRITE_BUDGET bytes, SLICE by SLICE by deficit round robin: what a connection has written beyond its slice, as aioquic
does, which is not told how much it may, it owes to those that wait beside it. So a busy connection delays another by
one turn of its own and one wake-up's reading, whatever it does, and all that always have more get the same bytes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from sidecar.transport.alarms import EARLY, Alarms
from sidecar.transport.engine.base import CONNECTION_ID_BYTES, Address, Connection, Engine, EngineSettings, Train
from sidecar.transport.engine.packet import (
    LEAST_CHOSEN_ID_BYTES,
    LEAST_INITIAL_BYTES,
    SUPPORTED_VERSIONS,
    LongHeader,
    read_long_untrusted,
    version_negotiation,
)
from sidecar.transport.pump import Pump, report
from sidecar.transport.resets import Resets
from sidecar.transport.retry import Gate, Refused, RetryPolicy
from sidecar.transport.udp import Traffic, UdpSocket, shown
from sidecar.transport.widths import Widths, rung_of
from sidecar.turn import turn_of
from sidecar.wire.streams import StreamProtocol

_log = logging.getLogger(__name__)

READ_BUDGET = 512 << 10
WRITE_BUDGET = 512 << 10
SLICE = 128 << 10
READ_COST = 2048
"""What a read counts at least, so that many small datagrams exhaust the budget too."""

ProtocolFactory = Callable[[Pump], StreamProtocol]


@dataclass(slots=True)
class Counters:
    """What the endpoint did with datagrams that belong to no connection, and with handshakes."""

    unknown: int = 0
    """Datagrams for no connection of ours."""
    resets: int = 0
    """How many of those a stateless reset answered."""
    version_negotiations: int = 0
    retries: int = 0
    handshakes: int = 0
    """Completed, dialled and accepted."""
    refused: int = 0
    """First packets dropped: too many handshakes under way, or a Retry token that does not hold."""


class Endpoint:
    """One UDP socket on which connections are dialled and accepted. Everything runs in the loop's thread."""

    def __init__(
        self,
        socket: UdpSocket,
        engine: Engine,
        settings: EngineSettings,
        accept: ProtocolFactory,
        *,
        retry: RetryPolicy,
        handshake_timeout: float,
        keep_alive: float,
        handshake_limit: int,
        subnet_handshake_limit: int,
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.counters = Counters()
        self.handshake_timeout = handshake_timeout
        self.keep_alive = keep_alive
        self.socket = socket
        self._accept = accept
        self._gate = Gate(retry)
        self._resets = Resets(settings.private_key_pem, socket.address[1])
        self._handshake_limit = handshake_limit
        self._subnet_limit = subnet_handshake_limit
        self._at_width: dict[int, EngineSettings] = {}
        """The settings with datagrams of other widths, of which there are few: connections share them."""
        self._loop = asyncio.get_running_loop()
        self._pumps: set[Pump] = set()
        self._table: dict[bytes, Pump] = {}
        self._opening: dict[Pump, bytes] = {}
        self._subnets: Counter[bytes] = Counter()
        self._widths = Widths(self._answer)
        self._roused: list[Pump] = []
        self._ready: deque[Pump] = deque()
        self._stalled: deque[tuple[Train, int]] = deque()
        self._turn = turn_of(self._loop)
        self._turn_due = False
        self._alarms = Alarms(self._loop, self._ring)
        self._closed = False
        self._loop.add_reader(socket, self._readable)

    @classmethod
    async def open(
        cls,
        bind: tuple[str, int],
        engine: Engine,
        settings: EngineSettings,
        accept: ProtocolFactory,
        *,
        retry: RetryPolicy = "never",
        offload: bool = True,
        handshake_timeout: float = 5.0,
        keep_alive: float = 10.0,
        handshake_limit: int = 512,
        subnet_handshake_limit: int = 128,
    ) -> Endpoint:
        """Binds (see `UdpSocket.open`) and serves. `accept` makes the protocol of each accepted connection.

        `retry` says when strangers prove their address first (RFC 9000 section 8.1.2). Accepted connections are limited
        in all and per /24 or /56 until their protocol calls `Pump.admitted`. Times in seconds. Raises OSError when the
        address cannot be bound.
        """
        return cls(
            UdpSocket.open(bind, offload=offload),
            engine,
            settings,
            accept,
            retry=retry,
            handshake_timeout=handshake_timeout,
            keep_alive=keep_alive,
            handshake_limit=handshake_limit,
            subnet_handshake_limit=subnet_handshake_limit,
        )

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it is bound: one host and port, `::` meaning both families."""
        return [self.socket.address]

    @property
    def traffic(self) -> Traffic:
        """What has passed through the socket."""
        return self.socket.traffic

    @property
    def retrying(self) -> bool:
        """Whether strangers must prove their address by Retry at this moment."""
        return self._gate.on(self.now())

    @property
    def connections(self) -> int:
        """Connections there are, those saying goodbye included."""
        return len(self._pumps)

    def dial(self, address: tuple[str, int], protocol: ProtocolFactory, *, max_datagram: int | None = None) -> Pump:
        """Starts a connection to a numeric host and port; how it goes, its protocol is told.

        `max_datagram` replaces the settings' for this path. A path that proves too narrow for it is remembered for a
        while. Raises ValueError for an address this socket cannot reach.
        """
        if self._closed:
            raise RuntimeError("the endpoint is closed")
        remote = self.socket.resolve(address)
        now = self.now()
        width = self.settings.max_datagram if max_datagram is None else max_datagram
        known = self._widths.known(remote[0], now)
        settings = self._of_width(width if known is None else min(known, width))
        pump = Pump(self, self.engine.dial(settings, None), remote, dialled=True, now=now)
        pump.begin(protocol(pump))
        self._pumps.add(pump)
        wide = settings.max_datagram > LEAST_INITIAL_BYTES
        pump.connect(now, self._dial_again if wide else None)
        self._widths.probe(pump, remote, settings.max_datagram)
        self.rouse(pump)
        return pump

    def temporary(self) -> Endpoint:
        """Another one, of the same engine and settings, on a socket of its own at any port: what it dials comes from
        where nobody has sent anything to. It accepts nobody; whoever asks for it closes it. Raises OSError."""
        return Endpoint(
            UdpSocket.open((self.socket.address[0], 0), offload=False),
            self.engine,
            replace(self.settings, max_datagram=LEAST_INITIAL_BYTES),
            _nobody,
            retry="never",
            handshake_timeout=self.handshake_timeout,
            keep_alive=0,
            handshake_limit=0,
            subnet_handshake_limit=0,
        )

    def close(self, code: int = 0, reason: str = "") -> None:
        """Closes every connection with this application code and phrase, sends their close packets, and closes the
        socket."""
        if self._closed:
            return
        self._closed = True
        now = self.now()
        for pump in list(self._pumps):
            pump.close(code, reason)
            pump.work(now)
            for train in pump.transmit(now, SLICE):
                self.socket.send(train)
        self._loop.remove_reader(self.socket)
        if self._stalled:
            self._loop.remove_writer(self.socket)
        self._alarms.close()
        self._pumps.clear()
        self._table.clear()
        self._ready.clear()
        self.socket.close()

    def show(self, certificate_chain: tuple[bytes, ...]) -> None:
        """Shows these certificates, DER, leaf first and for the same key, to whoever dials from now on."""
        self.settings = replace(self.settings, certificate_chain=certificate_chain)
        self._at_width.clear()

    def _of_width(self, width: int) -> EngineSettings:
        if width == self.settings.max_datagram:
            return self.settings
        found = self._at_width.get(width)
        if found is None:
            found = self._at_width[width] = replace(self.settings, max_datagram=width)
        return found

    # -- for pumps

    def now(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def rouse(self, pump: Pump) -> None:
        """Gives the connection a turn, before the loop waits again."""
        pump.roused = True
        self._roused.append(pump)
        self._schedule(self._turn.soon)

    def alarm(self, pump: Pump, due: float) -> None:
        """Gives the connection a turn by then."""
        if not self._closed:
            self._alarms.set(pump, due)

    def own(self, pump: Pump, connection_id: bytes) -> None:
        """Packets to this id are the connection's from now on."""
        pump.connection_ids.add(connection_id)
        self._table[connection_id] = pump

    def disown(self, pump: Pump, connection_id: bytes) -> None:
        """They no longer are."""
        pump.connection_ids.discard(connection_id)
        if self._table.get(connection_id) is pump:
            del self._table[connection_id]

    def shook_hands(self, pump: Pump) -> None:
        """The connection's handshake is done."""
        self.counters.handshakes += 1
        if pump.reset_token is not None:
            self._resets.expect(pump, pump.reset_token)
        if not (pump.dialled or pump.verified):
            self._gate.verified(self.now())
        if pump.fell_back:
            self._remember(pump, pump.width)

    def check_path(self, pump: Pump, remote: Address) -> None:
        """Asks whether the path carries the connection's packets still; `Pump.carries` tells."""
        if not self._closed:
            self._widths.check(pump, remote)

    def narrowed(self, pump: Pump) -> None:
        """The path has come to swallow the connection's full packets: the next one to there takes narrower ones."""
        narrower = rung_of(pump.width - 1, pump.width)
        if narrower < pump.width:
            self._remember(pump, narrower)

    def _remember(self, pump: Pump, width: int) -> None:
        self._widths.remember(self.socket.resolve(pump.remote)[0], width, self.now())
        _log.info("the path to %s carries datagrams of %d bytes, not wider ones", pump.remote[0], width)

    def _dial_again(self, width: int) -> Connection:
        return self.engine.dial(self._of_width(width), None)

    def ended(self, pump: Pump) -> None:
        """The connection is over, but for its goodbye."""
        if pump.reset_token is not None:
            self._resets.forget(pump.reset_token)
        self.admitted(pump)

    def admitted(self, pump: Pump) -> None:
        """The connection is no longer counted among those that say who they are: it was let in, or is over."""
        subnet = self._opening.pop(pump, None)
        if subnet is not None:
            self._subnets[subnet] -= 1
            if not self._subnets[subnet]:
                del self._subnets[subnet]

    # -- in

    def _readable(self) -> None:
        self._turn.begin()
        try:
            self._read()
        finally:
            self._turn.end()

    def _read(self) -> None:
        now = self.now()
        left = READ_BUDGET
        receive = self.socket.receive
        while left > 0 and (got := receive()) is not None:
            data, segment, address = got
            left -= max(len(data), READ_COST)
            if len(data) > segment and not _one_connection(data, segment):
                for start in range(0, len(data), segment):
                    self._route(data[start : start + segment], segment, address, now)
            else:
                self._route(data, segment, address, now)
            if self._closed:
                return
        self._run()

    def _route(self, data: bytes, segment: int, address: Address, now: float) -> None:
        if not data:
            self.counters.unknown += 1
            return
        if data[0] & 0x80:
            header = read_long_untrusted(data)
            pump = None if header is None else self._table.get(header.destination_id)
            if pump is None and header is not None:
                pump = self._stranger(header, len(data), address, now)
        else:
            pump = self._table.get(data[1 : 1 + CONNECTION_ID_BYTES])
        if pump is None:
            self._unowned(data, segment, address, now)
            return
        pump.receive(data, segment, address, now)
        if not pump.roused:
            pump.roused = True
            self._roused.append(pump)

    def _unowned(self, data: bytes, segment: int, address: Address, now: float) -> None:
        """A datagram for no connection there is: a stateless reset of one there is, or of a connection that was lost
        with the sidecar before this one, whose peer is told so."""
        self.counters.unknown += 1
        if data[0] & 0x80:
            return
        ended = self._resets.ended_by_untrusted(data)
        if ended is not None:
            ended.reset_by_peer()
            if not ended.roused:
                self.rouse(ended)
        elif (reset := self._resets.answer_untrusted(data, segment, now)) is not None:
            self.counters.resets += 1
            self._answer(reset, address)

    def _stranger(self, header: LongHeader, size: int, address: Address, now: float) -> Pump | None:
        """A long header packet for no connection of ours: the new connection if it begins one."""
        if not header.version:
            answered = self._widths.answered_untrusted(header)
            if answered is not None:
                pump, width = answered
                pump.carries(width, now)
            return None
        if size < LEAST_INITIAL_BYTES:
            return None
        if header.version not in SUPPORTED_VERSIONS:
            self.counters.version_negotiations += 1
            self._answer(version_negotiation(header), address)
            return None
        if not header.initial or len(header.destination_id) < LEAST_CHOSEN_ID_BYTES:
            return None
        subnet = _subnet(address)
        opening, near = len(self._opening), self._subnets.get(subnet, 0)
        crowded = 2 * opening >= self._handshake_limit or 2 * near >= self._subnet_limit
        try:
            entry = self._gate.judge_untrusted(header, address, now, crowded=crowded)
        except Refused:
            self.counters.refused += 1
            return None
        if isinstance(entry, bytes):
            self.counters.retries += 1
            self._answer(entry, address)
            return None
        if opening >= self._handshake_limit or near >= self._subnet_limit:
            self.counters.refused += 1
            return None
        # What the first packet was filled up to, the path carries; the way back is taken to be as wide.
        settings = self._of_width(rung_of(size, self.settings.max_datagram))
        connection = self.engine.accept(
            settings,
            original_connection_id=entry.original,
            retry_connection_id=entry.given,
            reset_key=self._resets.key,
            peer_has_id=bool(header.source_id),
        )
        self._gate.made(entry)
        pump = Pump(self, connection, address, dialled=False, now=now)
        pump.verified = entry.ticket is not None
        try:
            pump.begin(self._accept(pump))
        except Exception as error:  # noqa: BLE001  a bug above must cost this connection and no other
            report("accept", error)
            return None
        self._pumps.add(pump)
        self._opening[pump] = subnet
        self._subnets[subnet] += 1
        pump.tell(now)
        return pump

    def _answer(self, data: bytes, address: Address) -> None:
        if not self._stalled:
            self.socket.send(Train(address, len(data), [data]))

    # -- turns

    def _schedule(self, soon: Callable[[Callable[[], None]], object]) -> None:
        if not (self._turn_due or self._closed):
            self._turn_due = True
            soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn_due = False
        if not self._closed:
            self._run()

    def _run(self) -> None:
        now = self.now()
        roused, self._roused = self._roused, []
        for pump in roused:
            if pump.work(now):
                if not pump.queued:
                    pump.queued = True
                    self._ready.append(pump)
            else:
                self._settle(pump)
        if not self._stalled and not self._closed:
            self._write(now)

    def _write(self, now: float) -> None:
        left = WRITE_BUDGET
        ready = self._ready
        send = self.socket.send
        while ready and left > 0 and not self._closed:
            pump = ready.popleft()
            pump.credit = pump.credit + SLICE if ready else SLICE
            if pump.credit <= 0:
                ready.append(pump)
                continue
            pump.queued = False
            trains = pump.transmit(now, pump.credit)
            size = 0
            for train in trains:
                size += train.size * len(train.datagrams)
                if self._stalled:
                    self._stalled.append((train, 0))
                    continue
                done = send(train)
                if done < len(train.datagrams):
                    self._stalled.append((train, done))
            left -= size
            pump.credit -= size
            if pump.credit <= 0:
                pump.queued = True
                ready.append(pump)
            else:
                pump.credit = 0
                self._settle(pump)
            if self._stalled:
                self._loop.add_writer(self.socket, self._writable)
                return
        if ready:
            self._schedule(self._loop.call_soon)

    def _writable(self) -> None:
        stalled = self._stalled
        while stalled:
            train, start = stalled[0]
            done = self.socket.send(train, start)
            if done < len(train.datagrams):
                stalled[0] = (train, done)
                return
            stalled.popleft()
        self._loop.remove_writer(self.socket)
        self._run()

    # -- time

    def _settle(self, pump: Pump) -> None:
        """Notes when the connection wants to be looked at again, and lets go of one that is entirely over."""
        self._arm(pump, None if self._closed else pump.deadline())

    def _arm(self, pump: Pump, due: float | None) -> None:
        if due is None:
            if pump.ended is not None:
                self._forget(pump)
            return
        self._alarms.set(pump, due)

    def _ring(self) -> None:
        now = self.now()
        for pump in self._alarms.due(now):
            wanted = pump.deadline()
            if wanted is None or wanted > now + EARLY:
                self._arm(pump, wanted)
                continue
            pump.fire(max(now, wanted))
            if not pump.roused:
                pump.roused = True
                self._roused.append(pump)
        self._run()

    def _forget(self, pump: Pump) -> None:
        for connection_id in list(pump.connection_ids):
            self.disown(pump, connection_id)
        self._pumps.discard(pump)


def _one_connection(data: bytes, segment: int) -> bool:
    """Whether all of what UDP_GRO joined are short header packets to one connection id: it joins by address alone, and
    two peers may share several connections."""
    count = -(-len(data) // segment)
    if data[0] & 0x80:
        return False
    for at in range(1, 1 + CONNECTION_ID_BYTES):  # noqa: SIM110  every read passes here, and a generator costs double
        if data[at::segment].count(data[at]) != count:
            return False
    return True


def _subnet(address: Address) -> bytes:
    """The /24 or /56 an address is in."""
    host = shown(address)[0]
    if ":" in host:
        return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:7]
    return socket.inet_aton(host)[:3]


def _nobody(pump: Pump) -> StreamProtocol:
    raise RuntimeError("this endpoint accepts nobody")
