"""Calls that are expected to fail."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc

from sidecar_client import AsyncSidecar, Received, SidecarError, error_from_rpc
from sidecar_client.outgoing import SendFailed


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
