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

Sample = dict[str, float]
"""Figures by name; `cpu PART` are seconds of processor per GiB in streams and per 1,000 calls elsewhere."""

_runs = itertools.count(1)


def _run_name() -> str:
    """Every sample's payloads carry a mark of their own, so that nothing of a failed one counts in another."""
    return f"bench-{os.getpid()}-{next(_runs)}"


class _Processor:
    """The time of processors that a pair's processes take between two moments."""

    def __init__(self, pair: Pair) -> None:
        self._parts = pair.processes()
        self._before = {part: process.cpu_seconds() for part, process in self._parts.items()}

    def per(self, amount: float) -> Sample:
        spent = {part: (process.cpu_seconds() - self._before[part]) / amount for part, process in self._parts.items()}
        apps = spent["sending app"] + spent["receiving app"]
        return {
            "cpu": sum(spent.values()), "cpu apps": apps, "cpu sidecars": sum(spent.values()) - apps,
            **{f"cpu {part}": seconds for part, seconds in spent.items()},
        }  # fmt: skip


def stream(pair: Pair, seconds: float, size: int, batch: int) -> Sample:
    """Messages of one size, `batch` to a gRPC message or write, as fast as the receiver takes them. Time runs from
    before the first write to the last message in the receiving app, which has checked each by length and counter."""
    run = _run_name()
    pair.receiver.ask("listen", run=run, channel=pair.channel or run, size=size, seconds=seconds)
    processor = _Processor(pair)
    fields = {"run": run, "channel": pair.channel or run, "size": size, "batch": batch, "seconds": seconds}
    arriving = pair.receiver.post("collect", **fields)
    sent = pair.sender.ask("send", patience=seconds + PATIENCE, peer=pair.peer, **fields)
    received = pair.receiver.answer(arriving, PATIENCE)
    elapsed = (received["last_ns"] - sent["start_ns"]) / 1e9
    return {
        "gbit_s": received["bytes"] * 8 / elapsed / 1e9, "messages_s": received["count"] / elapsed, "seconds": elapsed,
        **processor.per(received["bytes"] / GIB),
    }  # fmt: skip


def _latencies(pair: Pair, verb: str, seconds: float, depth: int, run: str) -> Sample:
    processor = _Processor(pair)
    trips = pair.sender.ask(
        pair.verbs.get(verb, verb), patience=seconds + PATIENCE,
        run=run, channel=pair.channel or run, size=SMALL, seconds=seconds, depth=depth, peer=pair.peer,
        address=pair.address,
    )  # fmt: skip
    return {
        "p50_us": trips["p50_us"], "p99_us": trips["p99_us"], "calls_s": trips["count"] / trips["seconds"],
        **processor.per(trips["count"] / 1000),
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
    run = _run_name()
    if pair.between:
        pair.receiver.ask("answer", run=run, channel=pair.channel or run, size=SMALL, seconds=seconds, peer=pair.back)
    return _latencies(pair, "request", seconds, depth, run)


def relink(pair: Pair, seconds: float, depth: int) -> Sample:
    """Ends and makes the connection between the two sides, with one round trip on each, one after the other."""
    run = _run_name()
    if pair.between and "p2pd" in pair.name:
        pair.receiver.ask("answer", run=run, channel=pair.channel or run, size=SMALL, seconds=seconds, peer=pair.back)
    return _latencies(pair, "relink", seconds, depth, run)


@dataclass(frozen=True)
class Work:
    """One line of the plan."""

    name: str
    kind: str
    measure: Callable[[Pair, float], Sample]
    share: float = 1.0
    """Of the seconds that a full sample takes."""
    python: bool = True
    """Whether Python apps do it too."""


WORKS = (
    Work("64 KiB messages", "stream", lambda pair, seconds: stream(pair, seconds, 64 * KIB, 1)),
    Work("1 MiB messages", "stream", lambda pair, seconds: stream(pair, seconds, 1024 * KIB, 1)),
    Work("256 B, one a gRPC message", "stream", lambda pair, seconds: stream(pair, seconds, SMALL, 1)),
    Work("256 B, 64 a gRPC message", "stream", lambda pair, seconds: stream(pair, seconds, SMALL, 64)),
    Work("Ping", "ping", lambda pair, seconds: ping(pair, seconds, 1), 0.6),
    Work("Send to DELIVERED", "deliver", lambda pair, seconds: deliver(pair, seconds, 1), 0.6),
    Work("Send to DELIVERED, 32 at once", "deliver", lambda pair, seconds: deliver(pair, seconds, 32), 0.6, False),
    Work("request/reply", "request", lambda pair, seconds: request(pair, seconds, 1), 0.6, False),
    Work("request/reply, 32 at once", "request", lambda pair, seconds: request(pair, seconds, 32), 0.6, False),
    Work("relink", "relink", lambda pair, seconds: relink(pair, seconds, 1), 0.6, False),
)
