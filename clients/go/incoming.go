package sidecar

import (
	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// incoming unfolds deliveries into messages and puts the chunks of a large one together. A series of chunks that its call
// did not finish is dropped by restart: the sidecar hands the message out anew.
type incoming struct {
	// opening counts the calls: 0 is the first.
	opening int
	// whole is what has come of a large message; nil between them.
	whole   []byte
	total   uint64
	headers map[string]string
}

// restart says that a new call begins.
func (in *incoming) restart() {
	in.opening++
	in.whole, in.headers = nil, nil
}

// messages adds to `ready` those that these deliveries complete. The error says that a chunk does not continue its series.
func (in *incoming) messages(ready []*Received, deliveries []*overlayv1.Delivery) ([]*Received, error) {
	for _, delivery := range deliveries {
		if delivery.Chunk != nil {
			whole, err := in.chunk(delivery.Chunk)
			if err != nil {
				return ready, err
			}
			if whole != nil {
				message := in.enveloped(delivery)
				message.Payload, message.Headers, message.MessageID = whole, in.headers, delivery.Chunk.MessageId
				in.headers = nil
				ready = append(ready, &message)
			}
			continue
		}
		envelope := in.enveloped(delivery)
		run := make([]Received, len(delivery.Messages))
		for index, message := range delivery.Messages {
			run[index] = envelope
			run[index].Payload, run[index].Headers, run[index].MessageID = message.Payload, message.Headers, message.MessageId
			run[index].Sequence += uint64(index)
			if envelope.DeliveryID != 0 {
				run[index].DeliveryID += uint64(index)
			}
			ready = append(ready, &run[index])
		}
	}
	return ready, nil
}

// enveloped is the first message of a delivery without what the other app said.
func (in *incoming) enveloped(delivery *overlayv1.Delivery) Received {
	return Received{
		PeerID:          delivery.PeerId,
		Channel:         delivery.Channel,
		Priority:        Priority(delivery.Priority),
		Instance:        delivery.Instance,
		Bulk:            delivery.Bulk,
		Sequence:        delivery.FirstSequence,
		RedeliveryCount: delivery.RedeliveryCount,
		ReceivedAt:      moment(delivery.ReceivedAt),
		DeliveryID:      delivery.FirstDeliveryId,
		Durable:         delivery.Durable,
		Opening:         in.opening,
	}
}

// chunk gives the whole payload when this was its last chunk.
func (in *incoming) chunk(chunk *overlayv1.Chunk) ([]byte, error) {
	if chunk.Offset == 0 {
		// It grows as it comes: a total is only a word until then.
		in.whole, in.total, in.headers = []byte{}, chunk.Total, chunk.Headers
	}
	end := chunk.Offset + uint64(len(chunk.Data))
	if in.whole == nil || chunk.Offset != uint64(len(in.whole)) || chunk.Total != in.total || end > in.total {
		in.whole = nil
		return nil, newError(plain, "the sidecar sent a chunk at %d of %d that continues nothing", chunk.Offset, chunk.Total)
	}
	in.whole = append(in.whole, chunk.Data...)
	if end < in.total {
		return nil, nil
	}
	whole := in.whole
	in.whole = nil
	return whole, nil
}
