"""The case `bench`: the wrapper, and the generated stub by hand."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from conformance.lines import Params, Result, messages_of, say
from sidecar_client import Sidecar
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import request_pb2


def bench_app(sidecar: Sidecar, params: Params) -> Result:
    measure = {
        ("messages", "wrapper"): wrapped_messages,
        ("messages", "raw"): raw_messages,
        ("requests", "wrapper"): wrapped_requests,
        ("requests", "raw"): raw_requests,
    }[params["what"], params["kind"]]
    begun = time.perf_counter()
    times = sorted(measure(sidecar, params, bytes(params["size"])))
    seconds = time.perf_counter() - begun
    if not times:
        return {"seconds": seconds, "p50": None, "p99": None}
    return {"seconds": seconds, "p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


def wrapped_messages(sidecar: Sidecar, params: Params, body: bytes) -> list[float]:
    with sidecar.sender(params["peer_id"], channel=params["channel"]) as out:
        for _ in range(params["count"]):
            out.send(body)
        out.flush()
    return []


def raw_messages(sidecar: Sidecar, params: Params, body: bytes) -> list[float]:
    """Frames of as many messages as the wrapper's have, made in the way of protobuf that copies least."""
    count, batch = params["count"], max(1, (1 << 20) // max(1, len(body)))

    def frames() -> Iterator[pb.SendStreamRequest]:
        opening = pb.SendStreamOpen(
            peer_id=params["peer_id"], channel=params["channel"], level=pb.DELIVERY_LEVEL_DELIVERED
        )
        yield pb.SendStreamRequest(open=opening)
        for start in range(0, count, batch):
            frame = pb.SendStreamRequest()
            for _ in range(min(batch, count - start)):
                frame.messages.add(payload=body)
            yield frame

    through = 0
    for response in sidecar.stubs.messages.SendStream(frames()):
        for receipt in response.receipts:
            if receipt.level == pb.DELIVERY_LEVEL_DELIVERED:
                through = receipt.through_sequence
    if through != count:
        raise AssertionError(f"{through} of {count} were delivered")
    return []


def timed(verb: Callable[[], Any], count: int) -> list[float]:
    """How long each of so many calls takes."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        verb()
        times.append(time.perf_counter() - begun)
    return times


def wrapped_requests(sidecar: Sidecar, params: Params, body: bytes) -> list[float]:
    peer_id, channel = params["peer_id"], params["channel"]
    echo = {"do": "echo"}
    return timed(lambda: sidecar.request(peer_id, body, channel=channel, headers=echo), params["count"])


def raw_requests(sidecar: Sidecar, params: Params, body: bytes) -> list[float]:
    def ask() -> bytes:
        asked = request_pb2.RequestRequest(
            peer_id=params["peer_id"], channel=params["channel"], headers={"do": "echo"}, payload=body
        )
        return bytes(sidecar.stubs.messages.Request(asked, timeout=30).payload)

    return timed(ask, params["count"])


def bench_sink(sidecar: Sidecar, params: Params) -> Result:
    with sidecar.receive(params["channel"]) as inbox:
        say(event="ready")
        return {"count": sum(1 for _ in itertools.islice(messages_of(inbox), params["count"]))}
