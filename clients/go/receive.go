package sidecar

import (
	"context"

	"google.golang.org/grpc"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// Receiver is a subscription to a channel; a message counts as taken once it is written to this app. It is taken up again
// when the sidecar went away, and yields a [*Gap] then.
type Receiver struct {
	subscription
}

type receiveCall struct {
	grpc.ServerStreamingClient[overlayv1.ReceiveResponse]
}

func (r receiveCall) deliveries() ([]*overlayv1.Delivery, error) {
	response, err := r.Recv()
	return response.GetDeliveries(), err
}

// Receive subscribes to a channel. The subscription stands when this returns, and ends with its Close or the context, whose
// error comes last then.
func (c *Client) Receive(ctx context.Context, channel string) (*Receiver, error) {
	r := &Receiver{}
	err := r.start(ctx, c, func(ctx context.Context) (incomingCall, error) {
		call, err := c.Stubs.Messages.Receive(ctx, &overlayv1.ReceiveRequest{Channel: channel})
		return receiveCall{call}, err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Close ends the subscription; an iteration in another goroutine ends too.
func (r *Receiver) Close() error {
	r.stop()
	return nil
}
