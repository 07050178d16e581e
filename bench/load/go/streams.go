package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"
)

// byteStream is what a run goes over where there are streams of bytes and no messages: a socket that go-libp2p-daemon made a
// stream, or a stream of go-libp2p.
type byteStream interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// streamApp does the works over byte streams that are opened and taken by the name of a run.
type streamApp struct {
	open    func(ctx context.Context, peer, run string) (byteStream, error)
	handle  func(run string) (chan byteStream, error)
	ledgers sync.Map
}

func (d *streamApp) commands() program {
	return program{
		"send": d.send, "listen": d.listen, "collect": d.collect,
		"request": d.request, "answer": d.answer, "call": d.call, "reply": d.answer,
	}
}

// send writes messages of one size to one stream, `batch` to a write, and waits for the receiver's count. A stream has
// no ends of messages, so the receiver knows the size and the closing message has it too.
func (d *streamApp) send(ctx context.Context, work Work) (any, error) {
	stream, err := d.open(ctx, work.Peer, work.Run)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	limit(ctx, stream)
	batch := max(work.Batch, 1)
	buffer := bytes.Repeat(newPayload(work.Size, work.Run), batch)
	sent := Sent{StartNs: monotonic()}
	until := sent.StartNs + int64(work.duration())
	for now := sent.StartNs; now < until; now = monotonic() {
		for i := range batch {
			stamp(buffer[i*work.Size:], sent.Count)
			stampTime(buffer[i*work.Size:], now)
			sent.Count++
		}
		if _, err := stream.Write(buffer); err != nil {
			return nil, err
		}
	}
	stamp(buffer, closing|sent.Count)
	if _, err := stream.Write(buffer[:work.Size]); err != nil {
		return nil, err
	}
	var count [8]byte
	if _, err := io.ReadFull(stream, count[:]); err != nil {
		return nil, err
	}
	if got := binary.LittleEndian.Uint64(count[:]); got != sent.Count {
		return nil, fmt.Errorf("%d of %d messages arrived", got, sent.Count)
	}
	sent.SettledNs = monotonic()
	return sent, nil
}

func limit(ctx context.Context, connection byteStream) {
	if deadline, set := ctx.Deadline(); set {
		_ = connection.SetDeadline(deadline)
	}
}

func (d *streamApp) listen(_ context.Context, work Work) (any, error) {
	streams, err := d.handle(work.Run)
	if err != nil {
		return nil, err
	}
	book := newLedger(work.Run, work.Size)
	d.ledgers.Store(work.Run, book)
	go func() {
		select {
		case stream := <-streams:
			defer stream.Close()
			_ = stream.SetDeadline(time.Now().Add(work.duration() + 2*grace))
			if err := receiveStream(stream, book, work.Size); err != nil {
				book.fail(err)
			}
		case <-book.complete:
		}
	}()
	return true, nil
}

func receiveStream(stream byteStream, book *ledger, size int) error {
	reader := bufio.NewReaderSize(stream, max(256<<10, size))
	for {
		payload, err := reader.Peek(size)
		if err != nil {
			return err
		}
		if err := book.take(payload); err != nil {
			return err
		}
		if _, err := reader.Discard(size); err != nil {
			return err
		}
		select {
		case <-book.complete:
			got, err := book.result()
			if err == nil {
				_, err = stream.Write(binary.LittleEndian.AppendUint64(nil, got.Count))
			}
			if err != nil {
				return err
			}
			// go-libp2p-daemon loses what was written just before the end of a stream, so the sender ends it.
			_, _ = reader.ReadByte()
			return nil
		default:
		}
	}
}

func (d *streamApp) collect(ctx context.Context, work Work) (any, error) {
	return collect(ctx, &d.ledgers, work.Run)
}

// request writes messages to one stream and reads the answers, `depth` of them under way at once.
func (d *streamApp) request(ctx context.Context, work Work) (any, error) {
	stream, err := d.open(ctx, work.Peer, work.Run)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	limit(ctx, stream)
	depth := max(work.Depth, 1)
	payload := newPayload(work.Size, work.Run)
	reply := make([]byte, work.Size)
	reader := bufio.NewReader(stream)
	askedAt := make([]int64, depth)
	next, answered := uint64(0), uint64(0)
	ask := func() error {
		stamp(payload, next)
		askedAt[next%uint64(depth)] = monotonic()
		next++
		_, err := stream.Write(payload)
		return err
	}
	var trips []int64
	begin := monotonic()
	until := begin + int64(work.duration())
	for range depth {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	for answered < next {
		if _, err := io.ReadFull(reader, reply); err != nil {
			return nil, err
		}
		if counter := binary.LittleEndian.Uint64(reply); counter != answered {
			return nil, fmt.Errorf("an answer to %d where %d was due", counter, answered)
		}
		now := monotonic()
		trips = append(trips, now-askedAt[answered%uint64(depth)])
		answered++
		if now < until {
			if err := ask(); err != nil {
				return nil, err
			}
		}
	}
	return summarise(trips, monotonic()-begin), nil
}

// answer sends what comes on the run's stream back.
func (d *streamApp) answer(_ context.Context, work Work) (any, error) {
	streams, err := d.handle(work.Run)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			select {
			case stream := <-streams:
				go func() {
					defer stream.Close()
					_ = stream.SetDeadline(time.Now().Add(work.duration() + grace))
					buffer := make([]byte, work.Size)
					for {
						if _, err := io.ReadFull(stream, buffer); err != nil {
							return
						}
						if _, err := stream.Write(buffer); err != nil {
							return
						}
					}
				}()
			case <-time.After(work.duration() + grace):
				return
			}
		}
	}()
	return true, nil
}

// call opens a stream for each request and closes it after the answer.
func (d *streamApp) call(ctx context.Context, work Work) (any, error) {
	return concurrently(work, func(int) error { return d.ask(ctx, work) })
}

// ask is a request and its answer on a stream of their own.
func (d *streamApp) ask(ctx context.Context, work Work) error {
	stream, err := d.open(ctx, work.Peer, work.Run)
	if err != nil {
		return err
	}
	defer stream.Close()
	limit(ctx, stream)
	payload := newPayload(work.Size, work.Run)
	if _, err := stream.Write(payload); err != nil {
		return err
	}
	reply := make([]byte, len(payload))
	if _, err := io.ReadFull(stream, reply); err != nil {
		return err
	}
	if !bytes.Equal(reply, payload) {
		return fmt.Errorf("an answer that is not what was asked: %x", reply[:payloadHead])
	}
	return nil
}
