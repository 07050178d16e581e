"""What is measured: each work gives one sample from one pair."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass

from bench.competitors import Pair

GIB = 1 << 30
KIB = 1 << 10
SMALL = 256
PATIENCE = 45.0
"""Seconds beyond a work's own that an answer may take; the load programs give up before."""

MIB = 1 << 20

Sample = dict[str, float]
"""Figures by name. `cpu PART` are seconds of processor per GiB of payload, `cpu_million PART` per million messages or
calls, `peak PART` the most resident MiB of that process meanwhile; without a PART they are of all processes."""

_runs = itertools.count(1)


def _run_name() -> str:
    """Every sample's payloads carry a mark of their own, so that nothing of a failed one counts in another."""
    return f"bench-{os.getpid()}-{next(_runs)}"


class _Cost:
    """What a pair's processes take between two moments: time of processors, and memory at most."""

    def __init__(self, pair: Pair) -> None:
        self._parts = pair.processes()
        for process in self._parts.values():
            process.forget_peak()
        self._before = {part: process.cpu_seconds() for part, process in self._parts.items()}

    def of(self, count: int, size: int) -> Sample:
        """For so many messages or calls of so many bytes; there is nothing per GiB of what has no payload."""
        spent = {part: process.cpu_seconds() - self._before[part] for part, process in self._parts.items()}
        peaks = {part: process.peak_bytes() / MIB for part, process in self._parts.items()}
        cost = {**_of_each("cpu_million", spent, count / 1e6), **_of_each("peak", peaks, 1)}
        return {**cost, **_of_each("cpu", spent, count * size / GIB)} if size else cost


def _of_each(name: str, parts: dict[str, float], amount: float) -> Sample:
    each = {part: value / amount for part, value in parts.items()}
    apps = each["sending app"] + each["receiving app"]
    every = sum(each.values())
    return {
        name: every, f"{name} apps": apps, f"{name} between": every - apps,
        **{f"{name} {part}": value for part, value in each.items()},
    }  # fmt: skip


def stream(pair: Pair, seconds: float, size: int, batch: int) -> Sample:
    """Messages of one size, `batch` to a gRPC message or write, as fast as the receiver takes them. Time runs from
    before the first write to the last message in the receiving app, which has checked each by length and counter.
    p50 and p99 are of the time from a message's write to the receiving app, whose way is full all the while."""
    run = _run_name()
    pair.receiver.ask("listen", run=run, channel=pair.channel or run, size=size, seconds=seconds)
    cost = _Cost(pair)
    fields = {"run": run, "channel": pair.channel or run, "size": size, "batch": batch, "seconds": seconds}
    arriving = pair.receiver.post("collect", **fields)
    sent = pair.sender.ask("send", patience=seconds + PATIENCE, peer=pair.peer, **fields)
    received = pair.receiver.answer(arriving, PATIENCE)
    elapsed = (received["last_ns"] - sent["start_ns"]) / 1e9
    return {
        "gbit_s": received["bytes"] * 8 / elapsed / 1e9, "messages_s": received["count"] / elapsed, "seconds": elapsed,
        "p50_us": received["p50_us"], "p99_us": received["p99_us"],
        **cost.of(received["count"], size),
    }  # fmt: skip


def _latencies(pair: Pair, verb: str, seconds: float, depth: int, run: str) -> Sample:
    cost = _Cost(pair)
    trips = pair.sender.ask(
        pair.verbs.get(verb, verb), patience=seconds + PATIENCE,
        run=run, channel=pair.channel or run, size=SMALL, seconds=seconds, depth=depth, peer=pair.peer,
        address=pair.address,
    )  # fmt: skip
    return {
        "p50_us": trips["p50_us"], "p99_us": trips["p99_us"], "calls_s": trips["count"] / trips["seconds"],
        **cost.of(trips["count"], 0 if verb == "ping" else SMALL),
    }  # fmt: skip


def ping(pair: Pair, seconds: float, depth: int) -> Sample:
    """Empty PeerService.Ping calls."""
    return _latencies(pair, "ping", seconds, depth, _run_name())


def deliver(pair: Pair, seconds: float, depth: int) -> Sample:
    """MessageService.Send of 256 bytes, answered when the message is in the other inbox, and an app empties it."""
    run = _run_name()
    if pair.between:
        pair.receiver.ask("drain", channel=pair.channel)
    return _latencies(pair, "send_delivered", seconds, depth, run)


def request(pair: Pair, seconds: float, depth: int) -> Sample:
    """256 bytes to the other app and 256 bytes back from it, over streams that stay open (unary calls where there is
    nothing between the apps)."""
    return _answered(pair, "answer", "request", seconds, depth)


def call(pair: Pair, seconds: float, depth: int) -> Sample:
    """The same by the means that a system has for one request: a call, or a stream of its own."""
    return _answered(pair, "reply", "call", seconds, depth)


def relink(pair: Pair, seconds: float, depth: int) -> Sample:
    """Ends and makes the connection between the two sides, with one round trip on each, one after the other. Two
    sidecars answer each other's Ping, elsewhere the other app answers."""
    if pair.kind == "sidecar":
        return _latencies(pair, "relink", seconds, depth, _run_name())
    return _answered(pair, "reply", "relink", seconds, depth)


def _answered(pair: Pair, answer: str, verb: str, seconds: float, depth: int) -> Sample:
    """Has the receiver answer whatever the sender asks. A gRPC server does without being told."""
    run = _run_name()
    if pair.kind != "grpc":
        pair.receiver.ask(answer, run=run, channel=pair.channel or run, size=SMALL, seconds=seconds, peer=pair.back)
    return _latencies(pair, verb, seconds, depth, run)


@dataclass(frozen=True)
class Work:
    """One line of the plan."""

    name: str
    kind: str
    """What a pair that does it says it can."""
    measure: Callable[[Pair, float], Sample]
    share: float = 1.0
    """Of the seconds that a full sample takes."""
    python: bool = True
    """Whether Python apps do it too."""


WORKS = (
    Work("64 KiB messages", "stream", lambda pair, seconds: stream(pair, seconds, 64 * KIB, 1)),
    Work("1 MiB messages", "stream", lambda pair, seconds: stream(pair, seconds, 1024 * KIB, 1)),
    Work("256 B, one a gRPC message", "stream", lambda pair, seconds: stream(pair, seconds, SMALL, 1)),
    Work("256 B, 64 a gRPC message", "batch", lambda pair, seconds: stream(pair, seconds, SMALL, 64)),
    Work("Ping", "ping", lambda pair, seconds: ping(pair, seconds, 1), 0.6),
    Work("Send to DELIVERED", "deliver", lambda pair, seconds: deliver(pair, seconds, 1), 0.6),
    Work("Send to DELIVERED, 32 at once", "deliver", lambda pair, seconds: deliver(pair, seconds, 32), 0.6, False),
    Work("request/reply", "request", lambda pair, seconds: request(pair, seconds, 1), 0.6, False),
    Work("request/reply, 32 at once", "request", lambda pair, seconds: request(pair, seconds, 32), 0.6, False),
    Work("request/reply, a call or stream each", "call", lambda pair, seconds: call(pair, seconds, 1), 0.6, False),
    Work("request/reply, 32 calls or streams", "call", lambda pair, seconds: call(pair, seconds, 32), 0.6, False),
    Work("relink", "relink", lambda pair, seconds: relink(pair, seconds, 1), 0.6, False),
)
