"""A chat: what is typed goes to every peer named, what they say is printed.

    python examples/chat.py PEER_ID...

Each side names the others. Somebody who is not there is told of, and may come later.
"""

from __future__ import annotations

import sys
import threading

from sidecar_client import Received, Sidecar, SidecarError

CHANNEL = "chat"


def listen(sidecar: Sidecar) -> None:
    """Prints what comes, for ever."""
    for message in sidecar.receive(CHANNEL):
        if isinstance(message, Received):
            print(f"{message.peer_id[:8]}: {message.payload.decode(errors='replace')}", flush=True)


def main(peers: list[str]) -> int:
    """Reads lines until there are no more."""
    if not peers:
        print("usage: chat.py PEER_ID...", file=sys.stderr)
        return 2
    with Sidecar() as sidecar:
        sidecar.wait_ready()
        threading.Thread(target=listen, args=(sidecar,), daemon=True).start()
        print(f"you are {sidecar.node().peer_id}", flush=True)
        for line in sys.stdin:
            for peer in peers:
                try:
                    sidecar.send(peer, line.rstrip("\n").encode(), channel=CHANNEL, timeout=5)
                except SidecarError as error:
                    print(f"{peer[:8]} did not get it: {error.detail}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
