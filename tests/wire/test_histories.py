"""Random histories of two links: messages of every kind, connections made and lost at any instant, apps that come and
go. Whatever happens, each message arrives once or is reported, in order, and nothing is left behind."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

import pytest

from sidecar.errors import Reason
from sidecar.wire.budget import Windows
from tests.wire.pipe import Pipes
from tests.wire.side import KIB, WINDOWS, Book, Reader, Side, payloads_of

CHANNELS = ("", "x", "y", "z")
SIZES = (0, 1, 40, 3000, 60_000, 70_000, 90_000, 200_000, 400_000)
NARROW = WINDOWS._replace(
    link_bytes=1024 * KIB, channel_bytes=256 * KIB, first_channel_bytes=96 * KIB, unread_channel_bytes=128 * KIB,
    link_messages=200, channel_messages=50, max_message_bytes=512 * KIB,
)  # fmt: skip


WEIGHTS = {"send": 6, "large": 3, "withdraw": 2, "read": 2, "cease": 1, "dial": 2, "kill": 2, "run": 9}
"""How often each thing is done."""


@dataclass
class Sent:
    """Messages of one call."""

    way: str
    channel: str
    priority: int
    book: Book
    payloads: list[bytes]
    withdrawn: bool = False


class History:
    """Two sides and what has been done with them."""

    def __init__(self, seed: int, windows: Windows, **more: int) -> None:
        self.weights = WEIGHTS | more
        self.random = random.Random(seed)
        self.pipes = Pipes(seed)
        self.a, self.b = self.pipes.side(windows), self.pipes.side(windows)
        self.sent: list[Sent] = []
        self.readers: dict[tuple[str, str], list[Reader]] = defaultdict(list)
        self.numbered = 0

    def ends(self, way: str) -> tuple[Side, Side]:
        """Sender and receiver of a direction."""
        return (self.a, self.b) if way == "ab" else (self.b, self.a)

    def act(self) -> None:
        """Does one thing."""
        draw = self.random
        way = draw.choice(("ab", "ba"))
        near, far = self.ends(way)
        match draw.choices(list(self.weights), list(self.weights.values()))[0]:
            case "send":
                self.send(way, draw.randint(1, 20), SIZES[:4])
            case "large":
                self.send(way, draw.randint(1, 4), SIZES[4:])
            case "withdraw" if self.sent:
                sent = draw.choice(self.sent)
                near, far = self.ends(sent.way)
                sent.withdrawn = True
                link = near.link(far)
                link.outbound.withdraw(sent.book, Reason.CANCELLED, "withdrawn", link.carrier)
            case "read":
                self.read(way, draw.choice(CHANNELS))
            case "cease":
                readers = self.readers[way, draw.choice(CHANNELS)]
                if readers:
                    readers.pop().close()
            case "dial":
                self.pipes.dial(near, far)
            case "kill":
                sessions = near.peer(far.peer_id).sessions
                if sessions:
                    near.kill(draw.choice(sessions))
            case "forget":
                near.forget(far)
            case _:
                self.pipes.run(draw.choice((1, 5, 30, 200)))

    def send(self, way: str, count: int, sizes: tuple[int, ...]) -> None:
        """Queues messages."""
        near, far = self.ends(way)
        channel, priority = self.random.choice(CHANNELS), self.random.randint(0, 2)
        payloads = []
        for _ in range(count):
            self.numbered += 1
            payloads.append(b"%d " % self.numbered + bytes(self.random.choice(sizes)))
        book = near.send(far, payloads, channel=channel, priority=priority)
        self.sent.append(Sent(way, channel, priority, book, payloads))

    def read(self, way: str, channel: str) -> None:
        """One more app reads."""
        _, far = self.ends(way)
        self.readers[way, channel].append(far.read(channel, self.random.choice((1, 100 * KIB))))

    def finish(self) -> None:
        """One connection that lives, and apps for everything."""
        for way in ("ab", "ba"):
            for channel in CHANNELS:
                self.read(way, channel)
        for side in (self.a, self.b):
            for peer in side.peers.values():
                for session in list(peer.sessions):
                    side.kill(session)
        self.pipes.ends.clear()
        self.pipes.dial(self.a, self.b)
        self.pipes.run()

    def arrived(self) -> dict[tuple[str, str], list[bytes]]:
        """What apps have read, by direction and channel, each reader's in its order."""
        found: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        for side, way in ((self.b, "ab"), (self.a, "ba")):
            for reader in side.readers:
                found[way, reader.channel] += reader.payloads
        return found


def check(history: History) -> None:
    """What must hold at the end of every history."""
    for side in (history.a, history.b):
        assert [end.reason for end in side.ends if end.application and end.code not in (0, 8)] == []
    arrived = history.arrived()
    everything = [payload for payloads in arrived.values() for payload in payloads]
    assert len(everything) == len(set(everything)), "something came twice"
    for sent in history.sent:
        assert sent.book.complete
        there = set(arrived[sent.way, sent.channel])
        allowed: set[Reason | None] = {None}
        if sent.withdrawn:
            allowed.add(Reason.CANCELLED)
        if "forget" in history.weights:
            allowed |= {Reason.OUTCOME_UNKNOWN, Reason.LINK_CLOSED}
        for number, payload in enumerate(sent.payloads, 1):
            outcome = sent.book.outcomes[number]
            assert outcome in allowed
            if outcome is not Reason.OUTCOME_UNKNOWN:
                assert (payload in there) is (outcome is None), f"{number}: {outcome}"
    check_order(history)
    for side in (history.a, history.b):
        assert (side.inbox.bytes, side.inbox.messages, side.inbox.reserved) == (0, 0, 0)
        for peer in side.peers.values():
            outbound, inbound = peer.link.outbound, peer.link.inbound
            assert (outbound.outbox.bytes, outbound.outbox.messages) == (0, 0)
            assert outbound.idle
            assert inbound.idle
    for near, far in ((history.a, history.b), (history.b, history.a)):
        check_books(near, far)


def check_order(history: History) -> None:
    """Small messages of one channel and priority have come in the order in which they were sent."""
    for side, way in ((history.b, "ab"), (history.a, "ba")):
        came: dict[tuple[str, int], list[bytes]] = defaultdict(list)
        for arrival in side.inbox.log:
            if not arrival.bulk:
                came[arrival.channel, arrival.priority] += payloads_of(arrival.batch)
        for (channel, priority), payloads in came.items():
            there = set(payloads)
            sent = [one for one in history.sent if (one.way, one.channel, one.priority) == (way, channel, priority)]
            assert payloads == [payload for one in sent for payload in one.payloads if payload in there]


def check_books(near: Side, far: Side) -> None:
    """Both ends of a direction have counted the same."""
    outbound, inbound = near.link(far).outbound, far.link(near).inbound
    assert outbound.window.used_bytes == inbound.budget.link.received_bytes == inbound.budget.link.taken_bytes
    assert outbound.window.used_messages == inbound.budget.link.received_messages == inbound.budget.link.taken_messages
    for number, channel in inbound.budget.channels.items():
        window = outbound._by_number[number].window
        assert window.used_bytes == channel.allowance.received_bytes == channel.allowance.taken_bytes
        assert window.granted_bytes <= channel.allowance.granted_bytes


@pytest.mark.parametrize("windows", [WINDOWS, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("forget", [0, 1], ids=["kept", "forgotten"])
@pytest.mark.parametrize("block", range(4))
def test_each_message_arrives_once_or_is_reported(block: int, forget: int, windows: Windows) -> None:
    for seed in range(block * 8, block * 8 + 8):
        history = History(seed, windows, **({"forget": forget} if forget else {}))
        for _ in range(60):
            history.act()
        history.finish()
        try:
            check(history)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
