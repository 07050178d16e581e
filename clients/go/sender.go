package sidecar

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// Sender sends many messages to one peer and channel over one call, pipelined.
//
// Send returns as soon as there is room (16 MiB may be without an outcome) and gives the message's number; Result waits for
// one message, Flush for all so far. Close waits for all of them and ends the call; Cancel, or the end of the context, ends it at
// once. When the sidecar goes away, what was handed over fails as [ErrOutcomeUnknown] and the sender is of no more use: open
// another.
type Sender struct {
	client *Client
	call   grpc.BidiStreamingClient[overlayv1.SendStreamRequest, overlayv1.SendStreamResponse]
	cancel context.CancelFunc
	// wake tells the writer that there is something to do.
	wake chan struct{}
	// over is closed once the call has ended and the book is closed.
	over  chan struct{}
	tasks sync.WaitGroup

	mu      sync.Mutex
	book    outgoing
	closing bool
	// changed is closed at the next change; nil while nobody waits for one.
	changed chan struct{}
}

// Sender opens a pipelined way to one peer and channel. The context is the whole call's.
func (c *Client) Sender(ctx context.Context, peerID string, options ...SenderOption) (*Sender, error) {
	return c.openSender(ctx, peerID, gathered(options, arguments{priority: NormalPriority, level: DeliveredLevel}))
}

func (c *Client) openSender(ctx context.Context, peerID string, a *arguments) (*Sender, error) {
	if a.level == 0 {
		a.level = DeliveredLevel
	}
	ctx, cancel := context.WithCancel(ctx)
	call, err := c.Stubs.Messages.SendStream(ctx)
	if err != nil {
		cancel()
		return nil, c.translated(err)
	}
	s := &Sender{
		client: c, call: call, cancel: cancel, wake: make(chan struct{}, 1), over: make(chan struct{}),
		book: outgoing{level: overlayv1.DeliveryLevel(a.level)},
	}
	opening := &overlayv1.SendStreamOpen{
		PeerId: peerID, Channel: a.channel, Priority: overlayv1.Priority(a.priority), Level: s.book.level,
		Durable: a.durable, Ttl: span(a.ttl),
	}
	s.tasks.Go(s.read)
	s.tasks.Go(func() { s.write(&overlayv1.SendStreamRequest{Open: opening}) })
	return s, nil
}

// Send takes a message of any size and gives its number, from 1 on. The payload is copied. It waits while there is no
// room; the context bounds that wait and nothing else. Once the call has ended, it gives what ended it.
func (s *Sender) Send(ctx context.Context, payload []byte, options ...MessageOption) (uint64, error) {
	a := &arguments{}
	if len(options) > 0 {
		a = gathered(options, *a)
	}
	if err := checkText(a.messageID, a.headers); err != nil {
		return 0, err
	}
	whole, err := s.client.fits(ctx, len(payload))
	if err != nil {
		return 0, err
	}
	if !whole {
		payload = bytes.Clone(payload)
	}
	return s.add(ctx, payload, a, whole)
}

// add takes a message; one that is not whole is not copied.
func (s *Sender) add(ctx context.Context, payload []byte, a *arguments, whole bool) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.book.full() && s.book.ended == nil {
		if err := s.wait(ctx); err != nil {
			return 0, err
		}
	}
	switch {
	case s.book.ended != nil:
		return 0, s.book.ended
	case s.closing:
		return 0, unavailable("the sender is closed")
	}
	number := s.book.add(payload, a.headers, a.messageID, whole)
	s.prod()
	return number, nil
}

// Result returns once message `number` has reached its level, or with the reason why it did not.
func (s *Sender) Result(ctx context.Context, number uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number == 0 || number > s.book.count {
		return newError(ErrInvalidField, "there is no message %d, the last is %d", number, s.book.count)
	}
	for s.book.through < number {
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
	return s.book.errorOf(number)
}

// Flush returns once every message so far has an outcome: a [*SendFailed] names those that did not reach their level and
// were not named before.
func (s *Sender) Flush(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number := s.book.count; s.book.through < number; {
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
	return s.book.newFailures()
}

// Close sends no more, waits for what was sent, and ends the call; a [*SendFailed] as of Flush.
func (s *Sender) Close() error {
	s.mu.Lock()
	s.closing = true
	s.prod()
	s.mu.Unlock()
	s.tasks.Wait()
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.newFailures()
}

// Cancel ends the call at once; what has no outcome fails. After Close it does nothing.
func (s *Sender) Cancel() {
	s.cancel()
	s.tasks.Wait()
}

// wait gives the lock away until something has changed. The error says that the context ended before.
func (s *Sender) wait(ctx context.Context) error {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	changed := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return fromRPC(ctx.Err())
	}
}

// tell wakes those who wait; the lock is held.
func (s *Sender) tell() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// prod wakes the writer; the lock is held.
func (s *Sender) prod() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Sender) write(request *overlayv1.SendStreamRequest) {
	var buffer []byte
	for {
		// gRPC takes it once there is room on its way out; what comes meanwhile is gathered into the next.
		if s.call.Send(request) != nil {
			return // the reader is told why
		}
		release(buffer)
		s.mu.Lock()
		request, buffer = s.book.next()
		closing := s.closing
		s.mu.Unlock()
		for request == nil {
			if closing {
				_ = s.call.CloseSend() // the reader is told what the matter is
				return
			}
			select {
			case <-s.wake:
			case <-s.over:
				return
			}
			s.mu.Lock()
			request, buffer = s.book.next()
			closing = s.closing
			s.mu.Unlock()
		}
	}
}

func (s *Sender) read() {
	defer close(s.over)
	for {
		response, err := s.call.Recv()
		s.mu.Lock()
		if err != nil {
			var failed *Error
			if !errors.Is(err, io.EOF) {
				failed = fromRPC(s.client.translated(err))
			}
			s.book.end(failed)
		} else {
			s.book.receipts(response)
		}
		s.tell()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}
