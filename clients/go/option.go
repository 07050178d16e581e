package sidecar

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// arguments is what the options of a call say. Each verb looks at those that it takes.
type arguments struct {
	channel       string
	headers       map[string]string
	messageID     string
	priority      Priority
	level         Level
	durable       bool
	ttl           *time.Duration
	requestID     string
	labels        map[string]string
	credits       int
	ackDeadline   *time.Duration
	maxDeliveries uint32
	peerIDs       []string
	acceptTimeout *time.Duration
	cursor        *overlayv1.Cursor
	peerID        *string
	ofChannel     *string
	limit         int
	ids           []uint64
	drainTimeout  *time.Duration
	noWait        bool
	linkedOnly    bool
	cached        bool
}

// change is what an option does. An option is a change and the verbs it is for: what a verb does not take does not
// compile.
type change func(*arguments)

func (c change) set(to *arguments) { c(to) }

type changing interface{ set(*arguments) }

func gathered[O changing](options []O, defaults arguments) *arguments {
	for _, option := range options {
		option.set(&defaults)
	}
	return &defaults
}

type (
	forSend      struct{}
	forSender    struct{}
	forMessage   struct{}
	forRequest   struct{}
	forBroadcast struct{}
	forDatagram  struct{}
	forConsume   struct{}
	forReply     struct{}
	forOpen      struct{}
	forAccept    struct{}
	forEvents    struct{}
	forLetters   struct{}
	forFilter    struct{}
	forDrain     struct{}
	forPeers     struct{}
	forContacts  struct{}
)

func (forSend) send()           {}
func (forSender) sender()       {}
func (forMessage) message()     {}
func (forRequest) request()     {}
func (forBroadcast) broadcast() {}
func (forDatagram) datagram()   {}
func (forConsume) consume()     {}
func (forReply) reply()         {}
func (forOpen) open()           {}
func (forAccept) accept()       {}
func (forEvents) events()       {}
func (forLetters) letters()     {}
func (forFilter) filter()       {}
func (forDrain) drain()         {}
func (forPeers) peers()         {}
func (forContacts) contacts()   {}

// The options of each verb.
type (
	// SendOption is for [Client.Send].
	SendOption interface {
		changing
		send()
	}
	// SenderOption is for [Client.Sender]: it holds for every message of the sender.
	SenderOption interface {
		changing
		sender()
	}
	// MessageOption is for [Sender.Send].
	MessageOption interface {
		changing
		message()
	}
	// RequestOption is for [Client.Request].
	RequestOption interface {
		changing
		request()
	}
	// BroadcastOption is for [Client.Broadcast].
	BroadcastOption interface {
		changing
		broadcast()
	}
	// DatagramOption is for [Client.SendDatagram].
	DatagramOption interface {
		changing
		datagram()
	}
	// ConsumeOption is for [Client.Consume].
	ConsumeOption interface {
		changing
		consume()
	}
	// ReplyOption is for [Client.Reply] and [Client.Responder].
	ReplyOption interface {
		changing
		reply()
	}
	// OpenOption is for [Client.OpenStream].
	OpenOption interface {
		changing
		open()
	}
	// AcceptOption is for [Client.AcceptStream].
	AcceptOption interface {
		changing
		accept()
	}
	// EventsOption is for [Client.Events].
	EventsOption interface {
		changing
		events()
	}
	// LettersOption is for [Client.Letters].
	LettersOption interface {
		changing
		letters()
	}
	// FilterOption is for [Client.Purge] and [Client.Replay].
	FilterOption interface {
		changing
		filter()
	}
	// DrainOption is for [Client.Drain].
	DrainOption interface {
		changing
		drain()
	}
	// PeersOption is for [Client.Peers].
	PeersOption interface {
		changing
		peers()
	}
	// ContactsOption is for [Client.Contacts].
	ContactsOption interface {
		changing
		contacts()
	}
)

// What the options' functions return: each says by its interface which verbs take it.
type (
	ChannelOption struct {
		change
		forSend
		forSender
		forRequest
		forBroadcast
		forDatagram
	}
	HeadersOption struct {
		change
		forSend
		forMessage
		forRequest
		forBroadcast
		forOpen
	}
	MessageIDOption struct {
		change
		forSend
		forMessage
	}
	DeliveryOption struct {
		change
		forSend
		forSender
	}
	TTLOption struct {
		change
		forSend
		forSender
		forDatagram
	}
	RequestIDOption struct {
		change
		forSend
	}
	LabelsOption struct {
		change
		forBroadcast
	}
	CreditsOption struct {
		change
		forConsume
		forReply
	}
	PatienceOption struct {
		change
		forConsume
	}
	FromOption struct {
		change
		forReply
		forAccept
	}
	AcceptTimeoutOption struct {
		change
		forOpen
	}
	CursorOption struct {
		change
		forEvents
	}
	LetterOption struct {
		change
		forLetters
		forFilter
	}
	LimitOption struct {
		change
		forLetters
	}
	IDsOption struct {
		change
		forFilter
	}
	LeaveOption struct {
		change
		forDrain
	}
	LinkedOption struct {
		change
		forPeers
	}
	CachedOption struct {
		change
		forContacts
	}
)

// Channel names the channel, at most 128 bytes; without it, the one with the empty name.
func Channel(name string) ChannelOption {
	return ChannelOption{change: func(a *arguments) { a.channel = name }}
}

// Headers say something beside the payload, at most 8 KiB.
func Headers(headers map[string]string) HeadersOption {
	return HeadersOption{change: func(a *arguments) { a.headers = headers }}
}

// MessageID names the message, at most 128 bytes; without it, the sidecar makes one in Send.
func MessageID(id string) MessageIDOption {
	return MessageIDOption{change: func(a *arguments) { a.messageID = id }}
}

// WithPriority says which goes first; without it, [NormalPriority].
func WithPriority(priority Priority) DeliveryOption {
	return DeliveryOption{change: func(a *arguments) { a.priority = priority }}
}

// WaitFor says which level to wait for; without it, [DeliveredLevel].
func WaitFor(level Level) DeliveryOption {
	return DeliveryOption{change: func(a *arguments) { a.level = level }}
}

// Durable keeps messages in the journals of both sidecars: they outlive them and wait for a peer that is not there.
func Durable() DeliveryOption {
	return DeliveryOption{change: func(a *arguments) { a.durable = true }}
}

// TTL says how long a durable message is worth delivering, or how long a datagram may wait for its turn.
func TTL(ttl time.Duration) TTLOption {
	return TTLOption{change: func(a *arguments) { a.ttl = &ttl }}
}

// RequestID makes a Send safe to repeat: called again with it, nothing is sent twice. At most 128 bytes.
func RequestID(id string) RequestIDOption {
	return RequestIDOption{change: func(a *arguments) { a.requestID = id }}
}

// ToLabels broadcasts only to linked peers that carry all of these labels.
func ToLabels(labels map[string]string) LabelsOption {
	return LabelsOption{change: func(a *arguments) { a.labels = labels }}
}

// Credits says how many messages may be out and neither acked nor nacked (64 without it), or how many requests may be
// worked on at once (16).
func Credits(credits int) CreditsOption {
	return CreditsOption{change: func(a *arguments) { a.credits = credits }}
}

// AckDeadline has a message that is not acked within it handed out again; without it, when the consumer ends.
func AckDeadline(deadline time.Duration) PatienceOption {
	return PatienceOption{change: func(a *arguments) { a.ackDeadline = &deadline }}
}

// MaxDeliveries makes a message that comes back for that time a dead letter; 0 is never.
func MaxDeliveries(count uint32) PatienceOption {
	return PatienceOption{change: func(a *arguments) { a.maxDeliveries = count }}
}

// FromPeers takes requests or streams of these peers only; without it, of any.
func FromPeers(peerIDs ...string) FromOption {
	return FromOption{change: func(a *arguments) { a.peerIDs = peerIDs }}
}

// AcceptTimeout says how long to wait for an app that accepts; 10 s without it.
func AcceptTimeout(timeout time.Duration) AcceptTimeoutOption {
	return AcceptTimeoutOption{change: func(a *arguments) { a.acceptTimeout = &timeout }}
}

// From begins a watch behind what a cursor stands for; without it, with what happens from now on.
func From(cursor *overlayv1.Cursor) CursorOption {
	return CursorOption{change: func(a *arguments) { a.cursor = cursor }}
}

// OfPeer chooses letters for, or of, one peer.
func OfPeer(peerID string) LetterOption {
	return LetterOption{change: func(a *arguments) { a.peerID = &peerID }}
}

// OfChannel chooses letters of one channel.
func OfChannel(name string) LetterOption {
	return LetterOption{change: func(a *arguments) { a.ofChannel = &name }}
}

// Limit lists at most so many letters; 500 without it.
func Limit(count int) LimitOption {
	return LimitOption{change: func(a *arguments) { a.limit = count }}
}

// IDs chooses these letters alone, at most 1,000.
func IDs(ids ...uint64) IDsOption {
	return IDsOption{change: func(a *arguments) { a.ids = ids }}
}

// DrainTimeout bounds the wait for outcomes; without it, the call's own deadline does.
func DrainTimeout(timeout time.Duration) LeaveOption {
	return LeaveOption{change: func(a *arguments) { a.drainTimeout = &timeout }}
}

// NoWait has Drain answer at once; the sidecar goes on draining.
func NoWait() LeaveOption {
	return LeaveOption{change: func(a *arguments) { a.noWait = true }}
}

// LinkedOnly lists linked peers alone.
func LinkedOnly() LinkedOption {
	return LinkedOption{change: func(a *arguments) { a.linkedOnly = true }}
}

// Cached lists remembered nodes too.
func Cached() CachedOption {
	return CachedOption{change: func(a *arguments) { a.cached = true }}
}

// span is a duration of the API; unset for nil.
func span(duration *time.Duration) *durationpb.Duration {
	if duration == nil {
		return nil
	}
	return durationpb.New(*duration)
}
