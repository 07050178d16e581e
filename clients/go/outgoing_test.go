package sidecar

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

func book() *outgoing {
	return &outgoing{level: overlayv1.DeliveryLevel_DELIVERY_LEVEL_DELIVERED}
}

// decoded is a request as the sidecar reads it.
func decoded(t *testing.T, request *overlayv1.SendStreamRequest) *overlayv1.SendStreamRequest {
	t.Helper()
	encoded, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	into := &overlayv1.SendStreamRequest{}
	if err := proto.Unmarshal(encoded, into); err != nil {
		t.Fatal(err)
	}
	if len(into.ProtoReflect().GetUnknown()) != 0 {
		t.Fatalf("the sidecar would not know all of %x", encoded)
	}
	return into
}

func receipt(through uint64, exceptions ...*overlayv1.DeliveryException) *overlayv1.SendStreamResponse {
	return &overlayv1.SendStreamResponse{Receipts: []*overlayv1.Receipt{{
		Level: overlayv1.DeliveryLevel_DELIVERY_LEVEL_DELIVERED, ThroughSequence: through, Exceptions: exceptions,
	}}}
}

func TestMessagesAreGatheredIntoOneFrame(t *testing.T) {
	o := book()
	headers := map[string]string{"a": "b", "ключ": "", "": "long " + string(bytes.Repeat([]byte{'x'}, 300))}
	o.add(nil, nil, "", true)
	o.add([]byte("second"), headers, "id-2", true)
	o.add(bytes.Repeat([]byte{0, 255}, 500), nil, "", true)
	request, _ := o.next()
	messages := decoded(t, request).Messages
	if len(messages) != 3 || len(messages[0].Payload) != 0 || messages[0].MessageId != "" {
		t.Fatalf("%v", messages)
	}
	if string(messages[1].Payload) != "second" || messages[1].MessageId != "id-2" || !maps.Equal(messages[1].Headers, headers) {
		t.Fatalf("%v", messages[1])
	}
	if !bytes.Equal(messages[2].Payload, bytes.Repeat([]byte{0, 255}, 500)) {
		t.Fatalf("%v", messages[2])
	}
	if request, _ := o.next(); request != nil {
		t.Fatalf("%v is one too many", request)
	}
}

func TestAFrameHasItsLimit(t *testing.T) {
	o := book()
	for range 5 {
		o.add(make([]byte, frameBytes*2/5), nil, "", true)
	}
	var counts []int
	for request, buffer := o.next(); request != nil; request, buffer = o.next() {
		counts = append(counts, len(decoded(t, request).Messages))
		release(buffer)
	}
	if !slices.Equal(counts, []int{2, 2, 1}) {
		t.Fatalf("%v", counts)
	}
}

func TestALargeMessageGoesInChunksAndNothingBetween(t *testing.T) {
	o := book()
	payload := make([]byte, 2*chunkBytes+7)
	for index := range payload {
		payload[index] = byte(index * 7)
	}
	o.add(payload, map[string]string{"h": "v"}, "big", false)
	o.add([]byte("after"), nil, "", true)
	var came []byte
	for index := range 3 {
		request, _ := o.next()
		chunk := decoded(t, request).Chunk
		if chunk.Offset != uint64(len(came)) || chunk.Total != uint64(len(payload)) || chunk.MessageId != "big" {
			t.Fatalf("chunk at %d of %d, id %q", chunk.Offset, chunk.Total, chunk.MessageId)
		}
		if (len(chunk.Headers) == 1) != (index == 0) {
			t.Fatalf("chunk %d has headers %v", index, chunk.Headers)
		}
		came = append(came, chunk.Data...)
	}
	if !bytes.Equal(came, payload) {
		t.Fatal("the payload was changed")
	}
	request, _ := o.next()
	if messages := decoded(t, request).Messages; len(messages) != 1 || string(messages[0].Payload) != "after" {
		t.Fatalf("%v", messages)
	}
}

func TestReceiptsMakeRoom(t *testing.T) {
	o := book()
	payload := make([]byte, 1<<20)
	for !o.full() {
		o.add(payload, nil, "", true)
	}
	if o.count != 16 {
		t.Fatalf("%d messages of 1 MiB fit", o.count)
	}
	sent := receipt(16)
	sent.Receipts[0].Level = overlayv1.DeliveryLevel_DELIVERY_LEVEL_SENT
	if o.receipts(sent); o.through != 0 || !o.full() {
		t.Fatal("a receipt of another level is no outcome")
	}
	if o.receipts(receipt(3)); o.through != 3 || o.full() || o.pending != 13*(len(payload)+messageBytes) {
		t.Fatalf("through %d, pending %d", o.through, o.pending)
	}
	if o.receipts(receipt(99)); o.through != 16 || o.pending != 0 {
		t.Fatalf("through %d, pending %d", o.through, o.pending)
	}
	for o = book(); !o.full(); {
		o.add(nil, nil, "", true)
	}
	if o.count != windowBytes/messageBytes {
		t.Fatalf("%d empty messages fit", o.count)
	}
}

func TestFailuresAreNamedOnce(t *testing.T) {
	o := book()
	for range 5 {
		o.add([]byte("x"), nil, "", true)
	}
	o.next()
	reason := overlayv1.ErrorReason_ERROR_REASON_QUEUE_FULL
	o.receipts(receipt(1, &overlayv1.DeliveryException{First: 2, Last: 3, Reason: reason, Detail: "full"}))
	if o.through != 1 || o.errorOf(1) != nil || !errors.Is(o.errorOf(3), ErrQueueFull) {
		t.Fatalf("through %d, %v, %v", o.through, o.errorOf(1), o.errorOf(3))
	}
	err := o.newFailures()
	var several *SendFailed
	var first *Error
	if !errors.As(err, &several) || len(several.Failures) != 1 || !errors.Is(err, ErrBusy) || !errors.As(err, &first) {
		t.Fatalf("%v", err)
	}
	if first.Detail != "full" || first.Code != codes.ResourceExhausted || o.newFailures() != nil {
		t.Fatalf("%#v", first)
	}
	o.end(unavailable("gone"))
	if err = o.newFailures(); !errors.As(err, &several) || o.through != 5 {
		t.Fatalf("%v", err)
	}
	for _, failure := range several.Failures {
		if failure.First != 4 || failure.Last != 5 || !errors.Is(failure.Err, ErrOutcomeUnknown) {
			t.Fatalf("%+v", failure)
		}
	}
}

func TestTheEndOfACall(t *testing.T) {
	ended := func(err *Error) *outgoing {
		o := book()
		for range 2 {
			o.add(make([]byte, frameBytes), nil, "", true)
		}
		o.next() // the first is on its way, the second was never handed over
		o.end(err)
		return o
	}
	o := ended(unavailable("gone"))
	if !errors.Is(o.errorOf(1), ErrOutcomeUnknown) || !errors.Is(o.errorOf(1), ErrUnavailable) {
		t.Fatalf("%v", o.errorOf(1))
	}
	if errors.Is(o.errorOf(2), ErrOutcomeUnknown) || !errors.Is(o.errorOf(2), ErrUnavailable) || o.pending != 0 {
		t.Fatalf("%v, pending %d", o.errorOf(2), o.pending)
	}
	o = ended(newError(ErrPeerUnknown, "nobody"))
	if !errors.Is(o.errorOf(1), ErrPeerUnknown) || errors.Is(o.errorOf(1), ErrOutcomeUnknown) {
		t.Fatalf("%v", o.errorOf(1))
	}
	o = ended(nil)
	if !errors.Is(o.errorOf(1), ErrOutcomeUnknown) || !errors.Is(o.ended, ErrUnavailable) {
		t.Fatalf("%v, %v", o.errorOf(1), o.ended)
	}
}

func TestTheRingKeepsItsOrder(t *testing.T) {
	r := ring{}
	next, expected := 0, 0
	for round := range 1000 {
		for range round % 7 {
			r.push(next)
			next++
		}
		for r.size > round%3 {
			if value := r.pop(); value != expected {
				t.Fatalf("%d came in place of %d", value, expected)
			}
			expected++
		}
	}
}
