package sidecar

import (
	"context"
	"errors"
	"io"
)

// watch iterates over a watch, taking it up again whenever the sidecar went away. `begin` opens it where the last one
// ended, `expired` is told that this is not possible any more and says what the app is to know of it.
func watch[T any](
	ctx context.Context, c *Client,
	begin func(context.Context) (func() ([]T, error), error), expired func() []T, yield func(T, error) bool,
) {
	var none T
	for attempt := 0; ; {
		enough, err := once(ctx, begin, func(items []T) bool {
			attempt = 0
			return yielded(items, yield)
		})
		switch {
		case enough || c.closed.Load():
			return
		case errors.Is(fromRPC(err), ErrCursorExpired):
			if !yielded(expired(), yield) {
				return
			}
			continue
		case !errors.Is(err, io.EOF) && !fromRPC(err).Kind.within(ErrUnavailable):
			yield(none, c.translated(err))
			return
		}
		if !c.pause(ctx, retryWait(attempt), nil) {
			if !c.closed.Load() {
				yield(none, c.translated(ctx.Err()))
			}
			return
		}
		attempt++
	}
}

// once iterates over one call to its end; `done` tells that whoever iterates has had enough.
func once[T any](
	ctx context.Context, begin func(context.Context) (func() ([]T, error), error), take func([]T) bool,
) (done bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, err := begin(ctx)
	for err == nil {
		var items []T
		if items, err = next(); err == nil && !take(items) {
			return true, nil
		}
	}
	return false, err
}

func yielded[T any](items []T, yield func(T, error) bool) bool {
	for _, item := range items {
		if !yield(item, nil) {
			return false
		}
	}
	return true
}
