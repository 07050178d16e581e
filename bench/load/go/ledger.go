package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"sync"
)

// A payload is: counter (8 bytes, little endian), mark of the run (8 bytes), in streams of messages the CLOCK_MONOTONIC in
// nanoseconds at which it was written (8 bytes), zeros to the size. The closing payload of a run has the top bit of the counter
// set; the rest of it is the number of messages sent.
const (
	payloadHead = 16
	timedHead   = 24
	closing     = uint64(1) << 63
	// Larger messages may overtake each other and the closing one.
	orderedSize = 60_000
)

func mark(run string) uint64 {
	sum := fnv.New64a()
	sum.Write([]byte(run))
	return sum.Sum64()
}

// newPayload makes a payload whose counter is set by stamp.
func newPayload(size int, run string) []byte {
	payload := make([]byte, max(size, payloadHead))
	binary.LittleEndian.PutUint64(payload[8:], mark(run))
	return payload
}

func stamp(payload []byte, counter uint64) {
	binary.LittleEndian.PutUint64(payload, counter)
}

// stampTime says when a message was written, for how long it took until the other app had it.
func stampTime(payload []byte, now int64) {
	binary.LittleEndian.PutUint64(payload[payloadHead:], uint64(now))
}

// Received is what arrived in a run; times are CLOCK_MONOTONIC in nanoseconds.
type Received struct {
	Count   uint64 `json:"count"`
	Bytes   uint64 `json:"bytes"`
	FirstNs int64  `json:"first_ns"`
	LastNs  int64  `json:"last_ns"`
	// From write to app, of some messages, in microseconds.
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
}

// ledger checks every payload of a run: mark, length, and that each counter comes once and, where order holds, in order.
type ledger struct {
	mutex    sync.Mutex
	size     int
	mark     uint64
	seen     []uint64 // a bit a counter; only where order does not hold
	received Received
	took     []int64 // nanoseconds from write to app, of each timedEvery(size)th message
	total    uint64
	closed   bool
	complete chan struct{}
	err      error
}

func newLedger(run string, size int) *ledger {
	return &ledger{size: size, mark: mark(run), complete: make(chan struct{})}
}

// take enters payloads that arrived together.
func (l *ledger) take(payloads ...[]byte) error {
	now := monotonic()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, payload := range payloads {
		if err := l.enter(payload, now); err != nil {
			l.failed(err)
			return err
		}
	}
	return nil
}

// fail ends the run.
func (l *ledger) fail(err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.failed(err)
}

func (l *ledger) failed(err error) {
	if l.err == nil && !l.done() {
		l.err = err
		close(l.complete)
	}
}

func (l *ledger) done() bool {
	return l.err != nil || (l.closed && l.received.Count == l.total)
}

func (l *ledger) enter(payload []byte, now int64) error {
	if len(payload) < payloadHead {
		return fmt.Errorf("a payload of %d bytes", len(payload))
	}
	counter := binary.LittleEndian.Uint64(payload)
	if found := binary.LittleEndian.Uint64(payload[8:]); found != l.mark {
		return fmt.Errorf("a payload of another run: mark %x instead of %x", found, l.mark)
	}
	if l.done() {
		return fmt.Errorf("a payload after the run was complete: counter %d", counter)
	}
	if counter&closing != 0 {
		l.closed, l.total = true, counter&^closing
		if l.received.Count > l.total || (l.size < orderedSize && l.received.Count != l.total) {
			return fmt.Errorf("%d messages arrived of %d", l.received.Count, l.total)
		}
	} else {
		if len(payload) != l.size {
			return fmt.Errorf("message %d has %d bytes instead of %d", counter, len(payload), l.size)
		}
		if err := l.check(counter); err != nil {
			return err
		}
		if l.received.Count == 0 {
			l.received.FirstNs = now
		}
		if size := len(payload); size >= timedHead && counter%timedEvery(size) == 0 {
			l.took = append(l.took, now-int64(binary.LittleEndian.Uint64(payload[payloadHead:])))
		}
		l.received.Count++
		l.received.Bytes += uint64(len(payload))
		l.received.LastNs = now
	}
	if l.done() {
		close(l.complete)
	}
	return nil
}

// timedEvery keeps the accounting small beside small messages.
func timedEvery(size int) uint64 { return uint64(max(1, 64<<10/size)) }

func (l *ledger) check(counter uint64) error {
	if l.size < orderedSize {
		if counter != l.received.Count {
			return fmt.Errorf("message %d arrived where %d was due", counter, l.received.Count)
		}
		return nil
	}
	for uint64(len(l.seen)) <= counter/64 {
		if counter > 1<<32 {
			return fmt.Errorf("counter %d is too large", counter)
		}
		l.seen = append(l.seen, 0)
	}
	if l.seen[counter/64]&(1<<(counter%64)) != 0 {
		return fmt.Errorf("message %d arrived twice", counter)
	}
	l.seen[counter/64] |= 1 << (counter % 64)
	return nil
}

// expired ends the run, saying how far it came.
func (l *ledger) expired() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	err := fmt.Errorf("%d messages had arrived when the time was up", l.received.Count)
	if l.closed {
		err = fmt.Errorf("%w, of %d sent", err, l.total)
	}
	l.failed(err)
	return err
}

// result gives what arrived once complete is closed.
func (l *ledger) result() (Received, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	took := summarise(l.took, 0)
	l.received.P50, l.received.P99 = took.P50, took.P99
	return l.received, l.err
}
