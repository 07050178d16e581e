"""Commands about the ways into the network."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.connection import JsonFlag, sidecar
from sidecar.cli.output import enum_name, plain, show_json, show_table

if TYPE_CHECKING:
    from sidecar_client.gen.overlay.v1.bootstrap_pb2 import Contact

CONTACT_COLUMNS = ("CONTACT", "ORIGIN", "CONNECTED")


def contact_row(contact: Contact) -> tuple[str, ...]:
    """A contact's cells under CONTACT_COLUMNS."""
    connected = "-"
    if contact.HasField("connected_at"):
        connected = contact.connected_at.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return contact.address, enum_name(contact.DESCRIPTOR.fields_by_name["origin"].enum_type, contact.origin), connected


def ls(*, as_json: JsonFlag = False) -> None:
    """List the contacts: configured, added, and remembered because they were connected to."""
    with sidecar(as_json=as_json) as client:
        contacts = client.contacts(cached=True)
    if as_json:
        for contact in contacts:
            show_json(plain(contact))
    else:
        show_table(CONTACT_COLUMNS, map(contact_row, contacts))


def add(
    contacts: Annotated[list[str], typer.Argument(metavar="CONTACT...", help="[peer-id@]host:port.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Add contacts, which outlast a restart; they are dialled at once if nobody is linked."""
    with sidecar(as_json=as_json) as client:
        added = client.add_contacts(*contacts)
    for contact in added:
        if as_json:
            show_json(plain(contact))
        else:
            print(f"{contact.address} ({contact_row(contact)[1]})")


def rm(
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="As `contacts ls` prints it.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Remove an added contact, or forget a remembered one."""
    with sidecar(as_json=as_json) as client:
        client.remove_contact(contact)
    if as_json:
        show_json({"address": contact, "removed": True})
    else:
        print(f"removed {contact}")
