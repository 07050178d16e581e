package sidecar

import (
	"context"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// Bootstrap dials the contacts given, or the remembered and known ones, until the first is linked.
func (c *Client) Bootstrap(ctx context.Context, contacts ...string) ([]*overlayv1.ContactResult, error) {
	answer, err := ask(ctx, c, c.Stubs.Bootstrap.Bootstrap, &overlayv1.BootstrapRequest{Contacts: contacts})
	return answer.GetResults(), err
}

// Contacts lists the contacts, configured and added; with [Cached], also the nodes that the sidecar remembers.
func (c *Client) Contacts(ctx context.Context, options ...ContactsOption) ([]*overlayv1.Contact, error) {
	cached := gathered(options, arguments{}).cached
	return pages(func(token string) ([]*overlayv1.Contact, string, error) {
		request := &overlayv1.ListContactsRequest{PageSize: page, PageToken: token, Cached: cached}
		answer, err := ask(ctx, c, c.Stubs.Bootstrap.ListContacts, request)
		return answer.GetContacts(), answer.GetNextPageToken(), err
	})
}

// AddContacts adds contacts, which outlast a restart of the sidecar.
func (c *Client) AddContacts(ctx context.Context, contacts ...string) ([]*overlayv1.Contact, error) {
	answer, err := ask(ctx, c, c.Stubs.Bootstrap.AddContacts, &overlayv1.AddContactsRequest{Contacts: contacts})
	return answer.GetContacts(), err
}

// RemoveContact removes an added contact, or forgets a remembered one; [ErrContactUnknown] when there is no such.
func (c *Client) RemoveContact(ctx context.Context, contact string) error {
	_, err := ask(ctx, c, c.Stubs.Bootstrap.RemoveContact, &overlayv1.RemoveContactRequest{Contact: contact})
	return err
}
