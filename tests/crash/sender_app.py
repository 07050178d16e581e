"""The sending app: `python -m tests.crash.sender_app ENDPOINT PEER NOTES`. Whatever fails it goes on with the next
message; it never sends one twice."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from sidecar_client import SendFailed, Sidecar, SidecarError
from tests.crash.traffic import KINDS, Kind, Notes, read

BATCH = 20


def main() -> None:
    endpoint, peer_id, path = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    following = {kind.name: 0 for kind in KINDS}
    for word, channel, last in (line[:3] for line in read(path)):
        if word == "offered":
            following[channel] = max(following[channel], int(last) + 1)
    notes = Notes(path)
    with Sidecar(endpoint) as client:
        threads = [
            threading.Thread(target=send, args=(client, peer_id, kind, following[kind.name], notes)) for kind in KINDS
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def send(client: Sidecar, peer_id: str, kind: Kind, number: int, notes: Notes) -> None:
    """Batches on one channel, for ever. What a batch offers is noted before, what became of it after."""
    while True:
        try:
            with client.sender(
                peer_id, channel=kind.name, wait=kind.wait, durable=kind.durable, priority=kind.priority
            ) as sender:
                base = number
                while True:
                    first = number
                    notes.write("offered", kind.name, first + BATCH - 1)
                    number += BATCH
                    for each in range(first, number):
                        sender.send(b"%d" % each)
                    failed: set[int] = set()
                    try:
                        sender.flush(timeout=2)
                    except SendFailed as error:
                        failed = {base + one - 1 for lost in error.failures for one in range(lost.first, lost.last + 1)}
                    good = [each for each in range(first, number) if each not in failed]
                    if good:
                        notes.write("told", kind.name, *good)
                    time.sleep(0.01)  # so that not all of the machine is taken by what is sent
        except SidecarError:
            time.sleep(0.05)  # its sidecar is dead: tried again until it lives


if __name__ == "__main__":
    main()
