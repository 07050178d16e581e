"""Every reason of the published table, provoked through the wire."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import grpc
import pytest

from sidecar.api.front import load
from sidecar.api.front.base import Listener
from sidecar.api.scope import App, Scope
from sidecar.api.services import services
from sidecar.api.status import TABLE, markdown_rows
from sidecar.errors import Reason
from sidecar_client import AnswerError, AsyncSidecar, AsyncStream, Gap, IncomingRequest, SidecarError
from sidecar_client.errors import BY_REASON
from sidecar_client.gen.overlay.v1 import errors_pb2, node_pb2, peer_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1.cursor_pb2 import Cursor
from tests.api.conftest import Side, Sides, answered_after, until
from tests.api.kept_reasons import KEPT
from tests.api.raw import failure, one_waits, stuck

STRANGER = "a" * 51 + "q"


async def invalid_field(sides: Sides) -> SidecarError:
    a = await sides.start()
    error = await failure(a.client.send("not a peer id", b"x"))
    assert error.fields[0][0] == "peer_id"
    return error


async def message_too_large(sides: Sides) -> SidecarError:
    a = await sides.start()
    request = pb.SendRequest(peer_id=STRANGER, message=pb.Message(payload=bytes((16 << 20) + 1)))
    error = await failure(a.client.stubs.messages.Send(request))
    assert error.metadata == {"limit": str(16 << 20), "size": str((16 << 20) + 1)}
    assert "SendStream" in error.detail
    return error


async def peer_is_self(sides: Sides) -> SidecarError:
    a = await sides.start()
    return await failure(a.client.send(a.peer_id, b"x"))


async def peer_unknown(sides: Sides) -> SidecarError:
    a = await sides.start()
    assert isinstance(await failure(a.client.peer(STRANGER)), BY_REASON["PEER_UNKNOWN"])
    return await failure(a.client.send(STRANGER, b"x"))


async def contact_unknown(sides: Sides) -> SidecarError:
    a = await sides.start()
    return await failure(a.client.remove_contact("127.0.0.1:9"))


async def peer_unreachable(sides: Sides) -> SidecarError:
    a = await sides.start()
    b = await sides.start()
    contact = b.contact
    b.sidecar.node.endpoint.close(0, "gone")
    return await failure(a.client.connect(contact, timeout=25))


async def peer_not_dialable(sides: Sides) -> SidecarError:
    client, node = await sides.start(role="client"), await sides.start()
    await client.client.connect(node.contact)
    await client.client.disconnect(node.peer_id)
    return await failure(node.client.send(client.peer_id, b"x"))


async def peer_refused(sides: Sides) -> SidecarError:
    a, b = await sides.start(network_id="one"), await sides.start(network_id="two")
    return await failure(a.client.connect(b.contact))


async def identity_mismatch(sides: Sides) -> SidecarError:
    a, b = await sides.start(), await sides.start()
    return await failure(a.client.connect(f"{STRANGER}@{b.contact.partition('@')[2]}"))


async def link_closed(sides: Sides) -> SidecarError:
    a, b = await sides.pair(channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    sending = asyncio.create_task(failure(fill(a.client, b.peer_id)))
    await stuck(a, b.peer_id)
    await a.client.disconnect(b.peer_id, timeout=0.5)
    return await sending


async def outcome_unknown(sides: Sides) -> SidecarError:
    a = await sides.start(network_id="test")
    b = await asyncio.to_thread(sides.processes.spawn)
    await a.client.connect(b.contact)
    os.kill(b.pid, signal.SIGSTOP)
    try:
        with answered_after(1):
            return await failure(a.client.send(b.peer_id, b"x", timeout=30))
    finally:
        os.kill(b.pid, signal.SIGCONT)


async def queue_full(sides: Sides) -> SidecarError:
    a, b = await sides.pair(outbox_bytes=64 << 10, channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    sending = asyncio.create_task(failure(fill(a.client, b.peer_id)))
    await stuck(a, b.peer_id, full=True)
    with answered_after(0.5):
        error = await failure(a.client.send(b.peer_id, b"x", channel="unread", timeout=30))
    assert error.retry_after == 1.0
    sending.cancel()
    return error


async def no_subscriber(sides: Sides) -> SidecarError:
    a, b = await sides.pair(channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    (await one_waits(a, b.peer_id)).cancel()
    with answered_after(1):
        return await failure(a.client.send(b.peer_id, bytes(16 << 10), channel="unread", timeout=30))


async def deadline(sides: Sides) -> SidecarError:
    a = await sides.start()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        await a.client.add_contacts(f"{STRANGER}@127.0.0.1:{silent.getsockname()[1]}")
        with answered_after(0.5):
            # Half way between that and its end it is told, long before either gives up: a dial has five seconds.
            connecting = await failure(a.client.connect(f"{STRANGER}@127.0.0.1:{silent.getsockname()[1]}", timeout=3))
            assert isinstance(connecting, BY_REASON["DEADLINE"])
            return await failure(a.client.send(STRANGER, b"x", timeout=30))


async def cancelled(sides: Sides) -> SidecarError:
    """Who cancels a call hears no more of it; the sidecar tells the loss among its events."""
    a, b = await sides.pair(channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    events: Any = a.client.stubs.node.WatchEvents(node_pb2.WatchEventsRequest())
    await events.read()
    (await one_waits(a, b.peer_id)).cancel()
    while True:
        for event in (await events.read()).events:
            if event.HasField("messages_lost"):
                name = errors_pb2.ErrorReason.Name(event.messages_lost.reason).removeprefix("ERROR_REASON_")
                events.cancel()
                return BY_REASON[name]("told as an event", code=grpc.StatusCode.CANCELLED)


async def draining(sides: Sides) -> SidecarError:
    a, b = await sides.pair()
    await a.client.drain(wait=False)
    return await failure(a.client.send(b.peer_id, b"x"))


async def bootstrap_failed(sides: Sides) -> SidecarError:
    a = await sides.start()
    b = await sides.start(network_id="other")
    error = await failure(a.client.bootstrap([b.contact]))
    assert b.contact in error.metadata
    return error


async def cursor_expired(sides: Sides) -> SidecarError:
    a = await sides.start()
    cursor = Cursor(instance=7, revision=1)
    watch = a.client.stubs.peers.WatchPeers(peer_pb2.WatchPeersRequest(cursor=cursor))
    error = await failure(watch.read())
    events = a.client.stubs.node.WatchEvents(node_pb2.WatchEventsRequest(cursor=cursor))
    assert type(await failure(events.read())) is type(error)
    assert "oldest_revision" in error.metadata
    async for first in a.client.events(cursor):
        assert isinstance(first, Gap)
        break
    return error


async def token_invalid(sides: Sides) -> SidecarError:
    a = await sides.start()
    front = load(sides.front)
    offered = services(a.sidecar.node, a.sidecar.health, front.name)
    (address,) = await front.start(offered, [Listener("127.0.0.1:0", token=b"right right right")])
    async with AsyncSidecar(address, token="right right right") as right:
        assert (await right.node()).peer_id == a.peer_id
    async with AsyncSidecar(address, token="wrong") as wrong:
        error = await failure(wrong.node())
    await front.stop(0)
    return error


async def scope_denied(sides: Sides) -> SidecarError:
    a = await sides.start(listener=Listener("127.0.0.1:0", apps=(App(b"a token of an app", Scope("one")),)))
    async with AsyncSidecar(a.sidecar.address, token="a token of an app") as app:
        return await failure(app.send(a.peer_id, b"x"))


async def request_failed(sides: Sides) -> SidecarError:
    a, b = await sides.pair()

    async def refuse(asked: IncomingRequest) -> bytes:
        raise AnswerError("no", "not now")

    answering = asyncio.create_task(b.client.reply(refuse, "x"))
    error = await failure(a.client.request(b.peer_id, channel="x"))
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    return error


async def peer_not_allowed(sides: Sides) -> SidecarError:
    a, b = await sides.pair()
    accepting = asyncio.create_task(b.client.accept_stream("x", peer_ids=[b.peer_id]))
    await until(lambda: bool(b.sidecar.node.doors._visits))
    stream = await a.client.open_stream(b.peer_id, "x")
    error = await failure(stream.opened())
    accepting.cancel()
    await asyncio.gather(accepting, return_exceptions=True)
    return error


async def opened(a: Side, b: Side) -> tuple[AsyncStream, AsyncStream]:
    accepting = asyncio.create_task(b.client.accept_stream("x"))
    stream = await a.client.open_stream(b.peer_id, "x")
    return await stream.opened(), await accepting


async def peer_untrusted(sides: Sides) -> SidecarError:
    a, b = await sides.pair()
    await a.client.block_peer(b.peer_id)
    return await failure(a.client.send(b.peer_id, b"x"))


async def stream_reset(sides: Sides) -> SidecarError:
    here, there = await opened(*await sides.pair())
    await there.reset(7)
    return await failure(here.read())


async def stream_lost(sides: Sides) -> SidecarError:
    a, b = await sides.pair()
    here, _ = await opened(a, b)
    await a.client.disconnect(b.peer_id)
    return await failure(here.read())


async def frame_unexpected(sides: Sides) -> SidecarError:
    a = await sides.start()
    call = a.client.stubs.messages.SendStream()
    await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=b"x")]))
    return await failure(call.read())


async def limit_reached(sides: Sides) -> SidecarError:
    a = await sides.start()
    for number in range(10):
        await a.client.add_contacts(*(f"127.0.0.1:{1000 + 100 * number + port}" for port in range(100)))
    return await failure(a.client.add_contacts("127.0.0.1:9"))


async def internal(sides: Sides) -> SidecarError:
    a = await sides.start()
    a.sidecar.node.contacts.close()
    return await failure(a.client.add_contacts("127.0.0.1:9"))


async def fill(client: AsyncSidecar, peer_id: str) -> None:
    """Sends to a channel nobody reads until told otherwise."""
    async with client.sender(peer_id, channel="unread") as out:
        for _ in range(64):
            await out.send(bytes(16 << 10))


PROVOKED: dict[Reason, Callable[[Sides], Awaitable[SidecarError]]] = {
    Reason.INVALID_FIELD: invalid_field,
    Reason.MESSAGE_TOO_LARGE: message_too_large,
    Reason.PEER_IS_SELF: peer_is_self,
    Reason.PEER_UNKNOWN: peer_unknown,
    Reason.CONTACT_UNKNOWN: contact_unknown,
    Reason.PEER_UNREACHABLE: peer_unreachable,
    Reason.PEER_NOT_DIALABLE: peer_not_dialable,
    Reason.PEER_REFUSED: peer_refused,
    Reason.PEER_UNTRUSTED: peer_untrusted,
    Reason.IDENTITY_MISMATCH: identity_mismatch,
    Reason.LINK_CLOSED: link_closed,
    Reason.OUTCOME_UNKNOWN: outcome_unknown,
    Reason.QUEUE_FULL: queue_full,
    Reason.NO_SUBSCRIBER: no_subscriber,
    Reason.DEADLINE: deadline,
    Reason.CANCELLED: cancelled,
    Reason.DRAINING: draining,
    Reason.BOOTSTRAP_FAILED: bootstrap_failed,
    Reason.CURSOR_EXPIRED: cursor_expired,
    Reason.TOKEN_INVALID: token_invalid,
    Reason.SCOPE_DENIED: scope_denied,
    Reason.REQUEST_FAILED: request_failed,
    Reason.PEER_NOT_ALLOWED: peer_not_allowed,
    Reason.STREAM_RESET: stream_reset,
    Reason.STREAM_LOST: stream_lost,
    Reason.FRAME_UNEXPECTED: frame_unexpected,
    Reason.LIMIT_REACHED: limit_reached,
    Reason.INTERNAL: internal,
    **KEPT,
}


@pytest.mark.parametrize("reason", Reason)
async def test_reason(sides: Sides, reason: Reason) -> None:
    error = await PROVOKED[reason](sides)
    assert error.reason == reason
    assert error.code.value[0] == TABLE[reason].code
    assert type(error) is BY_REASON[reason]
    assert error.detail


def test_the_table_and_the_proto_name_the_same_reasons() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name}
    names.remove("UNSPECIFIED")
    assert names == {reason.value for reason in Reason} == {reason.value for reason in TABLE} == set(BY_REASON)


def test_the_printed_table_has_every_reason() -> None:
    rows = list(markdown_rows())
    assert len(rows) == 2 + len(Reason)
    assert all(row.count("|") == 4 for row in rows)
    assert rows[2].startswith("| `INVALID_FIELD` | `INVALID_ARGUMENT` |")
