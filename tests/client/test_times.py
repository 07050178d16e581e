"""Times that are none, and a client that is closed while somebody waits for its sidecar."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sidecar_client import AsyncSidecar, InvalidField, Received, Sidecar, SidecarUnavailable
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.times import duration, limit
from tests.client.stand_in import PATIENCE, Call, StandIn, deliveries

NONE = [math.nan, math.inf, -math.inf, 1e300]


def test_times_as_grpc_takes_them() -> None:
    assert limit(None) is None
    assert limit(1.5) == 1.5
    assert limit(math.inf) is limit(1e300) is None
    with pytest.raises(InvalidField):
        limit(math.nan)
    told = duration("ttl", -1.5)
    assert (told.seconds, told.nanos) == (-1, -500_000_000)
    for none in NONE:
        with pytest.raises(InvalidField, match="INVALID_FIELD: ttl: ") as raised:
            duration("ttl", none)
        assert raised.value.fields[0][0] == "ttl"


def acked(call: Call) -> list[int]:
    """The deliveries of the next acknowledgement, which has to be one."""
    frame = call.hear()
    assert frame.WhichOneof("frame") == "ack"
    return [held.first for held in frame.ack.ranges]


def handed_out(call: Call) -> None:
    assert call.hear().HasField("open")
    call.say(pb.ConsumeResponse(deliveries=deliveries(b"job", first_id=7)))


def test_a_time_that_is_none_costs_no_acknowledgement() -> None:
    with StandIn() as stand_in, Sidecar(stand_in.endpoint) as sidecar:
        sidecar.node(timeout=math.inf)
        with pytest.raises(InvalidField):
            sidecar.node(timeout=math.nan)
        with sidecar.consume("c") as jobs:
            call = stand_in.call()
            handed_out(call)
            job = next(jobs)
            assert isinstance(job, Received)
            for none in NONE:
                with pytest.raises(InvalidField):
                    jobs.nack(job, delay=none)
                with pytest.raises(InvalidField):
                    jobs.extend(job, seconds=none)
            jobs.ack(job)
            assert acked(call) == [7]
            call.end()


async def test_asyncio_a_time_that_is_none_costs_no_acknowledgement() -> None:
    with StandIn() as stand_in:
        async with AsyncSidecar(stand_in.endpoint) as sidecar:
            await sidecar.node(timeout=math.inf)
            with pytest.raises(InvalidField):
                await sidecar.node(timeout=math.nan)
            async with sidecar.consume("c") as jobs:
                call = await asyncio.to_thread(stand_in.call)
                await asyncio.to_thread(handed_out, call)
                job = await anext(jobs)
                assert isinstance(job, Received)
                for none in NONE:
                    with pytest.raises(InvalidField):
                        await jobs.nack(job, delay=none)
                    with pytest.raises(InvalidField):
                        await jobs.extend(job, seconds=none)
                await jobs.ack(job)
                assert await asyncio.to_thread(acked, call) == [7]
                call.end()


def test_a_client_that_is_closed_waits_for_nobody(tmp_path: Path) -> None:
    sidecar = Sidecar(f"unix:{tmp_path}/nobody")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(sidecar.wait_ready, PATIENCE)
        sidecar.close()
        with pytest.raises(SidecarUnavailable, match="this client is closed"):
            waiting.result(PATIENCE)
    with pytest.raises(SidecarUnavailable, match="this client is closed"):
        sidecar.wait_ready()


async def test_asyncio_a_client_that_is_closed_waits_for_nobody(tmp_path: Path) -> None:
    sidecar = AsyncSidecar(f"unix:{tmp_path}/nobody")
    waiting = asyncio.create_task(sidecar.wait_ready(PATIENCE))
    await asyncio.sleep(0)
    await sidecar.close()
    with pytest.raises(SidecarUnavailable, match="this client is closed"):
        await waiting
    with pytest.raises(SidecarUnavailable, match="this client is closed"):
        await sidecar.wait_ready()
