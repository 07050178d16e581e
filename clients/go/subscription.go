package sidecar

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"google.golang.org/grpc"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// subscription is what Receiver and Consumer have in common: messages from calls that follow each other.
type subscription struct {
	client *Client
	ctx    context.Context
	// begin starts a call.
	begin func(context.Context) (incomingCall, error)

	closeOnce sync.Once
	closed    chan struct{}

	// reading guards what follows: one goroutine reads at a time.
	reading  sync.Mutex
	in       incoming
	gap      *Gap
	ready    []*Received
	taken    int
	failed   error
	instance uint64
	call     incomingCall

	// cancelLock guards the end of the call, which may come from elsewhere.
	cancelLock sync.Mutex
	cancel     context.CancelFunc
}

// incomingCall is a Receive or Consume call.
type incomingCall interface {
	grpc.ClientStream
	deliveries() ([]*overlayv1.Delivery, error)
}

func (s *subscription) start(ctx context.Context, c *Client, begin func(context.Context) (incomingCall, error)) error {
	s.client, s.ctx, s.begin, s.closed = c, ctx, begin, make(chan struct{})
	if err := s.open(); err != nil {
		s.stop()
		return err
	}
	return nil
}

// Next waits for the next message or gap; io.EOF after Close, and when the client is closed. Any other error is the end, too.
func (s *subscription) Next() (Item, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for {
		switch {
		case s.gap != nil:
			gap := s.gap
			s.gap = nil
			return gap, nil
		case s.taken < len(s.ready):
			message := s.ready[s.taken]
			s.ready[s.taken] = nil
			s.taken++
			return message, nil
		case s.over():
			return nil, io.EOF
		case s.failed != nil:
			return nil, s.failed
		}
		if s.failed = s.read(); s.failed != nil {
			s.end()
		}
	}
}

// read fills `ready` from the call, or takes the subscription up again. Once the subscription is closed its error says
// nothing.
func (s *subscription) read() error {
	deliveries, err := s.call.deliveries()
	if err == nil {
		s.ready, err = s.in.messages(s.ready[:0], deliveries)
		s.taken = 0
		return err
	}
	broken := unavailable("the sidecar ended the subscription")
	if !errors.Is(err, io.EOF) {
		broken = fromRPC(s.client.translated(err))
	}
	if s.over() || !broken.Kind.within(ErrUnavailable) {
		return broken
	}
	return s.resume(broken)
}

// All iterates over messages and gaps until the subscription is closed. An error is the last that it yields.
func (s *subscription) All() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			item, err := s.Next()
			if errors.Is(err, io.EOF) || !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// over tells whether nothing more is wanted.
func (s *subscription) over() bool {
	select {
	case <-s.closed:
		return true
	case <-s.client.life:
		return true
	default:
		return false
	}
}

// stop ends the subscription at once.
func (s *subscription) stop() {
	s.closeOnce.Do(func() { close(s.closed) })
	s.end()
}

// end ends the call of now.
func (s *subscription) end() {
	s.cancelLock.Lock()
	defer s.cancelLock.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
}

// open opens a call and waits until the sidecar has taken it.
func (s *subscription) open() error {
	ctx, cancel := context.WithCancel(s.ctx)
	s.cancelLock.Lock()
	s.cancel = cancel
	if s.over() {
		cancel()
	}
	s.cancelLock.Unlock()
	call, err := s.begin(ctx)
	if err == nil {
		err = headers(call)
	}
	if err != nil {
		cancel()
		return s.client.translated(err)
	}
	s.call = call
	node, err := s.client.Node(ctx)
	if err != nil {
		return err
	}
	s.instance = node.Instance
	return nil
}

// headers waits until the sidecar has taken a call: it answers with headers at once.
func headers(call grpc.ClientStream) error {
	header, err := call.Header()
	if err == nil && header == nil {
		// It ended without. There is no message to read, only why.
		if err = call.RecvMsg(&overlayv1.ReceiveResponse{}); err == nil || errors.Is(err, io.EOF) {
			err = unavailable("the sidecar ended the call before it had taken it")
		}
	}
	return err
}

// resume opens the next call where the last one ended for a reason that may pass.
func (s *subscription) resume(broken *Error) error {
	former := s.instance
	for attempt := 0; ; attempt++ {
		s.end()
		if !s.client.pause(s.ctx, retryWait(attempt), s.closed) {
			if s.over() {
				return broken
			}
			failed := fromRPC(s.ctx.Err())
			failed.Detail = "the sidecar did not come back: " + broken.Detail
			return failed
		}
		s.in.restart()
		err := s.open()
		if err == nil {
			s.gap = &Gap{broken.Detail, s.instance != former}
			return nil
		}
		if s.ctx.Err() == nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrDeadlinePassed) {
			return err
		}
	}
}
