package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// rawFrameBytes is how much of the raw stub's messages go into one frame: as much as of the wrapper's.
const rawFrameBytes = 256 << 10

// echo asks a responder for what it was sent.
var echo = map[string]string{"do": "echo"}

func benchApp(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	switch p.What + "/" + p.Kind {
	case "messages/wrapper":
		return timed(func() error { return wrapperMessages(ctx, d.client, p) })
	case "messages/raw":
		return timed(func() error { return rawMessages(ctx, d.client, p) })
	case "requests/wrapper":
		return requests(p, func(payload []byte) error {
			_, err := d.client.Request(ctx, p.PeerID, payload, sidecar.Channel(p.Channel), sidecar.Headers(echo))
			return err
		})
	case "requests/raw":
		return requests(p, func(payload []byte) error {
			ctx, cancel := context.WithTimeout(ctx, sidecar.DefaultTimeout)
			defer cancel()
			_, err := d.client.Stubs.Messages.Request(ctx, &overlayv1.RequestRequest{
				PeerId: p.PeerID, Channel: p.Channel, Headers: echo, Payload: payload,
			})
			return err
		})
	}
	return nil, fmt.Errorf("there is no bench of %q by %q", p.What, p.Kind)
}

func timed(work func() error) (object, error) {
	begun := time.Now()
	if err := work(); err != nil {
		return nil, err
	}
	return object{"seconds": time.Since(begun).Seconds()}, nil
}

func wrapperMessages(ctx context.Context, client *sidecar.Client, p *flow) error {
	sender, err := client.Sender(ctx, p.PeerID, sidecar.Channel(p.Channel))
	if err != nil {
		return err
	}
	defer sender.Cancel()
	payload := pattern(p.Size)
	for range p.Count {
		if _, err := sender.Send(ctx, payload); err != nil {
			return err
		}
	}
	if err := sender.Flush(ctx); err != nil {
		return err
	}
	return sender.Close()
}

func rawMessages(ctx context.Context, client *sidecar.Client, p *flow) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := client.Stubs.Messages.SendStream(ctx)
	if err != nil {
		return err
	}
	opening := &overlayv1.SendStreamOpen{
		PeerId: p.PeerID, Channel: p.Channel, Level: overlayv1.DeliveryLevel_DELIVERY_LEVEL_DELIVERED,
	}
	if err := call.Send(&overlayv1.SendStreamRequest{Open: opening}); err != nil {
		return err
	}
	told := make(chan error, 1)
	go func() {
		through := uint64(0)
		for {
			response, err := call.Recv()
			if errors.Is(err, io.EOF) && through == uint64(p.Count) {
				err = nil
			} else if err == nil {
				for _, receipt := range response.Receipts {
					if receipt.Level == opening.Level {
						through = receipt.ThroughSequence
					}
				}
				continue
			}
			told <- err
			return
		}
	}()
	payload := pattern(p.Size)
	for sent := 0; sent < p.Count; {
		batch := make([]*overlayv1.Message, min(max(1, rawFrameBytes/max(1, p.Size)), p.Count-sent))
		for index := range batch {
			batch[index] = &overlayv1.Message{Payload: payload}
		}
		if err := call.Send(&overlayv1.SendStreamRequest{Messages: batch}); err != nil {
			return err
		}
		sent += len(batch)
	}
	if err := call.CloseSend(); err != nil {
		return err
	}
	return <-told
}

func requests(p *flow, ask func([]byte) error) (object, error) {
	payload := pattern(p.Size)
	took := make([]float64, 0, p.Count)
	result, err := timed(func() error {
		for range p.Count {
			begun := time.Now()
			if err := ask(payload); err != nil {
				return err
			}
			took = append(took, time.Since(begun).Seconds())
		}
		return nil
	})
	if err != nil || len(took) == 0 {
		return result, err
	}
	slices.Sort(took)
	result["p50"], result["p99"] = took[len(took)/2], took[len(took)*99/100]
	return result, nil
}

func benchSink(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	inbox, err := d.client.Receive(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	defer inbox.Close()
	d.ready()
	count := 0
	err = each(inbox.Next, p.Count, func(*sidecar.Received) error {
		count++
		return nil
	})
	return object{"count": count}, err
}
