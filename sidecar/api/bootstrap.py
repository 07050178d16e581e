"""BootstrapService: the way in."""

from __future__ import annotations

from typing import Final

from sidecar.api.front.base import CallContext, ColdUnary, Service
from sidecar.api.paging import key_of, page_size, token_after
from sidecar.errors import invalid_field
from sidecar.gen.overlay.v1 import bootstrap_pb2 as pb
from sidecar.node import Node

SERVICE: Final = "overlay.v1.BootstrapService"

CONTACTS_MAX: Final = 100
"""Contacts in one request."""


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
        left = [(str(contact), configured) for contact, configured in self._node.contacts.all() if str(contact) > after]
        page = left[:size]
        response = pb.ListContactsResponse(
            contacts=[pb.Contact(address=address, configured=configured) for address, configured in page]
        )
        if len(left) > size:
            response.next_page_token = token_after(page[-1][0])
        return response

    async def add_contacts(self, request: pb.AddContactsRequest, _context: CallContext) -> pb.AddContactsResponse:
        """As in the proto file."""
        check_count(len(request.contacts), least=1)
        configured = {str(contact) for contact, fixed in self._node.contacts.all() if fixed}
        added = self._node.add_contacts(request.contacts)
        return pb.AddContactsResponse(
            contacts=[pb.Contact(address=str(contact), configured=str(contact) in configured) for contact in added]
        )

    async def remove_contact(self, request: pb.RemoveContactRequest, _context: CallContext) -> pb.RemoveContactResponse:
        """As in the proto file."""
        self._node.remove_contact(request.contact)
        return pb.RemoveContactResponse()


def check_count(count: int, *, least: int) -> None:
    """SidecarError INVALID_FIELD for too few or too many contacts in a request."""
    if not least <= count <= CONTACTS_MAX:
        raise invalid_field("contacts", f"{count} are given: give {least} to {CONTACTS_MAX}")
