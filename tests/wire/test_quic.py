"""Two sides over real QUIC connections, on a path that delays, loses, repeats and reorders, under virtual time."""

from __future__ import annotations

import random

import pytest

from sidecar.errors import Reason
from sidecar.wire.errors import Close
from sidecar.wire.frames import FrameType, encode
from tests.wire.pair import QuicSide, World
from tests.wire.side import KIB, MIB, WINDOWS, Book

ENGINES = ["aioquic", "qh3"]
BAD = {"loss": 0.05, "duplicate": 0.05, "reorder": 0.2}
engines = pytest.mark.parametrize("engine", ENGINES)


def numbered(count: int, size: int = 20, label: bytes = b"") -> list[bytes]:
    return [label + b"%06d" % number + bytes(size) for number in range(count)]


@pytest.mark.parametrize("acceptor", ENGINES)
@engines
def test_two_sides_meet_and_talk(engine: str, acceptor: str) -> None:
    world = World()
    a, b = world.side(engine), world.side(acceptor)
    books = [a.send(b, [b"to b"]), b.send(a, [b"to a"])]
    readers = [b.read(), a.read()]
    a.dial(b)
    world.run_until(lambda: all(book.delivered_all for book in books))
    world.run_for(0.1)
    assert [reader.payloads for reader in readers] == [[b"to b"], [b"to a"]]
    # TLS, HELLO with its flight, HELLO and PROOF, WELCOME and the first message behind it: two and a half round trips.
    assert a.link(b).carrier is not None


@engines
def test_a_dialler_sends_two_round_trips_after_its_first_packet(engine: str) -> None:
    world = World(delay=0.1)
    a, b = world.side(engine), world.side(engine)
    began = world.network.now
    a.dial(b)
    reader = b.read()
    a.send(b, [b"x"])
    world.run_until(lambda: reader.payloads == [b"x"])
    assert world.network.now - began == pytest.approx(0.5, abs=0.05)


@engines
@pytest.mark.parametrize("seed", range(2))
def test_order_holds_on_a_bad_path(engine: str, seed: int) -> None:
    """Among small messages of a channel and priority; large ones come whole, once, whenever they are complete."""
    world = World(seed=seed, **BAD)
    a, b = world.pair(engine)
    books, readers = [], {channel: b.read(channel) for channel in ("", "x")}
    for part in range(5):
        for channel in readers:
            for priority in range(3):
                label = b"%d " % priority
                payloads = [label + payload for payload in numbered(20, 100, b"%d " % part)]
                books.append(a.send(b, payloads, channel=channel, priority=priority))
        books.append(a.send(b, numbered(2, 90 * KIB, b"large %d " % part), channel="x"))
        world.run_for(0.03)
    world.run_until(lambda: all(book.delivered_all for book in books))
    world.run_for(0.1)
    for channel, reader in readers.items():
        for priority in range(3):
            came = [payload for payload in reader.payloads if payload.startswith(b"%d " % priority)]
            assert came == sorted(came)
            assert len(came) == 100
        large = [payload for payload in reader.payloads if payload.startswith(b"large")]
        assert len(large) == len(set(large)) == (10 if channel else 0)
    assert not a.ends
    assert not b.ends


@engines
def test_higher_priorities_go_first(engine: str) -> None:
    """When the path is the bottleneck; the lowest still has its share."""
    world = World(rate=500_000.0, queue=1.0)
    a, b = world.pair(engine)
    reader = b.read()
    world.run_for(1.0)
    low = a.send(b, numbered(250, 2000, b"l"), priority=2)
    world.run_for(0.1)
    normal = a.send(b, numbered(250, 2000, b"n"), priority=1)
    high = a.send(b, numbered(100, 2000, b"h"), priority=0)
    world.run_until(lambda: high.delivered_all and normal.delivered_all and low.delivered_all)
    order = [payload[:1] for payload in reader.payloads]
    last = {kind: max(at for at, one in enumerate(order) if one == kind) for kind in (b"h", b"n", b"l")}
    assert last[b"h"] < last[b"n"] < last[b"l"]


@engines
@pytest.mark.parametrize("size", [100 * KIB, 2 * MIB], ids=["counted", "reserved"])
def test_a_large_message_delays_no_small_one(engine: str, size: int) -> None:
    world = World(rate=2_000_000.0, queue=0.5)
    a, b = world.pair(engine)
    reader = b.read()
    world.run_for(1.0)
    large = [a.send(b, numbered(2 * MIB // size, size))]
    delays = []
    for _ in range(5):
        world.run_for(0.1)
        began = world.network.now
        small = a.send(b, [b"small"])
        world.run_until(lambda book=small: book.delivered_all)  # type: ignore[misc]
        delays.append(world.network.now - began)
    assert not large[0].complete
    world.run_until(lambda: large[0].delivered_all)
    assert max(delays) < 0.35, "behind what QUIC holds already, not behind the message of a second"
    assert len(reader.payloads) == 2 * MIB // size + 5


@engines
@pytest.mark.parametrize("unread", [1, 20])
def test_unread_channels_hold_up_no_other(engine: str, unread: int) -> None:
    world = World()
    a, b = world.pair(engine)
    stuck = [a.send(b, numbered(12, 50 * KIB), channel=f"unread {number}") for number in range(unread)]
    reader = b.read("read")
    book = a.send(b, numbered(10, 50 * KIB), channel="read")
    world.run_until(lambda: book.delivered_all)
    world.run_for(0.1)
    assert len(reader.payloads) == 10
    assert not all(one.complete for one in stuck)
    for number in range(unread):
        b.read(f"unread {number}")
    world.run_until(lambda: all(one.delivered_all for one in stuck))


@engines
def test_a_connection_killed_in_the_middle_of_everything(engine: str) -> None:
    world = World(seed=0, **BAD)
    a, b = world.pair(engine)
    reader = b.read()
    small, large = a.send(b, numbered(300, 200)), a.send(b, numbered(4, 400 * KIB, b"L"))
    world.run_for(0.05)
    assert not large.complete
    link = a.link(b)
    a.kill(a.peer(b.peer_id).sessions[0])
    assert link.carrier is None
    more = a.send(b, numbered(10, 10, b"M"))
    world.run_for(0.05)
    assert not more.was_sent
    a.dial(b)
    world.run_until(lambda: small.delivered_all and large.delivered_all and more.delivered_all)
    world.run_for(0.1)
    assert len(reader.payloads) == len(set(reader.payloads)) == 314
    came = [payload for payload in reader.payloads if payload[:1] not in (b"L", b"M")]
    assert came == numbered(300, 200)
    assert [end.code for end in b.ends] == [Close.REPLACED]


@engines
@pytest.mark.parametrize("seed", range(2))
def test_connections_killed_again_and_again(engine: str, seed: int) -> None:
    """At random instants, on either side, with both sides dialling."""
    draw = random.Random(seed)
    world = World(seed=seed, **BAD)
    a, b = world.pair(engine)
    readers = [b.read(), a.read()]
    books: list[Book] = []
    for round_ in range(8):
        for near, far in ((a, b), (b, a)):
            books.append(near.send(far, numbered(20, 500, b"%d " % round_)))
            books.append(near.send(far, numbered(1, 100 * KIB, b"L%d " % round_)))
        world.run_for(draw.random() * 0.2)
        near, far = draw.choice(((a, b), (b, a)))
        for session in list(near.peer(far.peer_id).sessions):
            near.kill(session)
        draw.choice((a.dial, lambda to: b.dial(a)))(b)
        if draw.random() < 0.3:
            b.dial(a)
        world.run_for(draw.random() * 0.1)
    for _ in range(3):
        # The overlay dials again when a connection is gone; here nobody else does, and one may be dead and not know it.
        if not (a.linked(b) and b.linked(a)):
            a.dial(b)
        world.run_for(40)
    world.run_until(lambda: all(book.delivered_all for book in books), limit=120)
    world.run_for(0.2)
    for reader in readers:
        assert len(reader.payloads) == len(set(reader.payloads)) == 8 * 21
        small = [payload for payload in reader.payloads if not payload.startswith(b"L")]
        assert small == sorted(small)


@engines
def test_simultaneous_connections_are_one_link(engine: str) -> None:
    world = World()
    a, b = world.side(engine), world.side(engine)
    books = [a.send(b, numbered(50)), b.send(a, numbered(50))]
    readers = [b.read(), a.read()]
    a.dial(b)
    b.dial(a)
    world.run_until(lambda: all(book.delivered_all for book in books))
    world.run_for(0.5)
    assert [reader.payloads for reader in readers] == [numbered(50)] * 2
    assert [len(side.peers) for side in (a, b)] == [1, 1]
    assert (a.renewals, b.renewals) == (1, 1)
    assert not a.ends
    assert not b.ends


@engines
def test_more_large_messages_than_streams(engine: str) -> None:
    """Unacknowledged when the connection is lost, and repeated on the next."""
    world = World(delay=0.05)
    a, b = world.pair(engine, windows=WINDOWS._replace(link_bytes=32 * MIB, channel_bytes=16 * MIB))
    reader = b.read()
    book = a.send(b, numbered(130, 75 * KIB))
    world.run_for(0.3)
    for _ in range(2):
        a.kill(a.peer(b.peer_id).sessions[-1])
        a.dial(b)
        world.run_for(0.4)
    world.run_until(lambda: book.delivered_all)
    world.run_for(0.1)
    assert sorted(reader.payloads) == numbered(130, 75 * KIB)
    assert not any(end.code == Close.INTERNAL for end in a.ends + b.ends)


@engines
def test_withdrawn_in_the_middle_of_a_large_message(engine: str) -> None:
    world = World(rate=2_000_000.0)
    a, b = world.pair(engine)
    reader = b.read()
    large, counted = a.send(b, numbered(1, MIB)), a.send(b, numbered(3, 200 * KIB))
    world.run_for(0.15)
    link = a.link(b)
    for book in (large, counted):
        link.outbound.withdraw(book, Reason.CANCELLED, "the caller is gone", link.carrier)
    assert large.failures == {Reason.CANCELLED: 1}
    after = a.send(b, [b"after"])
    world.run_until(lambda: after.delivered_all and counted.complete)
    world.run_until(lambda: link.outbound.idle and b.link(a).inbound.idle)
    world.run_for(0.1)
    assert b"after" in reader.payloads
    assert len(reader.payloads) == 1 + sum(reason is None for reason in counted.outcomes.values())
    assert (b.inbox.reserved, b.inbox.bytes) == (0, 0)
    inbound = b.link(a).inbound
    assert inbound.budget.link.taken_bytes == inbound.budget.link.received_bytes == link.outbound.window.used_bytes


@engines
def test_a_new_epoch_on_one_side(engine: str) -> None:
    """Sent ones are unknown, queued ones go to whoever comes."""
    world = World()
    a, b = world.pair(engine)
    sent = a.send(b, numbered(5))
    world.network.filter = lambda source, target, data: None if source == b.host.address else data
    world.run_for(0.05)
    assert len(sent.was_sent) == 5
    world.network.filter = lambda source, target, data: data
    b.forget(a)
    for session in list(a.peer(b.peer_id).sessions):
        a.kill(session)
    queued = a.send(b, numbered(5, 10, b"q"))
    reader = b.read()
    a.dial(b)
    world.run_until(lambda: queued.delivered_all)
    world.run_for(0.1)
    assert sent.failures == {Reason.OUTCOME_UNKNOWN: 5}
    assert reader.payloads[-5:] == numbered(5, 10, b"q")


@engines
def test_the_reason_of_a_close_comes_with_it(engine: str) -> None:
    world = World(seed=0, **BAD)
    a, b = world.side(engine), world.side(engine, network_id="other")
    a.dial(b)
    world.run_until(lambda: bool(a.ends and b.ends))
    (end,) = a.ends
    assert end.session.rejected or (end.code, end.application, end.remote) == (Close.NETWORK, True, True)
    assert "network id 'test' is not the one here" in (end.session.rejected or end.reason)


@engines
def test_a_handshake_that_never_ends(engine: str) -> None:
    """Packets of the acceptor stop after its first flight."""
    world = World()
    a, b = world.side(engine), world.side(engine)
    session = a.dial(b)
    world.run_until(lambda: session.introduced)
    world.network.filter = lambda source, target, data: None if source == b.host.address else data
    world.run_until(lambda: bool(a.ends), limit=6)
    assert (a.ends[0].code, a.ends[0].reason) == (Close.HANDSHAKE_TIMEOUT, "no WELCOME in time")
    assert 4.9 < world.network.now - session.began < 5.1


def attack(world: World, a: QuicSide, b: QuicSide) -> int:
    """A session of `a` writes what it should not; the code with which `b` closes."""
    world.run_until(lambda: bool(b.ends), limit=20)
    (end,) = b.ends
    assert (end.application, end.remote) == (True, False)
    world.run_until(lambda: bool(a.ends), limit=20)
    assert a.ends[0].code == end.code
    return end.code


@engines
@pytest.mark.parametrize("what", ["credit", "second control", "reset", "unknown channel", "random"])
def test_a_session_that_lies(engine: str, what: str) -> None:
    """Through the engines: the connection ends with the code that fits, and another link goes on."""
    world = World()
    a, b = world.pair(engine)
    third = world.side(engine)
    third.dial(b)
    world.run_until(lambda: third.linked(b) and b.linked(third))
    reader = b.read("third")
    good = third.send(b, numbered(20), channel="third")
    session = a.peer(b.peer_id).sessions[0]
    connection = session._connection
    expected = {Close.MALFORMED}
    match what:
        case "credit":
            a.link(b).outbound.window.extend(1 << 40, 1 << 40)
            a.link(b).outbound._channels[""].window.extend(1 << 40, 1 << 40)
            a.send(b, numbered(10, 60 * KIB))
            expected = {Close.CREDIT}
        case "second control":
            connection.send(connection.open_stream(), b"\x00")
        case "reset":
            a.send(b, [b"x"])
            world.run_for(0.1)
            connection.reset(session._lane_ids[1], 5)
        case "unknown channel":
            connection.send(connection.open_stream(), b"\x01\x00\x00\x05\x01\x04\x0a\x02\x1a\x00")
        case _:
            expected |= {Close.CREDIT, Close.BUSY}
            draw = random.Random(1)
            assert session._control_id is not None
            connection.send(session._control_id, encode(FrameType.ACK, draw.randbytes(50)) + draw.randbytes(2000))
    assert attack(world, a, b) in expected
    world.run_until(lambda: good.delivered_all)
    world.run_for(0.1)
    assert len(reader.payloads) == 20


@engines
def test_streams_opened_without_end(engine: str) -> None:
    """QUIC lets so many be open; what the session keeps of each is a word."""
    world = World()
    a, b = world.pair(engine)
    connection = a.peer(b.peer_id).sessions[0]._connection
    victim = b.peer(a.peer_id).sessions[0]
    opened = 0
    for _ in range(12):
        for _ in range(40):
            try:
                connection.send(connection.open_stream(), b"\x02")
            except ValueError:  # past the peer's limit
                break
            opened += 1
        world.run_for(0.1)
    assert opened >= 90
    assert len(victim._incoming._readers) + len(victim._incoming._openings) <= 140
    assert sum(map(len, victim._incoming._openings.values())) <= 140
    third = world.side(engine)
    third.dial(b)
    book = third.send(b, [b"still"])
    world.run_until(lambda: book.delivered_all)


@engines
def test_an_app_that_reads_nothing_bounds_what_is_held(engine: str) -> None:
    world = World()
    a, b = world.pair(engine)
    book = a.send(b, numbered(100, 60 * KIB))
    world.run_for(2.0)
    assert not book.complete
    assert WINDOWS.first_channel_bytes // 2 <= b.inbox.bytes <= WINDOWS.unread_channel_bytes
    assert a.link(b).outbound.outbox.bytes > 5 * MIB
    b.read()
    world.run_until(lambda: book.delivered_all)
