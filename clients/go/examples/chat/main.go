// Chat: what is typed goes to a peer, what the peer types is printed.
//
//	chat PEER_ID
//
// The sidecar is found by SIDECAR_ENDPOINT; run it beside two sidecars, each with the other's peer id.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: chat PEER_ID")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := chat(ctx, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func chat(ctx context.Context, peerID string) error {
	client, err := sidecar.New()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.WaitReady(ctx, sidecar.API); err != nil {
		return err
	}
	inbox, err := client.Receive(ctx, "chat")
	if err != nil {
		return err
	}
	defer inbox.Close()
	fmt.Println("chatting; end with Ctrl-D")

	typed := make(chan error, 1)
	go func() {
		defer inbox.Close() // the end of what is typed is the end of the chat
		typed <- talk(ctx, client, peerID)
	}()
	for item, err := range inbox.All() {
		if err != nil {
			return err
		}
		switch item := item.(type) {
		case *sidecar.Received:
			fmt.Printf("%s> %s\n", item.PeerID[:8], item.Payload)
		case *sidecar.Gap:
			fmt.Println("(the sidecar was away: something may be missing)")
		}
	}
	return <-typed
}

// talk sends what is typed, a line a message.
func talk(ctx context.Context, client *sidecar.Client, peerID string) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		_, err := client.Send(ctx, peerID, lines.Bytes(), sidecar.Channel("chat"))
		switch {
		case errors.Is(err, sidecar.ErrPeer), errors.Is(err, sidecar.ErrBusy):
			fmt.Printf("(not delivered: %v)\n", err)
		case err != nil:
			return err
		}
	}
	return lines.Err()
}
