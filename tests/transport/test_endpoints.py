"""Endpoints over real sockets on loopback."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from sidecar.transport.endpoint import READ_BUDGET, SLICE, Endpoint
from sidecar.transport.engine import load
from sidecar.transport.engine.base import Train
from sidecar.transport.pump import Pump
from tests.transport.conftest import ENGINES, Pair, settings_of
from tests.transport.talker import Party, Talker

Opener = Callable[..., Awaitable[Party]]


@pytest_asyncio.fixture
async def parties() -> AsyncIterator[Opener]:
    """Opens parties and closes them after the test."""
    opened: list[Party] = []

    async def opener(engine: str, **options: object) -> Party:
        party = await Party.open(engine, **options)  # type: ignore[arg-type]
        opened.append(party)
        return party

    yield opener
    for party in opened:
        party.endpoint.close()


@pytest.mark.parametrize("offload", [True, False], ids=["offload", "plain"])
async def test_bodies_both_ways(pair: Pair, parties: Opener, offload: bool) -> None:
    here, there = await parties(pair.dialler, offload=offload), await parties(pair.acceptor, offload=offload)
    dialled = await here.dial(there.address).joined()
    (accepted,) = there.accepted
    assert dialled.chain == there.endpoint.settings.certificate_chain
    assert dialled.pump.dialled
    assert not accepted.pump.dialled
    assert dialled.pump.remote == there.address
    assert accepted.pump.remote == here.address
    body, reply = random.Random(1).randbytes(2_000_000), random.Random(2).randbytes(500_000)
    stream, back = dialled.say(body), accepted.say(reply)
    assert await accepted.body(stream) == body
    assert await dialled.body(back) == reply
    dialled.pump.close(42, "enough")
    assert await accepted.gone() == (42, "enough", True, True)
    assert await dialled.gone() == (42, "enough", True, False)
    assert accepted.verbs[:2] == ["opened", "established"]
    assert there.endpoint.counters.handshakes == here.endpoint.counters.handshakes == 1
    assert there.endpoint.traffic.bytes_in >= 2_000_000
    assert here.endpoint.traffic.bytes_out >= 2_000_000


async def test_the_kernel_takes_trains(parties: Opener) -> None:
    here, there = await parties("qh3"), await parties("qh3")
    assert here.endpoint.socket.send_offload, "this kernel has no UDP_SEGMENT: the offload tests prove nothing"
    assert there.endpoint.socket.receive_offload
    plain = await parties("qh3", offload=False)
    assert not plain.endpoint.socket.send_offload
    assert not plain.endpoint.socket.receive_offload


@pytest.mark.requires("ipv6")
async def test_one_socket_for_both_families(pair: Pair, parties: Opener) -> None:
    both = await parties(pair.acceptor, host="::")
    four, six = await parties(pair.dialler), await parties(pair.dialler, host="::1")
    assert both.endpoint.addresses[0][0] == "::"
    port = both.address[1]
    old = await four.dial(("127.0.0.1", port)).joined()
    new = await six.dial(("::1", port)).joined()
    assert [accepted.pump.remote for accepted in both.accepted] == [four.address, six.address]
    for dialled, accepted in zip((old, new), both.accepted, strict=True):
        assert await accepted.body(dialled.say(b"hello")) == b"hello"
    # And it dials both families too, an IPv4 peer by its plain address.
    for party in (four, six):
        dialled = await both.dial(party.address).joined()
        assert dialled.pump.remote == party.address
        assert party.accepted[-1].pump.remote[1] == port
    with pytest.raises(ValueError, match="bound to IPv4 only"):
        four.dial(("::1", port))


async def test_addresses_that_cannot_be_dialled_are_refused(parties: Opener) -> None:
    party = await parties("aioquic")
    with pytest.raises(ValueError, match="'example' is no numeric IP address"):
        party.dial(("example", 1))
    with pytest.raises(ValueError, match="port 0 is none: give one of 1 to 65535"):
        party.dial(("127.0.0.1", 0))


async def test_an_address_in_use_is_named(parties: Opener) -> None:
    party = await parties("aioquic")
    with pytest.raises(OSError, match=r"UDP address 127\.0\.0\.1 port \d+ cannot be bound: Address already in use"):
        await Endpoint.open(party.address, load("aioquic"), settings_of(), Talker)


@pytest.mark.parametrize("engine", ENGINES)
async def test_many_connections_between_the_same_two_sockets(engine: str, parties: Opener) -> None:
    # UDP_GRO joins datagrams of one pair of addresses, whatever connection they belong to.
    here, there = await parties(engine), await parties(engine)
    dialled = [await here.dial(there.address).joined() for _ in range(20)]
    bodies = [random.Random(number).randbytes(100_000) for number in range(20)]
    streams = [talker.say(body) for talker, body in zip(dialled, bodies, strict=True)]
    for accepted, stream, body in zip(there.accepted, streams, bodies, strict=True):
        assert await accepted.body(stream) == body
    assert here.endpoint.connections == there.endpoint.connections == 20
    for talker in dialled[::2]:
        talker.pump.close(0, "")
    for accepted in there.accepted[::2]:
        await accepted.gone()
    assert await there.accepted[1].body(dialled[1].say(b"still there")) == b"still there"


@pytest.mark.parametrize("engine", ENGINES)
async def test_connections_that_are_over_leave_nothing(engine: str, parties: Opener) -> None:
    here, there = await parties(engine), await parties(engine)
    for _ in range(30):
        dialled = await here.dial(there.address).joined()
        dialled.pump.close(0, "")
        await dialled.gone()
    for accepted in there.accepted:
        await accepted.gone()
    for party in (here, there):
        endpoint = party.endpoint
        await there_are(lambda endpoint=endpoint: endpoint.connections == 0)  # type: ignore[misc]
        assert not endpoint._table
        assert not endpoint._opening
        assert not endpoint._subnets


async def test_retry_lets_strangers_prove_their_address(pair: Pair, parties: Opener) -> None:
    here, there = await parties(pair.dialler), await parties(pair.acceptor, retry="always")
    dialled = await here.dial(there.address).joined()
    assert there.endpoint.counters.retries >= 1
    assert len(there.accepted) == 1
    assert await there.accepted[0].body(dialled.say(b"proven")) == b"proven"


async def test_other_versions_are_answered_once_they_are_long_enough(parties: Opener) -> None:
    party = await parties("aioquic")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.bind(("127.0.0.1", 0))
        header = b"\xc0\x6b\x33\x43\xcf\x08theirid1\x04mine"
        stranger.sendto(header + bytes(1199 - len(header)), party.address)
        stranger.sendto(header + bytes(1200 - len(header)), party.address)
        answer = await loop.sock_recv(stranger, 2000)
        assert answer[1:] == b"\0\0\0\0\x04mine\x08theirid1\0\0\0\1"
    assert party.endpoint.counters.version_negotiations == 1
    assert party.endpoint.counters.unknown == 2


def resident() -> int:
    """Bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("engine", ENGINES)
async def test_garbage_leaves_traffic_going(engine: str, parties: Opener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    here, there = await parties(engine), await parties(engine)
    dialled = await here.dial(there.address).joined()
    chance = random.Random(4)
    own_id = next(iter(there.accepted[0].pump.connection_ids))
    before = resident()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(100_000):
            data = chance.randbytes(chance.randrange(0, 1500))
            if number % 4 == 1:
                data = b"\xc0\0\0\0\1\x08" + data
            elif number % 4 == 2:
                data = b"\x40" + own_id + data
            stranger.sendto(data, there.address)
            if number % 500 == 0:
                body = chance.randbytes(1000)
                assert await there.accepted[0].body(dialled.say(body)) == body
    assert dialled.ended is None
    assert there.endpoint.counters.unknown > 30_000
    assert len(there.accepted) <= 1 + there.endpoint._subnet_limit + 100_000 // 4
    assert resident() - before < 64 << 20
    assert len(caplog.records) < 1000, "a line per stranger, not per packet"


@pytest.mark.parametrize("engine", ENGINES)
async def test_handshakes_under_way_are_limited(engine: str, parties: Opener) -> None:
    there = await parties(engine, handshake_limit=5, subnet_handshake_limit=3, handshake_timeout=1.0)
    silent = [dial_and_say_no_more(engine, there.address) for _ in range(6)]
    await there_are(lambda: there.endpoint.counters.refused >= 3)
    assert len(there.accepted) == 3
    for accepted in list(there.accepted):
        assert await accepted.gone() == (0, "handshake timeout", False, False)
    here = await parties(engine)
    await here.dial(there.address).joined()
    for one in silent:
        one.close()


class Reserved(Talker):
    """Lets nobody in by itself."""

    admits = False


@pytest.mark.parametrize("engine", ENGINES)
async def test_whoever_is_not_let_in_is_counted_until_then(engine: str, parties: Opener) -> None:
    """The handshake of QUIC tells nobody's name: that it is done makes no room for another stranger."""
    there = await parties(engine, handshake_limit=5, subnet_handshake_limit=2, talker=Reserved)
    here = await parties(engine)
    for _ in range(2):
        await here.dial(there.address).joined()
    third, fourth = here.dial(there.address), here.dial(there.address)
    await there_are(lambda: there.endpoint.counters.refused >= 2)
    assert len(there.accepted) == 2
    there.accepted[0].pump.admitted()
    there.accepted[1].pump.close(1, "not you")
    await third.joined()
    await fourth.joined()


def dial_and_say_no_more(engine: str, address: tuple[str, int]) -> socket.socket:
    """Sends a dialler's first flight and nothing after."""
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connection = load(engine).dial(settings_of(), None)
    connection.connect(address, 0.0)
    for train in connection.transmit(0.0, 1 << 20):
        for data in train.datagrams:
            stranger.sendto(data, address)
    return stranger


async def there_are(done: Callable[[], bool]) -> None:
    """Waits for a counter, which nothing announces."""
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("engine", ENGINES)
async def test_nobody_there_ends_a_dial_in_time(engine: str, parties: Opener) -> None:
    here = await parties(engine, handshake_timeout=0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        dialled = here.dial(silent.getsockname())
        assert await dialled.gone() == (0, "handshake timeout", False, False)
        await there_are(lambda: here.endpoint.connections == 0)


@pytest.mark.parametrize("engine", ENGINES)
async def test_silence_is_bridged_by_pings(engine: str, parties: Opener) -> None:
    quick = settings_of(idle_timeout=1.2)
    here = await parties(engine, settings=quick, keep_alive=0.1)
    there = await parties(engine, settings=quick, keep_alive=60.0)
    dialled = await here.dial(there.address).joined()
    fills = there.accepted[0].fills
    await there_are(lambda: there.accepted[0].fills >= fills + 20)
    assert dialled.ended is None
    assert there.accepted[0].ended is None
    # Without pings the same silence ends it.
    mute = await parties(engine, settings=quick, keep_alive=60.0)
    lonely = await mute.dial(there.address).joined()
    assert await lonely.gone() == (0, "idle timeout", False, False)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_protocols_deadline_is_kept(engine: str, parties: Opener) -> None:
    here, there = await parties(engine), await parties(engine)
    dialled = await here.dial(there.address).joined()
    now = asyncio.get_running_loop().time()
    dialled.wakes_at = now + 0.05
    dialled.pump.wake()
    await dialled.until(lambda: dialled.wakes_at is None)
    assert 0.045 <= asyncio.get_running_loop().time() - now < 2


class Broken(Talker):
    """Fails on its first bytes, and on its end."""

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        raise KeyError("a bug")

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        super().closed(code, reason, application, remote, now)
        raise KeyError("another bug")


async def test_a_failing_protocol_costs_only_its_connection(parties: Opener, caplog: pytest.LogCaptureFixture) -> None:
    here = await parties("qh3")
    there = await parties("qh3", talker=Broken)
    victims = [await here.dial(there.address).joined() for _ in range(3)]
    for victim in victims:
        victim.say(b"trips it")
        assert await victim.gone() == (1, "internal error", True, True)
    for accepted in there.accepted:
        assert await accepted.gone() == (1, "internal error", True, False)
    await here.dial(there.address).joined()
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 2, "each bug once, with its traceback"
    assert all(record.exc_info for record in told)


class Restless(Talker):
    """Cannot say when it wants to be called."""

    def deadline(self) -> float | None:
        if self.chain is not None:
            raise ValueError("a third bug")
        return None


async def test_a_failing_deadline_costs_only_its_connection(parties: Opener) -> None:
    here, there = await parties("qh3"), await parties("qh3", talker=Restless)
    victim = here.dial(there.address)
    assert await victim.gone() == (1, "internal error", True, True)
    assert await there.accepted[0].gone() == (1, "internal error", True, False)


async def test_a_failing_accept_costs_only_its_connection(parties: Opener) -> None:
    here, later = await parties("qh3", handshake_timeout=0.5), await parties("qh3")
    fails = True

    def sometimes(pump: Pump) -> Talker:
        if fails:
            raise ValueError("a fourth bug")
        return Talker(pump)

    there = await parties("qh3", talker=sometimes)
    assert (await here.dial(there.address).gone())[1] == "handshake timeout"
    fails = False
    await later.dial(there.address).joined()


async def test_an_endpoint_closed_by_its_own_protocol_stops(parties: Opener) -> None:
    here, there = await parties("qh3"), await parties("qh3")

    class Last(Talker):
        def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
            super().stream_data(stream_id, data, fin, now)
            here.endpoint.close(3, "that is all")

    dialled = [here.dial(there.address, Last) for _ in range(3)]
    for talker in dialled:
        await talker.joined()
    for accepted in there.accepted:
        await accepted.joined()
        accepted.say(b"stop")
    for accepted in there.accepted:
        assert await accepted.gone() == (3, "that is all", True, True)
    for talker in dialled:
        assert await talker.gone() == (3, "that is all", True, False)


async def test_closing_an_endpoint_tells_every_peer(pair: Pair, parties: Opener) -> None:
    here, there = await parties(pair.dialler), await parties(pair.acceptor)
    dialled = [await here.dial(there.address).joined() for _ in range(5)]
    for accepted in there.accepted:
        await accepted.joined()
    there.endpoint.close(12, "stopping")
    there.endpoint.close(12, "twice is once")
    for talker in dialled:
        assert await talker.gone() == (12, "stopping", True, True)
    assert [accepted.ended for accepted in there.accepted] == [(12, "stopping", True, False)] * 5
    with pytest.raises(RuntimeError, match="the endpoint is closed"):
        there.dial(here.address)


async def test_writes_from_anywhere_go_out(parties: Opener) -> None:
    here, there = await parties("qh3"), await parties("qh3")
    dialled = await here.dial(there.address).joined()
    stream = dialled.pump.open_stream(bidirectional=True)
    dialled.pump.send(stream, b"half")
    await there.accepted[0].until(lambda: stream in there.accepted[0].received)
    dialled.pump.reset(stream, 7)
    await there.accepted[0].until(lambda: there.accepted[0].resets == [(stream, 7)])
    there.accepted[0].pump.send(stream, b"back")
    await dialled.until(lambda: stream in dialled.received)
    dialled.pump.stop(stream, 8)
    await there.accepted[0].until(lambda: there.accepted[0].stops == [(stream, 8)])
    assert dialled.pump.statistics().smoothed_rtt is not None


class Echo(Talker):
    """Answers every finished stream at once."""

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        super().stream_data(stream_id, data, fin, now)
        if fin and len(self.received[stream_id]) < 100:
            self.pump.send(self.pump.open_stream(), bytes(self.received[stream_id]), fin=True)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_busy_connection_does_not_delay_another(engine: str, parties: Opener) -> None:
    here, there = await parties(engine), await parties(engine, talker=Echo)
    busy, quiet = await here.dial(there.address).joined(), await here.dial(there.address).joined()
    endless = busy.say(bytes(512 << 20 if engine == "qh3" else 24 << 20))
    loud = there.accepted[0]
    await loud.until(lambda: len(loud.received.get(endless, b"")) > 1 << 20)
    for number in range(10):
        before = len(loud.received[endless])
        quiet.say(b"ping %d" % number)
        await quiet.until(lambda count=number: len(quiet.finished) > count)  # type: ignore[misc]
        passed = len(loud.received[endless]) - before
        # A ping and its answer wait for at most what each side reads or writes in two wake-ups, and for what was in
        # flight before them.
        assert passed <= 2 * READ_BUDGET + 2 * SLICE + busy.pump.send_room() + there.endpoint.settings.connection_window
    assert endless not in loud.finished, "the busy connection was busy all the while"


async def test_writers_that_always_have_more_get_the_same_bytes(parties: Opener) -> None:
    """By deficit round robin: one whose engine writes more than it is asked to, in pieces of any size, or in datagrams
    of another size, has no more of it. The last joins late and catches nothing up."""
    here, there = await parties("qh3"), await parties("qh3")
    pumps = [(await here.dial(there.address).joined()).pump for _ in range(5)]
    pieces = dict(zip(pumps, ((1200, 1), (1452, 40), (65000, 3), (1452, 900), (1200, 200)), strict=True))
    totals = dict.fromkeys(pumps, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        address = sink.getsockname()
        writes = True
        for pump in pumps:

            def endless(_now: float, most: int, pump: Pump = pump) -> list[Train]:
                size, count = pieces[pump]
                trains: list[Train] = []
                while most > 0 and writes:
                    trains.append(Train(address, size, [bytes(size)] * count))
                    most -= size * count
                    totals[pump] += size * count
                return trains

            pump._connection.transmit = endless  # type: ignore[method-assign, assignment]
        *early, late = pumps
        for writers in (early, pumps):
            assert writers is pumps or not totals[late]
            before = dict(totals)
            here.endpoint._ready.clear()
            here.endpoint._ready.extend(writers)
            for _ in range(100):
                here.endpoint._write(here.endpoint.now())
            wrote = [totals[pump] - before[pump] for pump in writers]
            assert min(wrote) > 4 << 20
            assert max(wrote) - min(wrote) <= 2 * SLICE + max(size * count for size, count in pieces.values())
        writes = False


async def test_trains_go_in_rotation(parties: Opener) -> None:
    """With many writers ready at once, none is served twice before all were served once."""
    here, there = await parties("qh3"), await parties("qh3")
    talkers = [await here.dial(there.address).joined() for _ in range(4)]
    order: list[Pump] = []
    for talker in talkers:
        pump = talker.pump
        original = pump._connection.transmit

        def watched(now: float, most: int, pump: Pump = pump, original: Callable[..., object] = original) -> object:
            assert most <= SLICE
            order.append(pump)
            return original(now, most)

        pump._connection.transmit = watched  # type: ignore[method-assign, assignment]
    for talker in talkers:
        talker.say(os.urandom(1 << 20))
    for accepted in there.accepted:
        await accepted.until(lambda one=accepted: bool(one.finished))  # type: ignore[misc]
    assert len(set(order[:4])) == 4
