// Workqueue: jobs that must not be lost. They survive the death of either sidecar and of both apps.
//
//	workqueue put PEER_ID JOB...   hands jobs to the workers beside a peer
//	workqueue work COUNT           does so many jobs
//
// The sidecar is found by SIDECAR_ENDPOINT. Several workers beside one sidecar share its jobs.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

const channel = "jobs"

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	client, err := sidecar.New()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	switch {
	case len(os.Args) > 3 && os.Args[1] == "put":
		err = put(ctx, client, os.Args[2], os.Args[3:])
	case len(os.Args) == 3 && os.Args[1] == "work":
		var count int
		if count, err = strconv.Atoi(os.Args[2]); err == nil {
			err = work(ctx, client, count)
		}
	default:
		log.Fatal("usage: workqueue put PEER_ID JOB... | workqueue work COUNT")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// put returns once every job is in this sidecar's journal, whether the peer is there or not.
func put(ctx context.Context, client *sidecar.Client, peerID string, jobs []string) error {
	if err := client.WaitReady(ctx, sidecar.API); err != nil {
		return err
	}
	for _, job := range jobs {
		// Whoever runs this again with the same job, because it was broken off, puts no job twice.
		name := sha256.Sum256([]byte(peerID + job))
		_, err := client.Send(ctx, peerID, []byte(job), sidecar.Channel(channel), sidecar.Durable(),
			sidecar.WaitFor(sidecar.SentLevel), sidecar.RequestID(hex.EncodeToString(name[:])))
		if err != nil {
			return fmt.Errorf("job %q: %w", job, err)
		}
		fmt.Println("put", job)
	}
	return nil
}

// work acks a job when it is done: one that is not done within 30 s is handed out again, and after the fifth time it is a
// dead letter.
func work(ctx context.Context, client *sidecar.Client, count int) error {
	if err := client.WaitReady(ctx, sidecar.API); err != nil {
		return err
	}
	jobs, err := client.Consume(ctx, channel, sidecar.Credits(4), sidecar.AckDeadline(30*time.Second), sidecar.MaxDeliveries(5))
	if err != nil {
		return err
	}
	defer jobs.Close() // hands over the last acks
	for item, err := range jobs.All() {
		if err != nil {
			return err
		}
		job, ok := item.(*sidecar.Received)
		if !ok {
			continue // the sidecar was away; what was not acked comes again
		}
		if string(job.Payload) == "stumble" && job.RedeliveryCount == 0 {
			fmt.Println("stumbled; again in a moment")
			jobs.Nack(100*time.Millisecond, job)
			continue
		}
		fmt.Println("done", string(job.Payload))
		jobs.Ack(job)
		if count--; count == 0 {
			return nil
		}
	}
	return nil
}
