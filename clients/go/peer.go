package sidecar

import (
	"context"
	"iter"
	"time"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// Peers lists every peer the sidecar knows, by id; with [LinkedOnly], those that are linked.
func (c *Client) Peers(ctx context.Context, options ...PeersOption) ([]*overlayv1.Peer, error) {
	linkedOnly := gathered(options, arguments{}).linkedOnly
	return pages(func(token string) ([]*overlayv1.Peer, string, error) {
		request := &overlayv1.ListPeersRequest{PageSize: page, PageToken: token, LinkedOnly: linkedOnly}
		answer, err := ask(ctx, c, c.Stubs.Peers.ListPeers, request)
		return answer.GetPeers(), answer.GetNextPageToken(), err
	})
}

// pages turns pages to the end.
func pages[T any](turn func(token string) ([]T, string, error)) ([]T, error) {
	var all []T
	for token := ""; ; {
		some, next, err := turn(token)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if next == "" {
			return all, nil
		}
		token = next
	}
}

// Peer tells about one peer; [ErrPeerUnknown] when there is no such.
func (c *Client) Peer(ctx context.Context, peerID string) (*overlayv1.Peer, error) {
	answer, err := ask(ctx, c, c.Stubs.Peers.GetPeer, &overlayv1.GetPeerRequest{PeerId: peerID})
	return answer.GetPeer(), err
}

// Connect links to a peer id or contact `[peer-id@]host:port`.
func (c *Client) Connect(ctx context.Context, target string) (*overlayv1.Peer, error) {
	answer, err := ask(ctx, c, c.Stubs.Peers.Connect, &overlayv1.ConnectRequest{Target: target})
	return answer.GetPeer(), err
}

// Disconnect ends the link to a peer; it gives the number of messages that were lost by it.
func (c *Client) Disconnect(ctx context.Context, peerID string) (uint64, error) {
	answer, err := ask(ctx, c, c.Stubs.Peers.Disconnect, &overlayv1.DisconnectRequest{PeerId: peerID})
	return answer.GetMessagesLost(), err
}

// BlockPeer keeps a peer out from now on, over restarts too, and cuts its link at once.
func (c *Client) BlockPeer(ctx context.Context, peerID string) error {
	_, err := ask(ctx, c, c.Stubs.Peers.BlockPeer, &overlayv1.BlockPeerRequest{PeerId: peerID})
	return err
}

// UnblockPeer keeps a peer out no longer; [ErrPeerUnknown] when it was not blocked.
func (c *Client) UnblockPeer(ctx context.Context, peerID string) error {
	_, err := ask(ctx, c, c.Stubs.Peers.UnblockPeer, &overlayv1.UnblockPeerRequest{PeerId: peerID})
	return err
}

// Ping measures the way to a peer's sidecar and back.
func (c *Client) Ping(ctx context.Context, peerID string) (time.Duration, error) {
	answer, err := ask(ctx, c, c.Stubs.Peers.Ping, &overlayv1.PingRequest{PeerId: peerID})
	return answer.GetRtt().AsDuration(), err
}

// WatchPeers yields a [*PeersSnapshot], then a [*PeerChange] for every change. When the sidecar restarts the watch goes on,
// with a new snapshot where the changes in between are not known. It ends with the context, whose error comes last, or
// without one when the client is closed.
func (c *Client) WatchPeers(ctx context.Context) iter.Seq2[PeerItem, error] {
	return func(yield func(PeerItem, error) bool) {
		var cursor *overlayv1.Cursor
		begin := func(ctx context.Context) (func() ([]PeerItem, error), error) {
			call, err := c.Stubs.Peers.WatchPeers(ctx, &overlayv1.WatchPeersRequest{Cursor: cursor})
			if err != nil {
				return nil, err
			}
			var snapshot []*overlayv1.Peer
			return func() ([]PeerItem, error) {
				response, err := call.Recv()
				if err != nil {
					return nil, err
				}
				if cursor == nil {
					for _, change := range response.Changes {
						if !change.Removed {
							snapshot = append(snapshot, change.Peer)
						}
					}
					if !response.SnapshotComplete {
						return nil, nil
					}
					cursor = response.Cursor
					return []PeerItem{&PeersSnapshot{snapshot}}, nil
				}
				cursor = response.Cursor
				items := make([]PeerItem, len(response.Changes))
				for index, change := range response.Changes {
					items[index] = &PeerChange{change.Peer, change.Removed}
				}
				return items, nil
			}, nil
		}
		expired := func() []PeerItem {
			cursor = nil
			return nil
		}
		watch(ctx, c, begin, expired, yield)
	}
}
