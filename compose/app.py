"""An app that greets every peer its sidecar knows, answers greetings, and says when it has an answer from each."""

from __future__ import annotations

import os
import threading
import time

from sidecar_client import Received, Sidecar, SidecarError

NAME = os.environ.get("APP_NAME", "app")
PEERS = int(os.environ.get("APP_PEERS", "2"))
PAUSE = 1.0
"""Seconds between two rounds of greetings."""


def greet(sidecar: Sidecar) -> None:
    """Sends a greeting to every known peer, again and again."""
    number = 0
    while True:
        try:
            for peer in sidecar.peers():
                number += 1
                sidecar.send(peer.peer_id, f"greeting {number} from {NAME}".encode(), channel="greetings", timeout=5)
        except SidecarError as error:
            print(f"{NAME}: greeting {number} failed: {error}")
        time.sleep(PAUSE)


def answer(sidecar: Sidecar) -> None:
    """Answers what comes as a greeting."""
    with sidecar.consume("greetings") as greetings:
        for message in greetings:
            if not isinstance(message, Received):
                continue  # the sidecar was away for a moment
            text = message.payload.decode()
            print(f"{NAME}: {message.peer_id[:8]} says: {text}")
            try:
                sidecar.send(message.peer_id, f"{NAME} heard {text}".encode(), channel="answers", timeout=5)
            except SidecarError as error:
                print(f"{NAME}: the answer failed: {error}")
            greetings.ack(message)


def main() -> None:
    """Runs until it is stopped."""
    with Sidecar() as sidecar:
        sidecar.wait_ready()
        print(f"{NAME}: my sidecar is {sidecar.node().peer_id}")
        for work in (greet, answer):
            threading.Thread(target=work, args=(sidecar,), daemon=True).start()
        answered: set[str] = set()
        for message in sidecar.receive("answers"):
            if isinstance(message, Received) and message.peer_id not in answered:
                answered.add(message.peer_id)
                print(f"{NAME}: {message.payload.decode()}")
                if len(answered) == PEERS:
                    print(f"{NAME}: every peer answered")


if __name__ == "__main__":
    main()
