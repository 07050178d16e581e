"""Kept messages between nodes: durable ones, and those that wait for an app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.mail.journal import SteadyClock, journal
from sidecar.mail.journal.letters import Choice, Queue
from sidecar.mail.subscription import Subscription
from sidecar.node import Node
from sidecar.overlay.events import MessagesLost, PeerRefused
from sidecar.overlay.post import Delivery
from sidecar.wire import batch
from tests.overlay.network import Network, Site, Waiter, a, entry
from tests.wire.side import payloads_of

DURABLE = Delivery(durable=True)
PROCESSED = Delivery(durable=True, awaits_processed=True)
TRACKED = Delivery(awaits_processed=True)


class Keeping(Waiter):
    """One caller's kept messages, and what became of each by its number."""

    def __init__(self, node: Node, peer_id: str, channel: str, delivery: Delivery, priority: int = 1) -> None:
        super().__init__()
        self.was_sent: set[int] = set()
        self.was_delivered: set[int] = set()
        self.was_processed: set[int] = set()
        self.reasons: dict[int, Reason] = {}
        self.sender = node.open_kept_sender(peer_id, channel, priority, self, delivery)

    def offer(self, payloads: Iterable[bytes], ids: Iterable[str] = ()) -> Keeping:
        """Small messages, as one batch."""
        names = [*ids]
        data = b"".join(entry(payload, names[index] if names else "") for index, payload in enumerate(payloads))
        self.sender.offer(data, batch.check_untrusted(data, 1 << 20))
        return self

    async def has(self, level: set[int], count: int) -> None:
        await self.until(lambda: len(level) + len(self.reasons) >= count)
        assert not self.reasons, self.reasons

    def sent(self, first: int, count: int) -> None:
        self.was_sent.update(range(first, first + count))
        self.notice()

    def delivered(self, first: int, count: int) -> None:
        self.was_delivered.update(range(first, first + count))
        self.notice()

    def processed(self, first: int, count: int) -> None:
        self.was_processed.update(range(first, first + count))
        self.notice()

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        self.reasons.update(dict.fromkeys(range(first, first + count), reason))
        self.notice()


class Consuming(Waiter):
    """An app with acknowledgements."""

    def __init__(
        self, site: Site, channel: str = "", credit: int = 1000, *, ack: bool = True, **options: float
    ) -> None:
        super().__init__()
        self.got: list[tuple[int, int, bytes]] = []
        """(delivery id, redeliveries, payload)."""
        self.ack = ack
        self.subscription: Subscription = site.node.subscribe(channel, self._wake, credit=credit, **options)  # type: ignore[arg-type]
        self._wake()

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._take)

    def _take(self) -> None:
        for number, piece in self.subscription.take(1 << 20):
            for offset, payload in enumerate(payloads_of(piece.batch)):
                self.got.append((number + offset, piece.redeliveries, payload))
            if self.ack:
                self.subscription.ack(number, number + piece.count - 1)
        self.notice()

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, _, payload in self.got]

    async def has(self, count: int) -> list[bytes]:
        await self.until(lambda: len(self.got) >= count)
        return self.payloads


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


async def durable_pair(network: Network, folder: Path, **settings: Any) -> tuple[Site, Site]:
    for name in "ab":
        (folder / name).mkdir(exist_ok=True)
    first = await network.site(directory=folder / "a", **settings)
    second = await network.site(directory=folder / "b", **settings)
    await first.join(second)
    return first, second


async def test_durable_messages_are_delivered_and_processed(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path)
    keeping = Keeping(first.node, second.peer_id, "orders", PROCESSED).offer(numbered(100))
    await keeping.has(keeping.was_delivered, 100)
    assert not keeping.was_processed, "no app has seen them"
    app = Consuming(second, "orders")
    assert await app.has(100) == numbered(100)
    await keeping.has(keeping.was_processed, 100)
    assert {times for _, times, _ in app.got} == {0}


async def test_messages_wait_for_a_peer_that_is_not_there(network: Network, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    key = Identity.ephemeral()
    first = await network.site(directory=tmp_path / "a")
    keeping = Keeping(first.node, key.peer_id, "", DURABLE)
    for start in range(0, 1000, 100):
        keeping.offer(numbered(100, start))
    await keeping.has(keeping.was_sent, 1000)
    assert not keeping.was_delivered
    second = await network.site(directory=tmp_path / "b", identity=key)
    app = Consuming(second)
    await second.join(first)
    assert await app.has(1000) == numbered(1000)
    await keeping.has(keeping.was_delivered, 1000)
    assert first.node.post.courier.bytes == 0


async def test_both_restart_and_nothing_is_lost(network: Network, tmp_path: Path) -> None:
    """What the sender has is sent by its next run; what the receiver has is handed out by its next run, marked."""
    keys = Identity.ephemeral(), Identity.ephemeral()
    for name in "ab":
        (tmp_path / name).mkdir()
    first = await network.site(directory=tmp_path / "a", identity=keys[0])
    second = await network.site(directory=tmp_path / "b", identity=keys[1])
    await first.join(second)
    keeping = Keeping(first.node, second.peer_id, "", DURABLE).offer(numbered(10))
    await keeping.has(keeping.was_delivered, 10)
    await second.crash()
    keeping.offer(numbered(10, 10))
    await keeping.has(keeping.was_sent, 20)
    await first.crash()
    first = await network.site(directory=tmp_path / "a", identity=keys[0])
    second = await network.site(directory=tmp_path / "b", identity=keys[1])
    app = Consuming(second)
    await app.has(10)
    await first.join(second)
    assert await app.has(20) == numbered(20)
    assert [times for _, times, _ in app.got] == [1] * 10 + [0] * 10


async def test_ephemeral_sidecars_keep_nothing(network: Network, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first, second = await network.site(directory=tmp_path / "a"), await network.site()
    await first.join(second)
    with pytest.raises(SidecarError, match="--ephemeral"):
        Keeping(second.node, first.peer_id, "", DURABLE)
    keeping = Keeping(first.node, second.peer_id, "", DURABLE).offer([b"x"])
    await keeping.until(lambda: bool(keeping.reasons))
    assert keeping.reasons == {1: Reason.UNSUPPORTED_BY_PEER}
    letters = await first.node.post.letters_of(Choice(Queue.DEAD_OUTGOING), 0, 10)
    assert [letter.reason for letter in letters] == ["UNSUPPORTED_BY_PEER"]


# what apps do


async def test_processed_without_a_journal(network: Network, engine_name: str) -> None:
    first, second = await network.pair(engine_name=engine_name)
    keeping = Keeping(first.node, second.peer_id, "", TRACKED).offer(numbered(50))
    await keeping.has(keeping.was_delivered, 50)
    app = Consuming(second, ack=False)
    await app.has(50)
    assert not keeping.was_processed
    app.subscription.ack(1, 20)
    await keeping.has(keeping.was_processed, 20)
    app.subscription.ack(21, 50)
    await keeping.has(keeping.was_processed, 50)


async def test_large_messages_are_kept_too(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path)
    payloads = [bytes([number]) * (300_000 + number) for number in range(6)]
    keeping = Keeping(first.node, second.peer_id, "", PROCESSED)
    for payload in payloads:
        keeping.sender.offer_large("", {}, [payload[:100_000], payload[100_000:]])
    app = Consuming(second, credit=2)
    assert sorted(await app.has(6)) == payloads
    await keeping.has(keeping.was_processed, 6)


async def test_processed_is_told_on_the_next_connection_when_it_was_lost_with_the_last(
    network: Network, tmp_path: Path
) -> None:
    """The receiver's app acknowledges while there is no connection; the sender asks when there is one."""
    for name in "ab":
        (tmp_path / name).mkdir()
    key = Identity.ephemeral()
    first = await network.site(directory=tmp_path / "a", resume_timeout=0.1, idle_timeout=2)
    second = await network.site(directory=tmp_path / "b", identity=key)
    await first.join(second)
    keeping = Keeping(first.node, second.peer_id, "", PROCESSED).offer(numbered(10))
    await keeping.has(keeping.was_delivered, 10)
    await second.crash()
    second = await network.site(directory=tmp_path / "b", identity=key)
    app = Consuming(second)
    await app.has(10)
    assert not keeping.was_processed
    await second.join(first)
    await keeping.has(keeping.was_processed, 10)


async def test_what_is_not_acknowledged_in_time_comes_back_marked(network: Network) -> None:
    first, second = await network.pair()
    app = Consuming(second, ack=False, ack_deadline=0.05)
    first.send(second, "", numbered(2))
    await app.has(4)
    assert [(times, payload) for _, times, payload in app.got[:4]] == [(0, b"0"), (0, b"1"), (1, b"0"), (1, b"1")]
    assert app.subscription.ack(1, 2) == [(1, 2)], "too late: it is with somebody else"


async def test_an_extension_gives_more_time(network: Network) -> None:
    first, second = await network.pair()
    app = Consuming(second, ack=False, ack_deadline=0.3)
    first.send(second, "", numbered(2))
    await app.has(2)
    assert app.subscription.extend(1, 1, 30) == []
    assert app.subscription.extend(7, 8, 30) == [(7, 8)]
    await app.has(3)
    assert [payload for _, _, payload in app.got] == [b"0", b"1", b"1"]
    assert app.subscription.ack(1, 1) == []


async def test_a_nack_with_delay_lets_others_pass(network: Network) -> None:
    first, second = await network.pair()
    app = Consuming(second, ack=False, credit=3)
    await first.send(second, "", numbered(4)).all_delivered()
    await app.has(3)
    app.subscription.nack(1, 1, 0.05)
    app.subscription.ack(2, 3)
    assert await app.has(5) == [b"0", b"1", b"2", b"3", b"0"]
    assert app.got[-1][1] == 1


async def test_what_comes_back_keeps_its_place(network: Network) -> None:
    first, second = await network.pair()
    app = Consuming(second, ack=False, credit=4)
    first.send(second, "", numbered(6))
    await app.has(4)
    app.subscription.ack(2, 2)
    for number in (4, 1, 3):  # in any order
        app.subscription.nack(number, number)
    app.subscription.add_credit(2)
    app._wake()
    await app.has(4 + 5)
    assert app.payloads[4:] in ([b"3", b"0", b"2", b"4", b"5"], [b"0", b"2", b"3", b"4", b"5"])


async def test_dead_letters_are_listed_replayed_and_purged(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path)
    keeping = Keeping(first.node, second.peer_id, "c", PROCESSED).offer(numbered(4))
    app = Consuming(second, "c", ack=False, max_deliveries=3)
    for first_id in (1, 5, 9):
        await app.has(first_id + 3)
        app.subscription.nack(first_id, first_id + 3)
    await keeping.until(lambda: len(keeping.reasons) == 4)
    assert set(keeping.reasons.values()) == {Reason.DEAD_LETTERED}
    assert [times for _, times, _ in app.got] == [0] * 4 + [1] * 4 + [2] * 4
    app.subscription.close()
    post = second.node.post
    dead = Choice(Queue.DEAD_INCOMING)
    letters = await post.letters_of(dead, 0, 10)
    assert sum(letter.count for letter in letters) == 4
    assert {(letter.peer, letter.channel, letter.deliveries) for letter in letters} == {(first.peer_id, "c", 3)}
    _, data = await post.letter(Queue.DEAD_INCOMING, letters[0].id)
    assert next(iter(payloads_of(data))) == b"0"
    assert await post.replay(dead) == 4
    again = Consuming(second, "c")
    assert sorted(await again.has(4)) == numbered(4)
    assert all(times for _, times, _ in again.got), "they are marked"
    assert await post.letters_of(dead, 0, 10) == []
    again.subscription.close()

    other = Consuming(second, "d", ack=False, max_deliveries=1)
    first.send(second, "d", [b"plain"])
    await other.has(1)
    other.subscription.nack(1, 1)
    await asyncio.sleep(0)
    assert [summary.messages for summary in await post.queues() if summary.queue is Queue.DEAD_INCOMING] == [1]
    assert await post.purge(dead) == 1
    assert await post.queues() == []


async def test_an_app_that_dies_leaves_its_messages_to_the_other(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path)
    dying = Consuming(second, ack=False, credit=5)
    keeping = Keeping(first.node, second.peer_id, "", PROCESSED).offer(numbered(10))
    await dying.has(5)
    living = Consuming(second)
    await living.has(5)
    dying.subscription.close()
    await living.has(10)
    assert sorted(living.payloads) == numbered(10)
    assert {payload: times for _, times, payload in living.got}[b"0"] == 1
    await keeping.has(keeping.was_processed, 10)


async def test_ids_are_taken_once(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path)
    app = Consuming(second)
    keeping = Keeping(first.node, second.peer_id, "", DURABLE).offer([b"a", b"b"], ["1", "2"])
    keeping.offer([b"a", b"c"], ["1", "3"])
    await keeping.has(keeping.was_delivered, 4)
    assert await app.has(3) == [b"a", b"b", b"c"]
    assert second.node.inbox.keeper.repeats == 1
    other = Keeping(first.node, second.peer_id, "", DURABLE).offer([b"d"], ["1"])
    await other.has(other.was_delivered, 1)
    assert app.payloads == [b"a", b"b", b"c"], "also from another call"


class Later:
    """A clock that is as many seconds ahead as it is told."""

    def __init__(self, site: Site) -> None:
        self.ahead = 0.0
        site.node.post.journal.clock = SteadyClock(0.0, monotonic=lambda: time.monotonic() + self.ahead)


async def test_time_to_live_passes_at_the_sender_and_at_the_receiver(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path)
    clocks = Later(first), Later(second)
    short = Delivery(durable=True, ttl=60, awaits_processed=True)
    stranger = Keeping(first.node, Identity.ephemeral().peer_id, "", short).offer(numbered(3))
    unread = Keeping(first.node, second.peer_id, "unread", short).offer(numbered(3))
    await unread.has(unread.was_delivered, 3)
    assert not stranger.reasons
    for clock in clocks:
        clock.ahead += 61
    await stranger.until(lambda: len(stranger.reasons) == 3)
    assert set(stranger.reasons.values()) == {Reason.EXPIRED}
    app = Consuming(second, "unread")
    await unread.until(lambda: len(unread.reasons) == 3)
    assert set(unread.reasons.values()) == {Reason.EXPIRED}
    assert app.payloads == []


@pytest.mark.parametrize("set_by", [-3600.0, 86400.0], ids=["back an hour", "on a day"])
async def test_the_clock_is_set(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_by: float
) -> None:
    """While two sidecars run nothing follows from it. Between two runs: back, and nothing ends sooner or later than it
    should, no number is used again and every repeat is known; on, and only what was good for less than a day has ended.
    Nothing is lost either way."""
    first, second = await durable_pair(network, tmp_path)
    keys = first.node.identity, second.node.identity
    hour = Delivery(durable=True, ttl=3600.0)
    Keeping(first.node, second.peer_id, "x", DURABLE).offer([b"week"], ["one"])
    short = Keeping(first.node, second.peer_id, "x", hour).offer([b"hour"], ["two"])
    await short.has(short.was_delivered, 1)

    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + set_by)
    running = Keeping(first.node, second.peer_id, "x", hour).offer([b"while it ran"])
    await running.has(running.was_delivered, 1)
    for site in (first, second):
        site.node.post.journal.sweep()  # as it does every minute
    waiting = Keeping(first.node, keys[1].peer_id, "y", hour)
    await second.crash()
    waiting.offer([b"waited"])
    await waiting.has(waiting.was_sent, 1)
    await first.crash()

    monkeypatch.setattr(journal, "SteadyClock", partial(SteadyClock, wall=lambda: now() + set_by))
    first = await network.site(directory=tmp_path / "a", identity=keys[0])
    second = await network.site(directory=tmp_path / "b", identity=keys[1])
    await first.join(second)
    again = Keeping(first.node, second.peer_id, "x", DURABLE).offer([b"week"], ["one"]).offer([b"last"])
    await again.has(again.was_delivered, 2)
    x, y = Consuming(second, "x"), Consuming(second, "y")
    if set_by < 0:
        assert await x.has(4) == [b"week", b"hour", b"while it ran", b"last"]
        assert await y.has(1) == [b"waited"]
    else:
        assert await x.has(2) == [b"week", b"last"]
        await first.event(a(MessagesLost, channel="y", reason=Reason.EXPIRED, count=1))
        assert y.payloads == []


async def test_a_stuck_channel_does_not_hold_up_another(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path, channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    stuck = Keeping(first.node, second.peer_id, "stuck", DURABLE)
    for _ in range(100):
        stuck.offer([bytes(60_000)])
    await stuck.has(stuck.was_sent, 100)
    app = Consuming(second, "read")
    keeping = Keeping(first.node, second.peer_id, "read", DURABLE).offer(numbered(100))
    assert await app.has(100) == numbered(100)
    await keeping.has(keeping.was_delivered, 100)
    assert len(stuck.was_delivered) < 100
    reader = Consuming(second, "stuck")
    await reader.has(100)
    await stuck.has(stuck.was_delivered, 100)


async def test_a_full_budget_makes_senders_wait(network: Network, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = await network.site(directory=tmp_path / "a", queue_bytes=1 << 20)
    keeping = Keeping(first.node, Identity.ephemeral().peer_id, "", DURABLE)
    while not keeping.sender.full:
        keeping.offer([bytes(60_000)])
    await keeping.has(keeping.was_sent, keeping.sender.offered)
    room: list[bool] = []
    keeping.sender.want_room(lambda: room.append(True))
    assert keeping.sender.full
    assert not room
    assert await first.node.post.purge(Choice(Queue.OUTGOING)) == keeping.sender.offered
    assert room == [True]
    assert first.node.post.courier.bytes == first.node.post.journal.bytes == 0 or not keeping.sender.full


async def test_a_hundred_thousand_messages_to_a_peer_that_is_never_there(network: Network, tmp_path: Path) -> None:
    """They are on disk and not in memory, and go when they are purged."""
    (tmp_path / "a").mkdir()
    first = await network.site(directory=tmp_path / "a")
    peer_id = Identity.ephemeral().peer_id
    keeping = Keeping(first.node, peer_id, "", Delivery(durable=True, awaits_delivered=False))
    payload = [bytes(100)] * 200
    for _ in range(500):
        keeping.offer(payload)
    await keeping.has(keeping.was_sent, 100_000)
    courier = first.node.post.courier
    assert not courier._callers, "nobody waits for more than SENT"
    assert sum(len(queue._in_flight) for queue in courier._queues.values()) == 0
    assert await first.node.post.purge(Choice(Queue.OUTGOING, peer=peer_id)) == 100_000
    assert courier.bytes == 0
    assert await first.node.post.queues() == []


async def test_a_thousand_channels(network: Network, tmp_path: Path) -> None:
    """Memory, rows and channels are back to where they were when all is settled."""
    first, second = await durable_pair(network, tmp_path)
    apps = [Consuming(second, f"channel {number}") for number in range(1000)]
    keepings = [Keeping(first.node, second.peer_id, f"channel {n}", DURABLE).offer([b"%d" % n]) for n in range(1000)]
    for keeping in keepings:
        await keeping.has(keeping.was_delivered, 1)
    for number, app in enumerate(apps):
        assert await app.has(1) == [b"%d" % number]
        app.subscription.close()
    assert second.node.inbox.messages == 0
    assert second.node.inbox.depth() == []
    while await second.node.post.queues() or await first.node.post.queues():
        pass  # acknowledged is not yet removed: each question waits for a commit
    first.node.post.courier._look()
    assert not first.node.post.courier._queues
    assert not first.node.post.courier._destinations


async def test_numbers_that_no_message_has_cost_their_connection(network: Network, tmp_path: Path) -> None:
    """The journal is asked for numbers that are larger than any it could have, and goes on."""
    first, second = await durable_pair(network, tmp_path)
    impossible = wire_pb2.OutcomeRange(first=1 << 63, last=1 << 63, durable=True)
    second.node.links.peers[first.peer_id].sessions[-1].ask_outcomes([impossible])
    refused = await first.event(a(PeerRefused, peer_id=second.peer_id))
    assert isinstance(refused, PeerRefused)
    assert "outcomes of messages" in refused.reason
    keeping = Keeping(second.node, first.peer_id, "orders", DURABLE).offer([b"x"])
    await keeping.has(keeping.was_delivered, 1)


async def test_what_a_journal_has_is_not_lost_by_leaving(network: Network, tmp_path: Path) -> None:
    first, second = await durable_pair(network, tmp_path, channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    keeping = Keeping(first.node, second.peer_id, "unread", DURABLE)
    for _ in range(20):
        keeping.offer([bytes(60_000)])
    await keeping.has(keeping.was_sent, 20)
    assert await first.node.disconnect(second.peer_id, 0.2) == 0
    assert not keeping.reasons
    app = Consuming(second, "unread")
    await app.has(20)
    await keeping.has(keeping.was_delivered, 20)
