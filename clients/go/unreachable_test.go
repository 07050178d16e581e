package sidecar_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

// nobody is a client of an endpoint where nothing listens.
func nobody(t *testing.T) *sidecar.Client {
	t.Helper()
	nothingLeft(t)
	client, err := sidecar.New(sidecar.WithEndpoint("unix:"+t.TempDir()+"/no.sock"), sidecar.WithTimeout(10*time.Second))
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	return client
}

func TestNoSidecarAnswers(t *testing.T) {
	client := nobody(t)
	ctx := context.Background()
	_, err := client.Node(ctx)
	is(t, err, sidecar.ErrUnavailable)
	_, err = client.Receive(ctx, "c")
	is(t, err, sidecar.ErrUnavailable)
	_, err = client.Consume(ctx, "c")
	is(t, err, sidecar.ErrUnavailable)
	_, err = client.Responder(ctx, "c")
	is(t, err, sidecar.ErrUnavailable)
	_, err = client.Datagrams(ctx, "c")
	is(t, err, sidecar.ErrUnavailable)
	_, err = client.AcceptStream(ctx, "c")
	is(t, err, sidecar.ErrUnavailable)
	_, err = client.Send(ctx, "p", make([]byte, 2<<20))
	is(t, err, sidecar.ErrUnavailable)
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	err = client.WaitReady(ctx, sidecar.API)
	is(t, err, sidecar.ErrDeadlinePassed)
	if !strings.Contains(err.Error(), client.Endpoint()) {
		t.Fatalf("%v does not say where nobody answers", err)
	}
	for _, err := range client.Events(ctx) {
		is(t, err, context.DeadlineExceeded)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := client.WaitReady(cancelled, sidecar.API); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
}
