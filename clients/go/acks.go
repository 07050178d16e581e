package sidecar

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

type settling int

const (
	acked settling = iota
	nacked
	extended
)

// acks is what a Consume call still has to tell: delivery ids gathered until the next request is made, in their order;
// consecutive ones become one range.
type acks struct {
	gathered []gatheredAcks
}

type gatheredAcks struct {
	settling settling
	// span goes with it: the delay of a nack, the time of an extend.
	span   time.Duration
	ranges []*overlayv1.DeliveryRange
}

// gather adds a message.
func (a *acks) gather(settling settling, span time.Duration, id uint64) {
	last := len(a.gathered) - 1
	if last < 0 || a.gathered[last].settling != settling || a.gathered[last].span != span {
		a.gathered = append(a.gathered, gatheredAcks{settling: settling, span: span})
		last++
	}
	held := &a.gathered[last]
	if count := len(held.ranges); count > 0 && held.ranges[count-1].Last+1 == id {
		held.ranges[count-1].Last = id
		return
	}
	held.ranges = append(held.ranges, &overlayv1.DeliveryRange{First: id, Last: id})
}

// clear forgets what was gathered: it was for a call that is over.
func (a *acks) clear() { a.gathered = nil }

// next is the next frame; nil when there is nothing to tell.
func (a *acks) next() *overlayv1.ConsumeRequest {
	if len(a.gathered) == 0 {
		return nil
	}
	held := a.gathered[0]
	if a.gathered = a.gathered[1:]; len(a.gathered) == 0 {
		a.gathered = nil
	}
	switch held.settling {
	case acked:
		return &overlayv1.ConsumeRequest{Frame: &overlayv1.ConsumeRequest_Ack{
			Ack: &overlayv1.ConsumeAck{Ranges: held.ranges},
		}}
	case nacked:
		nack := &overlayv1.ConsumeNack{Ranges: held.ranges}
		if held.span != 0 {
			nack.Delay = durationpb.New(held.span)
		}
		return &overlayv1.ConsumeRequest{Frame: &overlayv1.ConsumeRequest_Nack{Nack: nack}}
	default:
		return &overlayv1.ConsumeRequest{Frame: &overlayv1.ConsumeRequest_Extend{
			Extend: &overlayv1.ConsumeExtend{Ranges: held.ranges, Deadline: durationpb.New(held.span)},
		}}
	}
}
