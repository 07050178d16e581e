package sidecar

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// Level says how far a message has come.
type Level overlayv1.DeliveryLevel

const (
	// SentLevel: it left this sidecar, or is in its journal where it is durable.
	SentLevel = Level(overlayv1.DeliveryLevel_DELIVERY_LEVEL_SENT)
	// DeliveredLevel: it is in the other sidecar's inbox, or journal. The default.
	DeliveredLevel = Level(overlayv1.DeliveryLevel_DELIVERY_LEVEL_DELIVERED)
	// ProcessedLevel: an app over there has acknowledged it.
	ProcessedLevel = Level(overlayv1.DeliveryLevel_DELIVERY_LEVEL_PROCESSED)
)

// String is the level's name: "sent", "delivered", "processed".
func (l Level) String() string { return nameOf(levelNames, l) }

// ParseLevel is the level of a name.
func ParseLevel(name string) (Level, error) { return named(levelNames, "level", name) }

var levelNames = map[Level]string{SentLevel: "sent", DeliveredLevel: "delivered", ProcessedLevel: "processed"}

// Priority orders messages that wait for the same link.
type Priority overlayv1.Priority

const (
	// HighPriority goes before everything else.
	HighPriority = Priority(overlayv1.Priority_PRIORITY_HIGH)
	// NormalPriority is the default.
	NormalPriority = Priority(overlayv1.Priority_PRIORITY_NORMAL)
	// LowPriority goes when nothing else waits, and has a small share otherwise.
	LowPriority = Priority(overlayv1.Priority_PRIORITY_LOW)
)

// String is the priority's name: "high", "normal", "low".
func (p Priority) String() string { return nameOf(priorityNames, p) }

// ParsePriority is the priority of a name.
func ParsePriority(name string) (Priority, error) { return named(priorityNames, "priority", name) }

var priorityNames = map[Priority]string{HighPriority: "high", NormalPriority: "normal", LowPriority: "low"}

// QueueName is one kind of what a sidecar keeps.
type QueueName overlayv1.Queue

const (
	// Outgoing holds durable messages on their way to peers.
	Outgoing = QueueName(overlayv1.Queue_QUEUE_OUTGOING)
	// Incoming holds durable messages that have come and that no app has settled.
	Incoming = QueueName(overlayv1.Queue_QUEUE_INCOMING)
	// DeadIncoming holds messages that no app would acknowledge.
	DeadIncoming = QueueName(overlayv1.Queue_QUEUE_DEAD_INCOMING)
	// DeadOutgoing holds messages that their peer would not take.
	DeadOutgoing = QueueName(overlayv1.Queue_QUEUE_DEAD_OUTGOING)
)

// String is the queue's name: "outgoing", "incoming", "dead_incoming", "dead_outgoing".
func (q QueueName) String() string { return nameOf(queueNames, q) }

// ParseQueueName is the queue of a name.
func ParseQueueName(name string) (QueueName, error) { return named(queueNames, "queue", name) }

var queueNames = map[QueueName]string{
	Outgoing: "outgoing", Incoming: "incoming", DeadIncoming: "dead_incoming", DeadOutgoing: "dead_outgoing",
}

// Readiness is a step of the health ladder.
type Readiness string

const (
	// Live: the process answers.
	Live Readiness = "live"
	// API: it takes calls.
	API Readiness = "api"
	// Overlay: it is linked to at least one peer.
	Overlay Readiness = "overlay"
)

func nameOf[E comparable](names map[E]string, value E) string {
	if name, ok := names[value]; ok {
		return name
	}
	return fmt.Sprintf("%T(%v)", value, value)
}

func named[E comparable](names map[E]string, what, wanted string) (E, error) {
	for value, name := range names {
		if name == wanted {
			return value, nil
		}
	}
	var none E
	return none, invalid(what, fmt.Sprintf("there is no %q", wanted))
}

// Sent tells what became of a message that reached the level asked for.
type Sent struct {
	// MessageID is the caller's, or the one the sidecar made; empty for a message that went in chunks without an id.
	MessageID string
	Level     Level
	// SentAt is when it left the sidecar; zero where it is not known.
	SentAt time.Time
	// DeliveredAt is when the other sidecar's acknowledgement came; zero below DeliveredLevel.
	DeliveredAt time.Time
	// ProcessedAt is the same for the other app's; zero below ProcessedLevel.
	ProcessedAt time.Time
}

// Item is what a subscription yields: a [*Received] or a [*Gap].
type Item interface{ item() }

// Received is a message from a peer.
type Received struct {
	Payload   []byte
	Headers   map[string]string
	MessageID string
	// PeerID is the sender, proven by its key.
	PeerID   string
	Channel  string
	Priority Priority
	// Instance is the run of the sender's sidecar that numbered it; (PeerID, Instance, Priority, Bulk, Sequence) names a
	// message.
	Instance uint64
	Bulk     bool
	Sequence uint64
	// RedeliveryCount is how often it was handed to a subscriber before.
	RedeliveryCount uint32
	// ReceivedAt is when the sidecar received the run of messages that it came in.
	ReceivedAt time.Time
	// DeliveryID is what it is acknowledged by in a [Consumer]; else 0.
	DeliveryID uint64
	Durable    bool
	// Opening is which opening of its subscription handed it out: 0 for the first, more after each Gap.
	Opening int
}

// Gap says that a subscription or watch was broken off and is taken up again: what the sidecar held for it then may be
// lost.
type Gap struct {
	Detail string
	// Restarted tells whether it is another run of the sidecar: its queues died with the former one.
	Restarted bool
}

func (*Received) item() {}
func (*Gap) item()      {}

// Reply is the answer to a request.
type Reply struct {
	Payload []byte
	Headers map[string]string
}

// PeerItem is what [Client.WatchPeers] yields: a [*PeersSnapshot] or a [*PeerChange].
type PeerItem interface{ peerItem() }

// PeersSnapshot is every peer known, when a watch begins or has to begin anew; what is not in it is forgotten.
type PeersSnapshot struct {
	Peers []*overlayv1.Peer
}

// PeerChange is a peer as it is now; where it was Removed only its id is set, and it is forgotten.
type PeerChange struct {
	Peer    *overlayv1.Peer
	Removed bool
}

func (*PeersSnapshot) peerItem() {}
func (*PeerChange) peerItem()    {}

// EventItem is what [Client.Events] yields: an [*Event] or a [*Gap].
type EventItem interface{ eventItem() }

// Event is something that happened to the sidecar.
type Event struct {
	*overlayv1.Event
	// Cursor resumes a watch behind the events that came with this one.
	Cursor *overlayv1.Cursor
}

func (*Event) eventItem() {}
func (*Gap) eventItem()   {}

// Kind is what happened, as the API names it: "peer_linked".
func (e *Event) Kind() string {
	message := e.ProtoReflect()
	kind := message.WhichOneof(message.Descriptor().Oneofs().ByName("kind"))
	if kind == nil {
		return ""
	}
	return string(kind.Name())
}

// moment is a time of the API; zero where it is not set.
func moment(stamp *timestamppb.Timestamp) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	return stamp.AsTime()
}
