package sidecar

import (
	"context"
	"fmt"
	"unicode/utf8"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

const (
	// limitsBytes is the payload above which the sidecar's limits are asked for.
	limitsBytes = 1 << 20
	// envelopeBytes is the room that a message's headers and tags are given when it is judged whether a gRPC message holds it.
	envelopeBytes = 64 << 10
)

// Send sends one message of any size and waits for its level, [DeliveredLevel] unless [WaitFor] says otherwise. What one
// gRPC message cannot hold goes in chunks; [RequestID] cannot go with it.
func (c *Client) Send(ctx context.Context, peerID string, payload []byte, options ...SendOption) (*Sent, error) {
	a := gathered(options, arguments{priority: NormalPriority, level: DeliveredLevel})
	if err := checkText(a.messageID, a.headers); err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	whole, err := c.fits(ctx, len(payload))
	if err != nil {
		return nil, err
	}
	if !whole {
		return c.sendInChunks(ctx, peerID, payload, a)
	}
	answer, err := c.Stubs.Messages.Send(ctx, &overlayv1.SendRequest{
		PeerId:    peerID,
		Channel:   a.channel,
		Priority:  overlayv1.Priority(a.priority),
		Level:     overlayv1.DeliveryLevel(a.level),
		Message:   &overlayv1.Message{MessageId: a.messageID, Headers: a.headers, Payload: payload},
		Durable:   a.durable,
		Ttl:       span(a.ttl),
		RequestId: a.requestID,
	})
	if err != nil {
		return nil, c.translated(err)
	}
	return &Sent{
		MessageID:   answer.MessageId,
		Level:       Level(answer.Level),
		SentAt:      moment(answer.SentAt),
		DeliveredAt: moment(answer.DeliveredAt),
		ProcessedAt: moment(answer.ProcessedAt),
	}, nil
}

func (c *Client) sendInChunks(ctx context.Context, peerID string, payload []byte, a *arguments) (*Sent, error) {
	if a.requestID != "" {
		return nil, invalid("request_id", "cannot go with a message in chunks: leave it out, or send at most what one gRPC message holds")
	}
	sender, err := c.openSender(ctx, peerID, a)
	if err != nil {
		return nil, err
	}
	defer sender.Cancel()
	number, err := sender.add(ctx, payload, a, false)
	if err == nil {
		err = sender.Result(ctx, number)
	}
	if err == nil {
		// What has only been sent so far is not withdrawn by an end like this one.
		err = sender.Close()
	}
	if err != nil {
		return nil, err
	}
	return &Sent{MessageID: a.messageID, Level: a.level}, nil
}

// checkText says what of a message's text is not UTF-8: on a call of many messages it would cost all of them.
func checkText(messageID string, headers map[string]string) error {
	if !utf8.ValidString(messageID) {
		return invalid("message_id", "is not UTF-8")
	}
	for key, value := range headers {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return invalid("headers", fmt.Sprintf("of %q is not UTF-8", key))
		}
	}
	return nil
}

// fits tells whether one gRPC message holds a payload; [ErrMessageTooLarge] when no message may be so large.
func (c *Client) fits(ctx context.Context, size int) (bool, error) {
	if size <= limitsBytes {
		return true, nil
	}
	limits, err := c.learnt(ctx)
	if err != nil {
		return false, err
	}
	if uint64(size) > limits.MaxMessageBytes {
		failed := newError(ErrMessageTooLarge, "the payload has %d bytes, the most is %d: use a byte stream", size, limits.MaxMessageBytes)
		failed.Metadata = map[string]string{"limit": fmt.Sprint(limits.MaxMessageBytes), "size": fmt.Sprint(size)}
		return false, failed
	}
	return uint64(size)+envelopeBytes <= limits.MaxGrpcBytes, nil
}

// learnt is what the sidecar accepts, asked for once.
func (c *Client) learnt(ctx context.Context) (*overlayv1.Limits, error) {
	c.limitsLock.Lock()
	limits := c.limits
	c.limitsLock.Unlock()
	if limits != nil {
		return limits, nil
	}
	node, err := c.Node(ctx)
	if err != nil {
		return nil, err
	}
	c.limitsLock.Lock()
	defer c.limitsLock.Unlock()
	c.limits = node.GetLimits()
	return c.limits, nil
}

// Broadcast sends a message to every linked peer, or to those that [ToLabels] chooses. It gives by peer id why it was not
// delivered there, nil where it was; each is an [*Error].
func (c *Client) Broadcast(ctx context.Context, payload []byte, options ...BroadcastOption) (map[string]error, error) {
	a := gathered(options, arguments{})
	answer, err := ask(ctx, c, c.Stubs.Messages.Broadcast, &overlayv1.BroadcastRequest{
		Channel: a.channel, Payload: payload, Headers: a.headers, Labels: a.labels,
	})
	if err != nil {
		return nil, err
	}
	outcomes := make(map[string]error, len(answer.Results))
	for _, result := range answer.Results {
		outcomes[result.PeerId] = nil
		if result.Reason != overlayv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
			outcomes[result.PeerId] = errorOfReason(result.Reason, result.Detail)
		}
	}
	return outcomes, nil
}
