package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	overlay "bench/load/gen/overlayv1"
)

// request sends messages to an app that answers each (see answer), `depth` of them under way at once.
func (c *client) request(ctx context.Context, work Work) (any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	replies := make(chan [][]byte, max(work.Depth, 1))
	c.takers.Store(mark(work.Run), takerFunc(func(payloads ...[]byte) error {
		replies <- slices.Clone(payloads)
		return nil
	}))
	defer c.takers.Delete(mark(work.Run))
	if err := c.subscribe(work.Channel + "/answers"); err != nil {
		return nil, err
	}
	out, err := c.openStream(ctx, work.Peer, work.Channel)
	if err != nil {
		return nil, err
	}
	payload := newPayload(work.Size, work.Run)
	asked := make(map[uint64]int64)
	next := uint64(0)
	ask := func() error {
		stamp(payload, next)
		asked[next] = monotonic()
		next++
		return out.Send(&overlay.SendStreamRequest{Messages: []*overlay.Message{{Payload: payload}}})
	}
	for range max(work.Depth, 1) {
		if err := ask(); err != nil {
			return nil, ended(out, err)
		}
	}
	var trips []int64
	begin := monotonic()
	until := begin + int64(work.duration())
	for len(asked) > 0 {
		var payloads [][]byte
		select {
		case payloads = <-replies:
		case <-ctx.Done():
			return nil, fmt.Errorf("%d requests had no answer when the time was up", len(asked))
		}
		now := monotonic()
		for _, answer := range payloads {
			counter := binary.LittleEndian.Uint64(answer)
			sentAt, known := asked[counter]
			if !known || len(answer) != work.Size {
				return nil, fmt.Errorf("an answer of %d bytes to %d, which was not asked", len(answer), counter)
			}
			delete(asked, counter)
			trips = append(trips, now-sentAt)
			if now < until {
				if err := ask(); err != nil {
					return nil, ended(out, err)
				}
			}
		}
	}
	elapsed := monotonic() - begin
	stamp(payload, closing|next)
	if err := out.Send(&overlay.SendStreamRequest{Messages: []*overlay.Message{{Payload: payload}}}); err != nil {
		return nil, ended(out, err)
	}
	return summarise(trips, elapsed), out.CloseSend()
}

// answer sends every message of the run back to the peer it names until the closing one.
func (c *client) answer(_ context.Context, work Work) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), work.duration()+grace)
	out, err := c.openStream(ctx, work.Peer, work.Channel+"/answers")
	if err != nil {
		cancel()
		return nil, err
	}
	c.takers.Store(mark(work.Run), takerFunc(func(payloads ...[]byte) error {
		if binary.LittleEndian.Uint64(payloads[len(payloads)-1])&closing != 0 {
			c.takers.Delete(mark(work.Run))
			defer cancel()
			return out.CloseSend()
		}
		messages := make([]*overlay.Message, len(payloads))
		for i, payload := range payloads {
			messages[i] = &overlay.Message{Payload: payload}
		}
		return out.Send(&overlay.SendStreamRequest{Messages: messages})
	}))
	return true, c.subscribe(work.Channel)
}

// call measures MessageService.Request, which an app that replies answers.
func (c *client) call(ctx context.Context, work Work) (any, error) {
	depth := max(work.Depth, 1)
	payloads := make([][]byte, depth)
	for i := range payloads {
		payloads[i] = newPayload(work.Size, work.Run)
		stamp(payloads[i], uint64(i))
	}
	return concurrently(work, func(worker int) error {
		response, err := c.messages.Request(ctx, &overlay.RequestRequest{
			PeerId: work.Peer, Channel: work.Channel, Payload: payloads[worker],
		})
		if err == nil && !bytes.Equal(response.Payload, payloads[worker]) {
			err = fmt.Errorf("an answer of %d bytes that is not what was asked", len(response.Payload))
		}
		return err
	})
}

// replyCredits is how many requests may be with this app at once.
const replyCredits = 256

// reply answers the requests of a channel with their own payload, for as long as the app lives.
func (c *client) reply(_ context.Context, work Work) (any, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.replies[work.Channel] {
		return true, nil
	}
	stream, err := c.messages.Reply(context.Background(), grpc.WaitForReady(true))
	if err != nil {
		return nil, err
	}
	open := &overlay.ReplyOpen{Channel: work.Channel, Credits: replyCredits}
	if err := stream.Send(&overlay.ReplyRequest{Frame: &overlay.ReplyRequest_Open{Open: open}}); err != nil {
		return nil, err
	}
	c.replies[work.Channel] = true
	go func() {
		for {
			response, err := stream.Recv()
			if err != nil {
				return
			}
			answers := &overlay.ReplyAnswers{}
			for _, request := range response.Requests {
				answers.Answers = append(answers.Answers, &overlay.Answer{RequestId: request.RequestId, Payload: request.Payload})
			}
			if err := stream.Send(&overlay.ReplyRequest{Frame: &overlay.ReplyRequest_Answers{Answers: answers}}); err != nil {
				return
			}
		}
	}()
	return true, nil
}

// openStream opens a SendStream whose receipts are read and dropped.
func (c *client) openStream(ctx context.Context, peer, channel string) (overlay.MessageService_SendStreamClient, error) {
	stream, err := c.messages.SendStream(ctx, grpc.WaitForReady(true))
	if err != nil {
		return nil, err
	}
	err = stream.Send(&overlay.SendStreamRequest{Open: &overlay.SendStreamOpen{
		PeerId: peer, Channel: channel, Level: overlay.DeliveryLevel_DELIVERY_LEVEL_SENT,
	}})
	if err != nil {
		return nil, ended(stream, err)
	}
	go func() {
		for {
			if _, err := stream.Recv(); err != nil {
				return
			}
		}
	}()
	return stream, nil
}

// relink ends and makes the link to a peer over and over; each is used by a ping.
func (c *client) relink(ctx context.Context, work Work) (any, error) {
	return concurrently(work, func(int) error {
		if _, err := c.peers.Disconnect(ctx, &overlay.DisconnectRequest{PeerId: work.Peer}); err != nil {
			return err
		}
		if _, err := c.peers.Connect(ctx, &overlay.ConnectRequest{Target: work.Address}); err != nil {
			return err
		}
		_, err := c.peers.Ping(ctx, &overlay.PingRequest{PeerId: work.Peer})
		return err
	})
}

// redial makes a gRPC connection, calls once and closes it, over and over.
func (c *client) redial(ctx context.Context, work Work) (any, error) {
	return concurrently(work, func(int) error {
		connection, err := grpc.NewClient(c.target, c.options...)
		if err != nil {
			return err
		}
		defer connection.Close()
		_, err = overlay.NewPeerServiceClient(connection).Ping(ctx, &overlay.PingRequest{PeerId: work.Peer})
		return err
	})
}

// concurrently repeats an action for the asked time, `depth` at once, and summarises what each took.
func concurrently(work Work, action func(worker int) error) (any, error) {
	depth := max(work.Depth, 1)
	trips := make([][]int64, depth)
	failures := make([]error, depth)
	begin := monotonic()
	until := begin + int64(work.duration())
	var workers sync.WaitGroup
	for worker := range depth {
		workers.Go(func() {
			for began := monotonic(); began < until; {
				if err := action(worker); err != nil {
					failures[worker] = err
					return
				}
				now := monotonic()
				trips[worker] = append(trips[worker], now-began)
				began = now
			}
		})
	}
	workers.Wait()
	elapsed := monotonic() - begin
	var all []int64
	for _, some := range trips {
		all = append(all, some...)
	}
	return summarise(all, elapsed), errors.Join(failures...)
}

// waitUntil is for what takes a moment to be there.
func waitUntil(ctx context.Context, attempt func() error) error {
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}
