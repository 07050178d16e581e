package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

const (
	// defaultWork is how many requests are worked on at once.
	defaultWork = 16
	// What the sidecar takes of an answer: more would end the call of all of them.
	answerBytes       = 16 << 20
	answerHeaderBytes = 8 << 10
	codeBytes         = 128
	wordsBytes        = 1 << 10
)

// Request asks an app beside a peer, one that answers on the channel. The call's deadline is the request's, and when the
// context is cancelled that app is told. [ErrRequestFailed] when it answered with an error, whose code is in the Metadata.
func (c *Client) Request(ctx context.Context, peerID string, payload []byte, options ...RequestOption) (*Reply, error) {
	a := gathered(options, arguments{})
	answer, err := ask(ctx, c, c.Stubs.Messages.Request, &overlayv1.RequestRequest{
		PeerId: peerID, Channel: a.channel, Headers: a.headers, Payload: payload,
	})
	if err != nil {
		return nil, err
	}
	return &Reply{answer.Payload, answer.Headers}, nil
}

// IncomingRequest is what another app asks.
type IncomingRequest struct {
	// PeerID is who asks, proven by its key.
	PeerID  string
	Channel string
	Payload []byte
	Headers map[string]string
	// TimeLeft is how long the requester waits, from when it came; 0 where it did not say.
	TimeLeft time.Duration
}

// AnswerError is an answering app's own error: the requester gets [ErrRequestFailed] with this code and these words.
type AnswerError struct {
	// Code is a short word, at most 128 bytes.
	Code string
	// Message has at most 1 KiB; what is longer is cut.
	Message string
}

// Error has the code and the words.
func (e *AnswerError) Error() string { return e.Code + ": " + e.Message }

// Handler answers a request. Its context ends when nobody waits for the answer any longer, with the requester's deadline at
// the latest. An [*AnswerError] is the requester's as it is, any other error goes under the code "internal".
type Handler func(ctx context.Context, request *IncomingRequest) (*Reply, error)

// Reply answers the requests of a channel, as many at once as [Credits] says (16), until the context ends or the sidecar
// goes away; it returns the error of either. It is not taken up again. [Client.Responder] can be closed in an orderly way.
func (c *Client) Reply(ctx context.Context, channel string, answer Handler, options ...ReplyOption) error {
	responder, err := c.Responder(ctx, channel, options...)
	if err != nil {
		return err
	}
	return responder.Serve(answer)
}

// Responder answers the requests of a channel.
type Responder struct {
	client *Client
	call   grpc.BidiStreamingClient[overlayv1.ReplyRequest, overlayv1.ReplyResponse]
	ctx    context.Context
	cancel context.CancelFunc
	// done is closed when Serve has returned.
	done chan struct{}

	mu sync.Mutex
	// hands are the requests in hand, each with what ends its context.
	hands map[uint64]context.CancelFunc
	// fewer tells that there is one less.
	fewer   *sync.Cond
	closing bool
	served  bool
	// sending lets one goroutine write at a time.
	sending sync.Mutex
}

// Responder registers for the requests of a channel: it stands when this returns, and Serve answers them. The context is
// that of all of it, and the parent of each request's. Serve or Close it.
func (c *Client) Responder(ctx context.Context, channel string, options ...ReplyOption) (*Responder, error) {
	a := gathered(options, arguments{credits: defaultWork})
	credits, err := creditsOf(a)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	call, err := c.Stubs.Messages.Reply(ctx)
	if err == nil {
		opening := &overlayv1.ReplyOpen{Channel: channel, Credits: credits, PeerIds: a.peerIDs}
		// What Send may say, reading says better.
		_ = call.Send(&overlayv1.ReplyRequest{Frame: &overlayv1.ReplyRequest_Open{Open: opening}})
		err = headers(call)
	}
	if err != nil {
		cancel()
		return nil, c.translated(err)
	}
	r := &Responder{
		client: c, call: call, ctx: ctx, cancel: cancel, done: make(chan struct{}), hands: map[uint64]context.CancelFunc{},
	}
	r.fewer = sync.NewCond(&r.mu)
	return r, nil
}

// Serve answers requests, each in a goroutine of its own, until Close (then it returns nil), the context's end or the
// sidecar's. It returns when every handler has. Call it once.
func (r *Responder) Serve(answer Handler) error {
	r.mu.Lock()
	if r.served {
		r.mu.Unlock()
		return newError(ErrInvalidField, "this responder was served already")
	}
	r.served = true
	r.mu.Unlock()
	defer close(r.done)
	err := r.take(answer)
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.untilNone()
	switch {
	case errors.Is(err, io.EOF) && !r.closing:
		return unavailable("the sidecar ended the call")
	case r.closing || r.client.closed.Load():
		return nil
	}
	return r.client.translated(err)
}

func (r *Responder) take(answer Handler) error {
	for {
		response, err := r.call.Recv()
		if err != nil {
			return err
		}
		r.mu.Lock()
		for _, asked := range response.Requests {
			// While the last ones are being answered nothing new is begun.
			if !r.closing {
				go r.work(r.inHand(asked), asked, answer)
			}
		}
		for _, number := range response.Cancelled {
			if cancel, ok := r.hands[number]; ok {
				cancel()
			}
		}
		r.mu.Unlock()
	}
}

// inHand is the context of a request; the lock is held.
func (r *Responder) inHand(asked *overlayv1.IncomingRequest) context.Context {
	var ctx context.Context
	var cancel context.CancelFunc
	if asked.TimeLeft != nil {
		ctx, cancel = context.WithTimeout(r.ctx, asked.TimeLeft.AsDuration())
	} else {
		ctx, cancel = context.WithCancel(r.ctx)
	}
	r.hands[asked.RequestId] = cancel
	return ctx
}

// outOfHand says that a request is done.
func (r *Responder) outOfHand(number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hands[number]()
	delete(r.hands, number)
	r.fewer.Broadcast()
}

// untilNone waits until no request is in hand; the lock is held.
func (r *Responder) untilNone() {
	for len(r.hands) > 0 {
		r.fewer.Wait()
	}
}

// work answers one request. A handler that panics costs its own request the answer, not the app its process nor others
// theirs; its stack goes to the standard logger, as that of an HTTP handler does.
func (r *Responder) work(ctx context.Context, asked *overlayv1.IncomingRequest, handler Handler) {
	defer r.outOfHand(asked.RequestId)
	var reply *Reply
	err := errors.New("the handler ended its goroutine")
	defer func() {
		if cause := recover(); cause != nil {
			log.Printf("sidecar: panic in the handler of channel %q: %v\n%s", asked.Channel, cause, debug.Stack())
			err = fmt.Errorf("the handler panicked: %v", cause)
		}
		if ctx.Err() == nil { // else nobody waits for it
			r.tell(answered(asked.RequestId, reply, err))
		}
	}()
	reply, err = handler(ctx, &IncomingRequest{
		PeerID: asked.PeerId, Channel: asked.Channel, Payload: asked.Payload, Headers: asked.Headers,
		TimeLeft: asked.TimeLeft.AsDuration(),
	})
}

// tell writes an answer.
func (r *Responder) tell(answer *overlayv1.Answer) {
	frame := &overlayv1.ReplyRequest{Frame: &overlayv1.ReplyRequest_Answers{
		Answers: &overlayv1.ReplyAnswers{Answers: []*overlayv1.Answer{answer}},
	}}
	r.sending.Lock()
	defer r.sending.Unlock()
	_ = r.call.Send(frame) // when the call is over, reading tells why
}

// answered is an app's answer as the sidecar takes it: one that it refused would end the call, and all others.
func answered(number uint64, reply *Reply, err error) *overlayv1.Answer {
	answer := &overlayv1.Answer{RequestId: number}
	if err == nil && reply != nil {
		if err = checkReply(reply); err == nil {
			answer.Payload, answer.Headers = reply.Payload, reply.Headers
			return answer
		}
	}
	if err == nil {
		return answer
	}
	var own *AnswerError
	if !errors.As(err, &own) || own.Code == "" || len(own.Code) > codeBytes {
		own = &AnswerError{"internal", err.Error()}
	}
	answer.Error = &overlayv1.AnswerError{Code: strings.ToValidUTF8(own.Code, "?"), Message: cut(own.Message)}
	return answer
}

// checkReply says what of a reply no sidecar takes.
func checkReply(reply *Reply) error {
	size := 0
	for key, value := range reply.Headers {
		size += len(key) + len(value)
	}
	if len(reply.Payload) > answerBytes || size > answerHeaderBytes {
		return errors.New("the reply is larger than 16 MiB, or its headers than 8 KiB")
	}
	return checkText("", reply.Headers)
}

// cut is at most so much of what an app says as the sidecar takes.
func cut(words string) string {
	words = strings.ToValidUTF8(words, "?")
	if len(words) <= wordsBytes {
		return words
	}
	end := wordsBytes
	for !utf8.RuneStart(words[end]) {
		end--
	}
	return words[:end]
}

// Close takes no more requests, lets those in hand be answered, and ends. What came and could not be answered any more is
// ErrOutcomeUnknown to its requester. Do not call it from a handler.
func (r *Responder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	again := r.closing
	r.closing = true
	if !r.served {
		r.cancel()
		return nil
	}
	r.untilNone()
	r.mu.Unlock()
	if !again {
		r.sending.Lock()
		_ = r.call.CloseSend() // reading tells what the matter is
		r.sending.Unlock()
	}
	<-r.done
	r.mu.Lock()
	return nil
}
