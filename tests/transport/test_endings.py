"""How connections of both engines end, without sockets, under virtual time."""

from __future__ import annotations

import pytest

from sidecar.transport.engine.base import Closed
from tests.transport.conftest import Pair, settings_of
from tests.transport.network import Line, Network


def closed_of(line: Line) -> Closed:
    assert line.closed is not None
    return line.closed


@pytest.mark.parametrize("closing", ["dialler", "acceptor"])
def test_code_and_phrase_reach_the_other_side(pair: Pair, network: Network, closing: str) -> None:
    line, accepted = pair.joined(network)
    near, far = (line, accepted) if closing == "dialler" else (accepted, line)
    start = network.now
    near.streams.close(0x1234567, "no more: häßlich")
    near.drive()
    assert closed_of(near) == Closed(0x1234567, "no more: häßlich", application=True, remote=False)
    network.run_until(lambda: far.closed is not None)
    assert closed_of(far) == Closed(0x1234567, "no more: häßlich", application=True, remote=True)
    assert network.now - start == pytest.approx(network.delay, abs=0.002)
    assert far.connection.timer() is None
    network.run_until(lambda: near.connection.timer() is None, limit=5)


def test_a_phrase_too_long_for_a_packet_is_cut(pair: Pair, network: Network) -> None:
    line, accepted = pair.joined(network)
    line.streams.close(3, "ä" * 3000)
    line.drive()
    network.run_until(lambda: accepted.closed is not None)
    assert closed_of(accepted).reason == "ä" * 256


def test_a_lost_close_packet_is_said_again_to_who_goes_on_talking(pair: Pair, network: Network) -> None:
    line, accepted = pair.joined(network)
    network.run_for(0.2)
    network.filter = lambda source, target, data: None
    line.streams.close(9, "lost")
    line.drive()
    network.filter = lambda source, target, data: data
    stream = accepted.streams.open_stream()
    accepted.streams.send(stream, b"are you there?")
    accepted.drive()
    network.run_until(lambda: accepted.closed is not None, limit=1)
    assert closed_of(accepted) == Closed(9, "lost", application=True, remote=True)


def test_a_goodbye_is_answered_ever_more_rarely_and_then_no_more(pair: Pair, network: Network) -> None:
    line, accepted = pair.joined(network)
    network.run_for(0.2)
    line.streams.close(9, "done")
    line.drive()
    before = network.sent
    for _ in range(100):
        line.connection.receive(b"\x40" + bytes(60), 61, accepted.host.address, network.now)
        line.drive()
    assert network.sent - before == 7, "after packets 1, 2, 4, 8, 16, 32 and 64"
    network.run_for(5)
    before = network.sent
    line.connection.receive(b"\x40" + bytes(60), 61, accepted.host.address, network.now)
    line.drive()
    assert network.sent == before


def test_silence_ends_both_sides(pair: Pair, network: Network) -> None:
    quick = settings_of(idle_timeout=5.0)
    line, accepted = pair.joined(network, dialling=quick, accepting=quick)
    network.filter = lambda source, target, data: None
    start = network.now
    network.run_until(lambda: line.closed is not None and accepted.closed is not None)
    assert closed_of(line) == closed_of(accepted) == Closed(0, "idle timeout", application=False, remote=False)
    assert 4.9 <= network.now - start <= 6
    assert line.connection.timer() is None


def test_the_shorter_idle_timeout_holds_for_both(pair: Pair, network: Network) -> None:
    line, accepted = pair.joined(network, dialling=settings_of(idle_timeout=4.0), accepting=settings_of())
    start = network.now
    network.run_until(lambda: line.closed is not None and accepted.closed is not None)
    assert network.now - start <= 5


def test_pings_keep_it_alive(pair: Pair, network: Network) -> None:
    quick = settings_of(idle_timeout=5.0)
    line, accepted = pair.joined(network, dialling=quick, accepting=quick)
    for _ in range(10):
        network.run_for(3)
        line.connection.ping()
        line.drive()
    network.run_for(1)
    assert line.closed is None
    assert accepted.closed is None


def test_nobody_there_ends_the_dialler(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network, dialling=settings_of(idle_timeout=3.0))
    network.filter = lambda source, target, data: None
    line = client.dial(server)
    network.run_until(lambda: line.closed is not None)
    assert closed_of(line) == Closed(0, "idle timeout", application=False, remote=False)


def test_closing_before_the_handshake_is_done_ends_both(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network)
    line = client.dial(server)
    network.run_until(lambda: bool(server.lines))
    accepted = server.lines[0]
    accepted.streams.close(5, "not you")
    accepted.drive()
    assert closed_of(accepted) == Closed(5, "not you", application=True, remote=False)
    network.run_until(lambda: line.closed is not None)
    assert closed_of(line).remote


def test_giving_up_a_dial_says_so(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network)
    line = client.dial(server)
    line.streams.close(6, "changed my mind")
    line.drive()
    assert closed_of(line) == Closed(6, "changed my mind", application=True, remote=False)
    network.run_until(lambda: all(one.connection.timer() is None for one in (*client.lines, *server.lines)))
    assert all(one.closed is not None for one in server.lines)


def test_what_was_written_before_a_close_is_not_waited_for(pair: Pair, network: Network) -> None:
    line, accepted = pair.joined(network)
    stream = line.streams.open_stream()
    line.streams.send(stream, b"written", fin=True)
    line.drive()
    line.streams.close(0, "")
    line.drive()
    network.run_until(lambda: accepted.closed is not None)
    assert bytes(accepted.received[stream]) == b"written"
    assert closed_of(accepted) == Closed(0, "", application=True, remote=True)


def test_statistics_outlive_the_connection(pair: Pair, network: Network) -> None:
    line, _ = pair.joined(network)
    network.run_for(0.5)
    measured = line.connection.statistics()
    assert measured.smoothed_rtt == pytest.approx(0.02, abs=0.01)
    assert measured.packets_lost == 0
    line.streams.close(0, "")
    line.drive()
    assert line.connection.statistics().smoothed_rtt == measured.smoothed_rtt
