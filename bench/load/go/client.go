package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	overlay "bench/load/gen/overlayv1"
)

const (
	streamWindow     = 4 << 20
	connectionWindow = 8 << 20
	largestMessage   = 64 << 20

	// How far a sender goes ahead of its receipts: more than any way here holds, and little enough to be over soon.
	aheadBytes   = 16 << 20
	aheadBatches = 4096
	aheadLeast   = 16
)

// client is an app that speaks overlay.v1: to the sidecar beside it, or by mutual TLS to the other app.
type client struct {
	target   string
	options  []grpc.DialOption
	messages overlay.MessageServiceClient
	peers    overlay.PeerServiceClient
	ledgers  sync.Map // run -> *ledger
	takers   sync.Map // mark of a run -> taker
	mutex    sync.Mutex
	channels map[string]bool
	replies  map[string]bool
}

func newClient(target, tlsDir string) (program, error) {
	c := &client{target: target, channels: make(map[string]bool), replies: make(map[string]bool), options: []grpc.DialOption{
		grpc.WithInitialWindowSize(streamWindow), grpc.WithInitialConnWindowSize(connectionWindow),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestMessage)),
	}}
	security := insecure.NewCredentials()
	if tlsDir != "" {
		config, err := tlsConfig(tlsDir, "client")
		if err != nil {
			return nil, err
		}
		security = credentials.NewTLS(config)
	}
	c.options = append(c.options, grpc.WithTransportCredentials(security))
	connection, err := grpc.NewClient(target, c.options...)
	if err != nil {
		return nil, err
	}
	c.messages = overlay.NewMessageServiceClient(connection)
	c.peers = overlay.NewPeerServiceClient(connection)
	return program{
		"connect": c.connect, "send": c.send, "listen": c.listen, "collect": c.collect, "ping": c.ping,
		"send_delivered": c.sendDelivered, "request": c.request, "answer": c.answer,
		"call": c.call, "reply": c.reply,
		"drain": c.drain, "relink": c.relink, "redial": c.redial,
	}, nil
}

// connect links the sidecar to the other one.
func (c *client) connect(ctx context.Context, work Work) (any, error) {
	response, err := c.peers.Connect(ctx, &overlay.ConnectRequest{Target: work.Address}, grpc.WaitForReady(true))
	if err != nil {
		return nil, err
	}
	return map[string]string{"peer": response.Peer.PeerId}, nil
}

// send writes messages for the asked time, closes the run and waits for the receipt of everything.
func (c *client) send(ctx context.Context, work Work) (any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.messages.SendStream(ctx, grpc.WaitForReady(true))
	if err != nil {
		return nil, err
	}
	err = stream.Send(&overlay.SendStreamRequest{Open: &overlay.SendStreamOpen{
		PeerId: work.Peer, Channel: work.Channel, Level: overlay.DeliveryLevel_DELIVERY_LEVEL_DELIVERED,
	}})
	if err != nil {
		return nil, ended(stream, err)
	}
	settled := make(chan error, 1)
	progress := newProgress()
	go func() {
		err := readReceipts(stream, progress)
		progress.end()
		settled <- err
	}()

	batch := max(work.Batch, 1)
	ahead := uint64(max(min(aheadBytes/max(work.Size, 1), aheadBatches*batch), aheadLeast))
	request := &overlay.SendStreamRequest{Messages: make([]*overlay.Message, batch)}
	for i := range request.Messages {
		request.Messages[i] = &overlay.Message{Payload: newPayload(work.Size, work.Run)}
	}
	sent := Sent{StartNs: monotonic()}
	until := sent.StartNs + int64(work.duration())
	for monotonic() < until {
		progress.wait(sent.Count, ahead)
		now := monotonic()
		for _, message := range request.Messages {
			stamp(message.Payload, sent.Count)
			stampTime(message.Payload, now)
			sent.Count++
		}
		if err := stream.Send(request); err != nil {
			return nil, receiptError(settled, err)
		}
	}
	last := newPayload(payloadHead, work.Run)
	stamp(last, closing|sent.Count)
	if err := stream.Send(&overlay.SendStreamRequest{Messages: []*overlay.Message{{Payload: last}}}); err != nil {
		return nil, receiptError(settled, err)
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	if err := <-settled; err != nil {
		return nil, err
	}
	if got := progress.through; got != sent.Count+1 {
		return nil, fmt.Errorf("receipts through %d of %d messages", got, sent.Count+1)
	}
	sent.SettledNs = monotonic()
	return sent, nil
}

// readReceipts follows the receipts to the end of the call; an exception is an error.
func readReceipts(stream overlay.MessageService_SendStreamClient, made *progress) error {
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, receipt := range response.Receipts {
			for _, lost := range receipt.Exceptions {
				return fmt.Errorf("messages %d to %d failed: %v %s", lost.First, lost.Last, lost.Reason, lost.Detail)
			}
			if receipt.Level == overlay.DeliveryLevel_DELIVERY_LEVEL_DELIVERED {
				made.reach(receipt.ThroughSequence)
			}
		}
	}
}

// progress is how far receipts have come; it holds the sender back so that a run ends soon after its time, however slow the
// way is.
type progress struct {
	mutex   sync.Mutex
	moved   *sync.Cond
	through uint64
	over    bool
}

func newProgress() *progress {
	p := &progress{}
	p.moved = sync.NewCond(&p.mutex)
	return p
}

func (p *progress) reach(sequence uint64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.through = sequence
	p.moved.Signal()
}

func (p *progress) end() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.over = true
	p.moved.Signal()
}

// wait returns when no more than `ahead` of `sent` messages have no receipt, or when there will be no more receipts.
func (p *progress) wait(sent, ahead uint64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for sent > p.through+ahead && !p.over {
		p.moved.Wait()
	}
}

// receiptError prefers what the call ended with to the io.EOF that a write on an ended call gives.
func receiptError(settled <-chan error, err error) error {
	if errors.Is(err, io.EOF) {
		if why := <-settled; why != nil {
			return why
		}
	}
	return err
}

func ended(stream overlay.MessageService_SendStreamClient, err error) error {
	if errors.Is(err, io.EOF) {
		_, err = stream.Recv()
	}
	return err
}

// taker gets the payloads of one run.
type taker interface {
	take(payloads ...[]byte) error
}

// takerFunc is a function that is a taker.
type takerFunc func(payloads ...[]byte) error

func (f takerFunc) take(payloads ...[]byte) error { return f(payloads...) }

// subscribe receives a channel for as long as the app lives, and hands what comes to the taker of its run: as an app would,
// and because each channel that was ever used on a link keeps its share of the link's window. What no taker wants is dropped.
func (c *client) subscribe(channel string) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.channels[channel] {
		return nil
	}
	request := &overlay.ReceiveRequest{Channel: channel}
	stream, err := c.messages.Receive(context.Background(), request, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	c.channels[channel] = true
	go func() {
		err := c.dispatch(stream)
		c.mutex.Lock()
		delete(c.channels, channel)
		c.mutex.Unlock()
		c.ledgers.Range(func(_, entry any) bool {
			entry.(*ledger).fail(err)
			return true
		})
	}()
	return nil
}

func (c *client) dispatch(stream overlay.MessageService_ReceiveClient) error {
	var payloads [][]byte
	var current uint64
	hand := func() {
		if entry, wanted := c.takers.Load(current); wanted && len(payloads) > 0 {
			_ = entry.(taker).take(payloads...)
		}
		payloads = payloads[:0]
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		for _, delivery := range response.Deliveries {
			if delivery.Chunk != nil {
				return errors.New("a chunk of a message that fits a gRPC message")
			}
			for _, message := range delivery.Messages {
				if len(message.Payload) < payloadHead {
					return fmt.Errorf("a payload of %d bytes", len(message.Payload))
				}
				if found := binary.LittleEndian.Uint64(message.Payload[8:]); found != current {
					hand()
					current = found
				}
				payloads = append(payloads, message.Payload)
			}
		}
		hand()
	}
}

// listen enters what comes of a run in a ledger; collect waits for its end.
func (c *client) listen(_ context.Context, work Work) (any, error) {
	book := newLedger(work.Run, work.Size)
	c.ledgers.Store(work.Run, book)
	c.takers.Store(mark(work.Run), book)
	go func() {
		<-book.complete
		c.takers.Delete(mark(work.Run))
	}()
	return true, c.subscribe(work.Channel)
}

func (c *client) collect(ctx context.Context, work Work) (any, error) {
	return collect(ctx, &c.ledgers, work.Run)
}

func collect(ctx context.Context, ledgers *sync.Map, run string) (any, error) {
	entry, listening := ledgers.Load(run)
	if !listening {
		return nil, fmt.Errorf("nothing listens to run %q", run)
	}
	defer ledgers.Delete(run)
	book, _ := entry.(*ledger)
	select {
	case <-book.complete:
		return book.result()
	case <-ctx.Done():
		return nil, book.expired()
	}
}

// drain takes and drops the messages of a channel.
func (c *client) drain(_ context.Context, work Work) (any, error) {
	return true, c.subscribe(work.Channel)
}

// ping measures empty round trips from sidecar to sidecar, one after the other.
func (c *client) ping(ctx context.Context, work Work) (any, error) {
	return concurrently(work, func(int) error {
		_, err := c.peers.Ping(ctx, &overlay.PingRequest{PeerId: work.Peer})
		return err
	})
}

// sendDelivered measures unary calls that answer when the message is in the other sidecar's inbox, or, with mutual TLS
// from app to app, in the other app. The token makes the answer as long as the question where it may be so long.
func (c *client) sendDelivered(ctx context.Context, work Work) (any, error) {
	depth := max(work.Depth, 1)
	payloads := make([][]byte, depth)
	for i := range payloads {
		payloads[i] = newPayload(work.Size, work.Run)
	}
	token := strings.Repeat("t", min(work.Size, 128))
	return concurrently(work, func(worker int) error {
		_, err := c.messages.Send(ctx, &overlay.SendRequest{
			PeerId: work.Peer, Channel: work.Channel, Level: overlay.DeliveryLevel_DELIVERY_LEVEL_DELIVERED,
			Message: &overlay.Message{Payload: payloads[worker]}, Token: token,
		})
		return err
	})
}
