"""What a link carries over from one connection to another, and what it leaves behind. Each of these was wrong once, or
is what random histories seldom come to."""

from __future__ import annotations

import pytest

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.errors import Close
from sidecar.wire.frames import FrameType
from sidecar.wire.lanes import encode_lane_frame
from sidecar.wire.session import ANSWER_INTERVAL, Session
from tests.wire.pipe import Pipes
from tests.wire.side import MIB, Book, Side, entry
from tests.wire.stranger import Stranger


def two_connections() -> tuple[Pipes, Side, Side, list[Session], list[Session]]:
    """Sides with a connection dialled by each, on which it writes; the other answers there."""
    pipes = Pipes()
    a, b = pipes.pair()
    pipes.dial(b, a)
    pipes.run()
    ends = [side.peer(other.peer_id).sessions for side, other in ((a, b), (b, a))]
    assert [len(sessions) for sessions in ends] == [2, 2]
    assert (a.link(b).carrier, b.link(a).carrier) == (ends[0][0], ends[1][1])
    assert (a.link(b).answerer, b.link(a).answerer) == (ends[0][1], ends[1][0])
    return pipes, a, b, list(ends[0]), list(ends[1])


def test_each_connection_carries_its_diallers_messages() -> None:
    """And the answers to them; what is on its way on one when the other comes is not sent again."""
    pipes, a, b, of_a, of_b = two_connections()
    reader, other = b.read(), a.read()
    there, back = a.send(b, numbered(10)), b.send(a, numbered(10))
    pipes.run()
    assert there.delivered_all
    assert back.delivered_all
    assert reader.payloads == other.payloads == numbered(10)
    assert [bool(session._lane_ids) for session in (*of_a, *of_b)] == [True, False, False, True]
    assert a.inbox.repeats == b.inbox.repeats == 0


def numbered(count: int, label: bytes = b"") -> list[bytes]:
    return [label + b"%04d" % number for number in range(count)]


def test_a_link_falls_back_to_an_older_connection() -> None:
    """Its lanes there had stopped at some number; others were sent elsewhere meanwhile."""
    pipes = Pipes()
    a, b = pipes.pair()
    reader = b.read()
    books = [a.send(b, numbered(10, b"a"))]
    pipes.run()
    pipes.dial(b, a)
    pipes.run()
    books.append(a.send(b, numbered(10, b"b")))
    pipes.run()
    for near, far in ((a, b), (b, a)):
        near.kill(near.peer(far.peer_id).sessions[1])
    for label in (b"c", b"d"):
        books.append(a.send(b, numbered(10, label)))
        pipes.run()
    assert all(book.delivered_all for book in books)
    assert reader.payloads == [payload for label in (b"a", b"b", b"c", b"d") for payload in numbered(10, label)]
    assert not any(end.application for end in a.ends + b.ends)


@pytest.mark.parametrize("payload", [b"small", bytes(100_000), bytes(2 * MIB)], ids=["small", "counted", "reserved"])
def test_answers_lost_with_a_connection_are_told_on_another(payload: bytes) -> None:
    """One side has lost its own connection and writes on the other's; the other answers on the lost one: nobody would
    repeat."""
    pipes, a, b, of_a, of_b = two_connections()
    reader = b.read()
    pipes.run()
    a.kill(of_a[0])
    assert (a.link(b).carrier, b.link(a).answerer) == (of_a[1], of_b[0])
    book = a.send(b, [payload])
    pipes.run()
    assert not book.outcomes, "the answer went nowhere"
    b.kill(of_b[0])
    pipes.run()
    assert book.delivered_all
    assert reader.payloads == [payload]


def test_windows_lost_with_a_connection_are_told_on_another() -> None:
    pipes, a, b, of_a, of_b = two_connections()
    pipes.run()
    a.kill(of_a[0])
    book = a.send(b, [b"x"], channel="new")
    pipes.run()
    assert not book.was_sent
    b.kill(of_b[0])
    pipes.run()
    assert book.delivered_all


def test_a_large_message_moves_to_a_newer_connection() -> None:
    """The stream on the older one, which lives, is given up; what is still under way on it harms nobody."""
    for seed in range(10):
        pipes = Pipes(seed)
        b, a = pipes.pair()
        reader = b.read()
        book = a.send(b, [bytes(270_000)] * 2)
        first = pipes.ends[1]
        while not any(bulk.position for bulk in a.link(b).outbound._bulk.unacked.values()):
            assert pipes.step()
        pipes.dial(a, b)
        pipes.run()
        assert book.delivered_all
        assert len(reader.payloads) == 2
        assert not a.ends
        assert not b.ends
        begun = [stream for number, stream in first.streams.items() if number not in first.protocol._lane_ids.values()]  # type: ignore[attr-defined]
        assert sum(not stream.over for stream in begun) == 1, "the control stream"


def test_nothing_of_a_former_epoch_is_heeded() -> None:
    """Acknowledgements and messages that come late, on a connection the other side had before it began anew."""
    pipes = Pipes()
    victim = pipes.side()
    old = Stranger(pipes, victim, dials=False)
    old.accept()
    lane = old.open(1, 1, 0, data=encode_lane_frame(0, 1, len(entry(b"old"))) + entry(b"old"))
    sent = victim.send(old, numbered(5))
    pipes.run()
    epoch = victim.link(old).epoch
    assert len(sent.was_sent) == 5
    new = Stranger(pipes, victim)
    new.run()
    hello = new.hello(epoch=10)
    new.frame(FrameType.HELLO, hello)
    new.frame(FrameType.PROOF, new.proof(hello))
    again = victim.send(new, numbered(5))
    while len(again.was_sent) < 5:
        assert pipes.step()
    assert sent.failures == {Reason.OUTCOME_UNKNOWN: 5}
    assert old.session.closing is not None
    assert old.session.closing[0] == Close.REPLACED
    late = wire_pb2.Ack(received=wire_pb2.Received(lanes=[wire_pb2.LaneReceived(lane=1, next=5)]))
    old.session.stream_data(
        old.control, bytes((FrameType.ACK, late.ByteSize())) + late.SerializeToString(), False, 100.0
    )
    old.session.stream_data(lane, encode_lane_frame(0, 1, len(entry(b"late"))) + entry(b"late"), False, 100.0)
    pipes.run()
    assert not again.outcomes
    assert victim.inbox.messages == 1
    assert not victim.link(new).inbound.received().lanes
    welcome = wire_pb2.Welcome.FromString(new.said(FrameType.WELCOME)[0])
    assert welcome.epoch not in (0, epoch), "it has begun anew as well, and says so"
    assert welcome.resume_epoch == 10


def test_a_welcome_to_what_was_said_before_a_new_beginning_is_not_taken() -> None:
    pipes = Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim, dials=False)
    stranger.accept(say_welcome=False)
    assert stranger.session.introduced
    victim.forget(stranger)
    stranger.welcome()
    assert stranger.session.closing is not None
    assert stranger.session.closing[0] == Close.REPLACED
    assert not victim.peer(stranger.peer_id).sessions


def test_a_dialler_that_begins_anew_keeps_the_epoch_it_has_told() -> None:
    """The acceptor knows it by that; another would make it begin anew the next time, for nothing."""
    pipes = Pipes()
    a, b = pipes.pair()
    a.send(b, [b"x"])
    b.forget(a)
    pipes.dial(a, b)
    pipes.run()
    assert (a.link(b).peer_epoch, b.link(a).peer_epoch) == (b.link(a).epoch, a.link(b).epoch)
    renewals = (a.renewals, b.renewals)
    for near, far in ((a, b), (b, a)):
        pipes.dial(near, far)
        pipes.run()
    assert (a.renewals, b.renewals) == renewals


def test_what_another_connection_has_acknowledged_is_older_news() -> None:
    """A hello tells what was there when it was written; more may have been acknowledged since, ranges among it."""
    pipes = Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim)
    limits = wire_pb2.Limits(
        max_message_bytes=MIB, link_bytes=MIB, link_messages=100, channel_bytes=400_000, channel_messages=100
    )
    stranger.introduce(limits=limits)
    book = victim.send(stranger, [bytes(75_000)] * 4)
    pipes.run()
    some = wire_pb2.LaneReceived(lane=3, next=0, ranges=[wire_pb2.Range(first=1, last=1)])
    more = wire_pb2.LaneReceived(lane=3, next=3)
    for state in (some, more, some):
        stranger.frame(FrameType.ACK, wire_pb2.Ack(received=wire_pb2.Received(lanes=[state])))
        pipes.run()
    assert not victim.ends
    assert sorted(book.outcomes) == [1, 2, 3]


def test_a_reservation_given_back_is_another_messages() -> None:
    """Of a channel that nobody reads one waits; when its caller gives up the next one asks."""
    pipes = Pipes()
    a, b = pipes.pair()
    first, second = (a.send(b, [bytes(5 * MIB)], channel="unread") for _ in range(2))
    pipes.run()
    inbound = b.link(a).inbound
    assert list(inbound._bulk) == [0]
    link = a.link(b)
    link.outbound.withdraw(first, Reason.CANCELLED, "given up", link.carrier)
    pipes.run()
    assert first.failures == {Reason.CANCELLED: 1}
    assert list(inbound._bulk) == [1]
    assert not second.outcomes


def test_streams_that_come_in_another_order_than_they_were_opened() -> None:
    """The last one opened counts, whichever is seen first."""
    pipes = Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim)
    stranger.introduce()
    session = stranger.session
    data = entry(b"m" * 80_000)
    head = bytes((2, 0, 0, 1)) + (len(data) | 2 << 30).to_bytes(4, "big")
    session.stream_data(4010, head + data[:500], False, 100.0)
    session.stream_data(4006, head + data[:100], False, 100.0)
    session.stream_data(4010, data[500:], True, 100.0)
    assert victim.inbox.messages == 1
    frame = encode_lane_frame(0, 1, len(entry(b"x"))) + entry(b"x")
    session.stream_data(4018, b"\x01\x01\x00" + frame, False, 100.0)
    session.stream_data(4014, b"\x01\x01\x00" + frame, False, 100.0)
    session.stream_data(4018, frame, False, 100.0)
    session.stream_data(4014, frame * 2, True, 100.0)
    assert victim.inbox.messages == 3
    stranger.run()
    assert not victim.ends


def test_given_up_before_its_header_was_seen_costs_no_window() -> None:
    """The reset overtakes the header, or its connection is gone: both sides count it all the same."""
    for seed in range(20):
        pipes = Pipes(seed)
        a, b = pipes.pair()
        link = a.link(b)
        for _ in range(8):
            book = a.send(b, [bytes(270_000)])
            while not link.outbound._bulk.unacked:
                assert pipes.step()
            link.outbound.withdraw(book, Reason.CANCELLED, "given up", link.carrier)
            pipes.run()
            assert book.failures == {Reason.CANCELLED: 1}
        inbound = b.link(a).inbound
        assert link.outbound.window.used_bytes == inbound.budget.link.received_bytes == inbound.budget.link.taken_bytes
        assert not a.ends
        b.read()
        last = a.send(b, [bytes(270_000)])
        pipes.run()
        assert last.delivered_all


def test_what_a_link_says_of_itself() -> None:
    pipes = Pipes()
    a, b = pipes.pair()
    assert repr(a.link(b)) == (
        f"Link({b.peer_id[:8]}, 1 connections, Outbound(Outbox(0 messages, 0/8388608 bytes, peak 0), "
        "lanes at [0, 0, 0, 0, 0, 0, 0], bulk at 0), Inbound(lanes at [0, 0, 0, 0, 0, 0, 0], bulk at 0, 1 channels))"
    )
    assert a.link(b).outbound.idle
    assert a.link(b).inbound.idle
    a.send(b, [b"x"])
    assert not (a.link(b).outbound.idle and a.link(b).inbound.idle)


def test_a_link_gathers_little_while_it_waits_for_an_acknowledgement() -> None:
    """A turn to write costs both sides the same for one message as for many; the first of a quiet link goes at once."""
    pipes = Pipes()
    a, b = pipes.pair()
    reader = b.read()
    pipes.run()
    (end,) = [end for end in pipes.ends if end.dialled]

    def hurries(*payloads: bytes) -> bool:
        end.hurried = False
        books.append(a.send(b, list(payloads)))
        return end.hurried

    books: list[Book] = []
    assert hurries(b"first")
    end.protocol.fill(pipes.now)
    assert not hurries(b"second")
    assert not hurries(bytes(60_000))
    assert hurries(*[bytes(60_000)] * 4), "with what waits already it is worth a turn"
    end.protocol.fill(pipes.now)
    assert not hurries(b"anew"), "what was written does not count again"
    pipes.run()
    assert hurries(b"quiet again")
    pipes.run()
    assert all(book.delivered_all for book in books)
    assert len(reader.payloads) == 9


def test_much_that_comes_without_a_pause_is_answered_together() -> None:
    """Each answer costs both sides a packet and a turn; little, and what comes after a pause, is answered at once."""
    pipes = Pipes()
    a, b = pipes.pair()
    reader = b.read()
    pipes.run()
    pipes.tick = 0.0
    pipes.now += 1.0

    def sent(size: int) -> Book:
        before = len(reader.payloads)
        book = a.send(b, [bytes(size)])
        while len(reader.payloads) == before or any(end.actions() for end in pipes.ends):
            pipes.step()
        return book

    began = pipes.now
    assert sent(40_000).delivered_all, "after a pause"
    assert sent(20_000).delivered_all, "little"
    books = [sent(40_000) for _ in range(3)]
    assert not any(book.delivered_all for book in books)
    assert pipes.now == began
    pipes.run()
    assert all(book.delivered_all for book in books)
    assert pipes.now - began == pytest.approx(ANSWER_INTERVAL)
    books = [sent(60_000) for _ in range(9)]
    assert all(book.delivered_all for book in books), "enough to be answered whatever the time"
