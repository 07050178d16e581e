"""Whether this sidecar can be dialled, as its peers find out."""

from __future__ import annotations

from typing import Annotated

import typer

from sidecar.cli.connection import JsonFlag, Timeout, sidecar
from sidecar.cli.exits import Exit
from sidecar.cli.output import enum_name, plain, show_json, show_line, show_table


def reachability(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HOST:PORT]...", help="Where to be dialled, instead of where peers see it."),
    ] = None,
    *,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Have linked peers dial this sidecar back, and tell where each tried and what happened. Exits with 6
    unless one has reached it."""
    from sidecar_client.gen.overlay.v1.node_pb2 import REACHABILITY_REACHED

    with sidecar(as_json=as_json) as client:
        found = client.check_reachability(addresses or (), timeout=timeout)
    reached = any(check.result == REACHABILITY_REACHED for check in found.checks)
    if as_json:
        show_json(plain(found))
    else:
        role = enum_name(found.DESCRIPTOR.fields_by_name["role"].enum_type, found.role)
        show_line(f"this sidecar is a {role}: {found.role_reason}")
        rows = [
            (
                check.peer_id,
                check.address or "-",
                enum_name(check.DESCRIPTOR.fields_by_name["result"].enum_type, check.result).replace("_", " "),
                check.detail or "-",
            )
            for check in found.checks
        ]
        if rows:
            show_table(("PEER", "DIALLED", "RESULT", "DETAIL"), rows)
        else:
            print("nobody is linked who could dial it: link to a peer first")
    if not reached:
        raise typer.Exit(Exit.UNREACHABLE)
