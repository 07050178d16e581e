"""Hostile bytes: whatever comes in costs at most the connection it is for, and raises nothing."""

from __future__ import annotations

import random
from functools import cache

import pytest
from aioquic import tls
from aioquic.quic.packet import QuicPacketType
from aioquic.quic.packet_builder import QuicPacketBuilder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.transport.engine import load
from sidecar.transport.engine.base import EngineSettings
from tests.transport.conftest import ENGINES, Pair, settings_of
from tests.transport.network import Line, Network

SOMEBODY = ("10.9.9.9", 999)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def known() -> EngineSettings:
    """One key for all examples."""
    return settings_of()


@cache
def first_flights(dialler: str) -> tuple[bytes, ...]:
    """The datagrams a dialler sends first."""
    connection = load(dialler).dial(known(), None)
    connection.connect(("10.0.0.2", 4433), 100.0)
    return tuple(data for train in connection.transmit(100.0, 1 << 20) for data in train.datagrams)


def drive(line: Line) -> None:
    """Everything an endpoint does after a read; none of it may raise."""
    line.drive()
    now = line.host.network.now
    if (due := line.connection.timer()) is not None and due < now + 1:
        line.connection.handle_timer(max(due, now))
    line.drive()


@pytest.mark.parametrize("engine", ENGINES)
@FEW
@given(datagrams=st.lists(st.binary(max_size=1500), min_size=1, max_size=5))
def test_random_bytes_to_a_new_acceptor(engine: str, datagrams: list[bytes]) -> None:
    connection = load(engine).accept(known(), original_connection_id=bytes(8), retry_connection_id=None)
    for data in datagrams:
        connection.receive(data, max(1, len(data)), SOMEBODY, 100.0)
        connection.transmit(100.0, 1 << 20)
        connection.events()
    if (due := connection.timer()) is not None:
        connection.handle_timer(due)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("first", [0x40, 0xC0, 0xE0, 0xF0], ids=["short", "initial", "handshake", "retry"])
@FEW
@given(rest=st.binary(max_size=1400), segment=st.integers(1, 1500))
def test_packets_of_every_kind_to_an_established_connection(engine: str, first: int, rest: bytes, segment: int) -> None:
    shape = bytes([first]) + (b"\x00\x00\x00\x01\x08" if first & 0x80 else b"")
    line, accepted = established(engine)
    for end in (line, accepted):
        own_id = next(iter(end.host.table))
        source = accepted.host.address if end is line else line.host.address
        end.connection.receive(shape + own_id + rest, segment, source, end.host.network.now)
        drive(end)
        assert end.closed is None, "nothing that does not decrypt can end a connection"


@cache
def established(engine: str) -> tuple[Line, Line]:
    """One connection for many examples."""
    return Pair(engine, engine).joined(Network(), dialling=known(), accepting=known())


@FEW
@given(data=st.data())
def test_damaged_handshakes(pair: Pair, data: st.DataObject) -> None:
    network = Network()
    client, server = pair.hosts(network, dialling=known(), accepting=known())
    damage = data.draw(st.sampled_from(["flip", "cut", "twice", "late", "extend"]))
    which = data.draw(st.integers(0, 5))
    place = data.draw(st.integers(0, 1200))
    seen = 0
    held: list[tuple[object, object, bytes]] = []

    def harm(source: object, target: object, datagram: bytes) -> bytes | None:
        nonlocal seen
        seen += 1
        if seen - 1 != which:
            return datagram
        at = place % len(datagram)
        match damage:
            case "flip":
                return datagram[:at] + bytes([datagram[at] ^ (1 << place % 8)]) + datagram[at + 1 :]
            case "cut":
                return datagram[:at]
            case "twice":
                return datagram + datagram[:at]
            case "extend":
                return datagram + bytes(at)
            case _:
                held.append((source, target, datagram))
                return None

    network.filter = harm
    line = client.dial(server)
    network.run_for(0.1)
    for source, target, datagram in held:
        network.carry(source, target, datagram)  # type: ignore[arg-type]
    # A damaged packet is a lost one: the handshake is done all the same, or one side has said why not.
    network.run_until(lambda: line.chain is not None or line.closed is not None, limit=40)
    if damage != "flip" or which > 0:
        assert line.chain is not None


@FEW
@given(seed=st.integers(0, 1 << 30))
def test_first_flights_mangled_at_random(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    connection = load(pair.acceptor).accept(known(), original_connection_id=bytes(8), retry_connection_id=None)
    flight = list(first_flights(pair.dialler)) * 2
    chance.shuffle(flight)
    for number, whole in enumerate(flight):
        mangled = bytearray(whole)
        for _ in range(chance.randrange(4)):
            mangled[chance.randrange(min(60, len(mangled)))] = chance.randrange(256)
        data = bytes(mangled[: chance.randrange(1, len(mangled) + 1)]) if chance.random() < 0.3 else bytes(mangled)
        connection.receive(data, len(data), SOMEBODY, 100.0 + number / 100)
        connection.transmit(100.0 + number / 100, 1 << 20)
        connection.events()


@pytest.mark.parametrize("acceptor", ENGINES)
@FEW
@given(payload=st.binary(min_size=1, max_size=900))
def test_hostile_frames_of_a_peer_that_holds_the_keys(acceptor: str, payload: bytes) -> None:
    # The dialler's own library is made to encrypt any bytes as frames.
    network = Network()
    line, accepted = Pair("aioquic", acceptor).joined(network, dialling=known(), accepting=known())
    network.run_for(0.1)
    send_frames(line, payload)
    network.run_for(1)
    drive(accepted)
    if accepted.closed is not None:
        assert accepted.closed.remote or not accepted.closed.application


def send_frames(line: Line, payload: bytes) -> None:
    """One 1-RTT packet with these bytes for frames."""
    quic = line.connection._quic  # type: ignore[attr-defined]
    builder = QuicPacketBuilder(
        host_cid=quic.host_cid,
        is_client=True,
        max_datagram_size=1200,
        packet_number=quic._packet_number,
        peer_cid=quic._peer_cid.cid,
        peer_token=b"",
        quic_logger=None,
        spin_bit=False,
        version=1,
    )
    builder.start_packet(QuicPacketType.ONE_RTT, quic._cryptos[tls.Epoch.ONE_RTT])
    builder._buffer.push_bytes(payload)
    packet = builder._packet
    assert packet is not None
    packet.is_ack_eliciting = packet.in_flight = True
    datagrams, _ = builder.flush()
    quic._packet_number = builder.packet_number
    for data in datagrams:
        line.host.network.carry(line.host.address, line.remote, data)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (b"\x21", 0x7),  # an unknown frame type
        (b"\x1e", 0xA),  # HANDSHAKE_DONE from a client
        (b"\x0a" + b"\x40\x03" + b"\x00", 0x5),  # data on a stream that is not the client's to write
        (b"\x0e\x00" + b"\xbf\xff\xff\xff" + b"\x01\x00", 0x3),  # beyond every window
        (b"\x08" + b"\x80\x0f\x42\x40", 0x4),  # a stream far past the limit
        (b"\x02\x80\xff\xff\xff\x00\x00\x00", 0xA),  # an ACK of packets never sent
        (b"\x07\x00", None),  # NEW_TOKEN from a client
        (b"\x06\x80\x08\x00\x00\x41\x00" + bytes(256), 0xD),  # CRYPTO half a megabyte ahead
    ],
)
@pytest.mark.parametrize("acceptor", ENGINES)
def test_a_rule_broken_closes_that_connection_and_says_so(
    network: Network, acceptor: str, frames: bytes, code: int | None
) -> None:
    line, accepted = Pair("aioquic", acceptor).joined(network)
    other = line.host.dial(accepted.host)
    network.run_until(lambda: other.chain is not None)
    network.run_for(0.1)
    send_frames(line, frames)
    if frames[0] == 0x06 and acceptor == "qh3":  # it counts the bytes it keeps, wherever they belong
        for number in range(600):
            send_frames(line, b"\x06" + (0x80080000 + 2000 * number).to_bytes(4, "big") + b"\x43\xe8" + bytes(1000))
            network.run_for(0.001)
            if line.closed is not None:
                break
    if frames[0] == 0x02 and acceptor == "aioquic":
        network.run_for(0.5)  # it takes such an ACK for nothing
    else:
        network.run_until(lambda: accepted.closed is not None, limit=2)
        assert accepted.closed is not None
        assert not accepted.closed.application
        assert not accepted.closed.remote
        if code is not None:
            assert accepted.closed.code == code
        network.run_until(lambda: line.closed is not None, limit=2)
    stream = other.streams.open_stream()
    other.streams.send(stream, b"others go on", fin=True)
    other.drive()
    network.run_until(lambda: any(stream in one.finished for one in accepted.host.lines))


@pytest.mark.parametrize("acceptor", ENGINES)
def test_a_stranger_is_kept_little_of(acceptor: str) -> None:
    """Handshake bytes that never make a message are kept up to a bound, then the connection is closed."""
    network = Network()
    client, server = Pair("aioquic", acceptor).hosts(network, dialling=known(), accepting=known())
    line = client.dial(server)
    hello = line.connection._quic._crypto_streams[tls.Epoch.INITIAL].sender  # type: ignore[attr-defined]
    network.filter = lambda source, target, data: data if source == client.address else None
    network.run_until(lambda: bool(server.lines))
    accepted = server.lines[0]
    # Bytes of TLS behind the hello, a gap before them, so that they can only be kept.
    hello.write(bytes(600_000))
    hello._pending.subtract(0, hello._buffer_stop - 599_000)
    quic = line.connection._quic  # type: ignore[attr-defined]
    for _ in range(2000):
        quic._loss._cc.bytes_in_flight = 0
        line.drive()
        network.run_for(0.002)
        if accepted.closed is not None:
            break
    assert accepted.closed is not None
    assert not accepted.closed.application
    assert network.sent < 500
