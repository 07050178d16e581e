// Requests: a service that answers, and who asks it.
//
//	requests serve                   answers until Ctrl-C
//	requests ask PEER_ID WORDS       asks the service beside a peer
//
// The sidecar is found by SIDECAR_ENDPOINT.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

const channel = "upper"

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := sidecar.New()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve(ctx, client)
	case len(os.Args) == 4 && os.Args[1] == "ask":
		err = ask(ctx, client, os.Args[2], os.Args[3])
	default:
		log.Fatal("usage: requests serve | requests ask PEER_ID WORDS")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, client *sidecar.Client) error {
	if err := client.WaitReady(ctx, sidecar.API); err != nil {
		return err
	}
	service, err := client.Responder(context.WithoutCancel(ctx), channel, sidecar.Credits(8))
	if err != nil {
		return err
	}
	fmt.Println("serving")
	// At the end, those that are being answered are answered still.
	defer context.AfterFunc(ctx, func() { service.Close() })()
	return service.Serve(func(_ context.Context, asked *sidecar.IncomingRequest) (*sidecar.Reply, error) {
		if len(asked.Payload) == 0 {
			return nil, &sidecar.AnswerError{Code: "empty", Message: "ask something"}
		}
		return &sidecar.Reply{Payload: bytes.ToUpper(asked.Payload)}, nil
	})
}

func ask(ctx context.Context, client *sidecar.Client, peerID, words string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	reply, err := client.Request(ctx, peerID, []byte(words), sidecar.Channel(channel))
	var failed *sidecar.Error
	if errors.As(err, &failed) && failed.Kind == sidecar.ErrRequestFailed {
		return fmt.Errorf("the service says %s: %s", failed.Metadata["code"], failed.Detail)
	}
	if err != nil {
		return err
	}
	fmt.Println(string(reply.Payload))
	return nil
}
