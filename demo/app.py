"""An app of the demo: it knows its own sidecar's endpoint and nothing else, and has only the client package.

To every peer its sidecar learns of it sends its series, and it acknowledges what it receives by messages of its own: a
sidecar that dies takes with it what it held, so only the other app's word counts. What that word does not come for is
sent again. It prints its state as lines of JSON and ends when its stdin does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.series import (
    ACK_CHANNEL,
    DATA_CHANNEL,
    FILE,
    HEADER,
    KINDS,
    MESSAGES,
    RANGE,
    Arrived,
    Bodies,
    FilePieces,
    ShortMessages,
    Unacknowledged,
    acknowledgements,
    item,
)
from sidecar_client import Cancelled, PeersSnapshot, Received, Sidecar, SidecarError

STALLED = 2.0
"""Seconds without a new acknowledgement after which what is left is sent again."""

BACK_OFF = 0.1
"""Seconds between attempts while the sidecar, or the way to a peer, is gone."""

ACK_BATCH = 4096
"""The most items acknowledged in one message."""

ACK_TIMEOUT = 5.0
"""Seconds for one of them."""

REPORT_EVERY = 0.1


def until_closed(work: Callable[[], None]) -> None:
    """Runs what iterates over a subscription, which ends by Cancelled when the client is closed."""
    with contextlib.suppress(Cancelled):
        work()


class Series:
    """One series to one peer: sent until the other app has acknowledged all of it."""

    def __init__(self, sidecar: Sidecar, peer_id: str, kind: int, bodies: Bodies) -> None:
        self.kind = kind
        self.bodies = bodies
        self.unacknowledged = Unacknowledged(bodies.count)
        self.sent = 0
        self.began = time.monotonic()
        self.ended: float | None = None
        self._sidecar = sidecar
        self._peer_id = peer_id
        threading.Thread(target=self._run, name=f"send-{KINDS[kind]}", daemon=True).start()

    def _run(self) -> None:
        while left := self.unacknowledged.left():
            try:
                with self._sidecar.sender(self._peer_id, channel=DATA_CHANNEL, wait="delivered") as sender:
                    for number in left:
                        sender.send(item(self.kind, number, self.bodies.count, self.bodies.body(number)))
                        self.sent += 1
                self.unacknowledged.wait_progress(STALLED)
            except SidecarError:
                # Some of it did not arrive, or nobody can tell. What is missing shows in the acknowledgements.
                time.sleep(BACK_OFF)
        self.ended = time.monotonic()

    def report(self) -> dict[str, Any]:
        """What the demo shows and compares."""
        return {
            "count": self.bodies.count,
            "bytes": self.bodies.total_bytes,
            "acknowledged": self.unacknowledged.acknowledged(),
            "sent": self.sent,
            "seconds": (self.ended or time.monotonic()) - self.began,
            "digest": self.bodies.digest,
        }


class Acknowledger:
    """Tells one peer's app what has come from it."""

    def __init__(self, sidecar: Sidecar, peer_id: str) -> None:
        self._sidecar = sidecar
        self._peer_id = peer_id
        self._items: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="acknowledge", daemon=True).start()

    def add(self, kind: int, number: int) -> None:
        """This item is here."""
        self._items.put((kind, number))

    def _run(self) -> None:
        batch: list[tuple[int, int]] = []
        while True:
            if not batch:
                batch.append(self._items.get())
            while len(batch) < ACK_BATCH and not self._items.empty():
                batch.append(self._items.get())
            try:
                self._sidecar.send(
                    self._peer_id, acknowledgements(batch), channel=ACK_CHANNEL, priority="high", timeout=ACK_TIMEOUT
                )
                batch.clear()
            except SidecarError:
                time.sleep(BACK_OFF)


class App:
    """Everything one app does."""

    def __init__(self, sidecar: Sidecar, folder: Path, file: Path, messages: int) -> None:
        self.sidecar = sidecar
        self.folder = folder
        self.file = file
        self.messages = messages
        self.own_id = sidecar.node().peer_id
        self.series: dict[str, dict[int, Series]] = {}
        self.arrived: dict[tuple[str, int], Arrived] = {}
        self._acknowledgers: dict[str, Acknowledger] = {}

    def run(self) -> None:
        """Starts what runs until the process ends."""
        for work in (self._receive_data, self._receive_acknowledgements, self._meet_peers):
            threading.Thread(target=until_closed, args=(work,), daemon=True).start()

    def _meet_peers(self) -> None:
        for change in self.sidecar.watch_peers():
            for peer in change.peers if isinstance(change, PeersSnapshot) else (change.peer,):
                if peer.peer_id not in self.series:
                    short = ShortMessages(self.messages, f"{self.own_id} {peer.peer_id}")
                    self.series[peer.peer_id] = {
                        MESSAGES: Series(self.sidecar, peer.peer_id, MESSAGES, short),
                        FILE: Series(self.sidecar, peer.peer_id, FILE, FilePieces(self.file)),
                    }

    def _receive_data(self) -> None:
        for message in self.sidecar.receive(DATA_CHANNEL):
            if not isinstance(message, Received):
                continue  # its sidecar came back; what was lost with the former one is sent again by the others
            kind, number, count = HEADER.unpack_from(message.payload)
            key = (message.peer_id, kind)
            if key not in self.arrived:
                self.arrived[key] = Arrived(kind, count, self.folder / f"{KINDS[kind]}-from-{message.peer_id}")
            self.arrived[key].take(number, message.payload[HEADER.size :])
            if message.peer_id not in self._acknowledgers:
                self._acknowledgers[message.peer_id] = Acknowledger(self.sidecar, message.peer_id)
            self._acknowledgers[message.peer_id].add(kind, number)

    def _receive_acknowledgements(self) -> None:
        for message in self.sidecar.receive(ACK_CHANNEL):
            if isinstance(message, Received) and message.peer_id in self.series:
                for kind, first, last in RANGE.iter_unpack(message.payload):
                    self.series[message.peer_id][kind].unacknowledged.acknowledge(first, last)

    def report(self, *, digests: bool = False) -> dict[str, Any]:
        """The app's state; the digests of what it received only where asked, since they take a while."""
        return {
            "own_id": self.own_id,
            "sent": {
                peer_id: {KINDS[kind]: series.report() for kind, series in both.items()}
                for peer_id, both in list(self.series.items())
            },
            "received": [
                {
                    "peer_id": peer_id,
                    "kind": KINDS[kind],
                    "count": arrived.count,
                    "received": arrived.received,
                    "bytes": arrived.bytes,
                    "repeats": arrived.repeats,
                    "digest": arrived.digest() if digests else None,
                }
                for (peer_id, kind), arrived in list(self.arrived.items())
            ],
        }


def main() -> None:
    """Runs the app until its stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True, help="where what arrives is kept")
    parser.add_argument("--file", type=Path, required=True, help="the file to send to every peer")
    parser.add_argument("--messages", type=int, required=True, help="how many messages to send to every peer")
    arguments = parser.parse_args()
    with Sidecar() as sidecar:
        sidecar.wait_ready()
        app = App(sidecar, arguments.folder, arguments.file, arguments.messages)
        app.run()
        ended = threading.Event()

        def read_to_the_end() -> None:
            sys.stdin.read()
            ended.set()

        threading.Thread(target=read_to_the_end, daemon=True).start()
        while not ended.wait(REPORT_EVERY):
            print(json.dumps(app.report()), flush=True)
        print(json.dumps(app.report(digests=True)), flush=True)


if __name__ == "__main__":
    main()
