"""`python -m bench.durable [STEP...]`: what the message plane promises, measured. The steps, all of them by default:

    rates         durable messages by size of group
    redelivery    after a kill of the receiving app, and of its sidecar
    resuming      the gap of a byte stream whose path dies
    stalled, slow memory and speed beside a reader that stalls
    fairness      priorities and channels of one link
    hog, shares   eleven peers of one sidecar

Real sidecars, and Python apps in threads of this process or in processes of their own; for `fairness` and `shares` a
link of 40 Mbit/s between two namespaces (root), so that the link and nothing else is what is shared.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles

from bench.competitors import Sidecar, start_sidecar
from bench.flows import GAPS, gap
from bench.flows import pair as flow_pair
from bench.peers import RATE, hog, narrow, shares, slow
from bench.places import LOOPBACK, NoNamespaces, Place, namespaces
from sidecar_client import Gap, Sender, SidecarError
from sidecar_client import Sidecar as Client

SECONDS = 3.0
PAYLOAD = bytes(256)
GROUPS = (1, 10, 100, 1000)
WEIGHTS = {"high": 16, "normal": 4, "low": 1}
"""Of priorities, as `wire/outbox.py` has them."""
MIB = 1 << 20


@contextlib.contextmanager
def pair(place: Place, folder: Path) -> Iterator[tuple[Sidecar, Sidecar]]:
    """Two sidecars with state on disk, linked."""
    near = start_sidecar("near", place.sender, folder / "near", "auto", keeps=True)
    with near.process:
        far = start_sidecar("far", place.receiver, folder / "far", "auto", keeps=True)
        with far.process:
            with Client(near.endpoint) as client:
                client.connect(far.contact)
            yield near, far


def drain(client: Client, channel: str, seen: Callable[[int], None]) -> threading.Thread:
    """An app that acknowledges all that comes; `seen` gets each payload's size."""

    def read() -> None:
        with contextlib.suppress(SidecarError), client.consume(channel, credits=5000) as messages:
            for message in messages:
                if not isinstance(message, Gap):
                    seen(len(message.payload))
                    messages.ack(message)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def rates(folder: Path) -> None:
    """Messages in groups: how many a second, and how long a group takes to the level."""
    print("\n### Durable messages of 256 bytes, one app, the next group when the last is told\n")
    print("| group | level | messages/s | group, median | group, 99 % |\n| --- | --- | --- | --- | --- |")
    with pair(LOOPBACK, folder) as (near, far), Client(near.endpoint) as sender, Client(far.endpoint) as receiver:
        drain(receiver, "rates", lambda size: None)
        for durable, level in ((False, "delivered"), (True, "sent"), (True, "delivered"), (True, "processed")):
            for group in GROUPS:
                times: list[float] = []
                with sender.sender(far.peer_id, channel="rates", wait=level, durable=durable) as out:  # type: ignore[arg-type]
                    until = time.monotonic() + SECONDS
                    while time.monotonic() < until:
                        began = time.monotonic()
                        for _ in range(group):
                            out.send(PAYLOAD)
                        out.flush()
                        times.append(time.monotonic() - began)
                name = f"{'durable' if durable else 'plain'}, {level}"
                print(
                    f"| {group:,} | {name} | {group * len(times) / sum(times):,.0f} | {median(times) * 1e3:.1f} ms |"
                    f" {quantiles(times, n=100)[98] * 1e3:.1f} ms |",
                    flush=True,
                )


def redelivery(folder: Path) -> None:
    """From a kill to the moment that another app has what was in hand."""
    print("\n### Redelivery\n\n| killed | to the message in another app's hands |\n| --- | --- |")
    with pair(LOOPBACK, folder) as (near, far), Client(near.endpoint) as sender:
        app = "import sys, time; from sidecar_client import Sidecar; m = Sidecar(sys.argv[1]).consume('x', credits=1)\n"
        app += "next(iter(m)); print('got', flush=True); time.sleep(60)"
        spans: list[float] = []
        for _ in range(5):
            first = subprocess.Popen([sys.executable, "-c", app, far.endpoint], stdout=subprocess.PIPE)
            sender.send(far.peer_id, b"x", channel="x", durable=True)
            assert first.stdout is not None
            first.stdout.readline()
            with Client(far.endpoint) as other, other.consume("x") as messages:
                began = time.monotonic()
                first.kill()
                message = next(iter(messages))
                spans.append(time.monotonic() - began)
                assert not isinstance(message, Gap)
                messages.ack(message)
            first.wait()
            first.stdout.close()
        print(f"| the app that had it | {median(spans) * 1e3:.0f} ms |", flush=True)
    spans = [restarted(folder / f"restarted{number}") for number in range(3)]
    print(f"| its sidecar, started again at once | {median(spans):.1f} s |", flush=True)


def restarted(folder: Path) -> float:
    """Seconds from the kill of the sidecar whose app has a message in hand to the moment that the app has it again."""
    with pair(LOOPBACK, folder) as (near, far), Client(near.endpoint) as sender:
        sender.send(far.peer_id, b"x", channel="x", durable=True)
        with Client(far.endpoint) as app, app.consume("x") as messages:
            next(iter(messages))
            began = time.monotonic()
            os.kill(far.process.pid, signal.SIGKILL)
            again = start_sidecar("far", LOOPBACK.receiver, folder / "far", "auto", keeps=True)
            with again.process:
                for message in messages:  # the client goes on by itself
                    if not isinstance(message, Gap) and message.redelivery_count:
                        took = time.monotonic() - began
                        messages.ack(message)
                        break
    return took


def resuming(folder: Path) -> None:
    """A stream's longest time without a byte when the path below it dies; `bench.flows` says how."""
    print("\n### A byte stream whose path dies without a word\n\n| what | |\n| --- | --- |")
    for number in range(GAPS):
        with flow_pair(folder / str(number)) as (near, far):
            asyncio.run(gap(near, far))


def stalled(folder: Path) -> None:
    """An app subscribes, reads nothing, and another sends until it is stopped."""
    print("\n### A reader that stalls while 256 MiB are offered\n")
    print("| | taken from the sending app | sending sidecar grew by | receiving sidecar grew by | on disk |")
    print("| --- | --- | --- | --- | --- |")
    for durable in (False, True):
        with (
            pair(LOOPBACK, folder / str(durable)) as (near, far),
            Client(near.endpoint) as sender,
            Client(far.endpoint) as receiver,
            receiver.consume("stalled", credits=1),
        ):
            before = rss(near), rss(far)
            stream = sender.sender(far.peer_id, channel="stalled", wait="sent", durable=durable)
            counts: list[int] = []
            thread = threading.Thread(target=offer, args=(stream, counts), daemon=True)
            thread.start()
            thread.join(8)
            taken = len(counts)
            kept = sender.queues().journal_bytes / MIB
            grown = [after - first for after, first in zip((rss(near), rss(far)), before, strict=True)]
            print(
                f"| {'durable' if durable else 'plain'} | {taken / 16:.0f} MiB | {grown[0]:.0f} MiB |"
                f" {grown[1]:.0f} MiB | {kept:.0f} MiB |",
                flush=True,
            )
            stream.cancel()


def offer(stream: Sender, counts: list[int]) -> None:
    """256 MiB, or as much as is taken; each number that was given is noted."""
    with contextlib.suppress(SidecarError):
        for _ in range(256 * 16):
            counts.append(stream.send(bytes(64 << 10)))  # noqa: PERF401 - who looks meanwhile sees how far it is


def rss(sidecar: Sidecar) -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{sidecar.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def fairness(folder: Path) -> None:
    """Who gets what of a link that is too narrow for all."""
    print(f"\n### Fairness: senders that always have more, over a link of {RATE}\n")
    print("| what shares | sender | share | wanted |\n| --- | --- | --- | --- |")
    with namespaces() as place:
        narrow(place)
        priorities = [(f"{name} priority", name, 16 << 10, weight) for name, weight in WEIGHTS.items()]
        channels = [
            (f"channel of {size >> 10} KiB messages", "normal", size, 1) for size in (1 << 10, 16 << 10, 60 << 10)
        ]
        with pair(place, folder) as (near, far):
            share(near, far, "priorities", priorities)
            share(near, far, "channels", channels)


def share(near: Sidecar, far: Sidecar, what: str, senders: list[tuple[str, str, int, int]]) -> None:
    """Lets senders push for a while, and prints what came of each."""
    seen: Counter[str] = Counter()
    stop = threading.Event()
    with Client(near.endpoint) as sender, Client(far.endpoint) as receiver:
        for channel, *_ in senders:
            drain(receiver, channel, lambda size, channel=channel: seen.update({channel: size}))  # type: ignore[misc]

        def push(channel: str, priority: str, size: int) -> None:
            with contextlib.suppress(SidecarError):
                out = sender.sender(far.peer_id, channel=channel, priority=priority)  # type: ignore[arg-type]
                while not stop.is_set():
                    out.send(bytes(size))
                out.cancel()

        for channel, priority, size, _ in senders:
            threading.Thread(target=push, args=(channel, priority, size), daemon=True).start()
        time.sleep(3)
        before = seen.copy()
        time.sleep(10)
        came = {channel: seen[channel] - before[channel] for channel, *_ in senders}
        stop.set()
    whole, weights = sum(came.values()), sum(weight for *_, weight in senders)
    for channel, _, _, weight in senders:
        print(f"| {what} | {channel} | {came[channel] / whole:.1%} | {weight / weights:.1%} |", flush=True)


STEPS = (rates, redelivery, resuming, stalled, slow, fairness, hog, shares)


def main() -> None:
    """All of it, or the steps that are named."""
    options = argparse.ArgumentParser(
        prog="python -m bench.durable", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("step", nargs="*", metavar="STEP", help="only these")
    names = {step.__name__: step for step in STEPS}
    asked = options.parse_args().step or list(names)
    if unknown := [name for name in asked if name not in names]:
        options.error(f"no step is called {', '.join(unknown)}: there are {', '.join(names)}")
    with tempfile.TemporaryDirectory(prefix="qpd", dir="/tmp") as folder:
        for number, name in enumerate(asked):
            try:
                names[name](Path(folder) / str(number))
            except NoNamespaces as missing:
                print(f"left out: {missing}", file=sys.stderr)


if __name__ == "__main__":
    main()
