"""The reasons of kept messages, provoked through the wire; `test_errors.py` runs them with the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sidecar.errors import Reason
from sidecar_client import AsyncSidecar, Gap, QueueName, SidecarError
from sidecar_client.messages import QUEUES
from tests.api.conftest import Side, Sides, answered_after
from tests.api.raw import failure

STRANGER = "a" * 51 + "q"


async def keeping(sides: Sides, name: str = "a") -> Side:
    """A side with a state directory."""
    folder = sides.processes.folder / name
    folder.mkdir()
    return await sides.start(state=folder)


async def keeping_pair(sides: Sides) -> tuple[Side, Side]:
    a, b = await keeping(sides), await keeping(sides, "b")
    await a.client.connect(b.contact)
    return a, b


async def waiting(client: AsyncSidecar, queue: QueueName, count: int = 1) -> None:
    """Returns once a queue holds so many messages."""
    held = 0
    while held < count:
        held = sum(one.messages for one in (await client.queues()).queues if one.queue == QUEUES[queue])


async def unsupported_by_peer(sides: Sides) -> SidecarError:
    a, b = await keeping(sides), await sides.start()
    await a.client.connect(b.contact)
    return await failure(a.client.send(b.peer_id, b"x", durable=True))


async def pending(sides: Sides) -> SidecarError:
    a = await keeping(sides)
    with answered_after(0.5):
        error = await failure(a.client.send(STRANGER, b"x", durable=True, timeout=30))
    assert (await a.client.queues()).queues[0].messages == 1
    return error


async def journal_full(sides: Sides) -> SidecarError:
    a = await keeping(sides)
    database = a.sidecar.node.post.journal._database
    database.execute("PRAGMA max_page_count = 1")  # SQLite's own word for a disk that is full is the same
    error = await failure(a.client.send(STRANGER, bytes(1 << 20), durable=True, wait="sent"))
    assert error.retry_after == 1.0
    database.execute("PRAGMA max_page_count = 1000000")
    await a.client.send(STRANGER, b"x", durable=True, wait="sent")
    return error


async def journal_failed(sides: Sides) -> SidecarError:
    a = await keeping(sides)
    a.sidecar.node.post.journal._database.execute("PRAGMA query_only = 1")
    return await failure(a.client.send(STRANGER, b"x", durable=True, wait="sent"))


async def dead_lettered(sides: Sides) -> SidecarError:
    a, b = await keeping_pair(sides)
    sending = asyncio.create_task(failure(a.client.send(b.peer_id, b"x", durable=True, wait="processed")))
    async with b.client.consume(max_deliveries=2) as messages:
        async for message in messages:
            assert not isinstance(message, Gap)
            await messages.nack(message)
            if message.redelivery_count:
                break
    return await sending


async def expired(sides: Sides) -> SidecarError:
    a = await keeping(sides)
    return await failure(a.client.send(STRANGER, b"x", durable=True, ttl=0.2))


async def purged(sides: Sides) -> SidecarError:
    a = await keeping(sides)
    sending = asyncio.create_task(failure(a.client.send(STRANGER, b"x", durable=True)))
    await waiting(a.client, "outgoing")
    assert await a.client.purge("outgoing") == 1
    return await sending


async def letter_unknown(sides: Sides) -> SidecarError:
    a = await keeping(sides)
    return await failure(a.client.letter("dead_incoming", 7))


KEPT: dict[Reason, Callable[[Sides], Awaitable[SidecarError]]] = {
    Reason.UNSUPPORTED_BY_PEER: unsupported_by_peer,
    Reason.PENDING: pending,
    Reason.JOURNAL_FULL: journal_full,
    Reason.JOURNAL_FAILED: journal_failed,
    Reason.DEAD_LETTERED: dead_lettered,
    Reason.EXPIRED: expired,
    Reason.PURGED: purged,
    Reason.LETTER_UNKNOWN: letter_unknown,
}
