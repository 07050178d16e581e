"""Both clients against real sidecar processes, which are killed and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest

from sidecar_client import (
    AsyncSidecar,
    DeadlinePassed,
    Gap,
    OutcomeUnknown,
    PeerChange,
    PeerIsSelf,
    PeersSnapshot,
    PeerUnknown,
    Received,
    SendFailed,
    Sidecar,
    SidecarUnavailable,
    requests,
)
from sidecar_client.gen.overlay.v1 import node_pb2
from tests.processes import SidecarProcess, Sidecars

Two = tuple[SidecarProcess, SidecarProcess]


@pytest.fixture
def two(sidecars: Sidecars) -> Iterator[Two]:
    a = sidecars.spawn("a")
    b = sidecars.spawn("b", bootstrap=[a.contact])
    yield a, b
    for process in (a, b):
        if process.alive:
            process.kill()  # leaving in order would take its time where the other one is gone


@pytest.fixture
def apps(two: Two) -> Iterator[tuple[Sidecar, Sidecar]]:
    with Sidecar(two[0].endpoint) as a, Sidecar(two[1].endpoint) as b:
        a.wait_ready(level="overlay")
        b.wait_ready(level="overlay")
        yield a, b


Apps = tuple[Sidecar, Sidecar]


def payloads(inbox: object, count: int) -> list[bytes]:
    got: list[bytes] = []
    while len(got) < count:
        item = next(inbox)  # type: ignore[call-overload]
        assert isinstance(item, Received), item
        got.append(item.payload)
    return got


# threads


def test_send_and_receive(two: Two, apps: Apps) -> None:
    a, b = apps
    with b.receive("chat") as inbox:
        sent = a.send(two[1].peer_id, b"hello", channel="chat", headers={"k": "v"})
        got = next(inbox)
    assert isinstance(got, Received)
    assert (got.payload, got.headers, got.message_id, got.peer_id) == (
        b"hello",
        {"k": "v"},
        sent.message_id,
        two[0].peer_id,
    )
    assert sent.level == "delivered"
    assert sent.sent_at is not None
    assert sent.delivered_at is not None
    assert a.ping(two[1].peer_id) > 0
    assert [peer.peer_id for peer in a.peers()] == [two[1].peer_id]
    assert b.contacts()[0].configured
    assert a.node().state == node_pb2.NODE_STATE_SERVING
    with pytest.raises(PeerUnknown):
        a.peer("a" * 51 + "q")


def test_a_large_message(two: Two, apps: Apps) -> None:
    a, b = apps
    payload = bytes(range(256)) * (20 << 12)
    with b.receive() as inbox:
        sent = a.send(two[1].peer_id, payload, message_id="big", timeout=60)
        assert payloads(inbox, 1) == [payload]
    assert (sent.message_id, sent.level) == ("big", "delivered")


def test_many_messages_from_many_threads(two: Two, apps: Apps) -> None:
    a, b = apps
    with b.receive("c") as inbox, a.sender(two[1].peer_id, channel="c") as out:

        def send(name: int) -> None:
            for number in range(500):
                out.send(f"{name}-{number}".encode())

        threads = [threading.Thread(target=send, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        got = payloads(inbox, 2000)
        for thread in threads:
            thread.join()
        out.flush(timeout=20)
        out.result(2000, timeout=20)
    for name in range(4):
        mine = [payload for payload in got if payload.startswith(b"%d-" % name)]
        assert mine == [f"{name}-{number}".encode() for number in range(500)]


def test_consume(two: Two, apps: Apps) -> None:
    a, b = apps
    with a.sender(two[1].peer_id, channel="jobs") as out:
        for number in range(6):
            out.send(str(number).encode())
    with b.consume("jobs", credits=2) as jobs:
        first, second = next(jobs), next(jobs)
        assert isinstance(first, Received)
        assert isinstance(second, Received)
        jobs.nack(second)
        jobs.ack(first)
        again = next(jobs)
        assert isinstance(again, Received)
        assert (again.payload, again.redelivery_count) == (b"1", 1)
    with b.consume("jobs", credits=10) as jobs:
        assert payloads(jobs, 5) == [b"1", b"2", b"3", b"4", b"5"]


def test_close_ends_an_iteration_in_another_thread(apps: Apps) -> None:
    _, b = apps
    for inbox in (b.receive("c"), b.consume("c")):
        ended = threading.Thread(target=lambda: list(inbox), daemon=True)  # noqa: B023 - joined in the same turn
        ended.start()
        inbox.close()
        ended.join(10)
        assert not ended.is_alive()


def test_wait_ready_says_what_it_waits_for(sidecars: Sidecars) -> None:
    alone = sidecars.spawn()
    with Sidecar(alone.endpoint) as sidecar:
        sidecar.wait_ready()
        with pytest.raises(DeadlinePassed, match="'overlay'"):
            sidecar.wait_ready(timeout=3, level="overlay")
    with Sidecar("127.0.0.1:9") as nobody, pytest.raises(DeadlinePassed, match="no sidecar answers"):
        nobody.wait_ready(timeout=0.5)


def test_a_subscription_goes_on_after_a_restart(two: Two, apps: Apps) -> None:
    a, b = apps
    with b.receive("c") as inbox:
        a.send(two[1].peer_id, b"before", channel="c")
        assert payloads(inbox, 1) == [b"before"]
        two[1].kill()
        two[1].restart()
        gap = next(inbox)
        assert isinstance(gap, Gap)
        assert gap.restarted
        b.wait_ready(level="overlay")  # or it goes to the run that was killed, and has no known outcome
        a.send(two[1].peer_id, b"after", channel="c")
        assert payloads(inbox, 1) == [b"after"]


def test_a_consumer_goes_on_after_a_restart(two: Two, apps: Apps) -> None:
    a, b = apps
    with b.consume("c", credits=2) as jobs:
        a.send(two[1].peer_id, b"before", channel="c")
        held = next(jobs)
        assert isinstance(held, Received)
        two[1].kill()
        two[1].restart()
        assert isinstance(next(jobs), Gap)
        # What was held died with the sidecar; its number may be another message's now.
        jobs.ack(held)
        b.wait_ready(level="overlay")
        for number in range(3):
            a.send(two[1].peer_id, str(number).encode(), channel="c")
        fresh = [next(jobs), next(jobs)]
        assert [job.payload for job in fresh if isinstance(job, Received)] == [b"0", b"1"]
        jobs.ack(*(job for job in fresh if isinstance(job, Received)))
        assert payloads(jobs, 1) == [b"2"]
        assert jobs.unknown == 0


def test_a_sender_whose_sidecar_dies_tells_what_it_knows(two: Two, apps: Apps) -> None:
    a, _ = apps
    out = a.sender(two[1].peer_id, channel="c")
    out.send(b"safe")
    out.flush(timeout=20)
    os.kill(two[0].pid, signal.SIGSTOP)
    number = out.send(b"lost")
    with pytest.raises(DeadlinePassed):
        out.result(number, timeout=0.5)
    two[0].kill()
    with pytest.raises((OutcomeUnknown, SidecarUnavailable)):
        out.result(number, timeout=20)
    with pytest.raises(SidecarUnavailable):
        out.send(b"too late")
    with pytest.raises(SendFailed) as raised:
        out.close()
    assert [(failed.first, failed.last) for failed in raised.value.failures] == [(2, 2)]
    with pytest.raises(SidecarUnavailable):
        a.send(two[1].peer_id, b"x")


def test_calls_go_on_after_a_restart_however_long_the_pauses(two: Two, apps: Apps) -> None:
    a, _ = apps
    two[0].kill()
    with pytest.raises(SidecarUnavailable):
        a.send(two[1].peer_id, b"x", wait="sent")
    two[0].restart()
    for _ in range(60):
        time.sleep(0.25)  # the app's own pause, which is what the test is about
        try:
            a.send(two[0].peer_id, b"x")
        except PeerIsSelf:
            return
        except SidecarUnavailable:
            continue
    raise AssertionError("the client did not find its sidecar again")


def test_watches_go_on_after_a_restart(two: Two, apps: Apps) -> None:
    a, _ = apps
    told: Queue[object] = Queue()

    def watch() -> None:
        for item in a.watch_peers():
            told.put(item)

    threading.Thread(target=watch, daemon=True).start()
    first = told.get(timeout=20)
    assert isinstance(first, PeersSnapshot)
    assert [peer.peer_id for peer in first.peers] == [two[1].peer_id]
    two[0].kill()
    two[0].restart()
    again = told.get(timeout=30)
    while isinstance(again, PeerChange):
        again = told.get(timeout=30)
    assert isinstance(again, PeersSnapshot)


def test_events_say_that_some_are_missing_after_a_restart(two: Two, apps: Apps) -> None:
    a, _ = apps
    told: Queue[object] = Queue()
    events = a.events()

    def watch() -> None:
        for item in events:
            told.put(item)

    threading.Thread(target=watch, daemon=True).start()
    a.disconnect(two[1].peer_id)
    event = told.get(timeout=20)
    assert isinstance(event, node_pb2.Event)
    two[0].kill()
    two[0].restart()
    while not isinstance(told.get(timeout=30), Gap):
        pass


CLOSED: list[Callable[[Any], Any]] = [
    lambda client: client.node(),
    lambda client: client.send("a" * 52, b"x"),
    lambda client: client.sender("a" * 52),
    lambda client: client.receive(),
    lambda client: client.consume(),
    lambda client: client.request("a" * 52),
    lambda client: client.open_stream("a" * 52, "x"),
    lambda client: client.accept_stream("x"),
    lambda client: client.reply(lambda asked: asked.payload),
    lambda client: client.datagrams("x"),
    lambda client: client.events(),
    lambda client: client.watch_peers(),
]


@pytest.mark.parametrize("verb", CLOSED)
async def test_a_closed_client_says_so(verb: Callable[[Any], Any]) -> None:
    """Whatever it is asked: that it is closed, by an error of its own."""
    client = Sidecar("127.0.0.1:9")
    client.close()
    with pytest.raises(SidecarUnavailable, match="closed"):
        list(verb(client))
    other = AsyncSidecar("127.0.0.1:9")
    await other.close()
    with pytest.raises(SidecarUnavailable, match="closed"):
        await _begun(verb(other))


async def _begun(made: Any) -> None:
    """As it is meant to be used: awaited, entered, or asked for the first."""
    if hasattr(made, "__await__"):
        await made
    elif hasattr(made, "__aenter__"):
        await made.__aenter__()
    else:
        await anext(made)


def test_a_watch_whose_client_is_closed_before_it_goes_on_ends(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Sidecar(two[0].endpoint)
    watch = client.watch_peers()
    next(watch)

    def closing(attempt: int) -> float:
        client.close()
        return 0.0

    monkeypatch.setattr(requests, "retry_wait", closing)
    two[0].kill()
    assert all(isinstance(told, PeerChange) for told in watch)


# asyncio


async def test_asyncio_goes_on_after_a_restart(two: Two) -> None:
    a, b = two
    async with AsyncSidecar(a.endpoint) as sender, AsyncSidecar(b.endpoint) as receiver:
        await sender.wait_ready(level="overlay")
        async with receiver.receive("c") as inbox, receiver.consume("jobs", credits=1) as jobs:
            await sender.send(b.peer_id, b"before", channel="c")
            got = await anext(inbox)
            assert isinstance(got, Received)
            waiting = asyncio.create_task(anext(jobs))
            await asyncio.to_thread(b.kill)
            await asyncio.to_thread(b.restart)
            gap = await anext(inbox)
            assert isinstance(gap, Gap)
            assert gap.restarted
            assert isinstance(await waiting, Gap)
            await receiver.wait_ready(level="overlay")
            await sender.send(b.peer_id, b"after", channel="c")
            await sender.send(b.peer_id, b"job", channel="jobs")
            after, job = await anext(inbox), await anext(jobs)
            assert isinstance(after, Received)
            assert isinstance(job, Received)
            assert (after.payload, job.payload) == (b"after", b"job")
            await jobs.ack(job)


async def test_asyncio_cancellation_is_the_task_s_own(two: Two) -> None:
    async with AsyncSidecar(two[1].endpoint) as receiver, receiver.receive("c") as inbox:
        waiting = asyncio.create_task(anext(inbox))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_asyncio_sender_whose_sidecar_dies(two: Two) -> None:
    a, b = two
    async with AsyncSidecar(a.endpoint) as sender:
        await sender.wait_ready(level="overlay")
        out = await sender.sender(b.peer_id, channel="c").__aenter__()
        await out.send(b"safe")
        await out.flush(timeout=20)
        await asyncio.to_thread(a.kill)
        with pytest.raises((OutcomeUnknown, SidecarUnavailable)):
            await out.result(await out.send(b"lost"), timeout=20)
        await out.cancel()
