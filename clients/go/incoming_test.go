package sidecar

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

func chunkOf(offset, total uint64, data string) []*overlayv1.Delivery {
	chunk := &overlayv1.Chunk{MessageId: "m", Offset: offset, Total: total, Data: []byte(data)}
	if offset == 0 {
		chunk.Headers = map[string]string{"h": "v"}
	}
	return []*overlayv1.Delivery{{PeerId: "p", FirstSequence: 9, FirstDeliveryId: 4, Chunk: chunk}}
}

func TestARunIsUnfolded(t *testing.T) {
	in := incoming{}
	at := time.Unix(100, 5).UTC()
	messages, err := in.messages(nil, []*overlayv1.Delivery{{
		Messages: []*overlayv1.Message{{MessageId: "a"}, {Payload: []byte("b"), Headers: map[string]string{"k": "v"}}},
		PeerId:   "p", Channel: "c", Priority: overlayv1.Priority_PRIORITY_HIGH, FirstSequence: 7, FirstDeliveryId: 3,
		RedeliveryCount: 2, ReceivedAt: timestamppb.New(at), Durable: true, Instance: 11,
	}})
	if err != nil || len(messages) != 2 {
		t.Fatalf("%v, %v", messages, err)
	}
	first, second := messages[0], messages[1]
	if first.MessageID != "a" || first.Sequence != 7 || first.DeliveryID != 3 || first.Priority != HighPriority {
		t.Fatalf("%+v", first)
	}
	if string(second.Payload) != "b" || second.Headers["k"] != "v" || second.Sequence != 8 || second.DeliveryID != 4 {
		t.Fatalf("%+v", second)
	}
	if second.RedeliveryCount != 2 || !second.ReceivedAt.Equal(at) || !second.Durable || second.Instance != 11 {
		t.Fatalf("%+v", second)
	}
	if plain, _ := in.messages(nil, []*overlayv1.Delivery{{Messages: make([]*overlayv1.Message, 0)}}); len(plain) != 0 {
		t.Fatalf("%v", plain)
	}
}

func TestChunksArePutTogether(t *testing.T) {
	in := incoming{}
	for _, part := range [][]*overlayv1.Delivery{chunkOf(0, 5, "ab"), chunkOf(2, 5, "cd")} {
		if messages, err := in.messages(nil, part); err != nil || len(messages) != 0 {
			t.Fatalf("%v, %v", messages, err)
		}
	}
	messages, err := in.messages(nil, chunkOf(4, 5, "e"))
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	whole := messages[0]
	if string(whole.Payload) != "abcde" || whole.Headers["h"] != "v" || whole.MessageID != "m" || whole.DeliveryID != 4 {
		t.Fatalf("%+v", whole)
	}
}

func TestABrokenSeriesIsAnError(t *testing.T) {
	for name, parts := range map[string][][]*overlayv1.Delivery{
		"begins in the middle": {chunkOf(2, 5, "cd")},
		"leaves a hole":        {chunkOf(0, 5, "ab"), chunkOf(3, 5, "d")},
		"changes its total":    {chunkOf(0, 5, "ab"), chunkOf(2, 6, "cd")},
		"is too long":          {chunkOf(0, 5, "abcdef")},
	} {
		in := incoming{}
		var err error
		for _, part := range parts {
			_, err = in.messages(nil, part)
		}
		var failed *Error
		if !errors.As(err, &failed) {
			t.Errorf("a series that %s: %v", name, err)
		}
	}
}

func TestANewCallDropsWhatWasBrokenOff(t *testing.T) {
	in := incoming{}
	in.messages(nil, chunkOf(0, 5, "ab"))
	in.restart()
	messages, err := in.messages(nil, append(chunkOf(0, 2, "x"), chunkOf(1, 2, "y")...))
	if err != nil || len(messages) != 1 || string(messages[0].Payload) != "xy" || messages[0].Opening != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
}

func TestAcksAreGatheredInTheirOrder(t *testing.T) {
	a := acks{}
	for _, id := range []uint64{1, 2, 3, 7} {
		a.gather(acked, 0, id)
	}
	a.gather(nacked, time.Second, 4)
	a.gather(nacked, 0, 5)
	a.gather(extended, time.Minute, 6)
	a.gather(acked, 0, 8)
	ack := a.next().GetAck()
	if len(ack.GetRanges()) != 2 || ack.Ranges[0].First != 1 || ack.Ranges[0].Last != 3 || ack.Ranges[1].First != 7 {
		t.Fatalf("%v", ack)
	}
	if nack := a.next().GetNack(); nack.GetDelay().AsDuration() != time.Second || nack.Ranges[0].First != 4 {
		t.Fatalf("%v", nack)
	}
	if nack := a.next().GetNack(); nack.GetRanges()[0].First != 5 || nack.Delay != nil {
		t.Fatalf("%v", nack)
	}
	if extend := a.next().GetExtend(); extend.GetDeadline().AsDuration() != time.Minute {
		t.Fatalf("%v", extend)
	}
	if ack := a.next().GetAck(); ack.GetRanges()[0].First != 8 {
		t.Fatalf("%v", ack)
	}
	if a.next() != nil {
		t.Fatal("one too many")
	}
	a.gather(acked, 0, 1)
	if a.clear(); a.next() != nil {
		t.Fatal("it was forgotten")
	}
}
