package sidecar

import (
	"context"
	"fmt"
	"iter"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// askReady is how long one question whether the sidecar is ready waits for a connection and the answer.
const askReady = 2 * time.Second

// WaitReady returns once the sidecar is ready at a level; an [ErrDeadlinePassed] says what it waited for. It waits
// [DefaultTimeout] at most where the context has no deadline.
func (c *Client) WaitReady(ctx context.Context, level Readiness) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	last := "no answer yet"
	for attempt := 0; ; attempt++ {
		serving, err := c.serving(ctx, level)
		switch {
		case serving:
			return nil
		case err == nil:
			last = fmt.Sprintf("the sidecar answers and is not ready at level %q", level)
		case c.closed.Load() || !err.Kind.within(ErrUnavailable) && !err.Kind.within(ErrDeadlinePassed) && ctx.Err() == nil:
			return err
		case ctx.Err() == nil || attempt == 0:
			last = fmt.Sprintf("no sidecar answers at %s: %s", c.endpoint.address, err.Detail)
		}
		if !c.pause(ctx, retryWait(attempt), nil) {
			if c.closed.Load() {
				return c.translated(context.Canceled)
			}
			failed := fromRPC(ctx.Err())
			failed.Detail = fmt.Sprintf("not ready when the time was over: %s", last)
			return failed
		}
	}
}

// serving asks once.
func (c *Client) serving(ctx context.Context, level Readiness) (bool, *Error) {
	ctx, cancel := context.WithTimeout(ctx, askReady)
	defer cancel()
	answer, err := c.Stubs.Health.Check(ctx, &healthv1.HealthCheckRequest{Service: string(level)}, grpc.WaitForReady(true))
	if err != nil {
		return false, fromRPC(c.translated(err))
	}
	return answer.Status == healthv1.HealthCheckResponse_SERVING, nil
}

// Node tells who this sidecar is, where it listens, what its limits are.
func (c *Client) Node(ctx context.Context) (*overlayv1.GetNodeResponse, error) {
	return ask(ctx, c, c.Stubs.Node.GetNode, &overlayv1.GetNodeRequest{})
}

// CheckReachability has linked peers dial this sidecar back, where each sees it or at the addresses given (numeric
// host:port).
func (c *Client) CheckReachability(ctx context.Context, addresses ...string) (*overlayv1.CheckReachabilityResponse, error) {
	return ask(ctx, c, c.Stubs.Node.CheckReachability, &overlayv1.CheckReachabilityRequest{Addresses: addresses})
}

// Drain asks the sidecar to leave and stop; it gives the number of messages that had no outcome by then.
func (c *Client) Drain(ctx context.Context, options ...DrainOption) (uint64, error) {
	a := gathered(options, arguments{})
	if _, ok := ctx.Deadline(); !ok {
		// The sidecar's wait is bounded; the call's deadline leaves room for its answer.
		wait := c.timeout
		if a.drainTimeout != nil {
			wait = *a.drainTimeout
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait+2*time.Second)
		defer cancel()
	}
	request := &overlayv1.DrainRequest{Timeout: span(a.drainTimeout), NoWait: a.noWait}
	answer, err := ask(ctx, c, c.Stubs.Node.Drain, request)
	return answer.GetMessagesLost(), err
}

// Events iterates over what happens to the sidecar, from now on or [From] a cursor. When the sidecar restarts the watch goes
// on, with a [*Gap] where events in between are not known. It ends with the context, whose error comes last, or without one
// when the client is closed.
func (c *Client) Events(ctx context.Context, options ...EventsOption) iter.Seq2[EventItem, error] {
	cursor := gathered(options, arguments{}).cursor
	return func(yield func(EventItem, error) bool) {
		cursor := cursor
		begin := func(ctx context.Context) (func() ([]EventItem, error), error) {
			call, err := c.Stubs.Node.WatchEvents(ctx, &overlayv1.WatchEventsRequest{Cursor: cursor})
			if err != nil {
				return nil, err
			}
			return func() ([]EventItem, error) {
				response, err := call.Recv()
				if err != nil {
					return nil, err
				}
				cursor = response.Cursor
				items := make([]EventItem, len(response.Events))
				for index, event := range response.Events {
					items[index] = &Event{event, cursor}
				}
				return items, nil
			}, nil
		}
		expired := func() []EventItem {
			cursor = nil
			return []EventItem{&Gap{"events between the end of the former watch and now are not known", true}}
		}
		watch(ctx, c, begin, expired, yield)
	}
}
