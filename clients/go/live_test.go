package sidecar_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// These tests run beside two sidecars that are linked: SIDECAR_TEST_ENDPOINTS has both their endpoints, with a blank between
// them. tests/clients of the repository starts them; without, these tests are skipped.

// patience is how long anything may take: it is only reached when something is wrong.
const patience = 120 * time.Second

// pair are two apps, each with a client of its own sidecar.
type pair struct {
	ctx         context.Context
	here, there *sidecar.Client
	hereID      string
	thereID     string
	// channel is this test's own.
	channel string
}

func live(t *testing.T) *pair {
	t.Helper()
	endpoints := strings.Fields(os.Getenv("SIDECAR_TEST_ENDPOINTS"))
	if len(endpoints) != 2 {
		t.Skip("SIDECAR_TEST_ENDPOINTS does not name two sidecars")
	}
	nothingLeft(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	p := &pair{ctx: ctx, channel: t.Name()}
	p.here, p.hereID = clientOf(t, ctx, endpoints[0])
	p.there, p.thereID = clientOf(t, ctx, endpoints[1])
	return p
}

func clientOf(t *testing.T, ctx context.Context, endpoint string) (*sidecar.Client, string) {
	t.Helper()
	client, err := sidecar.New(sidecar.WithEndpoint(endpoint))
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	must(t, client.WaitReady(ctx, sidecar.Overlay))
	node, err := client.Node(ctx)
	must(t, err)
	return client, node.PeerId
}

// nothingLeft fails the test when goroutines that it started run after its end.
func nothingLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for until := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(until) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("goroutines are left running:\n%s", stacks[:runtime.Stack(stacks, true)])
			}
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("%v, and not %v", err, kind)
	}
}

func random(t *testing.T, size int) []byte {
	t.Helper()
	payload := make([]byte, size)
	_, err := rand.Read(payload)
	must(t, err)
	return payload
}

func received(t *testing.T, next func() (sidecar.Item, error)) *sidecar.Received {
	t.Helper()
	item, err := next()
	must(t, err)
	message, ok := item.(*sidecar.Received)
	if !ok {
		t.Fatalf("%#v came in place of a message", item)
	}
	return message
}

func TestSendAndReceive(t *testing.T) {
	p := live(t)
	inbox, err := p.there.Receive(p.ctx, p.channel)
	must(t, err)
	for _, size := range []int{0, 1, 1 << 16, 17 << 20} {
		payload := random(t, size)
		sent, err := p.here.Send(p.ctx, p.thereID, payload, sidecar.Channel(p.channel), sidecar.Headers(map[string]string{"k": "ü"}))
		must(t, err)
		if sent.Level != sidecar.DeliveredLevel {
			t.Fatalf("%+v", sent)
		}
		message := received(t, inbox.Next)
		if !bytes.Equal(message.Payload, payload) || message.PeerID != p.hereID || message.Headers["k"] != "ü" {
			t.Fatalf("%d bytes of %s came in place of %d", len(message.Payload), message.PeerID, size)
		}
	}
	_, err = p.here.Send(p.ctx, p.thereID, make([]byte, 17<<20), sidecar.RequestID("chunks take none"))
	is(t, err, sidecar.ErrInvalidField)
	_, err = p.here.Send(p.ctx, p.thereID, make([]byte, 65<<20))
	is(t, err, sidecar.ErrMessageTooLarge)
	must(t, inbox.Close())
}

func TestASubscriptionEnds(t *testing.T) {
	p := live(t)
	ended := func(next func() (sidecar.Item, error), end func()) error {
		result := make(chan error)
		go func() {
			_, err := next()
			result <- err
		}()
		end()
		return <-result
	}
	inbox, err := p.there.Receive(p.ctx, p.channel)
	must(t, err)
	is(t, ended(inbox.Next, func() { must(t, inbox.Close()) }), io.EOF)
	for range inbox.All() {
		t.Fatal("a closed one yields nothing")
	}
	consumer, err := p.there.Consume(p.ctx, p.channel)
	must(t, err)
	is(t, ended(consumer.Next, func() { must(t, consumer.Close()) }), io.EOF)
	must(t, consumer.Close())

	ctx, cancel := context.WithCancel(p.ctx)
	inbox, err = p.there.Receive(ctx, p.channel)
	must(t, err)
	is(t, ended(inbox.Next, cancel), context.Canceled)
	_, err = p.there.Receive(ctx, p.channel)
	is(t, err, sidecar.ErrCancelled)

	ctx, cancel = context.WithTimeout(p.ctx, 50*time.Millisecond)
	defer cancel()
	for _, err := range p.there.WatchPeers(ctx) {
		if err != nil {
			is(t, err, sidecar.ErrDeadlinePassed)
		}
	}
	for _, err := range p.there.Events(ctx) {
		is(t, err, context.DeadlineExceeded)
	}

	client, err := sidecar.New(sidecar.WithEndpoint(p.there.Endpoint()))
	must(t, err)
	inbox, err = client.Receive(p.ctx, p.channel)
	must(t, err)
	is(t, ended(inbox.Next, func() { must(t, client.Close()) }), io.EOF)
	_, err = client.Node(p.ctx)
	is(t, err, sidecar.ErrUnavailable)
	for range client.WatchPeers(p.ctx) {
		t.Fatal("a closed client yields nothing")
	}
	is(t, client.WaitReady(p.ctx, sidecar.API), sidecar.ErrUnavailable)
}

func TestAConsumerHandsOverItsLastAcks(t *testing.T) {
	p := live(t)
	consumer, err := p.there.Consume(p.ctx, p.channel, sidecar.Credits(3))
	must(t, err)
	for _, name := range []string{"a", "b", "c", "d"} {
		_, err := p.here.Send(p.ctx, p.thereID, []byte(name), sidecar.Channel(p.channel))
		must(t, err)
	}
	first, second := received(t, consumer.Next), received(t, consumer.Next)
	consumer.Ack(first, second)
	if third := received(t, consumer.Next); string(third.Payload) != "c" {
		t.Fatalf("%q", third.Payload)
	}
	must(t, consumer.Close())
	consumer.Ack(first) // too late, and no harm
	again, err := p.there.Consume(p.ctx, p.channel)
	must(t, err)
	if message := received(t, again.Next); string(message.Payload) != "c" || message.RedeliveryCount != 1 {
		t.Fatalf("%q, handed out %d times before", message.Payload, message.RedeliveryCount)
	}
	last := received(t, again.Next)
	again.Nack(0, last)
	if message := received(t, again.Next); string(message.Payload) != "d" || message.RedeliveryCount != last.RedeliveryCount+1 {
		t.Fatalf("%q, handed out %d times before", message.Payload, message.RedeliveryCount)
	}
	must(t, again.Close())
	if again.Unknown() != 0 {
		t.Fatalf("%d acks were unknown", again.Unknown())
	}
	_, err = p.there.Consume(p.ctx, p.channel, sidecar.Credits(0))
	is(t, err, sidecar.ErrInvalidField)
}

func TestASenderTellsWhatBecameOfEach(t *testing.T) {
	p := live(t)
	inbox, err := p.there.Receive(p.ctx, p.channel)
	must(t, err)
	sender, err := p.here.Sender(p.ctx, p.thereID, sidecar.Channel(p.channel), sidecar.WaitFor(sidecar.ProcessedLevel))
	must(t, err)
	const count = 2000
	payload := []byte("the payload is the caller's again")
	for number := range uint64(count) {
		got, err := sender.Send(p.ctx, payload, sidecar.MessageID("m"))
		must(t, err)
		if got != number+1 {
			t.Fatalf("number %d came for message %d", got, number+1)
		}
		payload[0]++
	}
	for index := range count {
		message := received(t, inbox.Next)
		if message.Payload[0] != byte('t'+index) || message.MessageID != "m" {
			t.Fatalf("message %d is %q", index, message.Payload)
		}
	}
	_, err = sender.Send(p.ctx, nil, sidecar.Headers(map[string]string{"k": "\xff"}))
	is(t, err, sidecar.ErrInvalidField)
	must(t, sender.Result(p.ctx, count))
	must(t, sender.Flush(p.ctx))
	large := random(t, 17<<20)
	sum := sumOf(large)
	_, err = sender.Send(p.ctx, large)
	must(t, err)
	clear(large)
	if message := received(t, inbox.Next); !bytes.Equal(sumOf(message.Payload), sum) {
		t.Fatalf("%d other bytes came", len(message.Payload))
	}
	must(t, sender.Close())
	_, err = sender.Send(p.ctx, nil)
	is(t, err, sidecar.ErrUnavailable)
	is(t, sender.Result(p.ctx, count+2), sidecar.ErrInvalidField)
	sender.Cancel()
	must(t, inbox.Close())
}

func TestASenderToNobody(t *testing.T) {
	p := live(t)
	sender, err := p.here.Sender(p.ctx, strings.Repeat("a", 52))
	must(t, err)
	_, err = sender.Send(p.ctx, []byte("x"))
	must(t, err)
	is(t, sender.Result(p.ctx, 1), sidecar.ErrPeerUnknown)
	err = sender.Close()
	var several *sidecar.SendFailed
	if !errors.As(err, &several) || several.Failures[0].First != 1 || several.Failures[0].Last != 1 {
		t.Fatalf("%v", err)
	}
	is(t, err, sidecar.ErrNotFound)
	sender, err = p.here.Sender(p.ctx, "no peer id")
	must(t, err)
	_, _ = sender.Send(p.ctx, []byte("x"))
	is(t, sender.Close(), sidecar.ErrInvalidField)
}

func TestASenderWaitsForWhoDoesNotRead(t *testing.T) {
	p := live(t)
	sender, err := p.here.Sender(p.ctx, p.thereID, sidecar.Channel(p.channel))
	must(t, err)
	payload := make([]byte, 256<<10)
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	sent := 0
	for err == nil {
		if _, err = sender.Send(ctx, payload); err == nil {
			sent += len(payload)
		}
	}
	is(t, err, context.DeadlineExceeded)
	// 16 MiB here, and what both sidecars hold for a channel that nobody reads.
	if sent > 64<<20 {
		t.Fatalf("%d bytes were taken", sent)
	}
	sender.Cancel()
	err = sender.Close()
	var several *sidecar.SendFailed
	if !errors.As(err, &several) {
		t.Fatalf("%v", err)
	}
}

func TestAReceiverThatDoesNotReadIsFelt(t *testing.T) {
	p := live(t)
	inbox, err := p.there.Receive(p.ctx, p.channel)
	must(t, err)
	sender, err := p.here.Sender(p.ctx, p.thereID, sidecar.Channel(p.channel))
	must(t, err)
	payload := make([]byte, 256<<10)
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	sent := 0
	for err == nil {
		if _, err = sender.Send(ctx, payload); err == nil {
			sent++
		}
	}
	is(t, err, context.DeadlineExceeded)
	if sent > (96<<20)/len(payload) {
		t.Fatalf("%d messages of 256 KiB were taken", sent)
	}
	for range sent {
		received(t, inbox.Next)
	}
	must(t, sender.Close())
	must(t, inbox.Close())
}

func TestALargeMessageIsTakenBack(t *testing.T) {
	p := live(t)
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	_, err := p.here.Send(ctx, p.thereID, make([]byte, 20<<20), sidecar.Channel(p.channel))
	is(t, err, context.Canceled)
	// Nobody reads: it waits for room until its time is over.
	ctx, cancel = context.WithTimeout(p.ctx, 300*time.Millisecond)
	defer cancel()
	for err = nil; err == nil; {
		_, err = p.here.Send(ctx, p.thereID, make([]byte, 20<<20), sidecar.Channel(p.channel))
	}
	var failed *sidecar.Error
	if !errors.As(err, &failed) {
		t.Fatalf("%v", err)
	}
}

func TestRequests(t *testing.T) {
	p := live(t)
	responder, err := p.there.Responder(p.ctx, p.channel, sidecar.Credits(4))
	must(t, err)
	hung := make(chan struct{}, 1)
	var cancelled atomic.Int32
	served := make(chan error)
	go func() {
		served <- responder.Serve(func(ctx context.Context, asked *sidecar.IncomingRequest) (*sidecar.Reply, error) {
			switch asked.Headers["do"] {
			case "fail":
				return nil, &sidecar.AnswerError{Code: "empty", Message: strings.Repeat("ü", 1000)}
			case "break":
				return nil, errors.New("a bug")
			case "nothing":
				return nil, nil
			case "much":
				return &sidecar.Reply{Payload: make([]byte, 17<<20)}, nil
			case "no text":
				return &sidecar.Reply{Headers: map[string]string{"k": "\xff"}}, nil
			case "no code":
				return nil, &sidecar.AnswerError{Message: "why"}
			case "panic":
				panic(asked)
			case "leave":
				runtime.Goexit()
			case "hang":
				hung <- struct{}{}
				<-ctx.Done()
				cancelled.Add(1)
				return nil, ctx.Err()
			}
			return &sidecar.Reply{Payload: bytes.ToUpper(asked.Payload), Headers: map[string]string{"from": asked.PeerID}}, nil
		})
	}()
	ask := func(ctx context.Context, do string) (*sidecar.Reply, error) {
		return p.here.Request(ctx, p.thereID, []byte("what"), sidecar.Channel(p.channel), sidecar.Headers(map[string]string{"do": do}))
	}
	reply, err := ask(p.ctx, "")
	must(t, err)
	if string(reply.Payload) != "WHAT" || reply.Headers["from"] != p.hereID {
		t.Fatalf("%q, %v", reply.Payload, reply.Headers)
	}
	var failed *sidecar.Error
	log.SetOutput(io.Discard) // it is told of the panic
	defer log.SetOutput(os.Stderr)
	codes := map[string]string{"fail": "empty"}
	for _, do := range []string{"break", "much", "no text", "no code", "panic", "leave"} {
		codes[do] = "internal"
	}
	for do, code := range codes {
		if _, err = ask(p.ctx, do); !errors.As(err, &failed) || failed.Kind != sidecar.ErrRequestFailed || failed.Metadata["code"] != code {
			t.Fatalf("%s: %#v", do, err)
		}
	}
	if reply, err = ask(p.ctx, "nothing"); err != nil || len(reply.Payload) != 0 {
		t.Fatalf("%v, %v", reply, err)
	}
	ctx, cancel := context.WithCancel(p.ctx)
	go func() {
		<-hung
		cancel()
	}()
	_, err = ask(ctx, "hang")
	is(t, err, sidecar.ErrCancelled)
	ctx, cancel = context.WithTimeout(p.ctx, 3*time.Second) // in which it is taken up
	defer cancel()
	_, err = ask(ctx, "hang")
	is(t, err, sidecar.ErrDeadlinePassed)
	<-hung
	must(t, responder.Close())
	must(t, <-served)
	if cancelled.Load() != 2 {
		t.Fatalf("%d handlers were told", cancelled.Load())
	}
	must(t, responder.Close())
}

func TestAResponderLetsTheLastBeAnswered(t *testing.T) {
	p := live(t)
	responder, err := p.there.Responder(p.ctx, p.channel)
	must(t, err)
	begun, goOn := make(chan struct{}), make(chan struct{})
	served := make(chan error)
	go func() {
		served <- responder.Serve(func(context.Context, *sidecar.IncomingRequest) (*sidecar.Reply, error) {
			close(begun)
			<-goOn
			return &sidecar.Reply{Payload: []byte("late")}, nil
		})
	}()
	answered := make(chan error)
	go func() {
		reply, err := p.here.Request(p.ctx, p.thereID, nil, sidecar.Channel(p.channel))
		if err == nil && string(reply.Payload) != "late" {
			err = errors.New(string(reply.Payload))
		}
		answered <- err
	}()
	<-begun
	closed := make(chan error)
	go func() { closed <- responder.Close() }()
	close(goOn)
	must(t, <-answered)
	must(t, <-closed)
	must(t, <-served)

	ctx, cancel := context.WithCancel(p.ctx)
	go func() {
		served <- p.there.Reply(ctx, p.channel, func(context.Context, *sidecar.IncomingRequest) (*sidecar.Reply, error) {
			return nil, nil
		})
	}()
	_, err = p.here.Request(p.ctx, p.thereID, nil, sidecar.Channel(p.channel))
	must(t, err)
	cancel()
	is(t, <-served, context.Canceled)
	unused, err := p.there.Responder(p.ctx, p.channel)
	must(t, err)
	must(t, unused.Close())
}

func TestStreamsCarryBytesBothWays(t *testing.T) {
	p := live(t)
	there, back := random(t, 9<<20), random(t, 5<<20)
	accepted := make(chan error)
	go func() {
		accepted <- func() error {
			stream, err := p.there.AcceptStream(p.ctx, p.channel, sidecar.FromPeers(p.hereID))
			if err != nil {
				return err
			}
			defer stream.Cancel()
			sum := sha256.New()
			if _, err := io.Copy(sum, stream); err != nil {
				return err
			}
			if !bytes.Equal(sum.Sum(nil), sumOf(there)) || stream.PeerID() != p.hereID || stream.Headers()["k"] != "v" {
				return errors.New("another stream came")
			}
			if _, err := io.Copy(stream, bytes.NewReader(back)); err != nil {
				return err
			}
			return stream.Close()
		}()
	}()
	stream, err := p.here.OpenStream(p.ctx, p.thereID, p.channel, sidecar.Headers(map[string]string{"k": "v"}))
	must(t, err)
	written, err := io.Copy(stream, bytes.NewReader(there))
	if must(t, err); written != int64(len(there)) {
		t.Fatalf("%d bytes were written", written)
	}
	must(t, stream.Opened())
	must(t, stream.CloseWrite())
	_, err = stream.Write([]byte("x"))
	is(t, err, io.ErrClosedPipe)
	came, err := io.ReadAll(stream)
	if must(t, err); !bytes.Equal(came, back) {
		t.Fatalf("%d bytes came", len(came))
	}
	must(t, stream.Close())
	must(t, <-accepted)
	must(t, stream.Close())
}

func sumOf(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

func TestAStreamIsReset(t *testing.T) {
	p := live(t)
	accepted := make(chan error)
	go func() {
		accepted <- func() error {
			stream, err := p.there.AcceptStream(p.ctx, p.channel)
			if err != nil {
				return err
			}
			if _, err := io.ReadFull(stream, make([]byte, 1)); err != nil {
				return err
			}
			return stream.Reset(42, "enough")
		}()
	}()
	stream, err := p.here.OpenStream(p.ctx, p.thereID, p.channel)
	must(t, err)
	for err == nil {
		_, err = stream.Write(make([]byte, 10_000))
	}
	is(t, err, sidecar.ErrStreamReset)
	var failed *sidecar.Error
	if errors.As(err, &failed); failed.Metadata["code"] != "42" {
		t.Fatalf("%#v", failed)
	}
	_, err = stream.Read(make([]byte, 1))
	is(t, err, sidecar.ErrStreamReset)
	must(t, <-accepted)
	is(t, stream.Close(), sidecar.ErrStreamReset)

	ctx, cancel := context.WithTimeout(p.ctx, 50*time.Millisecond)
	defer cancel()
	_, err = p.there.AcceptStream(ctx, p.channel)
	is(t, err, context.DeadlineExceeded)
	stream, err = p.here.OpenStream(p.ctx, p.thereID, p.channel, sidecar.AcceptTimeout(100*time.Millisecond))
	must(t, err)
	is(t, stream.Opened(), sidecar.ErrNoSubscriber)
	stream.Cancel()
}

func TestAStreamWaitsForWhoDoesNotRead(t *testing.T) {
	p := live(t)
	accepted := make(chan *sidecar.Stream, 1)
	go func() {
		stream, _ := p.there.AcceptStream(p.ctx, p.channel)
		accepted <- stream
	}()
	ctx, cancel := context.WithTimeout(p.ctx, 3*time.Second) // in which it is accepted
	defer cancel()
	stream, err := p.here.OpenStream(ctx, p.thereID, p.channel)
	must(t, err)
	var written int
	for err == nil {
		var count int
		count, err = stream.Write(make([]byte, 64<<10))
		written += count
	}
	is(t, err, context.DeadlineExceeded)
	if written > 32<<20 {
		t.Fatalf("%d bytes were taken", written)
	}
	other := <-accepted
	if other == nil {
		t.Fatal("it was not accepted")
	}
	_, err = io.Copy(io.Discard, other)
	is(t, err, sidecar.ErrStreamReset)
	other.Cancel()
}

func TestDatagramsAndBroadcasts(t *testing.T) {
	p := live(t)
	datagrams, err := p.there.Datagrams(p.ctx, p.channel)
	must(t, err)
	// One may be lost: they are sent until one has come.
	sending, enough := context.WithCancel(p.ctx)
	defer enough()
	sent := make(chan error)
	go func() {
		var err error
		for err == nil {
			err = p.here.SendDatagram(sending, p.thereID, []byte("now"), sidecar.Channel(p.channel), sidecar.TTL(time.Second))
		}
		sent <- err
	}()
	for came, err := range datagrams.All() {
		enough()
		must(t, err)
		if string(came.Payload) != "now" || came.PeerID != p.hereID {
			t.Fatalf("%+v", came)
		}
		must(t, datagrams.Close())
	}
	is(t, <-sent, sidecar.ErrCancelled)
	inbox, err := p.there.Receive(p.ctx, p.channel)
	must(t, err)
	outcomes, err := p.here.Broadcast(p.ctx, []byte("all"), sidecar.Channel(p.channel))
	must(t, err)
	if failed, told := outcomes[p.thereID]; !told || failed != nil {
		t.Fatalf("%v", outcomes)
	}
	if message := received(t, inbox.Next); string(message.Payload) != "all" {
		t.Fatalf("%q", message.Payload)
	}
	must(t, inbox.Close())
}

func TestAWatchIsLeft(t *testing.T) {
	p := live(t)
	for item, err := range p.here.WatchPeers(p.ctx) {
		must(t, err)
		if snapshot, ok := item.(*sidecar.PeersSnapshot); !ok || len(snapshot.Peers) == 0 {
			t.Fatalf("%#v", item)
		}
		break
	}
	node, err := p.here.Node(p.ctx)
	must(t, err)
	// From the sidecar's beginning on: it has linked since.
	for item, err := range p.here.Events(p.ctx, sidecar.From(&overlayv1.Cursor{Instance: node.Instance})) {
		must(t, err)
		if event, ok := item.(*sidecar.Event); !ok || event.Cursor.GetInstance() != node.Instance {
			t.Fatalf("%#v", item)
		} else if event.Kind() == "peer_linked" {
			break
		}
	}
	for item, err := range p.here.Events(p.ctx, sidecar.From(&overlayv1.Cursor{Instance: 1})) {
		must(t, err)
		if gap, ok := item.(*sidecar.Gap); !ok || !gap.Restarted {
			t.Fatalf("%#v", item)
		}
		break
	}
}
