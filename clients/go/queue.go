package sidecar

import (
	"context"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// Queues tells what the sidecar keeps, summed by queue, peer and channel.
func (c *Client) Queues(ctx context.Context) (*overlayv1.ListQueuesResponse, error) {
	return ask(ctx, c, c.Stubs.Queues.ListQueues, &overlayv1.ListQueuesRequest{})
}

// Letters lists what a queue holds, oldest first: at most 500, or as many as [Limit] says.
func (c *Client) Letters(ctx context.Context, queue QueueName, options ...LettersOption) ([]*overlayv1.Letter, error) {
	a := gathered(options, arguments{limit: page})
	var letters []*overlayv1.Letter
	for token := ""; len(letters) < a.limit; {
		request := &overlayv1.ListLettersRequest{
			Filter: letterFilter(queue, a), PageSize: uint32(min(page, a.limit-len(letters))), PageToken: token,
		}
		answer, err := ask(ctx, c, c.Stubs.Queues.ListLetters, request)
		if err != nil {
			return nil, err
		}
		letters = append(letters, answer.Letters...)
		if token = answer.NextPageToken; token == "" {
			break
		}
	}
	return letters, nil
}

// Letter gives one letter with its messages; [ErrLetterUnknown] when there is no such.
func (c *Client) Letter(ctx context.Context, queue QueueName, id uint64) (*overlayv1.GetLetterResponse, error) {
	return ask(ctx, c, c.Stubs.Queues.GetLetter, &overlayv1.GetLetterRequest{Queue: overlayv1.Queue(queue), Id: id})
}

// Purge removes letters for good: all of a queue, or those that the options choose. It gives the number of messages.
func (c *Client) Purge(ctx context.Context, queue QueueName, options ...FilterOption) (uint64, error) {
	filter := letterFilter(queue, gathered(options, arguments{}))
	answer, err := ask(ctx, c, c.Stubs.Queues.PurgeLetters, &overlayv1.PurgeLettersRequest{Filter: filter})
	return answer.GetMessages(), err
}

// Replay puts dead letters back where they came from. It gives the number of messages.
func (c *Client) Replay(ctx context.Context, queue QueueName, options ...FilterOption) (uint64, error) {
	filter := letterFilter(queue, gathered(options, arguments{}))
	answer, err := ask(ctx, c, c.Stubs.Queues.ReplayLetters, &overlayv1.ReplayLettersRequest{Filter: filter})
	return answer.GetMessages(), err
}

func letterFilter(queue QueueName, a *arguments) *overlayv1.LetterFilter {
	return &overlayv1.LetterFilter{Queue: overlayv1.Queue(queue), PeerId: a.peerID, Channel: a.ofChannel, Ids: a.ids}
}
