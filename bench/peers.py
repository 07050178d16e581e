"""What peers of one sidecar share: its socket, its turns, its memory. Steps of `python -m bench.durable`.

A sidecar in the middle, eleven around it, all real, apps in Python in processes of their own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

from bench.competitors import Sidecar, start_sidecar
from bench.places import LOOPBACK, Place, Site, namespaces
from bench.processes import App
from sidecar_client import Sidecar as Client

APP = Path(__file__).parent / "load" / "python" / "traffic.py"
SMALL_PEERS = 10
PAUSE = 0.02
SECONDS = 4.0
TURNS = 3
"""Samples of each, alone and beside the other, in turns."""
RATE = "40mbit"
MIB = 1 << 20


class Star:
    """The one in the middle, and those around it, each with its app. The first is the hog."""

    def __init__(self, stack: ExitStack, place: Place, folder: Path, peers: int) -> None:
        self._stack = stack
        self._folder = folder
        self.hub = self._start("hub", place.sender)
        self.peers = [self._start(f"peer{number}", place.receiver) for number in range(peers)]
        with Client(self.hub.endpoint) as client:
            for peer in self.peers:
                client.connect(peer.contact)

    def _start(self, name: str, site: Site) -> Sidecar:
        started = start_sidecar(name, site, self._folder / name, "auto", flags=["--min-links", "1"])
        self._stack.enter_context(started.process)
        return started

    def app(self, beside: Sidecar) -> App:
        """An app."""
        name = f"app of {beside.process.name}"
        log = self._folder / "apps.log"
        return self._stack.enter_context(App(name, [sys.executable, str(APP), beside.endpoint], LOOPBACK.sender, log))


@contextmanager
def star(place: Place, folder: Path, peers: int) -> Iterator[Star]:
    """A star of so many peers."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield Star(stack, place, folder, peers)


def hog(folder: Path) -> None:
    """One peer that always has more, in both directions, beside ten that say little. All of them share the processor
    too, so the same is sent between two sidecars elsewhere for comparison."""
    print(
        f"\n### {SMALL_PEERS} peers that send 256 bytes every {PAUSE * 1000:.0f} ms: alone; while a hog sends elsewhere"
    )
    print("on the same processor; while it sends by the same sidecar\n")
    print("| direction | the hog gets: elsewhere; here | messages/s of the others | here to elsewhere | p50 | p99 |")
    print("| --- | --- | --- | --- | --- | --- |")
    with star(LOOPBACK, folder, 2 + SMALL_PEERS) as there:
        hub, (big, other, *small) = there.hub, there.peers
        with Client(other.endpoint) as client:
            client.connect(big.contact)
        middle, pusher, edge, elsewhere = there.app(hub), there.app(hub), there.app(big), there.app(other)
        around = [there.app(peer) for peer in small]
        middle.ask("drain", channels=["small", "hog"])
        edge.ask("drain", channels=["hog"])
        ways = (
            ("out", pusher, big.peer_id, edge, [(middle, [peer.peer_id for peer in small])]),
            ("in", edge, hub.peer_id, middle, [(each, [hub.peer_id]) for each in around]),
        )
        for way, sender, to, receiver, askers in ways:
            hogs = {"alone": None, "elsewhere": (elsewhere, big.peer_id, edge), "here": (sender, to, receiver)}
            took: dict[str, list[float]] = {where: [] for where in hogs}
            came = dict.fromkeys(hogs, 0.0)
            for where, pushed in list(hogs.items()) * TURNS:
                if pushed is not None:
                    pushed[0].ask("push", peer=pushed[1], channel="hog", size=64 << 10, senders=4)
                    time.sleep(1)
                before = pushed[2].ask("count").get("hog", 0) if pushed is not None else 0
                asked = [
                    (app, app.post("ask", peers=peers, channel="small", pause=PAUSE, seconds=SECONDS))
                    for app, peers in askers
                ]
                for app, number in asked:
                    took[where] += app.answer(number, 120.0)
                if pushed is not None:
                    came[where] += (pushed[2].ask("count").get("hog", 0) - before) / MIB / SECONDS / TURNS
                    pushed[0].ask("stop")
                    time.sleep(1)
            rates = {where: len(spans) / SECONDS / TURNS for where, spans in took.items()}
            cuts = [quantiles(spans, n=100) for spans in took.values()]
            p50, p99 = ("; ".join(f"{cut[at] * 1e3:.0f}" for cut in cuts) for at in (49, 98))
            print(
                f"| {way} | {came['elsewhere']:.0f}; {came['here']:.0f} MiB/s | "
                f"{'; '.join(f'{rate:.0f}' for rate in rates.values())} | {rates['here'] / rates['elsewhere']:.2f} | "
                f"{p50} ms | {p99} ms |",
                flush=True,
            )


def slow(folder: Path) -> None:
    """One sender to a peer whose app reads and to one whose app does not."""
    print("\n### A sender to a reader, beside one to a peer whose app reads nothing\n")
    print(
        "| the reader gets: alone; beside it; ratio | the sending sidecar grew by | the one that is not read grew by |"
    )
    print("| --- | --- | --- |")
    with star(LOOPBACK, folder, 2) as there:
        reads, idle = there.peers
        sender, reader, stuck = there.app(there.hub), there.app(reads), there.app(there.hub)
        reader.ask("drain", channels=["x"])
        with Client(idle.endpoint) as client, client.consume("x", credits=1):
            rates: dict[bool, list[float]] = {False: [], True: []}
            sender.ask("push", peer=reads.peer_id, channel="x", size=64 << 10, senders=2)
            time.sleep(2)
            grown = [0.0, 0.0]
            for beside in (False, True) * TURNS:
                sides = (there.hub, idle)
                sizes = [side.process.rss_bytes() / MIB for side in sides]
                if beside:
                    stuck.ask("push", peer=idle.peer_id, channel="x", size=64 << 10, senders=2)
                    time.sleep(1)
                before, began = reader.ask("count")["x"], time.monotonic()
                time.sleep(SECONDS)
                rates[beside].append((reader.ask("count")["x"] - before) / MIB / (time.monotonic() - began))
                if beside:
                    after = [side.process.rss_bytes() / MIB for side in sides]
                    grown = [max(most, now - size) for most, now, size in zip(grown, after, sizes, strict=True)]
                    stuck.ask("stop")
                    time.sleep(1)
        alone, both = (median(rates[beside]) for beside in (False, True))
        print(
            f"| {alone:.0f}; {both:.0f} MiB/s; {both / alone:.2f} | {grown[0]:.0f} MiB | {grown[1]:.0f} MiB |",
            flush=True,
        )


def shares(folder: Path) -> None:
    """Eleven peers that always have more share a link."""
    print(f"\n### {1 + SMALL_PEERS} peers that all have more, over one link of {RATE} into and out of the middle\n")
    print("| direction | the one with 8 senders of 60 KiB | least and most of the others, 1 sender of 4 KiB | wanted |")
    print("| --- | --- | --- | --- |")
    with namespaces() as place:
        narrow(place)
        with star(place, folder, 1 + SMALL_PEERS) as there:
            middle, apps = there.app(there.hub), [there.app(peer) for peer in there.peers]
            channels = [str(number) for number in range(len(apps))]
            middle.ask("drain", channels=channels)
            for channel, app in zip(channels, apps, strict=True):
                app.ask("drain", channels=[channel])
            for way in ("out", "in"):
                for channel, peer, app in zip(channels, there.peers, apps, strict=True):
                    load = {"size": 60 << 10, "senders": 8} if channel == "0" else {"size": 4 << 10, "senders": 1}
                    if way == "out":
                        middle.ask("push", peer=peer.peer_id, channel=channel, **load)
                    else:
                        app.ask("push", peer=there.hub.peer_id, channel=channel, **load)

                def count(way: str = way) -> list[int]:
                    if way == "in":
                        came = middle.ask("count")
                        return [came.get(channel, 0) for channel in channels]
                    return [app.ask("count").get(channel, 0) for channel, app in zip(channels, apps, strict=True)]

                time.sleep(4)
                before = count()
                time.sleep(4 * SECONDS)
                came = [now - then for now, then in zip(count(), before, strict=True)]
                for app in (middle, *apps):
                    app.ask("stop")
                time.sleep(3)
                parts = [each / sum(came) for each in came]
                print(
                    f"| {way} | {parts[0]:.1%} | {min(parts[1:]):.1%}, {max(parts[1:]):.1%} | {1 / len(parts):.1%} |",
                    flush=True,
                )


def narrow(place: Place) -> None:
    """Makes the link between two sites as slow as RATE, both ways."""
    for site in (place.sender, place.receiver):
        words = [*site.prefix, "ip", "-o", "-4", "addr", "show", "scope", "global"]
        device = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]
        tbf = ["tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", RATE, "burst", "64k", "latency", "50ms"]
        subprocess.run([*site.prefix, *tbf], check=True)
