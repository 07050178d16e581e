package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

func responder(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	replies, err := d.client.Responder(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	d.ready()
	var mu sync.Mutex
	answered, cancelled := 0, 0
	enough := make(chan struct{})
	over := func(counted *int) {
		mu.Lock()
		defer mu.Unlock()
		*counted++
		if answered+cancelled == p.Count {
			close(enough)
		}
	}
	served := make(chan error, 1)
	go func() {
		served <- replies.Serve(func(ctx context.Context, asked *sidecar.IncomingRequest) (*sidecar.Reply, error) {
			switch asked.Headers["do"] {
			case "fail":
				over(&answered)
				return nil, &sidecar.AnswerError{Code: "empty", Message: "ask something"}
			case "wait":
				d.say(object{"event": "asked"})
				<-ctx.Done()
				over(&cancelled)
				return nil, ctx.Err()
			default:
				over(&answered)
				return &sidecar.Reply{Payload: asked.Payload, Headers: asked.Headers}, nil
			}
		})
	}()
	select {
	case <-enough:
		replies.Close()
		err = <-served
	case err = <-served:
		if err == nil {
			err = fmt.Errorf("the responder ended")
		}
	}
	return object{"answered": answered, "cancelled": cancelled}, err
}

func requester(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[struct {
		PeerID  string `json:"peer_id"`
		Channel string `json:"channel"`
		Steps   []struct {
			Do       string            `json:"do"`
			B64      []byte            `json:"b64"`
			Headers  map[string]string `json:"headers"`
			Timeout  *float64          `json:"timeout"`
			TakeBack bool              `json:"take_back"`
		} `json:"steps"`
	}](params)
	if err != nil {
		return nil, err
	}
	replies := []object{}
	for _, step := range p.Steps {
		said := map[string]string{}
		for key, value := range step.Headers {
			said[key] = value
		}
		said["do"] = step.Do
		asking, cancel := within(ctx, step.Timeout)
		heard := make(chan error, 1)
		if step.TakeBack {
			go func() {
				heard <- d.await()
				cancel()
			}()
		} else {
			heard <- nil
		}
		reply, err := d.client.Request(asking, p.PeerID, step.B64, sidecar.Channel(p.Channel), sidecar.Headers(said))
		cancel()
		if unheard := <-heard; unheard != nil {
			return nil, unheard
		}
		if err != nil {
			replies = append(replies, object{"raised": told(err)})
			continue
		}
		replies = append(replies, object{"b64": filled(reply.Payload), "headers": headers(reply.Headers)})
	}
	return object{"replies": replies}, nil
}

// way are the parameters of the cases of byte streams.
type way struct {
	PeerID  string            `json:"peer_id"`
	Name    string            `json:"name"`
	Headers map[string]string `json:"headers"`
	Size    int               `json:"size"`
	Back    int               `json:"back"`
	Code    uint64            `json:"code"`
}

func streamsOpener(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[way](params)
	if err != nil {
		return nil, err
	}
	stream, err := d.client.OpenStream(ctx, p.PeerID, p.Name, sidecar.Headers(p.Headers))
	if err != nil {
		return nil, err
	}
	defer stream.Cancel()
	if _, err := stream.Write(pattern(p.Size)); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	came, err := io.ReadAll(stream)
	if err != nil {
		return nil, err
	}
	return object{"size": len(came), "digest": digest(came)}, stream.Close()
}

func streamsCloser(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[way](params)
	if err != nil {
		return nil, err
	}
	stream, err := d.client.OpenStream(ctx, p.PeerID, p.Name)
	if err != nil {
		return nil, err
	}
	defer stream.Cancel()
	if _, err := stream.Write(pattern(p.Size)); err != nil {
		return nil, err
	}
	return object{}, stream.Close()
}

func streamsAcceptor(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[way](params)
	if err != nil {
		return nil, err
	}
	d.ready()
	stream, err := d.client.AcceptStream(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	defer stream.Cancel()
	came, err := io.ReadAll(stream)
	if err != nil {
		return nil, err
	}
	if _, err := stream.Write(pattern(p.Back)); err != nil {
		return nil, err
	}
	return object{
		"size": len(came), "digest": digest(came), "headers": headers(stream.Headers()), "peer_id": stream.PeerID(),
	}, stream.Close()
}

func resetOpener(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[way](params)
	if err != nil {
		return nil, err
	}
	stream, err := d.client.OpenStream(ctx, p.PeerID, p.Name, sidecar.Headers(p.Headers))
	if err != nil {
		return nil, err
	}
	defer stream.Cancel()
	if _, err := stream.Write(pattern(1)); err != nil {
		return nil, err
	}
	if err := d.await(); err != nil {
		return nil, err
	}
	return object{}, stream.Reset(p.Code, "")
}

func resetAcceptor(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[way](params)
	if err != nil {
		return nil, err
	}
	d.ready()
	stream, err := d.client.AcceptStream(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	defer stream.Cancel()
	if _, err := io.ReadFull(stream, make([]byte, 1)); err != nil {
		return nil, err
	}
	d.say(object{"event": "opened"})
	if _, err := io.ReadAll(stream); err != nil {
		return object{"raised": told(err)}, nil
	}
	return nil, fmt.Errorf("the stream ended without a reset")
}

func datagramsSender(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	for _, size := range p.Sizes {
		if err := d.client.SendDatagram(ctx, p.PeerID, pattern(size), sidecar.Channel(p.Channel)); err != nil {
			return nil, err
		}
	}
	return object{}, nil
}

func datagramsReceiver(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	datagrams, err := d.client.Datagrams(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	defer datagrams.Close()
	d.ready()
	sizes, peers := []int{}, []string{}
	for came, err := range datagrams.All() {
		if err != nil {
			return nil, err
		}
		sizes, peers = append(sizes, len(came.Payload)), append(peers, came.PeerID)
		if len(sizes) == p.Count {
			break
		}
	}
	return object{"sizes": sizes, "peer_ids": peers}, nil
}
