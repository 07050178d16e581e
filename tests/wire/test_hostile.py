"""A peer that has proven who it is and keeps no rule: what it sends costs its connection, with the right code, and
never more memory than is said here."""

from __future__ import annotations

import random

import pytest

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import varint
from sidecar.wire.batch import IN_LINE_MAX, length_prefix
from sidecar.wire.errors import Close
from sidecar.wire.frames import FRAME_MAX, FrameType, encode
from sidecar.wire.incoming import HELD_MAX
from sidecar.wire.lanes import BULK_MISSING_MAX, encode_lane_frame
from sidecar.wire.lanes import FRAME_MAX as LANE_FRAME_MAX
from sidecar.wire.session import ANSWERS_MAX, ASKED_MAX, UNREAD_MAX
from tests.wire.pipe import ROOM, Pipes
from tests.wire.side import MIB, WINDOWS, Side, entry
from tests.wire.stranger import Stranger

COUNTED = WINDOWS.first_channel_bytes
"""The largest bulk message without a reservation."""


def linked(pipes: Pipes | None = None, *, dials: bool = True) -> tuple[Side, Stranger]:
    """A side, and a stranger that has been welcomed or has welcomed it."""
    pipes = pipes or Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim, dials=dials)
    if dials:
        stranger.introduce()
    else:
        stranger.accept()
    assert stranger.session.link is not None
    return victim, stranger


def closed(stranger: Stranger, code: Close, reason: str) -> None:
    """The connection was closed for a reason; nothing is left of it."""
    stranger.run()
    assert stranger.closed_with is not None, "it was not closed"
    assert stranger.session.closing is not None
    assert stranger.session.closing[0] == code
    assert reason in stranger.session.closing[1]
    assert stranger.closed_with[0] == code


def lane_frame(channel: int, *payloads: bytes) -> bytes:
    data = b"".join(map(entry, payloads))
    return encode_lane_frame(channel, len(payloads), len(data)) + data


STREAMS: list[tuple[str, tuple[int, ...], bytes, bool, Close, str]] = [
    ("second control", (0,), b"", False, Close.MALFORMED, "a second control stream"),
    ("nothing, and its end", (), b"", True, Close.MALFORMED, "a stream's opening is cut off"),
    ("half an opening, and its end", (1, 0), b"\x40", True, Close.MALFORMED, "a stream's opening is cut off"),
    ("lane 3", (1, 3, 0), b"", False, Close.MALFORMED, "lane 3 has no stream"),
    ("lane 2^62 - 1", (1, varint.MAX, 0), b"", False, Close.MALFORMED, "has no stream"),
    ("lane from beyond", (1, 0, 1), b"", False, Close.MALFORMED, "lane 0 begins at 1, 0 is next"),
    ("frame of 2^62 - 1", (1, 0, 0, 0, 1, varint.MAX), b"", False, Close.MALFORMED, "lane frame of 1 messages in"),
    ("frame too long", (1, 0, 0, 0, 1, LANE_FRAME_MAX + 1), b"", False, Close.MALFORMED, "at most 262144 are allowed"),
    ("frame of no messages", (1, 0, 0, 0, 0, 5), b"", False, Close.MALFORMED, "lane frame of 0 messages"),
    ("empty frame", (1, 0, 0, 0, 0, 0), b"", False, Close.MALFORMED, "lane frame of 0 messages in 0 bytes"),
    ("more messages than bytes", (1, 0, 0, 0, 3, 2), b"\x0a\x00", False, Close.MALFORMED, "3 messages in 2 bytes"),
    ("fewer messages than said", (1, 0, 0, 0, 2, 4), b"\x0a\x02\x1a\x00", False, Close.MALFORMED, "2 messages holds 1"),
    ("no batch", (1, 0, 0, 0, 1, 4), b"zzzz", False, Close.MALFORMED, "no `messages` entry"),
    ("not UTF-8", (1, 0, 0, 0, 1, 6), b"\x0a\x04\x0a\x02\xc3\x28", False, Close.MALFORMED, "message_id is not UTF-8"),
    ("lane, channel 1", (1, 0, 0, 1, 1, 4), b"\x0a\x02\x1a\x00", False, Close.MALFORMED, "channel 1, which was not"),
    ("lane that ends in a frame", (1, 0, 0, 0, 1, 9), b"\x0a", True, Close.MALFORMED, "a lane ended within a frame"),
    ("bulk of 2^62 - 1", (2, 0, 0, 1, varint.MAX), b"", False, Close.MALFORMED, "at most 8388608 are allowed"),
    ("bulk, channel 1", (2, 0, 1, 1, 9), b"", False, Close.MALFORMED, "channel 1, which was not opened"),
    ("bulk of priority 3", (2, 0, 0, 3, 9), b"", False, Close.MALFORMED, "priority 3"),
    ("bulk too short", (2, 0, 0, 1, 9), b"12345678", True, Close.MALFORMED, "8 bytes, 9 were declared"),
    ("bulk too long", (2, 0, 0, 1, 9), b"1234567890", False, Close.MALFORMED, "10 bytes, 9 were declared"),
    ("bulk of no batch", (2, 0, 0, 1, 4), b"zzzz", True, Close.MALFORMED, "no `messages` entry"),
    ("bulk of two", (2, 0, 0, 1, 4), b"\x0a\x00\x0a\x00", True, Close.MALFORMED, "not exactly one message"),
    ("unreserved bytes", (2, 0, 0, 1, COUNTED + 1), b"x", False, Close.CREDIT, "came before its reservation"),
]  # fmt: skip


@pytest.mark.parametrize("dials", [True, False], ids=["dialler", "acceptor"])
@pytest.mark.parametrize(
    ("numbers", "data", "fin", "code", "reason"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS]
)
def test_a_wrong_stream(
    numbers: tuple[int, ...], data: bytes, fin: bool, code: Close, reason: str, dials: bool
) -> None:
    victim, stranger = linked(dials=dials)
    stranger.open(*numbers, data=data, fin=fin)
    closed(stranger, code, reason)
    assert victim.inbox.messages == 0


def received(*lanes: wire_pb2.LaneReceived) -> wire_pb2.Ack:
    return wire_pb2.Ack(received=wire_pb2.Received(lanes=lanes))


def ranges(*pairs: tuple[int, int], after: int = 0) -> wire_pb2.Ack:
    found = [wire_pb2.Range(first=first, last=last) for first, last in pairs]
    return received(wire_pb2.LaneReceived(lane=3, next=after, ranges=found))


Told = wire_pb2.ChannelCredit
Open = wire_pb2.ChannelOpen
FRAMES: list[tuple[str, FrameType, object, Close, str]] = [
    ("ack of what was not sent", FrameType.ACK, received(wire_pb2.LaneReceived(lane=1, next=6)), Close.MALFORMED,
     "acknowledges message 5 of a lane that has sent 5"),
    ("ack of 2^64 - 1", FrameType.ACK, received(wire_pb2.LaneReceived(lane=0, next=(1 << 64) - 1)), Close.MALFORMED,
     "of a lane that has sent 0"),
    ("ack of bulk not sent", FrameType.ACK, ranges(after=1), Close.MALFORMED, "acknowledges bulk message 0, 0 were"),
    ("ranges not sent", FrameType.ACK, ranges((0, 0)), Close.MALFORMED, "bulk messages 0 to 0, 0 were sent"),
    ("ranges turned round", FrameType.ACK, ranges((5, 4)), Close.MALFORMED, "bulk messages 5 to 4"),
    ("too many ranges", FrameType.ACK, ranges(*[(0, 0)] * 257), Close.MALFORMED, "257 ranges of bulk messages"),
    ("credit for no channel", FrameType.CREDIT, wire_pb2.Credit(channels=[Told(channel=7)]), Close.MALFORMED,
     "credit for channel 7, which was not opened"),
    ("channel out of turn", FrameType.CHANNEL_OPEN, Open(channel=2, name="x"), Close.MALFORMED, "opens channel 2 as"),
    ("channel 0 renamed", FrameType.CHANNEL_OPEN, Open(channel=0, name="x"), Close.MALFORMED, "opens channel 0 as"),
    ("channel without name", FrameType.CHANNEL_OPEN, Open(channel=1), Close.MALFORMED, "opens channel 1 as ''"),
    ("long name", FrameType.CHANNEL_OPEN, Open(channel=1, name="x" * 129), Close.MALFORMED, "name of 129 bytes"),
    ("short peer id", FrameType.PEERS_REQUEST, wire_pb2.PeersRequest(peer_id=b"x" * 31), Close.MALFORMED,
     "peer id of 31 bytes"),
    ("no ack", FrameType.ACK, b"\xff", Close.MALFORMED, "Ack cannot be decoded"),
    ("no credit", FrameType.CREDIT, b"\x1a\x05", Close.MALFORMED, "Credit cannot be decoded"),
    ("no ping", FrameType.PING, b"\x0b", Close.MALFORMED, "Ping cannot be decoded"),
    ("no peers", FrameType.PEERS, b"\x0a\xff\xff\xff\xff\x7f", Close.MALFORMED, "Peers cannot be decoded"),
    ("no goaway", FrameType.GOAWAY, b"\x0a\x01\xff", Close.MALFORMED, "Goaway cannot be decoded"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body", "code", "reason"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES]
)
def test_a_wrong_frame(kind: FrameType, body: object, code: Close, reason: str) -> None:
    victim, stranger = linked()
    victim.send(stranger, [b"sent"] * 5)
    stranger.run()
    stranger.frame(kind, body)
    closed(stranger, code, reason)


def test_what_is_not_known_is_skipped() -> None:
    """RFC 9114 section 9: unknown frames, streams and fields may come from a later version."""
    victim, stranger = linked()
    stranger.write(encode(FrameType.PING, b"").replace(b"\x07", b"\x40\x21", 1))
    stranger.write(varint.encode(varint.MAX) + b"\x03abc")
    for kind in (3, 0x21, varint.MAX):
        stranger.open(kind, data=b"anything")
        stranger.open(kind, fin=True)
    bidirectional = stranger.end.open_stream(bidirectional=True)
    stranger.end.send(bidirectional, b"hello")
    stranger.frame(FrameType.PING, wire_pb2.Ping(id=3).SerializeToString() + b"\xa2\x06\x01x")
    stranger.frame(FrameType.ACK, received(wire_pb2.LaneReceived(lane=9, next=99)))
    for stream_id in (stranger.end.open_stream(), bidirectional):
        stranger.end.reset(stream_id, 5)
    stranger.run()
    assert stranger.said(FrameType.PING) == [wire_pb2.Ping(id=3, answer=True).SerializeToString()]
    assert not victim.ends
    assert not stranger.session._incoming._openings


@pytest.mark.parametrize("how", ["ends", "is reset", "is refused"])
@pytest.mark.parametrize("stream", ["control", "lane"])
def test_the_end_of_what_must_not_end(how: str, stream: str) -> None:
    victim, stranger = linked()
    lane = stranger.open(1, 0, 0, data=lane_frame(0, b"x") + b"\x00")
    victim.send(stranger, [b"x"])
    stranger.run()
    mine = stranger.control if stream == "control" else lane
    theirs = stranger.session._control_id if stream == "control" else stranger.session._lane_ids[1]
    assert theirs is not None
    match how:
        case "ends":
            stranger.end.send(mine, b"", fin=True)
            closed(stranger, Close.MALFORMED, "ended")
        case "is reset":
            stranger.end.reset(mine, 1)
            closed(stranger, Close.MALFORMED, "was reset")
        case _:
            stranger.end.far.stops.append((theirs, 1))
            closed(stranger, Close.MALFORMED, "was refused")


@pytest.mark.parametrize("fin", [False, True])
def test_messages_before_welcome(fin: bool) -> None:
    """An acceptor takes none; a dialler holds some, for they may have overtaken the WELCOME."""
    pipes = Pipes()
    victim = pipes.side()
    dialler = Stranger(pipes, victim)
    dialler.open(1, 0, 0, data=lane_frame(0, b"x"), fin=fin)
    closed(dialler, Close.MALFORMED, "messages before WELCOME")
    acceptor = Stranger(pipes, victim, dials=False, number=41)
    acceptor.accept(say_welcome=False)
    reset = acceptor.open(2, 0, 0, 1, 1000)
    acceptor.open(1, 0, 0, data=lane_frame(0, b"x"), fin=fin)
    acceptor.run()
    acceptor.end.reset(reset, 1)
    acceptor.run()
    assert victim.inbox.messages == 0
    acceptor.welcome()
    assert victim.inbox.messages == 1
    assert acceptor.closed_with is None
    assert not any(type(reader).__name__ == "BulkReader" for reader in acceptor.session._incoming._readers.values())


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_what_is_held_before_welcome_is_bounded(size: int) -> None:
    pipes = Pipes()
    pipes.streams = 1000
    victim = pipes.side()
    acceptor = Stranger(pipes, victim, dials=False)
    acceptor.accept(say_welcome=False)
    for _ in range(200):
        acceptor.open(1, 0, 0, data=bytes(size))
        acceptor.run()
        if acceptor.closed_with:
            break
    closed(acceptor, Close.MALFORMED, "of messages before WELCOME")
    assert sum(len(held) for held, _ in acceptor.session._incoming._held.values()) <= HELD_MAX


OVER: list[tuple[str, list[tuple[int, ...]], bytes]] = [
    ("bytes", [(1, 0, 0)], lane_frame(0, *[bytes(60_000)] * 3) * 2),
    ("messages", [(1, 0, 0)], lane_frame(0, *[b""] * 1000) * 5),
    ("bulk", [(2, 0, 0, 1, COUNTED), (2, 1, 0, 1, IN_LINE_MAX)], b""),
]


@pytest.mark.parametrize(("openings", "data"), [row[1:] for row in OVER], ids=[row[0] for row in OVER])
def test_more_than_was_granted(openings: list[tuple[int, ...]], data: bytes) -> None:
    victim, stranger = linked()
    for numbers in openings:
        stranger.open(*numbers, data=data)
        stranger.run()
    closed(stranger, Close.CREDIT, "more messages on channel '' than its credit allows")
    assert victim.inbox.bytes <= COUNTED
    assert victim.inbox.messages <= WINDOWS.channel_messages


def held(stranger: Stranger) -> int:
    """Bytes in the session's readers."""
    return sum(
        sum(map(len, getattr(reader, "_parts", ()))) + len(getattr(reader, "_held", b""))
        for reader in stranger.session._incoming._readers.values()
    )


def test_one_number_on_many_streams_is_held_once() -> None:
    pipes = Pipes()
    pipes.streams = 10_000
    victim, stranger = linked(pipes)
    size = COUNTED - 10
    for _ in range(100):
        stranger.open(2, 0, 0, 1, size, data=bytes(size - 1))
        stranger.run()
        assert held(stranger) < size
    assert len(stranger.session._incoming._bulk) == 1
    whole = entry(bytes(size - 9))
    stranger.open(2, 0, 0, 1, size, data=whole + bytes(size - len(whole)), fin=True)
    closed(stranger, Close.MALFORMED, "")
    assert victim.inbox.messages == 0


def test_a_number_may_come_again_and_the_last_stream_counts() -> None:
    victim, stranger = linked()
    data = entry(b"m" * 80_000)
    first = stranger.open(2, 0, 0, 1, len(data), data=data[:100])
    stranger.run()
    stranger.open(2, 0, 0, 1, len(data), data=data, fin=True)
    stranger.end.send(first, data[100:200])
    stranger.run()
    stranger.end.reset(first, 1)
    stranger.open(2, 0, 0, 1, len(data), data=data, fin=True)
    stranger.run()
    assert stranger.closed_with is None
    assert victim.inbox.messages == 1
    assert victim.inbox.bytes == len(data)


@pytest.mark.parametrize("again", [(2, 0, 0, 1, 90_001), (2, 0, 1, 1, 90_000)])
def test_a_number_that_comes_again_as_another(again: tuple[int, ...]) -> None:
    _, stranger = linked()
    stranger.frame(FrameType.CHANNEL_OPEN, Open(channel=1, name="x"))
    stranger.run()
    stranger.open(2, 0, 0, 1, 90_000)
    stranger.run()
    stranger.open(*again)
    closed(stranger, Close.MALFORMED, "bulk message 0 comes again with another length or channel")


@pytest.mark.parametrize("length", [0, 300_000, 80_000])
@pytest.mark.parametrize("first", [True, False])
def test_given_up(length: int, first: bool) -> None:
    """With nothing behind the header, and without a length, as it was written at first."""
    victim, stranger = linked()
    if first:
        stream = stranger.open(2, 0, 0, 1, length or 300_000)
        stranger.run()
        stranger.end.reset(stream, 1)
    stranger.open(2, 0, 0, 1, length, fin=True)
    stranger.run()
    assert stranger.closed_with is None
    link = stranger.session.link
    assert link is not None
    assert link.inbound._bulk_next == 1
    assert link.inbound.budget.link.received_bytes == link.inbound.budget.link.taken_bytes
    assert (link.inbound.idle, victim.inbox.reserved, victim.inbox.messages) == (True, 0, 0)


def test_reservations_that_are_asked_for_and_not_used() -> None:
    """Each number has one, however often it is asked for; and so many may be unfinished."""
    pipes = Pipes()
    pipes.streams = 10_000
    victim, stranger = linked(pipes)
    link = stranger.session.link
    assert link is not None
    for _ in range(300):
        stream = stranger.open(2, 0, 0, 1, MIB)
        stranger.run()
        stranger.end.reset(stream, 1)
    assert victim.inbox.reserved == MIB
    assert len(link.inbound._grants_due) <= 1
    for sequence in range(1, BULK_MISSING_MAX + 1):
        stranger.open(2, sequence, 0, 1, 8 * MIB)
    closed(stranger, Close.MALFORMED, f"begins while {BULK_MISSING_MAX} are unfinished")
    assert len(link.inbound._bulk) == BULK_MISSING_MAX
    assert victim.inbox.reserved <= 8 * MIB


def test_numbers_far_apart() -> None:
    pipes = Pipes()
    pipes.streams = 10_000
    _, stranger = linked(pipes)
    for number in range(BULK_MISSING_MAX + 1):
        stranger.open(2, (number + 1) << 50, 0, 1, 0, fin=True)
    closed(stranger, Close.MALFORMED, f"leaves more than {BULK_MISSING_MAX} gaps")


@pytest.mark.parametrize("numbers", [(1, 0, 0, 0, 1, 200_000), (2, 0, 0, 1, 200_000)])
def test_single_bytes_cost_no_more_than_they_are(numbers: tuple[int, ...]) -> None:
    _, stranger = linked()
    stream = stranger.open(*numbers)
    stranger.run()
    for _ in range(20_000):
        stranger.session.stream_data(stream, b"x", False, 100.0)
    (reader,) = [reader for reader in stranger.session._incoming._readers.values() if hasattr(reader, "_parts")]
    assert sum(map(len, reader._parts)) == 20_000
    assert len(reader._parts) <= 21


def test_a_frame_keeps_no_more_than_its_own_bytes() -> None:
    """What came with it may be megabytes."""
    _, stranger = linked()
    frames = lane_frame(0, bytes(1000)) * 50
    stranger.open(1, 0, 0, data=frames + lane_frame(0, bytes(5000))[:4000])
    stranger.run()
    (reader,) = [reader for reader in stranger.session._incoming._readers.values() if hasattr(reader, "_parts")]
    assert all(type(part) is bytes for part in reader._parts)


def test_a_peer_that_asks_and_never_reads() -> None:
    pipes = Pipes()
    victim, stranger = linked(pipes)
    stranger.end.reads = False
    most = 0
    questions = encode(FrameType.PING, wire_pb2.Ping(id=1).SerializeToString()) * 1000
    for _ in range(400):
        stranger.write(questions)
        stranger.frame(FrameType.CHANNEL_OPEN, Open(channel=0, name=""))
        pipes.run()
        waiting = sum(len(part) for stream in stranger.end.far.streams.values() for part in stream.waiting)
        most = max(most, waiting)
        if victim.ends:
            break
    assert victim.ends
    assert victim.ends[0].code == Close.BUSY
    assert "bytes of control frames are not read" in victim.ends[0].reason
    assert most <= ROOM + UNREAD_MAX + ANSWERS_MAX


@pytest.mark.parametrize("kind", [FrameType.PING, FrameType.PEERS_REQUEST])
def test_too_many_questions_at_once(kind: FrameType) -> None:
    victim, stranger = linked()
    stranger.session.stream_data(stranger.control, encode(kind, b"") * (ASKED_MAX + 1), False, 100.0)
    closed(stranger, Close.BUSY, f"more than {ASKED_MAX} questions at once")
    assert len(victim.asked) <= ASKED_MAX


def test_answers_with_records_are_bounded() -> None:
    _, stranger = linked()
    records = [wire_pb2.Record(body=bytes(2048), signature=bytes(70)) for _ in range(64)]
    for _ in range(1000):
        stranger.session.tell_peers(wire_pb2.Peers(records=records, peer_id=b"p" * 32))
    assert stranger.session._control_bytes <= ANSWERS_MAX + FRAME_MAX + 10
    stranger.run()
    bodies = stranger.said(FrameType.PEERS)
    assert len(bodies) == 5
    assert all(len(body) <= FRAME_MAX for body in bodies)
    told = wire_pb2.Peers.FromString(bodies[0])
    assert len(told.records) == 30
    assert told.peer_id == b"p" * 32


def test_too_many_pings_of_our_own() -> None:
    _, stranger = linked()
    for _ in range(64):
        stranger.session.ping(lambda now: None)
    with pytest.raises(Exception, match="64 pings wait for an answer"):
        stranger.session.ping(lambda now: None)


def test_pings_are_answered_once() -> None:
    _, stranger = linked()
    answers: list[float] = []
    stranger.session.ping(answers.append)
    stranger.run()
    asked = wire_pb2.Ping.FromString(stranger.said(FrameType.PING)[0])
    for number in (asked.id, asked.id, asked.id + 1):
        stranger.frame(FrameType.PING, wire_pb2.Ping(id=number, answer=True))
    stranger.run()
    assert len(answers) == 1


def test_streams_without_end() -> None:
    """Of unknown types, and openings of one byte: each costs an entry as long as the peer keeps it open, and QUIC lets
    it keep so many."""
    pipes = Pipes()
    victim, stranger = linked(pipes)
    for kind in (3, 2):
        for _ in range(45):
            stranger.open(kind)
    for _ in range(2000):
        stream = stranger.end.open_stream()
        del stranger.end.streams[stream]  # its place is free again
        stranger.session.stream_data(stream, b"\x03", True, 100.0)
    stranger.run()
    assert not victim.ends
    assert len(stranger.session._incoming._readers) + len(stranger.session._incoming._openings) <= 100


def test_channels_without_end() -> None:
    _, stranger = linked()
    for number in range(1, WINDOWS.max_channels + 2):
        stranger.frame(FrameType.CHANNEL_OPEN, Open(channel=number, name=str(number)))
    closed(stranger, Close.MALFORMED, f"opens channel {WINDOWS.max_channels + 1}")


def test_a_channel_opened_again_is_told_its_window_again() -> None:
    _, stranger = linked()
    for _ in range(3):
        stranger.frame(FrameType.CHANNEL_OPEN, Open(channel=1, name="x"))
        stranger.run()
    told = [wire_pb2.Credit.FromString(body) for body in stranger.said(FrameType.CREDIT)]
    assert [channel.bytes for credit in told for channel in credit.channels if channel.channel == 1] == [512 << 10] * 3
    stranger.frame(FrameType.CHANNEL_OPEN, Open(channel=2, name="x"))
    closed(stranger, Close.MALFORMED, "opens channel 2 as 'x'")


def test_a_peer_that_never_sends_credit() -> None:
    """What it granted in its HELLO is sent; the rest waits here, within the outbox."""
    pipes = Pipes()
    victim, stranger = linked(pipes)
    book = victim.send(stranger, [bytes(500)] * 2000)
    victim.send(stranger, [bytes(100_000)])
    link = victim.link(stranger)
    pipes.run()
    assert len(book.was_sent) == 100
    assert link.outbound.window.used_messages == 100
    assert not victim.ends


def test_acks_that_split_what_was_sent_together() -> None:
    pipes = Pipes()
    victim, stranger = linked(pipes)
    book = victim.send(stranger, [b"%d" % number for number in range(50)])
    pipes.run()
    for through in (0, 1, 1, 17, 3, 49, 50):
        stranger.frame(FrameType.ACK, received(wire_pb2.LaneReceived(lane=1, next=through)))
        stranger.run()
        assert len(book.outcomes) == max(through, len(book.outcomes))
    assert book.delivered_all
    assert book.order == list(range(1, 51))
    assert victim.link(stranger).outbound.outbox.bytes == 0


def test_the_stream_of_a_large_message_may_be_refused() -> None:
    """It counts as sent, until it is acknowledged."""
    pipes = Pipes()
    victim, stranger = linked(pipes)
    book = victim.send(stranger, [bytes(75_000)])
    pipes.run(3)
    (bulk,) = victim.link(stranger).outbound._bulk.unacked.values()
    assert bulk.stream_id is not None
    stranger.end.far.stops.append((bulk.stream_id, 13))
    stranger.run()
    assert not victim.ends
    assert (book.was_sent, book.outcomes) == ({1}, {})
    stranger.frame(FrameType.ACK, ranges(after=1))
    stranger.run()
    assert book.delivered_all


@pytest.mark.parametrize("block", range(4))
def test_random_bytes_on_every_kind_of_stream(block: int) -> None:
    for seed in range(block * 200, block * 200 + 200):
        draw = random.Random(seed)
        pipes = Pipes(seed)
        victim, stranger = linked(pipes, dials=draw.random() < 0.5)
        streams = [stranger.control]
        for _ in range(draw.randint(1, 30)):
            match draw.randrange(4):
                case 0:
                    kind = draw.choice(((0,), (1, draw.randrange(4), 0), (2, draw.randrange(3), 0, 1, 100), (9,)))
                    streams.append(stranger.open(*kind))
                case 1:
                    streams.append(stranger.end.open_stream(bidirectional=draw.random() < 0.2))
                case 2:
                    stranger.end.reset(streams.pop(draw.randrange(len(streams))), 1)
                    streams = streams or [stranger.end.open_stream()]
                case _:
                    size = draw.choice((1, 3, 10, 300, 5000))
                    stranger.end.send(draw.choice(streams), draw.randbytes(size))
            pipes.run(5)
        pipes.run()
        assert len(victim.ends) <= 1
        assert all(end.code in (Close.MALFORMED, Close.CREDIT, Close.BUSY) for end in victim.ends)
        assert victim.inbox.bytes <= COUNTED
        assert held(stranger) <= FRAME_MAX + COUNTED


def test_others_go_on() -> None:
    """One peer after another is closed for what it sent; a link to a third carries everything meanwhile."""
    pipes = Pipes()
    a, b = pipes.pair()
    reader = b.read()
    books = []
    for number, row in enumerate(STREAMS):
        books.append(a.send(b, [b"%d" % number, bytes(100_000)]))
        stranger = Stranger(pipes, b, number=60 + number % 3)
        stranger.introduce(epoch=number + 1)
        stranger.open(*row[1], data=row[2], fin=row[3])
        stranger.run()
        assert stranger.closed_with is not None
    assert all(book.delivered_all for book in books)
    assert len(reader.payloads) == 2 * len(STREAMS)
    assert not a.ends


def test_a_close_phrase_is_cut() -> None:
    pipes = Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim, dials=True)
    stranger.run()
    stranger.end.close(Close.DONE, "x" * 1000)
    stranger.run()
    (end,) = victim.ends
    assert end.remote
    assert end.reason == "x" * 128


def test_lengths_of_a_protobuf_varint_are_short() -> None:
    """Ten bytes are allowed elsewhere; here five are more than enough."""
    _, stranger = linked()
    data = b"\x0a" + b"\x80" * 9 + b"\x00"
    assert length_prefix(0) == b"\x00"
    stranger.open(1, 0, 0, data=encode_lane_frame(0, 1, len(data)) + data)
    closed(stranger, Close.MALFORMED, "a length is cut off or too long")
