package sidecar

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"

	"google.golang.org/grpc"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// SendDatagram sends an unreliable message to a linked peer; it waits at most its [TTL] for its turn, 0.1 s without one.
func (c *Client) SendDatagram(ctx context.Context, peerID string, payload []byte, options ...DatagramOption) error {
	a := gathered(options, arguments{})
	_, err := ask(ctx, c, c.Stubs.Messages.SendDatagram, &overlayv1.SendDatagramRequest{
		PeerId: peerID, Channel: a.channel, Payload: payload, Ttl: span(a.ttl),
	})
	return err
}

// Datagram is an unreliable message that came.
type Datagram struct {
	// PeerID is the sender, proven by its key.
	PeerID  string
	Payload []byte
}

// Datagrams is a subscription to the datagrams of a channel, for one goroutine. It is not taken up again.
type Datagrams struct {
	client  *Client
	call    grpc.ServerStreamingClient[overlayv1.ReceiveDatagramsResponse]
	cancel  context.CancelFunc
	closed  atomic.Bool
	ready   []*overlayv1.IncomingDatagram
	dropped uint64
}

// Datagrams subscribes to the datagrams of a channel. The subscription stands when this returns, and ends with its Close or
// the context.
func (c *Client) Datagrams(ctx context.Context, channel string) (*Datagrams, error) {
	ctx, cancel := context.WithCancel(ctx)
	call, err := c.Stubs.Messages.ReceiveDatagrams(ctx, &overlayv1.ReceiveDatagramsRequest{Channel: channel})
	if err == nil {
		err = headers(call)
	}
	if err != nil {
		cancel()
		return nil, c.translated(err)
	}
	return &Datagrams{client: c, call: call, cancel: cancel}, nil
}

// Dropped is how many datagrams the sidecar dropped because this app was slower than they came.
func (d *Datagrams) Dropped() uint64 { return d.dropped }

// All iterates over what comes until the subscription is closed. An error is the last that it yields.
func (d *Datagrams) All() iter.Seq2[*Datagram, error] {
	return func(yield func(*Datagram, error) bool) {
		for {
			for len(d.ready) > 0 {
				came := d.ready[0]
				d.ready = d.ready[1:]
				if !yield(&Datagram{came.PeerId, came.Payload}, nil) {
					return
				}
			}
			response, err := d.call.Recv()
			if err != nil {
				d.cancel()
				if d.closed.Load() || d.client.closed.Load() {
					return
				}
				if errors.Is(err, io.EOF) {
					err = unavailable("the sidecar ended the subscription")
				}
				yield(nil, d.client.translated(err))
				return
			}
			d.dropped += response.Dropped
			d.ready = response.Datagrams
		}
	}
}

// Close ends the subscription; an iteration in another goroutine ends too.
func (d *Datagrams) Close() error {
	d.closed.Store(true)
	d.cancel()
	return nil
}
