package sidecar

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

func statusOf(t *testing.T, code codes.Code, words string, details ...protoadapt.MessageV1) error {
	t.Helper()
	told, err := status.New(code, words).WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return told.Err()
}

func TestEveryReasonHasItsKind(t *testing.T) {
	for number, name := range overlayv1.ErrorReason_name {
		if number == 0 {
			continue
		}
		failed := errorOfReason(overlayv1.ErrorReason(number), "words")
		if failed.Kind == plain || errors.Is(failed, ErrInternal) != (failed.Reason == "INTERNAL") {
			t.Errorf("%s has no kind", name)
		}
	}
	unknown := errorOfReason(4711, "words")
	if unknown.Kind != plain || unknown.Reason != "4711" {
		t.Errorf("%#v", unknown)
	}
}

func TestTheKindsAreThoseOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/clients.md")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this is not the repository")
	}
	row := regexp.MustCompile("(?m)^\\| (\\w+) \\| `([A-Z_]+)` \\| (\\w+) \\|$")
	count := 0
	for _, cells := range row.FindAllStringSubmatch(string(page), -1) {
		count++
		kind := byReason[cells[2]]
		if kind == nil {
			t.Errorf("%s has no kind", cells[2])
			continue
		}
		parent := plain
		if kind.group != nil {
			parent = kind.group
		}
		if kind.name != cells[3] || parent.name != cells[1] {
			t.Errorf("%s is %s of %s, and should be %s of %s", cells[2], kind.name, parent.name, cells[3], cells[1])
		}
	}
	if count != len(byReason) {
		t.Errorf("%d reasons there, %d here", count, len(byReason))
	}
}

func TestWhatTheSidecarTellsIsRead(t *testing.T) {
	err := fromRPC(statusOf(t, codes.ResourceExhausted, "the queue is full",
		&errdetails.ErrorInfo{Reason: "QUEUE_FULL", Domain: Domain, Metadata: map[string]string{"limit": "5"}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
	))
	if !errors.Is(err, ErrQueueFull) || !errors.Is(err, ErrBusy) || errors.Is(err, ErrNotFound) {
		t.Fatalf("%#v", err)
	}
	if err.Metadata["limit"] != "5" || err.RetryAfter != 1500*time.Millisecond || err.Code != codes.ResourceExhausted {
		t.Fatalf("%#v", err)
	}
	if err.Error() != "QUEUE_FULL: the queue is full" || status.Code(err) != codes.ResourceExhausted {
		t.Fatalf("%v, %v", err, status.Code(err))
	}
	err = fromRPC(statusOf(t, codes.InvalidArgument, "bad",
		&errdetails.ErrorInfo{Reason: "INVALID_FIELD", Domain: Domain},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "peer_id", Description: "short"}}},
	))
	if !errors.Is(err, ErrRequest) || !slices.Equal(err.Fields, []Field{{"peer_id", "short"}}) {
		t.Fatalf("%#v", err)
	}
}

func TestAStatusWithoutAReasonGoesByItsCode(t *testing.T) {
	for code, kind := range map[codes.Code]*Kind{
		codes.Unavailable: ErrUnavailable, codes.DeadlineExceeded: ErrDeadlinePassed, codes.Canceled: ErrCancelled,
		codes.Unauthenticated: ErrTokenInvalid, codes.Internal: ErrInternal, codes.Unimplemented: plain,
	} {
		err := fromRPC(status.Error(code, "words"))
		if err.Kind != kind || err.Reason != "" || err.Detail != "words" {
			t.Errorf("%v: %#v", code, err)
		}
	}
	foreign := fromRPC(statusOf(t, codes.Aborted, "words", &errdetails.ErrorInfo{Reason: "QUEUE_FULL", Domain: "elsewhere"}))
	if foreign.Kind != plain || foreign.Reason != "" {
		t.Errorf("%#v", foreign)
	}
	newer := fromRPC(statusOf(t, codes.Aborted, "words", &errdetails.ErrorInfo{Reason: "OF_TOMORROW", Domain: Domain}))
	if newer.Kind != plain || newer.Reason != "OF_TOMORROW" {
		t.Errorf("%#v", newer)
	}
	if FromRPC(nil) != nil {
		t.Error("nothing failed")
	}
}

func TestErrorsOfContexts(t *testing.T) {
	if err := fromRPC(fmt.Errorf("waiting: %w", context.DeadlineExceeded)); !errors.Is(err, ErrDeadlinePassed) {
		t.Errorf("%#v", err)
	}
	if err := fromRPC(context.Canceled); !errors.Is(err, ErrCancelled) || !errors.Is(err, context.Canceled) {
		t.Errorf("%#v", err)
	}
	pending := fromRPC(statusOf(t, codes.DeadlineExceeded, "goes on", &errdetails.ErrorInfo{Reason: "PENDING", Domain: Domain}))
	if !errors.Is(pending, context.DeadlineExceeded) || !errors.Is(pending, ErrPending) || errors.Is(pending, context.Canceled) {
		t.Errorf("%#v", pending)
	}
}
