package sidecar

import (
	"cmp"
	"errors"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

const (
	// frameBytes is the size of a frame into which messages are gathered; one that is larger alone makes its own. It is what
	// stays in a processor's cache: a larger one is no faster.
	frameBytes = 256 << 10
	// chunkBytes is the size of the parts of a message that no frame can hold.
	chunkBytes = 2 << 20
	// windowBytes is how much may be without an outcome before the sender waits.
	windowBytes = 16 << 20
	// messageBytes is what a message counts beside its payload: many empty ones are many all the same.
	messageBytes = 64
)

// outgoing is the book of one SendStream, without any I/O: messages in, frames out, receipts in, outcomes out. Numbers run
// from 1.
type outgoing struct {
	level overlayv1.DeliveryLevel
	// count is how many messages were added; all up to through have an outcome.
	count, through uint64
	// taken is the last message that was handed to gRPC, in part at least.
	taken uint64
	// sizes are what the messages behind through count.
	sizes   ring
	pending int
	frames  []frame
	// failures are those of all messages; reported of them were named by flush.
	failures []Failure
	reported int
	// ended is why the call is over, once it is.
	ended *Error
}

// buffers are those of frames that were handed over, for the next ones.
var buffers = sync.Pool{New: func() any { return new([frameBytes]byte) }}

// frame is what goes out next: messages in their encoding, or a message in chunks.
type frame struct {
	// last is the last message in it.
	last    uint64
	encoded []byte
	chunked *chunked
}

type chunked struct {
	payload   []byte
	headers   map[string]string
	messageID string
	offset    int
}

// full tells whether to wait for outcomes before adding more.
func (o *outgoing) full() bool { return o.pending >= windowBytes }

// add takes a message and gives its number. The payload of a whole one is copied; that of one in chunks is not to be
// changed until it has gone.
func (o *outgoing) add(payload []byte, headers map[string]string, messageID string, whole bool) uint64 {
	o.count++
	if whole {
		o.addWhole(payload, headers, messageID)
	} else {
		part := &chunked{payload: payload, headers: headers, messageID: messageID}
		o.frames = append(o.frames, frame{last: o.count, chunked: part})
	}
	size := len(payload) + messageBytes
	o.sizes.push(size)
	o.pending += size
	return o.count
}

// The fields of the messages that are written by hand: SendStreamRequest.messages, Message and its map entries.
const (
	messagesField  = 1
	messageIDField = 1
	headersField   = 2
	payloadField   = 3
	keyField       = 1
	valueField     = 2
)

func (o *outgoing) addWhole(payload []byte, headers map[string]string, messageID string) {
	size := 0
	if len(payload) > 0 {
		size += protowire.SizeTag(payloadField) + protowire.SizeBytes(len(payload))
	}
	if messageID != "" {
		size += protowire.SizeTag(messageIDField) + protowire.SizeBytes(len(messageID))
	}
	for key, value := range headers {
		size += protowire.SizeTag(headersField) + protowire.SizeBytes(entrySize(key, value))
	}
	into := o.gathering(protowire.SizeTag(messagesField) + protowire.SizeBytes(size))
	encoded := protowire.AppendTag(into.encoded, messagesField, protowire.BytesType)
	encoded = protowire.AppendVarint(encoded, uint64(size))
	if messageID != "" {
		encoded = protowire.AppendTag(encoded, messageIDField, protowire.BytesType)
		encoded = protowire.AppendString(encoded, messageID)
	}
	for key, value := range headers {
		encoded = protowire.AppendTag(encoded, headersField, protowire.BytesType)
		encoded = protowire.AppendVarint(encoded, uint64(entrySize(key, value)))
		encoded = protowire.AppendTag(encoded, keyField, protowire.BytesType)
		encoded = protowire.AppendString(encoded, key)
		encoded = protowire.AppendTag(encoded, valueField, protowire.BytesType)
		encoded = protowire.AppendString(encoded, value)
	}
	if len(payload) > 0 {
		encoded = protowire.AppendTag(encoded, payloadField, protowire.BytesType)
		encoded = protowire.AppendBytes(encoded, payload)
	}
	into.encoded, into.last = encoded, o.count
}

func entrySize(key, value string) int {
	return protowire.SizeTag(keyField) + protowire.SizeBytes(len(key)) +
		protowire.SizeTag(valueField) + protowire.SizeBytes(len(value))
}

// gathering is the frame that so many bytes go into.
func (o *outgoing) gathering(size int) *frame {
	if len(o.frames) > 0 {
		last := &o.frames[len(o.frames)-1]
		if last.chunked == nil && len(last.encoded)+size <= frameBytes {
			return last
		}
	}
	next := frame{}
	if size <= frameBytes {
		next.encoded = buffers.Get().(*[frameBytes]byte)[:0]
	} else {
		next.encoded = make([]byte, 0, size)
	}
	o.frames = append(o.frames, next)
	return &o.frames[len(o.frames)-1]
}

// next is the next request, nil when nothing waits, and the buffer that is to be released once gRPC has encoded it.
func (o *outgoing) next() (request *overlayv1.SendStreamRequest, buffer []byte) {
	if len(o.frames) == 0 {
		return nil, nil
	}
	first := &o.frames[0]
	o.taken = first.last
	request = &overlayv1.SendStreamRequest{}
	if part := first.chunked; part != nil {
		end := min(part.offset+chunkBytes, len(part.payload))
		request.Chunk = &overlayv1.Chunk{
			MessageId: part.messageID, Offset: uint64(part.offset), Total: uint64(len(part.payload)),
			Data: part.payload[part.offset:end],
		}
		if part.offset == 0 {
			request.Chunk.Headers = part.headers
		}
		if part.offset = end; end < len(part.payload) {
			return request, nil
		}
	} else {
		// Fields that a message was given in their encoding are written as they are.
		buffer = first.encoded
		request.ProtoReflect().SetUnknown(protoreflect.RawFields(buffer))
	}
	o.frames[0] = frame{}
	if o.frames = o.frames[1:]; len(o.frames) == 0 {
		o.frames = nil
	}
	return request, buffer
}

// release takes back the buffer of a request that gRPC has encoded.
func release(buffer []byte) {
	if cap(buffer) == frameBytes {
		buffers.Put((*[frameBytes]byte)(buffer[:frameBytes]))
	}
}

// receipts takes what the sidecar tells.
func (o *outgoing) receipts(response *overlayv1.SendStreamResponse) {
	for _, receipt := range response.Receipts {
		for _, failed := range receipt.Exceptions {
			o.failures = append(o.failures, Failure{failed.First, failed.Last, errorOfReason(failed.Reason, failed.Detail)})
		}
		if receipt.Level == o.level {
			o.outcomesThrough(receipt.ThroughSequence)
		}
	}
}

// end says that the call is over: what has no outcome gets one.
func (o *outgoing) end(failed *Error) {
	if o.ended != nil {
		return
	}
	o.ended = failed
	if failed == nil {
		o.ended = unavailable("the sender is closed")
		failed = unavailable("the sidecar ended the call early")
	}
	if o.through < o.taken {
		err := failed
		if !errors.Is(failed, ErrRequest) && !errors.Is(failed, ErrNotFound) {
			err = newError(ErrOutcomeUnknown, "the call ended before the sidecar told what became of it: %v", failed)
			err.Code, err.cause = failed.Code, failed
		}
		o.fail(o.through+1, o.taken, err)
	}
	o.fail(max(o.taken, o.through)+1, o.count, failed)
	o.outcomesThrough(o.count)
	o.frames = nil
}

// fail names those of a range of messages that no failure names yet: exceptions may run ahead of the outcomes.
func (o *outgoing) fail(first, last uint64, err *Error) {
	named := slices.SortedFunc(slices.Values(o.failures), func(a, b Failure) int { return cmp.Compare(a.First, b.First) })
	for _, held := range named {
		if held.Last < first || last < held.First {
			continue
		}
		if first < held.First {
			o.failures = append(o.failures, Failure{first, held.First - 1, err})
		}
		first = held.Last + 1
	}
	if first <= last {
		o.failures = append(o.failures, Failure{first, last, err})
	}
}

func (o *outgoing) outcomesThrough(number uint64) {
	for number = min(number, o.count); o.through < number; o.through++ {
		o.pending -= o.sizes.pop()
	}
}

// errorOf is why a message failed; nil when it reached its level. Ask only once it has an outcome.
func (o *outgoing) errorOf(number uint64) error {
	for _, failure := range o.failures {
		if failure.First <= number && number <= failure.Last {
			return failure.Err
		}
	}
	return nil
}

// newFailures is a SendFailed with the failures that it has not named before; nil when there are none.
func (o *outgoing) newFailures() error {
	if o.reported == len(o.failures) {
		return nil
	}
	failed := &SendFailed{slices.Clone(o.failures[o.reported:])}
	o.reported = len(o.failures)
	return failed
}

// ring is a queue of sizes that keeps its room.
type ring struct {
	held        []int
	first, size int
}

func (r *ring) push(value int) {
	if r.size == len(r.held) {
		grown := make([]int, max(64, 2*r.size))
		copied := copy(grown, r.held[r.first:])
		copy(grown[copied:], r.held[:r.first])
		r.held, r.first = grown, 0
	}
	r.held[(r.first+r.size)%len(r.held)] = value
	r.size++
}

func (r *ring) pop() int {
	value := r.held[r.first]
	r.first = (r.first + 1) % len(r.held)
	r.size--
	return value
}
