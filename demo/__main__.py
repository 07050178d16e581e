"""Runs the demo and tells what it sees; exit code 1 when anything is missing or differs from what was sent.

a, b, c   three sidecars on loopback; c is told only of a
apps      one beside each; every one sends 10,000 messages and a 64 MiB file to every other
the kill  b's sidecar gets a kill -9 in the middle and comes back with the same key and port
the end   c's sidecar is killed too; a sends it a durable message, which c's app processes once it is back
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from demo.processes import DemoApp, DemoFailed, DemoSidecar
from sidecar_client import Gap
from sidecar_client import Sidecar as Client

KILL_AT = 0.3
"""Which part of everything has arrived when b's sidecar is killed."""

DOWN_SECONDS = 0.5
"""How long it stays away."""

LINE_EVERY = 2.0
"""Seconds between lines of progress."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

STARTED = time.monotonic()


def say(text: str) -> None:
    """A line with the seconds since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


@dataclass(frozen=True)
class Way:
    """One series from one app to another, as both ends tell of it."""

    sender: DemoApp
    receiver: DemoApp
    kind: str

    def at_sender(self) -> dict[str, Any]:
        """What the sending app told last; empty before it began."""
        found = self.sender.told["sent"].get(self.receiver.sidecar.peer_id, {}).get(self.kind, {})
        assert isinstance(found, dict)
        return found

    def at_receiver(self) -> dict[str, Any]:
        """What the receiving app told last; empty before anything arrived."""
        for each in self.receiver.told["received"]:
            if each["peer_id"] == self.sender.sidecar.peer_id and each["kind"] == self.kind:
                assert isinstance(each, dict)
                return each
        return {}

    def part(self) -> float:
        """Which part the sender knows to have arrived, from 0 to 1."""
        sent = self.at_sender()
        return sent["acknowledged"] / sent["count"] if sent else 0.0

    def complaint(self) -> str | None:
        """What is wrong with it in the end; None when all came and the digests agree."""
        what = complaint(self.at_sender(), self.at_receiver())
        return what and f"{self.kind} from {self.sender.name} to {self.receiver.name}: {what}"


def complaint(sent: dict[str, Any], received: dict[str, Any]) -> str | None:
    """What is wrong with a series, from what both ends told of it; None when all came and the digests agree."""
    if not sent or not received:
        return f"nothing was {'received' if sent else 'sent'}"
    if sent["acknowledged"] < sent["count"]:
        return f"{sent['count'] - sent['acknowledged']} of {sent['count']} were never acknowledged"
    if received["received"] < sent["count"]:
        return f"{sent['count'] - received['received']} of {sent['count']} are missing"
    if received["digest"] != sent["digest"]:
        return f"wrong digest: sent {sent['digest']}, received {received['digest']}"
    return None


class Demo:
    """The six processes and what they do to each other."""

    def __init__(self, folder: Path, messages: int, file_mib: int, limit: float) -> None:
        self.folder = folder
        self.messages = messages
        self.file_mib = file_mib
        self.until = STARTED + limit
        self.sidecars = [DemoSidecar(name, folder) for name in "abc"]
        self.apps: list[DemoApp] = []
        self.ways: list[Way] = []

    def run(self) -> None:
        """All of it. DemoFailed says what went wrong."""
        first, killed, _ = self.sidecars
        for sidecar in self.sidecars:
            sidecar.start(first.contact if sidecar is not first else None)
            told = f"told of {first.name} only" if sidecar is not first else "told of nobody"
            say(f"sidecar {sidecar.name}  {sidecar.peer_id[:12]}…  udp {sidecar.udp}  {told}")
        file = self.folder / "file"
        file.write_bytes(os.urandom(self.file_mib << 20))
        self.apps = [DemoApp(sidecar, self.folder, file, self.messages) for sidecar in self.sidecars]
        self.ways = [
            Way(sender, receiver, kind)
            for sender in self.apps
            for receiver in self.apps
            if sender is not receiver
            for kind in ("messages", "file")
        ]
        say(f"three apps: {self.messages:,} messages and a {self.file_mib} MiB file from each to each")
        self.wait_for_part(KILL_AT)
        resumed = self.kill_and_restart(killed, first)
        self.wait_for_part(1.0)
        say("every item is acknowledged by the app it was for; comparing digests")
        for app in self.apps:
            app.finish()
        for app in self.apps:
            app.wait()
        self.table(resumed)
        self.outlast(first, self.sidecars[2])
        complaints = [what for way in self.ways if (what := way.complaint())]
        if complaints:
            raise DemoFailed("\n".join(complaints))

    def outlast(self, sender: DemoSidecar, receiver: DemoSidecar) -> None:
        """A durable message to a sidecar that is down: it waits, and is processed once that is back."""
        say(f"kill -9 {receiver.kill()}: {receiver.name}'s sidecar is down; {sender.name} sends it a durable message")
        text = b"while you were away"
        with ThreadPoolExecutor(1) as calls, Client(sender.endpoint) as near:
            sending = calls.submit(
                near.send, receiver.peer_id, text, channel="durable", durable=True, wait="processed", timeout=60
            )
            until = time.monotonic() + DOWN_SECONDS
            while time.monotonic() < until or not near.queues().queues:
                time.sleep(0.05)
            say(f"it waits in {sender.name}'s journal; {receiver.name} starts again")
            receiver.start(sender.contact)
            with Client(receiver.endpoint) as far, far.consume("durable", timeout=30) as messages:
                message = next(iter(messages))
                if isinstance(message, Gap) or message.payload != text or not message.durable:
                    raise DemoFailed(f"a durable message was to come, and this came: {message}")
                messages.ack(message)
                sent = sending.result(timeout=30)
        if sent.sent_at is None or sent.processed_at is None:
            raise DemoFailed(f"the receipt lacks a time: {sent}")
        say(f"processed by {receiver.name}'s app {sent.processed_at - sent.sent_at:.1f} s after it was sent")

    def part(self) -> float:
        """Which part of everything the senders know to have arrived, by bytes for files and by number for messages."""
        return sum(way.part() for way in self.ways) / len(self.ways)

    def wait_for_part(self, part: float) -> None:
        """Shows progress until that part has arrived."""
        shown = 0.0
        while self.part() < part:
            self.pause()
            if time.monotonic() - shown >= LINE_EVERY:
                shown = time.monotonic()
                say(self.progress())

    def pause(self) -> None:
        """A short wait. DemoFailed when time is up or an app is gone."""
        time.sleep(0.05)
        for app in self.apps:
            app.check()
        if time.monotonic() > self.until:
            missing = "\n".join(
                f"  {way.kind} from {way.sender.name} to {way.receiver.name}: {way.part():.1%}"
                for way in self.ways
                if way.part() < 1
            )
            raise DemoFailed(f"not complete after {time.monotonic() - STARTED:.0f} s; acknowledged:\n{missing}")

    def progress(self) -> str:
        """One line: how far each app's series have come at the others."""

        def each() -> Iterator[str]:
            for app in self.apps:
                ways = [way for way in self.ways if way.sender is app]
                messages = sum(way.at_sender().get("acknowledged", 0) for way in ways if way.kind == "messages")
                pieces = sum(way.at_sender().get("acknowledged", 0) for way in ways if way.kind == "file")
                yield f"{app.name} {messages:6,} messages {pieces:4} MiB"

        return "acknowledged: " + " | ".join(each())

    def kill_and_restart(self, killed: DemoSidecar, first: DemoSidecar) -> tuple[float, float]:
        """kill -9, then the same again. Gives the seconds from the kill, and from the restart, to the moment when
        something new has passed through it both ways."""
        say(f"kill -9 {killed.kill()}: {killed.name}'s sidecar is gone with all it held")
        died = time.monotonic()
        while time.monotonic() < died + DOWN_SECONDS:
            self.pause()
        restarted = time.monotonic()
        killed.start(first.contact)
        say(f"sidecar {killed.name}  {killed.peer_id[:12]}…  udp {killed.udp}  is back with the same key and port")
        into = [way for way in self.ways if way.receiver.sidecar is killed]
        out = [way for way in self.ways if way.sender.sidecar is killed]

        def moved(ways: list[Way]) -> int:
            return sum(way.at_receiver().get("received", 0) + way.at_receiver().get("repeats", 0) for way in ways)

        for ways, before in ((into, moved(into)), (out, moved(out))):
            # What was complete before the kill has nothing left to move.
            while moved(ways) == before and any(way.part() < 1 for way in ways):
                self.pause()
        now = time.monotonic()
        say(f"messages pass through {killed.name} again, {now - restarted:.1f} s after its restart")
        return now - died, now - restarted

    def table(self, resumed: tuple[float, float]) -> None:
        """The closing table."""
        columns = ("from", "to", "what", "items", "bytes", "repeats", "seconds", "rate", "digest")
        rows: list[tuple[str, ...]] = []
        for way in self.ways:
            sent, received = way.at_sender(), way.at_receiver()
            seconds = sent.get("seconds", 0.0)
            if way.kind == "messages":
                rate = f"{sent.get('count', 0) / seconds:,.0f}/s" if seconds else "-"
            else:
                rate = f"{sent.get('bytes', 0) / seconds / 1e6:,.1f} MB/s" if seconds else "-"
            rows.append(
                (
                    way.sender.name,
                    way.receiver.name,
                    way.kind,
                    f"{received.get('received', 0):,}",
                    f"{received.get('bytes', 0):,}",
                    f"{received.get('repeats', 0):,}",
                    f"{seconds:.1f}",
                    rate,
                    "same" if received and received["digest"] == sent.get("digest") else "WRONG",
                )
            )
        widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
        numbers = {"items", "bytes", "repeats", "seconds", "rate"}
        print()
        for row in [columns, *rows]:
            cells = (
                cell.rjust(width) if name in numbers else cell.ljust(width)
                for name, cell, width in zip(columns, row, widths, strict=True)
            )
            print("  " + "  ".join(cells).rstrip())
        short = [way.at_receiver() for way in self.ways if way.kind == "messages"]
        total = sum(way.at_receiver().get("bytes", 0) for way in self.ways)
        print(
            f"\n  {len(self.apps)} peers, {sum(each.get('received', 0) for each in short):,} messages, "
            f"{total / (1 << 20):,.0f} MiB; traffic resumed {resumed[0]:.1f} s after the kill, "
            f"{resumed[1]:.1f} s after the restart; {time.monotonic() - STARTED:.1f} s in all\n",
            flush=True,
        )

    def stop(self) -> None:
        """Ends every process by its pid."""
        for app in self.apps:
            app.stop()
        for sidecar in self.sidecars:
            sidecar.stop()


def interrupted(number: int, _frame: FrameType | None) -> None:
    """A signal ends the demo the way a failure does: with its processes."""
    raise DemoFailed(f"ended by {signal.Signals(number).name}")


def main() -> int:
    """Runs the demo; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=10_000, help="how many each app sends to each other")
    parser.add_argument("--file-mib", type=int, default=64, help="the size of the file")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds after which it has failed")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and files")
    arguments = parser.parse_args()
    for number in SIGNALS:
        signal.signal(number, interrupted)
    folder = Path(tempfile.mkdtemp(prefix="sidecar-demo-"))
    demo = Demo(folder, arguments.messages, arguments.file_mib, arguments.limit)
    try:
        demo.run()
    except DemoFailed as failure:
        print(f"\nthe demo failed: {failure}", file=sys.stderr)
        for sidecar in demo.sidecars:
            if sidecar.log.exists():
                tail = sidecar.log.read_text().splitlines()[-15:]
                print(f"--- the end of sidecar {sidecar.name}'s log ---", *tail, sep="\n", file=sys.stderr)
        return 1
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # a second one must not keep the processes from being ended
        demo.stop()
        if arguments.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
