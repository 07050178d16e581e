"""Commands about the sidecar itself."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli.connection import JsonFlag, Timeout, sidecar
from sidecar.cli.output import complain, complain_json, enum_name, plain, show_json, show_line, show_table
from sidecar.cli.peers import PEER_COLUMNS, peer_row

if TYPE_CHECKING:
    from sidecar_client.gen.overlay.v1.node_pb2 import Event, GetNodeResponse
    from sidecar_client.gen.overlay.v1.peer_pb2 import Peer

STATUS_PEERS = 20
"""How many peers fit on the one screen of `status`."""


def status(*, as_json: JsonFlag = False) -> None:
    """Show who this sidecar is, whether it is ready, where it listens, and its peers."""
    with sidecar(as_json=as_json) as client:
        node = client.node()
        peers = client.peers(linked_only=True)
    if as_json:
        show_json({**plain(node), "peers": [plain(peer) for peer in peers]})
        return
    _show_node(node)
    _show_peers(peers)


def _show_node(node: GetNodeResponse) -> None:
    state = enum_name(node.DESCRIPTOR.fields_by_name["state"].enum_type, node.state)
    started = node.started_at.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [
        ("peer id", node.peer_id),
        ("network", node.network_id),
        ("role", f"{_role(node, node.role)} (set: {_role(node, node.role_setting)}): {node.role_reason}"),
        ("state", state),
        ("ready", "no: " + "; ".join(node.not_ready) if node.not_ready else "yes"),
        ("trust", _trust(node)),
        ("listening", ", ".join(node.listen_addresses)),
        ("seen at", ", ".join(node.observed_addresses) or "nobody has said"),
        ("running", f"{node.version}, engine {node.engine}, front {node.front}, since {started}"),
        ("peers", f"{node.linked_peers} linked, {node.known_peers} known"),
    ]
    for name, value in lines:
        show_line(f"{name:<10} {value}")


def _trust(node: GetNodeResponse) -> str:
    mode = enum_name(node.DESCRIPTOR.fields_by_name["trust"].enum_type, node.trust).replace("_", "-")
    if not node.HasField("certificate_expires"):
        return f"{mode}: any key"
    names = ", ".join(node.certificate_names) or "no name"
    return f"{mode}, as {names} until {node.certificate_expires.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M UTC}"


def _role(node: GetNodeResponse, role: int) -> str:
    return enum_name(node.DESCRIPTOR.fields_by_name["role"].enum_type, role)


def _show_peers(peers: list[Peer]) -> None:
    if not peers:
        return
    print()
    show_table(PEER_COLUMNS, map(peer_row, peers[:STATUS_PEERS]))
    if len(peers) > STATUS_PEERS:
        print(f"and {len(peers) - STATUS_PEERS} more: `sidecar peers ls`")


def events(*, as_json: JsonFlag = False) -> None:
    """Print what happens, from now on, until Ctrl-C."""
    from sidecar_client import Gap

    with sidecar(as_json=as_json) as client:
        client.node()  # A watch waits for a sidecar that is not there; a command says so.
        for event in client.events():
            if not isinstance(event, Gap):
                _show_event(event, as_json=as_json)
            elif as_json:
                complain_json({"reason": "GAP", "detail": event.detail})
            else:
                complain(event.detail)


def _show_event(event: Event, *, as_json: bool) -> None:
    kind = event.WhichOneof("kind") or "unknown"
    happened: dict[str, Any] = plain(getattr(event, kind)) if kind != "unknown" else {}
    time = event.time.ToDatetime(tzinfo=UTC).isoformat(timespec="milliseconds")
    if as_json:
        show_json({"time": time, "event": kind, **happened})
    else:
        words = " ".join(f"{name}={value}" for name, value in happened.items() if value not in ("", None))
        show_line(f"{time} {kind} {words}".rstrip())


def drain(
    *,
    timeout: Timeout = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return at once; it drains and stops by itself.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take nothing new, wait for what was accepted, leave the network, and stop the sidecar."""
    with sidecar(as_json=as_json) as client:
        lost = client.drain(timeout, wait=not no_wait)
    if as_json:
        show_json({"messages_lost": lost})
    elif no_wait:
        print("draining")
    else:
        print(f"drained; {lost} messages had no outcome" if lost else "drained")
