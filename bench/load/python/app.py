"""The app of a measurement, in Python over the client's stubs: the commands of load/go/main.go that a sidecar needs.

python app.py ENDPOINT; commands are lines of JSON on stdin, answers lines of JSON on stdout.
"""

from __future__ import annotations

import json
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import grpc

from sidecar_client.endpoint import Endpoint
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import peer_pb2
from sidecar_client.stubs import Stubs

HEAD = struct.Struct("<QQ")
TIMED_HEAD = struct.Struct("<QQQ")
"""Counter, mark of the run, and when it was written, in ns."""
TIMED_BYTES = 64 << 10
CLOSING = 1 << 63
ORDERED_SIZE = 60_000
"""Larger messages may overtake each other and the closing one."""
GRACE = 30.0
AHEAD_BYTES, AHEAD_BATCHES = 16 << 20, 4096
"""How far a sender goes ahead of its receipts, so that a run ends soon after its time."""

Work = dict[str, Any]


class LoadFailed(Exception):
    """What arrived is not what was sent."""


def mark(run: str) -> int:
    """FNV-1a of the run's name, as the Go program has it."""
    value = 0xCBF29CE484222325
    for byte in run.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


class Ledger:
    """Checks every payload of a run: mark, length, and that each counter comes once, in order where order holds."""

    def __init__(self, run: str, size: int) -> None:
        self.mark = mark(run)
        self.size = size
        self.count = 0
        self.total: int | None = None
        self.first_ns = self.last_ns = 0
        self.seen: set[int] = set()
        self.took: list[int] = []
        """Nanoseconds from write to app, of each `timed_every`th message."""
        self.timed_every = max(1, TIMED_BYTES // size)

    def take(self, payload: bytes) -> bool:
        """True when the run is complete."""
        counter, found = HEAD.unpack_from(payload)
        if found != self.mark:
            raise LoadFailed(f"a payload of another run: mark {found:x} instead of {self.mark:x}")
        if counter & CLOSING:
            self.total = counter & ~CLOSING
            if self.size < ORDERED_SIZE and self.count != self.total:
                raise LoadFailed(f"{self.count} messages arrived of {self.total}")
        else:
            if len(payload) != self.size:
                raise LoadFailed(f"message {counter} has {len(payload)} bytes instead of {self.size}")
            if self.size < ORDERED_SIZE:
                if counter != self.count:
                    raise LoadFailed(f"message {counter} arrived where {self.count} was due")
            elif counter in self.seen:
                raise LoadFailed(f"message {counter} arrived twice")
            else:
                self.seen.add(counter)
            self.last_ns = time.monotonic_ns()
            if counter % self.timed_every == 0:
                self.took.append(self.last_ns - TIMED_HEAD.unpack_from(payload)[2])
            if self.count == 0:
                self.first_ns = self.last_ns
            self.count += 1
        return self.count == self.total

    def received(self) -> dict[str, float]:
        return {
            "count": self.count, "bytes": self.count * self.size,
            "first_ns": self.first_ns, "last_ns": self.last_ns, **percentiles(self.took),
        }  # fmt: skip


class App:
    """The commands; each runs in a thread of its own."""

    def __init__(self, endpoint: str) -> None:
        self.stubs = Stubs(Endpoint.from_environment(endpoint).channel())
        self.runs: dict[str, tuple[Ledger, Future[dict[str, float]]]] = {}
        self.marks: dict[int, tuple[Ledger, Future[dict[str, float]]]] = {}
        self.channels: set[str] = set()

    def send(self, work: Work) -> Any:
        """Writes messages for the asked time, closes the run and waits for the receipt of everything."""
        run, size, batch = work["run"], work["size"], max(1, work["batch"])
        head, tail = mark(run), bytes(max(0, size - TIMED_HEAD.size))
        ahead = max(16, min(AHEAD_BYTES // size, AHEAD_BATCHES * batch))
        moved = threading.Condition()
        count = through = 0
        start = time.monotonic_ns()
        until = start + int(work["seconds"] * 1e9)

        def frames() -> Iterator[pb.SendStreamRequest]:
            nonlocal count
            yield pb.SendStreamRequest(
                open=pb.SendStreamOpen(peer_id=work["peer"], channel=work["channel"], level=pb.DELIVERY_LEVEL_DELIVERED)
            )
            while time.monotonic_ns() < until:
                with moved:
                    while count > through + ahead and moved.wait(GRACE):
                        pass
                first, count, now = count, count + batch, time.monotonic_ns()
                yield pb.SendStreamRequest(
                    messages=[
                        pb.Message(payload=TIMED_HEAD.pack(number, head, now) + tail) for number in range(first, count)
                    ]
                )
            yield pb.SendStreamRequest(messages=[pb.Message(payload=HEAD.pack(count | CLOSING, head))])

        for response in self.stubs.messages.SendStream(frames(), timeout=work["seconds"] + GRACE):
            for receipt in response.receipts:
                if receipt.exceptions:
                    raise LoadFailed(f"messages failed: {receipt.exceptions[0]}")
                if receipt.level == pb.DELIVERY_LEVEL_DELIVERED:
                    with moved:
                        through = receipt.through_sequence
                        moved.notify()
        if through != count + 1:
            raise LoadFailed(f"receipts through {through} of {count + 1} messages")
        return {"count": count, "start_ns": start, "settled_ns": time.monotonic_ns()}

    def subscribe(self, channel: str) -> None:
        """Receives a channel for as long as the app lives; what comes is entered in its run's ledger, or dropped."""
        if channel in self.channels:
            return
        self.channels.add(channel)
        call = self.stubs.messages.Receive(pb.ReceiveRequest(channel=channel), wait_for_ready=True)

        def receive() -> None:
            try:
                for response in call:
                    self.enter([message.payload for each in response.deliveries for message in each.messages])
            except grpc.RpcError as failed:
                self.channels.discard(channel)
                for _, done in self.runs.values():
                    if not done.done():
                        done.set_exception(LoadFailed(str(failed)))

        threading.Thread(target=receive, daemon=True).start()

    def enter(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            ledger, done = self.marks.get(HEAD.unpack_from(payload)[1], (None, None))
            if ledger is None or done is None or done.done():
                continue
            try:
                if ledger.take(payload):
                    done.set_result(ledger.received())
            except LoadFailed as failed:
                done.set_exception(failed)

    def listen(self, work: Work) -> Any:
        """Enters what comes of a run in a ledger; collect waits for its end."""
        run = Ledger(work["run"], work["size"]), Future[dict[str, float]]()
        self.runs[work["run"]] = self.marks[mark(work["run"])] = run
        self.subscribe(work["channel"])
        return True

    def collect(self, work: Work) -> Any:
        _, done = self.runs.pop(work["run"])
        try:
            return done.result(work["seconds"] + GRACE)
        finally:
            del self.marks[mark(work["run"])]

    def drain(self, work: Work) -> Any:
        """Takes and drops the messages of a channel."""
        self.subscribe(work["channel"])
        return True

    def ping(self, work: Work) -> Any:
        request = peer_pb2.PingRequest(peer_id=work["peer"])
        return _repeat(work, lambda: self.stubs.peers.Ping(request, timeout=GRACE))

    def send_delivered(self, work: Work) -> Any:
        payload = HEAD.pack(0, mark(work["run"])) + bytes(work["size"] - HEAD.size)
        request = pb.SendRequest(
            peer_id=work["peer"], channel=work["channel"], level=pb.DELIVERY_LEVEL_DELIVERED,
            message=pb.Message(payload=payload), token="t" * min(128, work["size"]),
        )  # fmt: skip
        return _repeat(work, lambda: self.stubs.messages.Send(request, timeout=GRACE))


def _repeat(work: Work, action: Callable[[], object]) -> Any:
    """One call after the other for the asked time."""
    trips: list[int] = []
    begin = now = time.monotonic_ns()
    until = begin + int(work["seconds"] * 1e9)
    while now < until:
        action()
        after = time.monotonic_ns()
        trips.append(after - now)
        now = after
    return {"count": len(trips), "seconds": (now - begin) / 1e9, **percentiles(trips)}


def percentiles(took: list[int]) -> dict[str, float]:
    """Of nanoseconds, in microseconds; nothing of nothing."""
    took.sort()
    return {"p50_us": took[len(took) // 2] / 1e3, "p99_us": took[len(took) * 99 // 100] / 1e3} if took else {}


def main() -> None:
    app = App(sys.argv[1])
    lock = threading.Lock()
    commands: dict[str, Callable[[Work], Any]] = {
        name: getattr(app, name) for name in ("send", "listen", "collect", "drain", "ping", "send_delivered")
    }

    def run(work: Work) -> None:
        try:
            reply = {"id": work["id"], "result": commands[work["do"]](work)}
        except (grpc.RpcError, LoadFailed, TimeoutError) as failed:
            reply = {"id": work["id"], "error": str(failed) or type(failed).__name__}
        with lock:
            print(json.dumps(reply), flush=True)

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()


if __name__ == "__main__":
    main()
