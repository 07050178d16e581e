"""BootstrapService: the way in."""

from __future__ import annotations

from typing import Final

from sidecar.addresses import Contact
from sidecar.api.front.base import CallContext, ColdUnary, Service
from sidecar.api.paging import key_of, page_size, token_after
from sidecar.errors import invalid_field
from sidecar.gen.overlay.v1 import bootstrap_pb2 as pb
from sidecar.node import Node
from sidecar.overlay.events import ContactOrigin

SERVICE: Final = "overlay.v1.BootstrapService"

CONTACTS_MAX: Final = 100
"""Contacts in one request."""

ORIGINS: Final = {
    ContactOrigin.CONFIGURED: pb.CONTACT_ORIGIN_CONFIGURED,
    ContactOrigin.ADDED: pb.CONTACT_ORIGIN_ADDED,
    ContactOrigin.CACHED: pb.CONTACT_ORIGIN_CACHED,
}


class BootstrapService:
    """The servicer."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def service(self) -> Service:
        """The service for a front."""
        return Service(
            SERVICE,
            {
                "Bootstrap": ColdUnary(pb.BootstrapRequest, self.bootstrap),
                "ListContacts": ColdUnary(pb.ListContactsRequest, self.list_contacts),
                "AddContacts": ColdUnary(pb.AddContactsRequest, self.add_contacts),
                "RemoveContact": ColdUnary(pb.RemoveContactRequest, self.remove_contact),
            },
        )

    async def bootstrap(self, request: pb.BootstrapRequest, _context: CallContext) -> pb.BootstrapResponse:
        """As in the proto file."""
        check_count(len(request.contacts), least=0)
        results = await self._node.bootstrap(request.contacts)
        return pb.BootstrapResponse(
            results=[
                pb.ContactResult(address=str(result.contact), peer_id=result.peer_id, error=result.error)
                for result in results
            ]
        )

    async def list_contacts(self, request: pb.ListContactsRequest, _context: CallContext) -> pb.ListContactsResponse:
        """As in the proto file."""
        size, after = page_size(request.page_size), key_of(request.page_token)
        left = [entry for entry in self._node.list_contacts(cached=request.cached) if str(entry[0]) > after]
        page = left[:size]
        response = pb.ListContactsResponse(contacts=[contact_message(*entry) for entry in page])
        if len(left) > size:
            response.next_page_token = token_after(str(page[-1][0]))
        return response

    async def add_contacts(self, request: pb.AddContactsRequest, _context: CallContext) -> pb.AddContactsResponse:
        """As in the proto file."""
        check_count(len(request.contacts), least=1)
        added = self._node.add_contacts(request.contacts)
        origins = {contact: origin for contact, origin, _ in self._node.list_contacts(cached=False)}
        return pb.AddContactsResponse(contacts=[contact_message(contact, origins[contact]) for contact in added])

    async def remove_contact(self, request: pb.RemoveContactRequest, _context: CallContext) -> pb.RemoveContactResponse:
        """As in the proto file."""
        self._node.remove_contact(request.contact)
        return pb.RemoveContactResponse()


def contact_message(contact: Contact, origin: ContactOrigin, connected_at: float | None = None) -> pb.Contact:
    """A contact as the API shows it."""
    message = pb.Contact(address=str(contact), configured=origin is ContactOrigin.CONFIGURED, origin=ORIGINS[origin])
    if connected_at is not None:
        message.connected_at.FromNanoseconds(int(connected_at * 1e9))
    return message


def check_count(count: int, *, least: int) -> None:
    """SidecarError INVALID_FIELD for too few or too many contacts in a request."""
    if not least <= count <= CONTACTS_MAX:
        raise invalid_field("contacts", f"{count} are given: give {least} to {CONTACTS_MAX}")
