"""Calls that are expected to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import grpc

from sidecar_client import AsyncSidecar, Received, SidecarError, error_from_rpc
from sidecar_client.failures import SendFailed
from tests.api.conftest import Side


async def failure(call: Awaitable[Any]) -> SidecarError:
    """What a call fails with, in the client's words, whether it was made by a wrapper or a raw stub."""
    try:
        result = await call
    except SendFailed as error:
        return error.failures[0].error
    except SidecarError as error:
        return error
    except grpc.RpcError as error:
        return error_from_rpc(error)
    raise AssertionError(f"it did not fail: {result!r}")


async def payload_of(client: AsyncSidecar, channel: str) -> Received:
    """The next message of a channel."""
    async with client.receive(channel, timeout=20) as inbox:
        got = await anext(inbox)
    assert isinstance(got, Received)
    return got


async def stuck(side: Side, peer_id: str, channel: str = "unread", *, full: bool = False) -> None:
    """Returns once messages wait for a channel that nobody reads there: what its window takes has arrived, and more
    does not leave; with `full` also once senders have to wait, which they do until the queue has come down to half."""
    while True:
        await side.client.node()
        peer = side.sidecar.node.links.peers.get(peer_id)
        if peer is None:
            continue
        outbound = peer.link.outbound
        waits = outbound.outbox.blocked(channel) and outbound.starved(channel) and not outbound.unacknowledged
        held = outbound.outbox.full(channel) or any(name == channel for name, _ in outbound.outbox._room_wanted)
        if waits and (held or not full):
            return


async def one_waits(side: Side, peer_id: str, channel: str = "unread", *, read: bool = False) -> asyncio.Task[Any]:
    """Sends one message after another; the call of the first for which the channel has no room over there, because
    nobody reads it. Where it is `read`, by somebody who takes nothing, it may also be that room is on its way."""
    while True:
        sending = asyncio.create_task(side.client.send(peer_id, bytes(16 << 10), channel=channel))
        while not sending.done():
            await side.client.node()
            outbound = side.sidecar.node.links.peers[peer_id].link.outbound
            full = outbound.outbox.blocked(channel) and not outbound.unacknowledged
            if full and (read or outbound.starved(channel)):
                return sending
        await sending
