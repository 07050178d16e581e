package sidecar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// Domain is that of the reasons, in google.rpc.ErrorInfo.
const Domain = "overlay.v1"

const reasonPrefix = "ERROR_REASON_"

// The kinds of errors, for errors.Is. Those in the first column of the tree are groups, and match the kinds below them too:
//
//	ErrRequest                what was asked cannot be done as asked; a repeat fails the same way
//	├── ErrInvalidField       Error.Fields names each and what is wrong with it
//	├── ErrMessageTooLarge
//	├── ErrPeerIsSelf
//	├── ErrFrameUnexpected
//	├── ErrTokenInvalid
//	├── ErrScopeDenied
//	├── ErrPeerNotAllowed     the app over there does not take this peer
//	└── ErrCursorExpired      begin the watch anew
//	ErrNotFound
//	├── ErrPeerUnknown
//	├── ErrContactUnknown
//	└── ErrLetterUnknown
//	ErrPeer                   the other side, or the way to it
//	├── ErrPeerUnreachable
//	├── ErrPeerNotDialable    it is a client: it links by itself
//	├── ErrPeerRefused
//	├── ErrIdentityMismatch
//	├── ErrPeerUntrusted
//	├── ErrLinkClosed
//	├── ErrBootstrapFailed
//	├── ErrOutcomeUnknown     it was sent and may have arrived
//	├── ErrUnsupportedByPeer  its sidecar does not take such messages
//	├── ErrDeadLettered       no app over there would acknowledge it
//	├── ErrExpired            its time to live has passed
//	└── ErrPurged             somebody has emptied the queue that held it
//	ErrBusy                   try again later, Error.RetryAfter from now where it is given
//	├── ErrQueueFull
//	├── ErrLimitReached
//	├── ErrJournalFull        the sidecar's disk, or its budget there, is full
//	└── ErrNoSubscriber       nobody reads the channel over there and it is full
//	ErrRequestFailed          the app that was asked answered with an error: Metadata has its "code"
//	ErrStreamReset            the other app has ended the stream, or went away: Metadata has its "code"
//	ErrStreamLost             its connection was lost for too long
//	ErrDeadlinePassed         matches context.DeadlineExceeded too
//	└── ErrPending            a durable message is on its way, and goes on
//	ErrCancelled              matches context.Canceled too
//	ErrUnavailable            no sidecar answers at the endpoint, or it went away in the middle of the call
//	├── ErrDraining           it is about to stop and takes nothing new
//	└── ErrJournalFailed      its disk does not take the journal
//	ErrInternal               the sidecar's own fault; its log has the details
var (
	ErrRequest           = group("RequestError", "what was asked cannot be done as asked")
	ErrInvalidField      = reason("InvalidField", "INVALID_FIELD", codes.InvalidArgument, ErrRequest)
	ErrMessageTooLarge   = reason("MessageTooLarge", "MESSAGE_TOO_LARGE", codes.InvalidArgument, ErrRequest)
	ErrPeerIsSelf        = reason("PeerIsSelf", "PEER_IS_SELF", codes.InvalidArgument, ErrRequest)
	ErrFrameUnexpected   = reason("FrameUnexpected", "FRAME_UNEXPECTED", codes.InvalidArgument, ErrRequest)
	ErrTokenInvalid      = reason("TokenInvalid", "TOKEN_INVALID", codes.Unauthenticated, ErrRequest)
	ErrScopeDenied       = reason("ScopeDenied", "SCOPE_DENIED", codes.PermissionDenied, ErrRequest)
	ErrPeerNotAllowed    = reason("PeerNotAllowed", "PEER_NOT_ALLOWED", codes.PermissionDenied, ErrRequest)
	ErrCursorExpired     = reason("CursorExpired", "CURSOR_EXPIRED", codes.OutOfRange, ErrRequest)
	ErrNotFound          = group("NotFound", "the sidecar knows nothing by that name")
	ErrPeerUnknown       = reason("PeerUnknown", "PEER_UNKNOWN", codes.NotFound, ErrNotFound)
	ErrContactUnknown    = reason("ContactUnknown", "CONTACT_UNKNOWN", codes.NotFound, ErrNotFound)
	ErrLetterUnknown     = reason("LetterUnknown", "LETTER_UNKNOWN", codes.NotFound, ErrNotFound)
	ErrPeer              = group("PeerError", "the other side, or the way to it, failed")
	ErrPeerUnreachable   = reason("PeerUnreachable", "PEER_UNREACHABLE", codes.Unavailable, ErrPeer)
	ErrPeerNotDialable   = reason("PeerNotDialable", "PEER_NOT_DIALABLE", codes.Unavailable, ErrPeer)
	ErrPeerRefused       = reason("PeerRefused", "PEER_REFUSED", codes.FailedPrecondition, ErrPeer)
	ErrIdentityMismatch  = reason("IdentityMismatch", "IDENTITY_MISMATCH", codes.FailedPrecondition, ErrPeer)
	ErrPeerUntrusted     = reason("PeerUntrusted", "PEER_UNTRUSTED", codes.PermissionDenied, ErrPeer)
	ErrLinkClosed        = reason("LinkClosed", "LINK_CLOSED", codes.Unavailable, ErrPeer)
	ErrBootstrapFailed   = reason("BootstrapFailed", "BOOTSTRAP_FAILED", codes.Unavailable, ErrPeer)
	ErrOutcomeUnknown    = reason("OutcomeUnknown", "OUTCOME_UNKNOWN", codes.Unknown, ErrPeer)
	ErrUnsupportedByPeer = reason("UnsupportedByPeer", "UNSUPPORTED_BY_PEER", codes.FailedPrecondition, ErrPeer)
	ErrDeadLettered      = reason("DeadLettered", "DEAD_LETTERED", codes.FailedPrecondition, ErrPeer)
	ErrExpired           = reason("Expired", "EXPIRED", codes.DeadlineExceeded, ErrPeer)
	ErrPurged            = reason("Purged", "PURGED", codes.Canceled, ErrPeer)
	ErrBusy              = group("Busy", "there is no room now")
	ErrQueueFull         = reason("QueueFull", "QUEUE_FULL", codes.ResourceExhausted, ErrBusy)
	ErrLimitReached      = reason("LimitReached", "LIMIT_REACHED", codes.ResourceExhausted, ErrBusy)
	ErrJournalFull       = reason("JournalFull", "JOURNAL_FULL", codes.ResourceExhausted, ErrBusy)
	ErrNoSubscriber      = reason("NoSubscriber", "NO_SUBSCRIBER", codes.ResourceExhausted, ErrBusy)
	ErrRequestFailed     = reason("RequestFailed", "REQUEST_FAILED", codes.Aborted, nil)
	ErrStreamReset       = reason("StreamReset", "STREAM_RESET", codes.Aborted, nil)
	ErrStreamLost        = reason("StreamLost", "STREAM_LOST", codes.Unavailable, nil)
	ErrDeadlinePassed    = reason("DeadlinePassed", "DEADLINE", codes.DeadlineExceeded, nil)
	ErrPending           = reason("Pending", "PENDING", codes.DeadlineExceeded, ErrDeadlinePassed)
	ErrCancelled         = reason("Cancelled", "CANCELLED", codes.Canceled, nil)
	ErrUnavailable       = group("SidecarUnavailable", "no sidecar answers, or it went away")
	ErrDraining          = reason("Draining", "DRAINING", codes.Unavailable, ErrUnavailable)
	ErrJournalFailed     = reason("JournalFailed", "JOURNAL_FAILED", codes.Unavailable, ErrUnavailable)
	ErrInternal          = reason("InternalError", "INTERNAL", codes.Internal, nil)
)

// Kind is a kind of [Error], one of the variables above.
type Kind struct {
	name   string
	reason string
	code   codes.Code
	words  string
	group  *Kind
}

// byReason holds the kinds that stand for a reason.
var byReason = map[string]*Kind{}

func group(name, words string) *Kind {
	return &Kind{name: name, words: words, code: codes.Unknown}
}

func reason(name, reason string, code codes.Code, group *Kind) *Kind {
	kind := &Kind{name: name, reason: reason, code: code, words: reason, group: group}
	byReason[reason] = kind
	return kind
}

// plain is the kind of an error that this client has no other for.
var plain = group("SidecarError", "the call failed")

// Error says what the kind is about; a Kind is an error so that errors.Is takes it.
func (k *Kind) Error() string { return "sidecar: " + k.words }

// Name is the kind's name, the same in every language: "PeerUnknown".
func (k *Kind) Name() string { return k.name }

// within tells whether the kind is `other` or below it.
func (k *Kind) within(other *Kind) bool {
	for ; k != nil; k = k.group {
		if k == other {
			return true
		}
	}
	return false
}

// Field is a field of a request and what is wrong with it.
type Field struct {
	Name        string
	Description string
}

// Error says why a call failed.
type Error struct {
	// Kind is one of the kinds above; never nil.
	Kind *Kind
	// Reason is the sidecar's own name for it, such as "PEER_UNKNOWN"; empty when it is not the sidecar's word.
	Reason string
	// Code is gRPC's canonical status.
	Code codes.Code
	// Detail says in words what was wrong and what to do.
	Detail string
	// Metadata holds figures by name.
	Metadata map[string]string
	// Fields are the fields that are wrong, for ErrInvalidField.
	Fields []Field
	// RetryAfter is when trying again makes sense, counted from now; 0 where nothing is said.
	RetryAfter time.Duration

	cause error
}

// Error has the reason, or the status where there is none, and the words.
func (e *Error) Error() string {
	if e.Reason != "" {
		return e.Reason + ": " + e.Detail
	}
	return e.Code.String() + ": " + e.Detail
}

// Unwrap gives gRPC's error, where that was the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is matches the error's kind and the groups that it is in, and the context package's errors.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Kind.within(ErrDeadlinePassed)
	case context.Canceled:
		return e.Kind == ErrCancelled
	}
	kind, ok := target.(*Kind)
	return ok && (e.Kind.within(kind) || kind == plain)
}

// newError is an error of this client's own making: the sidecar gave no reason.
func newError(kind *Kind, format string, values ...any) *Error {
	return &Error{Kind: kind, Reason: kind.reason, Code: kind.code, Detail: fmt.Sprintf(format, values...)}
}

func unavailable(format string, values ...any) *Error {
	failed := newError(ErrUnavailable, format, values...)
	failed.Code = codes.Unavailable
	return failed
}

// invalid says what is wrong with a field.
func invalid(field, description string) *Error {
	failed := newError(ErrInvalidField, "%s: %s", field, description)
	failed.Fields = []Field{{field, description}}
	return failed
}

// errorOfReason is the error for a reason in a receipt or event.
func errorOfReason(reason overlayv1.ErrorReason, detail string) *Error {
	name := strings.TrimPrefix(reason.String(), reasonPrefix)
	kind := byReason[name]
	if kind == nil {
		kind = plain
	}
	return &Error{Kind: kind, Reason: name, Code: kind.code, Detail: detail}
}

// FromRPC is what a raw stub's error says, as an [*Error]; nil for nil. The client's own verbs do this by themselves.
func FromRPC(err error) error {
	if err == nil {
		return nil
	}
	return fromRPC(err)
}

// fromRPC is the same for an error that is not nil.
func fromRPC(err error) *Error {
	var already *Error
	if errors.As(err, &already) {
		return already
	}
	told := status.Convert(err)
	failed := &Error{Kind: kindOfCode(told.Code()), Code: told.Code(), Detail: told.Message(), cause: err}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		told = status.FromContextError(err)
		failed.Kind, failed.Code = kindOfCode(told.Code()), told.Code()
	}
	if failed.Detail == "" {
		failed.Detail = strings.ToLower(failed.Code.String())
	}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.Domain != Domain {
				continue
			}
			failed.Reason, failed.Metadata = detail.Reason, detail.Metadata
			failed.Kind = plain
			if kind := byReason[detail.Reason]; kind != nil {
				failed.Kind = kind
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				failed.Fields = append(failed.Fields, Field{violation.Field, violation.Description})
			}
		case *errdetails.RetryInfo:
			failed.RetryAfter = detail.RetryDelay.AsDuration()
		}
	}
	return failed
}

// kindOfCode is the kind of a status that came without the sidecar's own word: from gRPC itself, here or there.
func kindOfCode(code codes.Code) *Kind {
	switch code {
	case codes.Unavailable:
		return ErrUnavailable
	case codes.DeadlineExceeded:
		return ErrDeadlinePassed
	case codes.Canceled:
		return ErrCancelled
	case codes.Unauthenticated:
		return ErrTokenInvalid
	case codes.Internal:
		return ErrInternal
	}
	return plain
}

// Failure names messages of a [Sender] that did not reach their level, by number, inclusive.
type Failure struct {
	First, Last uint64
	Err         *Error
}

// SendFailed says that some messages of a [Sender] did not reach their level. errors.As finds the first one's *Error in it,
// errors.Is any kind that one of them has.
type SendFailed struct {
	Failures []Failure
}

// Error counts the messages and tells of the first.
func (f *SendFailed) Error() string {
	var count uint64
	for _, failure := range f.Failures {
		count += failure.Last - failure.First + 1
	}
	first := f.Failures[0]
	return fmt.Sprintf("%d messages failed, the first being number %d: %v", count, first.First, first.Err)
}

// Unwrap gives the errors of all failures.
func (f *SendFailed) Unwrap() []error {
	causes := make([]error, len(f.Failures))
	for index, failure := range f.Failures {
		causes[index] = failure.Err
	}
	return slices.Clip(causes)
}
