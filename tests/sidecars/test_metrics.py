"""The metrics of two real sidecars beside whom everything was done once, against the table of docs/operations.md."""

from __future__ import annotations

import asyncio
import urllib.request
from contextlib import suppress

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sidecar_client import AnswerError, AsyncSidecar, IncomingRequest, RequestFailed, SidecarError, StreamReset
from tests.docs.test_operations import metrics_table
from tests.processes import SidecarProcess, Sidecars

Page = dict[str, dict[tuple[tuple[str, str], ...], float]]


def metrics(sidecar: SidecarProcess) -> Page:
    """Every sample of the page: by name, then by labels."""
    with urllib.request.urlopen(f"http://{sidecar.admin}/metrics", timeout=10) as answer:
        page: Page = {}
        for family in text_string_to_metric_families(answer.read().decode()):
            for sample in family.samples:
                page.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return page


def one(page: Page, name: str, **labels: str) -> float:
    """One sample."""
    return page[f"sidecar_{name}"][tuple(sorted(labels.items()))]


async def do_everything(near: SidecarProcess, far: SidecarProcess) -> None:
    """Each verb of the message plane, well and badly, from near to far; and the connection lost under a stream."""
    async with AsyncSidecar(near.endpoint) as asker, AsyncSidecar(far.endpoint) as answerer:
        await asker.connect(far.contact)
        await asker.send(far.peer_id, b"x", channel="plain")
        await asker.send(far.peer_id, b"x", channel="kept", durable=True, wait="sent")
        async with answerer.consume("kept", max_deliveries=2) as messages:
            for again in (0, 1):
                message = await anext(aiter(messages))
                assert getattr(message, "redelivery_count", None) == again
                await messages.nack(message)  # type: ignore[arg-type]
        consumer = asyncio.create_task(consume_one(answerer, "processed"))
        await asker.send(far.peer_id, b"x", channel="processed", wait="processed", durable=True)
        await consumer

        async def answer(request: IncomingRequest) -> bytes:
            if request.payload == b"bad":
                raise AnswerError("no", "not this one")
            return request.payload

        worker = asyncio.create_task(answerer.reply(answer, "ask"))
        await asker.request(far.peer_id, b"good", channel="ask")
        with pytest.raises(RequestFailed):
            await asker.request(far.peer_id, b"bad", channel="ask")
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
        with pytest.raises(SidecarError):
            await asker.request(far.peer_id, b"nobody", channel="deserted", timeout=0.5)
        await asker.send_datagram(far.peer_id, b"x", channel="deserted", ttl=5)
        with pytest.raises(SidecarError):
            await asker.send("a" * 52, b"x", timeout=5)

        accepting = asyncio.create_task(answerer.accept_stream("s"))
        out = await asker.open_stream(far.peer_id, "s")
        came = await accepting
        await out.write(b"there")
        assert await came.read() == b"there"
        await came.reset(7)
        with pytest.raises(StreamReset):
            await out.read()

        accepting = asyncio.create_task(answerer.accept_stream("s"))
        out = await asker.open_stream(far.peer_id, "s")
        came = await accepting
        await out.write(b"all")
        await out.finish()
        await came.finish()
        assert await came.read_all() == b"all"
        assert await out.read_all() == b""
        out.cancel()
        came.cancel()


async def consume_one(client: AsyncSidecar, channel: str) -> None:
    """An app that acknowledges a message."""
    async with client.consume(channel) as messages:
        await messages.ack(await anext(aiter(messages)))  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_everything_that_is_done_is_counted(sidecars: Sidecars) -> None:
    near, far = [await asyncio.to_thread(sidecars.spawn, name, udp_host="127.0.0.1") for name in ("near", "far")]
    await do_everything(near, far)
    here, there = await asyncio.to_thread(metrics, near), await asyncio.to_thread(metrics, far)
    promised = metrics_table()
    for page in (here, there):
        found: dict[str, set[str]] = {}
        for sample, values in page.items():
            if sample.startswith("sidecar_") and not sample.endswith(("_bucket", "_count", "_created")):
                whole = sample.removesuffix("_sum")
                name = whole if f"{whole}_bucket" in page else sample
                found[name] = {label for labels in values for label, _ in labels}
        seldom = {name for name in promised if name.endswith("_timestamp_seconds")}
        assert {name: promised[name] for name in promised if name in found or name not in seldom} == found

    assert one(here, "messages_total", op="send", result="ok") == 3
    assert one(there, "kept_messages_total", event="redelivered") == 1
    assert one(there, "kept_messages_total", event="dead") == 1
    for level in ("sent", "delivered", "processed"):
        assert one(here, "delivery_duration_seconds_count", level=level) == 1
    assert one(here, "journal_commit_seconds_count") > 0
    steps = {step: one(here, "requests_total", step=step) for step in ("sent", "replied", "failed", "unanswered")}
    assert steps == {"sent": 3, "replied": 1, "failed": 1, "unanswered": 1}
    assert one(there, "requests_total", step="answered") == 2
    assert one(here, "request_duration_seconds_count") == 2
    assert one(there, "datagrams_dropped_total", reason="no_app") == one(here, "datagrams_total", step="sent") == 1
    assert one(here, "calls_refused_total", reason="PEER_UNKNOWN") == 1
    assert one(here, "calls_refused_total", reason="REQUEST_FAILED") == 1
    assert one(here, "flow_steps_total", kind="stream", step="opened") == 2
    assert one(there, "flow_steps_total", kind="stream", step="came") == 2
    for page in (here, there):
        assert one(page, "flow_steps_total", kind="stream", step="accepted") == 2
        assert one(page, "flow_ends_total", kind="stream", end="app") == 1
        assert one(page, "flow_ends_total", kind="stream", end="done") == 1
        assert one(page, "flow_ends_total", kind="request", end="done") == 2
