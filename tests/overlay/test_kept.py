"""Kept messages between nodes: durable ones, and those that wait for an app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.identity import Identity
from sidecar.mail.inbox import Subscription
from sidecar.mail.journal.letters import Choice, Queue
from sidecar.node import Node
from sidecar.overlay.post import Delivery
from sidecar.wire import batch
from tests.overlay.network import Network, Site, Waiter, entry
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
