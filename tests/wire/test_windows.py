"""Windows: nothing that an app reads is held up by what nobody reads, and all that is unread is bounded."""

from __future__ import annotations

import pytest

from sidecar.errors import Reason
from sidecar.wire.batch import ENTRY_OVERHEAD_MAX, IN_LINE_MAX
from sidecar.wire.budget import Windows
from tests.wire.pipe import Pipes
from tests.wire.side import KIB, MIB, WINDOWS, Side

NODE = Windows(
    max_message_bytes=64 * MIB,
    link_bytes=16 * MIB,
    link_messages=1 << 18,
    channel_bytes=4 * MIB,
    channel_messages=1 << 14,
    first_channel_bytes=256 * KIB + ENTRY_OVERHEAD_MAX,
    unread_channel_bytes=MIB,
    max_channels=256,
)
"""A sidecar's own."""
SMALLEST = NODE._replace(
    link_bytes=256 * KIB, channel_bytes=64 * KIB, first_channel_bytes=IN_LINE_MAX, unread_channel_bytes=64 * KIB
)
"""The smallest that may be set."""


def numbered(count: int, size: int) -> list[bytes]:
    return [b"%06d" % number + bytes(size - 6) for number in range(count)]


@pytest.mark.parametrize("size", [6, 60 * KIB, 64 * KIB, 70 * KIB, 200 * KIB, 264 * KIB, 300 * KIB])
@pytest.mark.parametrize("windows", [NODE, SMALLEST], ids=["node", "smallest"])
@pytest.mark.parametrize("channel", ["", "x"])
def test_every_size_passes_through_every_window(windows: Windows, size: int, channel: str) -> None:
    pipes = Pipes()
    a, b = pipes.pair(windows)
    reader = b.read(channel)
    payloads = numbered(12, size)
    book = a.send(b, payloads, channel=channel)
    pipes.run()
    assert book.delivered_all
    assert sorted(reader.payloads) == payloads


@pytest.mark.parametrize("unread", [1, 20, 100])
@pytest.mark.parametrize("size", [10, 64 * KIB, 200 * KIB, 300 * KIB])
@pytest.mark.parametrize("channel", ["", "read"])
def test_unread_channels_hold_up_no_other(unread: int, size: int, channel: str) -> None:
    pipes = Pipes()
    a, b = pipes.pair(NODE)
    reader = b.read(channel)
    for number in range(unread):
        a.send(b, numbered(3 * MIB // unread // size + 1, size), channel=f"unread {number}")
    pipes.run()
    payloads = numbered(10, size)
    book = a.send(b, payloads, channel=channel)
    pipes.run()
    assert book.delivered_all
    assert sorted(reader.payloads) == payloads


def test_unread_small_messages_hold_up_no_other() -> None:
    """The budget of messages, where the one of bytes is far from used."""
    pipes = Pipes()
    a, b = pipes.pair(NODE)
    for number in range(100):
        a.send(b, [b""] * 10, channel=f"unread {number}")
    pipes.run()
    reader = b.read("read")
    book = a.send(b, [b"x"] * 500, channel="read")
    pipes.run()
    assert book.delivered_all
    assert len(reader.payloads) == 500


def test_a_hundred_channels_that_are_read() -> None:
    pipes = Pipes()
    a, b = pipes.pair(NODE)
    readers = [b.read(str(number)) for number in range(100)]
    books = [a.send(b, numbered(3, 64 * KIB), channel=str(number)) for number in range(100)]
    pipes.run()
    assert all(book.delivered_all for book in books)
    assert [len(reader.payloads) for reader in readers] == [3] * 100


def test_channels_that_were_read_leave_room_to_those_that_nobody_reads_yet() -> None:
    """What they were granted and do not use is theirs for good; one more still takes what it may hold unread."""
    pipes = Pipes()
    a, b = pipes.pair(NODE._replace(max_channels=1024))
    payloads = numbered(1, 2000)
    for number in range(600):
        book = a.send(b, payloads, channel=str(number))
        pipes.run()
        assert book.delivered_all, number
        reader = b.read(str(number))
        pipes.run()
        assert reader.payloads == payloads
        reader.close()
    assert b.inbox.bytes == 0


def test_channels_that_nobody_reads_have_a_share_each() -> None:
    """However many they are, and however much others hold; together at most the link's window once more."""
    pipes = Pipes()
    a, b = pipes.pair(NODE._replace(max_channels=1024))
    for number in range(1000):
        a.send(b, numbered(20, 1000), channel=str(number))
    pipes.run()
    depth = b.inbox.depth()
    assert len(depth) == 1000
    assert min(messages for _, messages, _ in depth) >= 10
    assert b.inbox.bytes <= 2 * NODE.link_bytes


def test_large_messages_to_unread_channels_leave_reservations_to_others() -> None:
    pipes = Pipes()
    a, b = pipes.pair(NODE)
    stuck = [a.send(b, numbered(3, 5 * MIB), channel=f"unread {number}") for number in range(40)]
    pipes.run()
    assert not any(book.outcomes for book in stuck)
    reader = b.read("read")
    book = a.send(b, numbered(6, 400 * KIB), channel="read")
    pipes.run()
    assert book.delivered_all
    assert len(reader.payloads) == 6


def test_a_waiting_reservation_stops_no_numbers() -> None:
    """More large messages than may be unfinished at a time pass one that nobody reads."""
    pipes = Pipes()
    a, b = pipes.pair(WINDOWS)
    stuck = a.send(b, numbered(1, 5 * MIB), channel="unread")
    reader = b.read("read")
    for _ in range(12):
        book = a.send(b, numbered(100, 75 * KIB), channel="read")
        pipes.run()
        assert book.delivered_all
    assert len(reader.payloads) == 1200
    b.read("unread")
    pipes.run()
    assert stuck.delivered_all
    assert not a.ends


def test_large_messages_in_flight_are_repeated_on_another_connection() -> None:
    pipes = Pipes()
    a, b = pipes.pair(NODE)
    pipes.run()
    reader = b.read()
    book = a.send(b, numbered(150, 75 * KIB))
    for _ in range(4):
        pipes.run(200)
        a.kill(a.peer(b.peer_id).sessions[-1])
        pipes.dial(a, b)
    pipes.run()
    assert book.delivered_all
    assert sorted(reader.payloads) == numbered(150, 75 * KIB)


def unread_bytes(pipes: Pipes, a: Side, b: Side, channels: int, size: int) -> int:
    for number in range(channels):
        a.send(b, numbered(8 * MIB // channels // size + 1, size), channel=str(number) if number else "")
    pipes.run()
    return b.inbox.bytes


@pytest.mark.parametrize("channels", [1, 3, 30])
@pytest.mark.parametrize("size", [1000, 60 * KIB, 100 * KIB, 400 * KIB])
def test_what_is_unread_is_bounded(channels: int, size: int) -> None:
    pipes = Pipes()
    a, b = pipes.pair()
    held = unread_bytes(pipes, a, b, channels, size)
    assert 0 < held <= WINDOWS.link_bytes + b.inbox.max_reserved // 2
    assert not a.ends
    assert a.link(b).outbound.outbox.peak_bytes >= 8 * MIB


def test_many_links_share_the_inbox() -> None:
    """What all may send together is bounded too, whoever comes first."""
    pipes = Pipes()
    b = pipes.side()
    senders = [pipes.side() for _ in range(40)]
    for a in senders:
        pipes.dial(a, b)
        for number in range(8):
            a.send(b, [b""], channel=str(number))
    pipes.run()
    for a in senders:
        for number in range(8):
            a.send(b, numbered(8, 60 * KIB), channel=str(number))
    pipes.run()
    first = len(senders) * WINDOWS.first_channel_bytes
    assert b.inbox.bytes <= first + 5 * b.inbox.max_bytes // 2
    for number in range(8):
        b.read(str(number))
    pipes.run()
    assert all(a.link(b).outbound.idle for a in senders)
    assert (b.inbox.bytes, b.inbox.expected >= 0) == (0, True)


def test_an_unread_inbox_lets_nobody_new_in() -> None:
    """Each new epoch of a peer, and each new key, would bring a first window more."""
    pipes = Pipes()
    a, b = pipes.pair(WINDOWS._replace(link_bytes=128 * KIB, first_channel_bytes=IN_LINE_MAX))
    most = 2 * b.inbox.max_bytes + IN_LINE_MAX
    for _ in range(100):
        a.forget(b)
        pipes.dial(a, b)
        pipes.run()
        if not a.linked(b):
            break
        a.send(b, numbered(2, 60 * KIB))
        pipes.run()
        assert b.inbox.bytes <= most
    assert a.ends[-1].reason == "this sidecar is full of messages that nobody reads"
    b.read()
    pipes.run()
    pipes.dial(a, b)
    pipes.run()
    assert a.linked(b)


def test_a_message_above_the_peers_limit_is_reported() -> None:
    pipes = Pipes()
    a, b = pipes.pair(WINDOWS._replace(max_message_bytes=1000))
    reader = b.read()
    book = a.send(b, [b"x" * 1000, b"y" * 1001, b"z", b"w" * 70_000, bytes(100_000), b"v" * 1000])
    parts = a.send_parts(b, [bytes(60_000), bytes(60_000)])
    pipes.run()
    assert reader.payloads == [b"x" * 1000, b"z", b"v" * 1000]
    assert {number: reason for number, reason in book.outcomes.items() if reason} == {
        2: Reason.MESSAGE_TOO_LARGE, 4: Reason.MESSAGE_TOO_LARGE, 5: Reason.MESSAGE_TOO_LARGE,
    }  # fmt: skip
    assert book.details[0] == "a payload of 1001 bytes, the peer takes at most 1000"
    assert parts.failures == {Reason.MESSAGE_TOO_LARGE: 1}
    assert parts.details == ["a payload of 120000 bytes, the peer takes at most 1000"]
    assert not a.ends


def test_one_channel_too_many_is_reported() -> None:
    pipes = Pipes()
    a, b = pipes.pair(WINDOWS._replace(max_channels=3))
    books = [a.send(b, [b"x", bytes(100_000)], channel=str(number)) for number in range(5)]
    again = a.send(b, [b"x"])
    pipes.run()
    assert [book.failures for book in books] == [{}, {}, {}, {Reason.LIMIT_REACHED: 2}, {Reason.LIMIT_REACHED: 2}]
    assert books[3].details[0] == "the peer takes 3 channels on a link, and '3' is one more: use fewer names"
    assert again.delivered_all
    assert not a.ends
