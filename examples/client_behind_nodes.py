"""A client behind nodes: a sidecar that cannot be dialled, or is not to be, and is reached all the same.

    python examples/client_behind_nodes.py serve                    beside a node
    python examples/client_behind_nodes.py client NODE_PEER_ID      beside a sidecar run with --role client

The client links to the node by itself, registers, and then gets what the node has for it, over the one connection that
it has dialled. The node never dials it, and learns at once when it sends to one that has gone.
"""

from __future__ import annotations

import sys

from sidecar_client import PeerNotDialable, Received, Sidecar
from sidecar_client.gen.overlay.v1.role_pb2 import Role

REGISTER = "register"
WORK = "work"


def serve(sidecar: Sidecar) -> None:
    """Gives each client that registers a greeting; a client that has gone is told of."""
    sidecar.wait_ready()
    print(f"serving as {sidecar.node().peer_id}", flush=True)
    for message in sidecar.receive(REGISTER):
        if not isinstance(message, Received):
            continue
        role = Role.Name(sidecar.peer(message.peer_id).role).removeprefix("ROLE_").lower()
        try:
            sidecar.send(message.peer_id, b"hello, " + message.payload, channel=WORK, timeout=5)
            print(f"served {message.payload.decode(errors='replace')}, a {role}", flush=True)
        except PeerNotDialable:
            print(f"{message.peer_id[:8]} has gone", flush=True)


def client(sidecar: Sidecar, node: str) -> None:
    """Registers, and prints the first thing that comes."""
    sidecar.wait_ready()
    with sidecar.receive(WORK) as work:
        sidecar.send(node, b"one who dials", channel=REGISTER, timeout=10)
        for message in work:
            if isinstance(message, Received):
                print(message.payload.decode(errors="replace"), flush=True)
                return


def main(words: list[str]) -> int:
    """Reads the command line."""
    with Sidecar() as sidecar:
        match words:
            case ["serve"]:
                serve(sidecar)
            case ["client", node]:
                client(sidecar, node)
            case _:
                print("usage: client_behind_nodes.py serve | client NODE_PEER_ID", file=sys.stderr)
                return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
