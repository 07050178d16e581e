package sidecar

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

const (
	// defaultCredits is how many messages may be out and not acked.
	defaultCredits = 64
	// closeWait is how long a closing consumer waits for the sidecar to take its last acknowledgements.
	closeWait = 5 * time.Second
)

// Consumer is a subscription with acknowledgements: what is not acked when it closes goes to another subscriber of the
// channel. It is taken up again when the sidecar went away, and yields a [*Gap] then; what was not acked comes again.
type Consumer struct {
	subscription

	ackLock sync.Mutex
	acks    acks
	// opening is the call that acks are gathered for.
	opening    int
	halfClosed bool
	wake       chan struct{}
	unknown    atomic.Uint64
}

type consumeCall struct {
	grpc.BidiStreamingClient[overlayv1.ConsumeRequest, overlayv1.ConsumeResponse]
	unknown *atomic.Uint64
}

func (c consumeCall) deliveries() ([]*overlayv1.Delivery, error) {
	response, err := c.Recv()
	for _, held := range response.GetUnknown() {
		c.unknown.Add(held.Last - held.First + 1)
	}
	return response.GetDeliveries(), err
}

// Consume subscribes to a channel with acknowledgements: at most [Credits] messages are handed out and neither acked nor
// nacked. The subscription stands when this returns, and ends with its Close or the context.
func (c *Client) Consume(ctx context.Context, channel string, options ...ConsumeOption) (*Consumer, error) {
	a := gathered(options, arguments{credits: defaultCredits})
	credits, err := creditsOf(a)
	if err != nil {
		return nil, err
	}
	opening := &overlayv1.ConsumeRequest{Frame: &overlayv1.ConsumeRequest_Open{Open: &overlayv1.ConsumeOpen{
		Channel: channel, Credits: credits, AckDeadline: span(a.ackDeadline), MaxDeliveries: a.maxDeliveries,
	}}}
	consumer := &Consumer{}
	err = consumer.start(ctx, c, func(ctx context.Context) (incomingCall, error) {
		call, err := c.Stubs.Messages.Consume(ctx)
		if err != nil {
			return nil, err
		}
		// What Send may say, reading says better.
		_ = call.Send(opening)
		wake := consumer.begun()
		go consumer.write(ctx, call, wake)
		return consumeCall{call, &consumer.unknown}, nil
	})
	if err != nil {
		return nil, err
	}
	return consumer, nil
}

func creditsOf(a *arguments) (uint32, error) {
	if a.credits < 1 || a.credits > math.MaxUint32 {
		return 0, invalid("credits", "at least 1")
	}
	return uint32(a.credits), nil
}

// Ack says that messages are done. Those of a call before the last Gap are passed over: the sidecar no longer waits for them.
func (c *Consumer) Ack(messages ...*Received) { c.settle(acked, 0, messages) }

// Nack has messages handed out again, to any subscriber, after a delay.
func (c *Consumer) Nack(delay time.Duration, messages ...*Received) {
	c.settle(nacked, delay, messages)
}

// Extend gives messages more time: they come back so long from now if they are not acked.
func (c *Consumer) Extend(by time.Duration, messages ...*Received) { c.settle(extended, by, messages) }

// Unknown counts acknowledgements that came for messages the sidecar no longer held for this consumer.
func (c *Consumer) Unknown() uint64 { return c.unknown.Load() }

func (c *Consumer) settle(how settling, span time.Duration, messages []*Received) {
	c.ackLock.Lock()
	defer c.ackLock.Unlock()
	for _, message := range messages {
		if message.Opening == c.opening {
			c.acks.gather(how, span, message.DeliveryID)
		}
	}
	c.prod()
}

// begun says that a call has begun: what was gathered for the former one is void, and its writer is not woken any more.
func (c *Consumer) begun() chan struct{} {
	c.ackLock.Lock()
	defer c.ackLock.Unlock()
	c.acks.clear()
	c.opening = c.in.opening
	c.wake = make(chan struct{}, 1)
	if c.halfClosed {
		c.prod()
	}
	return c.wake
}

// prod wakes the writer; the lock is held.
func (c *Consumer) prod() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write tells a call what was acked, gathered while the last frame was on its way; it ends with the call's context.
func (c *Consumer) write(
	ctx context.Context, call grpc.BidiStreamingClient[overlayv1.ConsumeRequest, overlayv1.ConsumeResponse], wake chan struct{},
) {
	for {
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
		for {
			c.ackLock.Lock()
			if c.wake != wake {
				c.ackLock.Unlock()
				return
			}
			request, closing := c.acks.next(), c.halfClosed
			c.ackLock.Unlock()
			if request == nil {
				if closing {
					_ = call.CloseSend() // reading tells what the matter is
					return
				}
				break
			}
			if call.Send(request) != nil {
				return // reading tells why
			}
		}
	}
}

// Close takes no more, hands over the last acknowledgements and ends the subscription, within 5 s; an iteration in another
// goroutine ends too.
func (c *Consumer) Close() error {
	c.closeOnce.Do(func() { close(c.closed) })
	c.ackLock.Lock()
	c.halfClosed = true
	c.prod()
	c.ackLock.Unlock()
	giveUp := time.AfterFunc(closeWait, c.end)
	defer giveUp.Stop()
	c.reading.Lock()
	defer c.reading.Unlock()
	// The end comes behind what was not read.
	for {
		if _, err := c.call.deliveries(); err != nil {
			break
		}
	}
	c.end()
	return nil
}
