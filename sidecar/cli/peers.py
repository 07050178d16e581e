"""Commands about other sidecars."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.connection import JsonFlag, PeerArgument, Timeout, find_peer, sidecar
from sidecar.cli.output import bytes_text, enum_name, plain, show_json, show_line, show_table, time_text

if TYPE_CHECKING:
    from sidecar_client.gen.overlay.v1.peer_pb2 import Peer

PEER_COLUMNS = ("PEER", "STATE", "ROLE", "ADDRESS", "RTT", "SENT", "RECEIVED", "QUEUED")


def peer_row(peer: Peer) -> tuple[str, ...]:
    """A peer's cells under PEER_COLUMNS."""
    return (
        peer.peer_id,
        enum_name(peer.DESCRIPTOR.fields_by_name["state"].enum_type, peer.state),
        enum_name(peer.DESCRIPTOR.fields_by_name["role"].enum_type, peer.role) if peer.role else "-",
        peer.addresses[0] if peer.addresses else "-",
        time_text(peer.rtt.seconds + peer.rtt.nanos / 1e9) if peer.HasField("rtt") else "-",
        bytes_text(peer.bytes_sent),
        bytes_text(peer.bytes_received),
        bytes_text(peer.queued_bytes),
    )


def ls(
    *,
    linked: Annotated[bool, typer.Option("--linked", help="Only linked ones.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List peers."""
    with sidecar(as_json=as_json) as client:
        peers = client.peers(linked_only=linked)
    if as_json:
        for peer in peers:
            show_json(plain(peer))
    else:
        show_table(PEER_COLUMNS, map(peer_row, peers))


def add(
    target: Annotated[str, typer.Argument(metavar="CONTACT|PEER", help="[peer-id@]host:port, or a peer id.")],
    *,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Link to a peer."""
    with sidecar(as_json=as_json) as client:
        peer = client.connect(target if ":" in target else find_peer(client, target), timeout=timeout)
    if as_json:
        show_json(plain(peer))
    else:
        print(f"linked {peer.peer_id} at {', '.join(peer.addresses)}")


def rm(peer: PeerArgument, *, timeout: Timeout = None, as_json: JsonFlag = False) -> None:
    """End the link to a peer, once what was sent is acknowledged."""
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, peer)
        lost = client.disconnect(peer_id, timeout=timeout)
    if as_json:
        show_json({"peer_id": peer_id, "messages_lost": lost})
    else:
        print(f"unlinked {peer_id}" + (f"; {lost} messages were not acknowledged" if lost else ""))


def block(
    peer: PeerArgument,
    *,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Keep a peer out from now on, over restarts too; its link is cut at once."""
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, peer)
        client.block_peer(peer_id, timeout=timeout)
    if as_json:
        show_json({"peer_id": peer_id, "blocked": True})
    else:
        print(f"blocked {peer_id}")


def unblock(peer: PeerArgument, *, timeout: Timeout = None, as_json: JsonFlag = False) -> None:
    """Keep a peer out no longer."""
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, peer)
        client.unblock_peer(peer_id, timeout=timeout)
    if as_json:
        show_json({"peer_id": peer_id, "blocked": False})
    else:
        print(f"unblocked {peer_id}")


def watch(*, as_json: JsonFlag = False) -> None:
    """Print the peers, then every change, until Ctrl-C."""
    from sidecar_client import PeersSnapshot

    with sidecar(as_json=as_json) as client:
        client.node()  # A watch waits for a sidecar that is not there; a command says so.
        for step in client.watch_peers():
            changes = (
                [("known", peer) for peer in step.peers]
                if isinstance(step, PeersSnapshot)
                else [("removed" if step.removed else "changed", step.peer)]
            )
            for change, peer in changes:
                if as_json:
                    show_json({"change": change, **plain(peer)})
                else:
                    cells = peer_row(peer)[:1] if change == "removed" else peer_row(peer)[:4]
                    print(f"{change:<8} {'  '.join(cells)}", flush=True)


def bootstrap(
    contacts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CONTACT]...", help="Instead of the known ones, this time.", show_default=False),
    ] = None,
    *,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Dial the contacts until the first is linked."""
    with sidecar(as_json=as_json) as client:
        results = client.bootstrap(contacts or (), timeout=timeout)
    for result in results:
        if as_json:
            show_json(plain(result))
        else:
            show_line(
                f"{result.address}: " + (f"linked {result.peer_id}" if result.peer_id else f"failed: {result.error}")
            )


def ping(
    peer: PeerArgument,
    *,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="How many times, a second apart.")] = 1,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure the round trip to a peer's sidecar, linking first where needed."""
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, peer)
        for number in range(1, count + 1):
            if number > 1:
                time.sleep(1)
            rtt = client.ping(peer_id, timeout=timeout)
            if as_json:
                show_json({"peer_id": peer_id, "number": number, "rtt": rtt})
            else:
                print(f"{peer_id} {number}: {time_text(rtt)}", flush=True)
