"""The receiving app: `python -m tests.crash.receiver_app ENDPOINT NOTES`. It notes each message, then acknowledges
it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from sidecar_client import Gap, Sidecar, SidecarError
from tests.crash.traffic import KINDS, Kind, Notes


def main() -> None:
    notes = Notes(Path(sys.argv[2]))
    with Sidecar(sys.argv[1]) as client:
        threads = [threading.Thread(target=receive, args=(client, kind, notes)) for kind in KINDS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def receive(client: Sidecar, kind: Kind, notes: Notes) -> None:
    """One channel, for ever."""
    while True:
        try:
            with client.consume(kind.name, credits=50) as messages:
                for message in messages:
                    if isinstance(message, Gap):
                        continue
                    notes.write("saw", kind.name, message.payload.decode(), message.redelivery_count)
                    messages.ack(message)
        except SidecarError:
            time.sleep(0.05)  # its sidecar is dead: tried again until it lives


if __name__ == "__main__":
    main()
