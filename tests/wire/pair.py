"""Whole sides of the protocol joined by a network in memory, under virtual time.

    world = World(delay=0.02, loss=0.05)
    a, b = world.pair("aioquic")
    book, reader = a.send(b, [b"one", b"two"]), b.read()
    world.run_until(lambda: book.delivered_all and reader.payloads == [b"one", b"two"])

The world's clock is the only one.
"""

from __future__ import annotations

from collections.abc import Callable

from sidecar.transport.engine import load
from sidecar.transport.engine.base import EngineSettings
from sidecar.wire import ALPN
from sidecar.wire.budget import Windows
from sidecar.wire.session import Session
from tests.transport.network import Host, Line, Network
from tests.wire.side import HANDSHAKE, WINDOWS, Side


class Driven:
    """A session as a line drives it: whatever is done to the connection from outside has it looked at at once."""

    def __init__(self, side: QuicSide, line: Line, *, dialled: bool, expected: str | None = None) -> None:
        self.line = line
        self.side = side
        self.roused = False
        self.writes: list[tuple[float, int]] = []
        """When something was written, and on which stream."""
        network = side.world.network
        host, port = line.remote[0], line.remote[1]
        self.session = Session(
            self, side.local, side, remote=f"{host}:{port}", dialled=dialled, began=network.now, timeout=HANDSHAKE,
            expected_peer_id=expected,
        )  # fmt: skip
        side.cuts[self.session] = self.cut

    def cut(self) -> None:
        """Takes the connection away."""
        line, host = self.line, self.side.host
        if line in host.lines:
            host.lines.remove(line)
        for connection_id in [key for key, held in host.table.items() if held is line]:
            del host.table[connection_id]
        if line.protocol is not None:
            line.protocol = None
            self.session.closed(0, "idle timeout", False, False, self.side.world.network.now)

    # Connection

    def open_stream(self, *, bidirectional: bool = False) -> int:
        """See Streams."""
        return self.line.connection.open_stream(bidirectional=bidirectional)

    def stream_room(self) -> int:
        """See Streams."""
        return self.line.connection.stream_room()

    def datagram_room(self) -> int:
        """See Streams."""
        return self.line.connection.datagram_room()

    def send_datagram(self, data: bytes) -> None:
        """See Streams."""
        self.roused = True
        self.line.connection.send_datagram(data)

    def send(self, stream_id: int, data: bytes | memoryview, fin: bool = False) -> None:
        """See Streams."""
        self.roused = True
        self.writes.append((self.side.world.network.now, stream_id))
        self.line.connection.send(stream_id, data, fin)

    def reset(self, stream_id: int, code: int) -> None:
        """See Streams."""
        self.roused = True
        self.line.connection.reset(stream_id, code)

    def stop(self, stream_id: int, code: int) -> None:
        """See Streams."""
        self.roused = True
        self.line.connection.stop(stream_id, code)

    def close(self, code: int, reason: str) -> None:
        """See Streams."""
        self.roused = True
        self.line.connection.close(code, reason)

    def send_room(self) -> int:
        """See Streams."""
        return self.line.connection.send_room()

    def wake(self, *, busy: bool = False) -> None:
        """See Connection."""
        self.roused = True

    # StreamProtocol

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        """See StreamProtocol."""
        self.session.established(chain, now)

    def opened(self, now: float) -> None:
        """See StreamProtocol."""
        self.session.opened(now)

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """See StreamProtocol."""
        self.session.stream_data(stream_id, data, fin, now)

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """See StreamProtocol."""
        self.session.stream_reset(stream_id, code, now)

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """See StreamProtocol."""
        self.session.stop_sending(stream_id, code, now)

    def datagram(self, data: bytes, now: float) -> None:
        """See StreamProtocol."""
        self.session.datagram(data, now)

    def fill(self, now: float) -> None:
        """See StreamProtocol."""
        self.roused = False
        self.session.fill(now)

    def deadline(self) -> float | None:
        """See StreamProtocol."""
        return self.side.world.network.now if self.roused else self.session.deadline()

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        """See StreamProtocol."""
        self.roused = False
        self.session.closed(code, reason, application, remote, now)


class QuicSide(Side):
    """A side with an engine."""

    def __init__(self, world: World, engine: str, number: int, windows: Windows, network_id: str) -> None:
        super().__init__(number, windows, network_id)
        self.world = world
        settings = EngineSettings(
            alpn=ALPN,
            certificate_chain=(self.identity.certificate_der,),
            private_key_pem=self.identity.private_key_pem,
        )
        self.host: Host = world.network.host(
            load(engine), settings, accept=lambda line: Driven(self, line, dialled=False)
        )

    def dial(self, to: QuicSide, *, expected: str | None = None) -> Session:
        """A new connection."""
        line = self.host.dial(to.host, lambda line: Driven(self, line, dialled=True, expected=expected or to.peer_id))
        assert isinstance(line.protocol, Driven)
        return line.protocol.session


class World:
    """The network and the sides on it."""

    def __init__(self, *, seed: int = 0, **path: float) -> None:
        self.network = Network(seed=seed, **path)  # type: ignore[arg-type]
        self.sides: list[QuicSide] = []

    def side(self, engine: str = "aioquic", *, windows: Windows = WINDOWS, network_id: str = "test") -> QuicSide:
        """A new side."""
        made = QuicSide(self, engine, len(self.sides), windows, network_id)
        self.sides.append(made)
        return made

    def pair(self, engine: str = "aioquic", *, windows: Windows = WINDOWS) -> tuple[QuicSide, QuicSide]:
        """Two sides, linked."""
        a, b = self.side(engine, windows=windows), self.side(engine, windows=windows)
        a.dial(b)
        self.run_until(lambda: a.linked(b) and b.linked(a))
        return a, b

    def run_until(self, done: Callable[[], bool], limit: float = 60.0) -> None:
        """Moves the clock until `done`; raises Stuck after `limit` virtual seconds."""
        self.network.run_until(lambda: self._read() or done(), limit)

    def run_for(self, seconds: float) -> None:
        """Moves the clock by that much."""
        end = self.network.now + seconds
        alarm = _Alarm(end)
        self.network._hosts["alarm", 0] = alarm  # type: ignore[assignment]
        self.network.run_until(lambda: self._read() or self.network.now >= end, seconds + 1)
        del self.network._hosts["alarm", 0]

    def _read(self) -> bool:
        for side in self.sides:
            side.read_all()
        return False


class _Alarm:
    """Makes the network stop at a time."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.lines = [self]

    def deadline(self) -> float:
        """When."""
        return self.at

    def fire(self, now: float) -> None:
        """Nothing happens."""
