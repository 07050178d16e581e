// An app that greets every peer its sidecar is linked to, and says when it has been greeted by each of the others.
package main

import (
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

const (
	name   = "go"
	others = 2
	pause  = time.Second
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	client, err := sidecar.New()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.WaitReady(ctx, sidecar.API); err != nil {
		return err
	}
	inbox, err := client.Receive(ctx, "greetings")
	if err != nil {
		return err
	}
	defer inbox.Close()
	go greet(ctx, client)

	heard := map[string]bool{}
	for item, err := range inbox.All() {
		if err != nil {
			return err
		}
		message, ok := item.(*sidecar.Received)
		if !ok || heard[message.PeerID] {
			continue
		}
		heard[message.PeerID] = true
		fmt.Printf("%s: %s says: %s\n", name, message.PeerID[:8], message.Payload)
		if len(heard) == others {
			fmt.Printf("%s: everybody has greeted me\n", name)
		}
	}
	return nil
}

func greet(ctx context.Context, client *sidecar.Client) {
	for ctx.Err() == nil {
		peers, err := client.Peers(ctx, sidecar.LinkedOnly())
		for _, peer := range peers {
			if _, failed := client.Send(ctx, peer.PeerId, []byte("hello from "+name), sidecar.Channel("greetings")); failed != nil {
				err = failed
			}
		}
		if err != nil {
			log.Printf("%s: a greeting failed: %v", name, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
