package sidecar_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

// The blocks of README.md, as they stand there: a test compares.

var (
	ctx    = context.Background()
	client *sidecar.Client
	peerID string
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func Example_durable() {
	_, err := client.Send(ctx, peerID, []byte("order 17"), sidecar.Channel("orders"), sidecar.Durable(), sidecar.RequestID("order-17"))
	check(err) // it is in both journals; called again with this request id, nothing is sent twice

	orders, err := client.Consume(ctx, "orders", sidecar.Credits(10), sidecar.AckDeadline(30*time.Second), sidecar.MaxDeliveries(5))
	check(err)
	defer orders.Close() // hands over the last acks
	for item, err := range orders.All() {
		check(err)
		if order, ok := item.(*sidecar.Received); ok {
			orders.Ack(order) // or orders.Nack(5*time.Second, order), or orders.Extend(time.Minute, order)
		}
	}
}

func Example_sender() {
	sender, err := client.Sender(ctx, peerID, sidecar.Channel("files"))
	check(err)
	defer sender.Cancel() // does nothing after Close
	for _, name := range os.Args[2:] {
		content, err := os.ReadFile(name)
		check(err)
		_, err = sender.Send(ctx, content) // copies it, and returns at once while there is room: 16 MiB without an outcome
		check(err)
	}
	check(sender.Close()) // a *sidecar.SendFailed names those that did not make it
}

func Example_requests() {
	go client.Reply(ctx, "upper", func(ctx context.Context, asked *sidecar.IncomingRequest) (*sidecar.Reply, error) {
		if len(asked.Payload) == 0 {
			return nil, &sidecar.AnswerError{Code: "empty", Message: "ask something"} // ErrRequestFailed over there
		}
		return &sidecar.Reply{Payload: bytes.ToUpper(asked.Payload)}, nil
	})

	reply, err := client.Request(ctx, peerID, []byte("what?"), sidecar.Channel("upper"))
	check(err)
	fmt.Printf("%s\n", reply.Payload)
}

func Example_streams() {
	stream, err := client.OpenStream(ctx, peerID, "files") // over there: client.AcceptStream(ctx, "files")
	check(err)
	defer stream.Cancel() // does nothing after Close
	_, err = io.Copy(stream, os.Stdin)
	check(err)
	check(stream.CloseWrite()) // ends this way; reading goes on to io.EOF
	_, err = io.Copy(os.Stdout, stream)
	check(err)
	check(stream.Close()) // all that was written is with the other sidecar
}

func Example_datagrams() {
	ticks, err := client.Datagrams(ctx, "ticks")
	check(err)
	defer ticks.Close()
	check(client.SendDatagram(ctx, peerID, []byte("now"), sidecar.Channel("ticks")))
	_, err = client.Broadcast(ctx, []byte("to all"), sidecar.Channel("news"))
	check(err)
	for tick, err := range ticks.All() {
		check(err)
		fmt.Println(tick.PeerID, tick.Payload)
	}
}

func Example_errors() {
	_, err := client.Send(ctx, peerID, []byte("hello"))
	var failed *sidecar.Error
	switch {
	case errors.Is(err, sidecar.ErrPeerUnknown): // one kind
	case errors.Is(err, context.DeadlineExceeded): // ErrDeadlinePassed, ErrPending
	case errors.Is(err, sidecar.ErrBusy) && errors.As(err, &failed): // a group: ErrQueueFull, ErrNoSubscriber, ...
		time.Sleep(failed.RetryAfter) // and Reason, Detail, Metadata, Fields, Code
	}
}
