package sidecar_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

// TestASidecarIsKilled runs beside a sidecar that it kills: SIDECAR_TEST_VICTIM has its endpoint and its pid. Everything that
// is open then ends, or waits for the sidecar's return until it is closed.
func TestASidecarIsKilled(t *testing.T) {
	words := strings.Fields(os.Getenv("SIDECAR_TEST_VICTIM"))
	if len(words) != 2 {
		t.Skip("SIDECAR_TEST_VICTIM does not name a sidecar")
	}
	pid, err := strconv.Atoi(words[1])
	must(t, err)
	p := live(t)
	client, peerID := clientOf(t, p.ctx, words[0])

	inbox, err := client.Receive(p.ctx, p.channel)
	must(t, err)
	consumer, err := client.Consume(p.ctx, p.channel+" consumed")
	must(t, err)
	datagrams, err := client.Datagrams(p.ctx, p.channel)
	must(t, err)
	_, err = p.here.Send(p.ctx, peerID, []byte("x"), sidecar.Channel(p.channel+" consumed"))
	must(t, err)
	job := received(t, consumer.Next)

	// It arrives and is not acked, so that it has no outcome.
	taker, err := p.here.Consume(p.ctx, p.channel)
	must(t, err)
	sender, err := client.Sender(p.ctx, p.hereID, sidecar.Channel(p.channel), sidecar.WaitFor(sidecar.ProcessedLevel))
	must(t, err)
	number, err := sender.Send(p.ctx, []byte("x"))
	must(t, err)
	received(t, taker.Next)
	stream, err := client.OpenStream(p.ctx, p.hereID, p.channel)
	must(t, err)
	other, err := p.here.AcceptStream(p.ctx, p.channel)
	must(t, err)
	defer other.Cancel()
	must(t, stream.Opened())
	_, err = stream.Write([]byte("x"))
	must(t, err)
	_, err = io.ReadFull(other, make([]byte, 1))
	must(t, err)
	begun, served := make(chan struct{}), make(chan error, 1)
	responder, err := client.Responder(p.ctx, p.channel)
	must(t, err)
	go func() {
		served <- responder.Serve(func(ctx context.Context, _ *sidecar.IncomingRequest) (*sidecar.Reply, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		})
	}()
	asking, stopAsking := context.WithCancel(p.ctx)
	asked := make(chan error, 1)
	go func() {
		_, err := p.here.Request(asking, peerID, nil, sidecar.Channel(p.channel))
		asked <- err
	}()
	<-begun

	must(t, syscall.Kill(pid, syscall.SIGKILL))

	is(t, sender.Result(p.ctx, number), sidecar.ErrOutcomeUnknown)
	_, err = sender.Send(p.ctx, nil)
	is(t, err, sidecar.ErrUnavailable)
	is(t, sender.Close(), sidecar.ErrOutcomeUnknown)
	is(t, <-served, sidecar.ErrUnavailable)
	must(t, responder.Close())
	for _, err := range datagrams.All() {
		is(t, err, sidecar.ErrUnavailable)
	}
	_, err = stream.Read(make([]byte, 1))
	is(t, err, sidecar.ErrUnavailable)
	is(t, stream.Close(), sidecar.ErrUnavailable)
	stopAsking()
	var failed *sidecar.Error
	if err := <-asked; !errors.As(err, &failed) {
		t.Fatalf("%v", err)
	}

	// These wait for it to come back, until they are closed.
	next := make(chan error, 2)
	for _, take := range []func() (sidecar.Item, error){inbox.Next, consumer.Next} {
		go func() {
			_, err := take()
			next <- err
		}()
	}
	select {
	case err := <-next:
		t.Fatalf("a subscription that is to be resumed ended: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	consumer.Ack(job)
	begin := time.Now()
	must(t, consumer.Close())
	must(t, inbox.Close())
	must(t, taker.Close())
	is(t, <-next, io.EOF)
	is(t, <-next, io.EOF)
	if took := time.Since(begin); took > 4*time.Second {
		t.Fatalf("it took %v to close what nobody answers", took)
	}
}
