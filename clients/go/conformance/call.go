package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// arguments of the verbs of case `call`; those that are null are left to the wrapper.
type arguments struct {
	PeerID     string            `json:"peer_id"`
	Target     string            `json:"target"`
	LinkedOnly bool              `json:"linked_only"`
	Contacts   []string          `json:"contacts"`
	Contact    string            `json:"contact"`
	Cached     bool              `json:"cached"`
	Addresses  []string          `json:"addresses"`
	Timeout    *float64          `json:"timeout"`
	Wait       json.RawMessage   `json:"wait"`
	B64        []byte            `json:"b64"`
	Size       *int              `json:"size"`
	Channel    *string           `json:"channel"`
	Headers    map[string]string `json:"headers"`
	MessageID  string            `json:"message_id"`
	Priority   string            `json:"priority"`
	Durable    bool              `json:"durable"`
	TTL        *float64          `json:"ttl"`
	RequestID  string            `json:"request_id"`
	Labels     map[string]string `json:"labels"`
	Queue      string            `json:"queue"`
	ID         uint64            `json:"id"`
	IDs        []uint64          `json:"ids"`
	Instance   uint64            `json:"instance"`
	Revision   uint64            `json:"revision"`
}

func (a *arguments) payload() []byte {
	if a.Size != nil {
		return pattern(*a.Size)
	}
	return a.B64
}

func (a *arguments) channel() sidecar.ChannelOption {
	if a.Channel == nil {
		return sidecar.Channel("")
	}
	return sidecar.Channel(*a.Channel)
}

func call(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[struct {
		Verb    string          `json:"verb"`
		Args    json.RawMessage `json:"args"`
		Token   *string         `json:"token"`
		Timeout *float64        `json:"timeout"`
	}](params)
	if err != nil {
		return nil, err
	}
	args, err := read[arguments](p.Args)
	if err != nil {
		return nil, err
	}
	verb, known := verbs[p.Verb]
	if !known {
		return nil, fmt.Errorf("this driver has no verb %q", p.Verb)
	}
	client := d.client
	if p.Token != nil {
		if client, err = sidecar.New(sidecar.WithToken(*p.Token)); err != nil {
			return nil, err
		}
		defer client.Close()
	}
	if p.Timeout != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, seconds(*p.Timeout))
		defer cancel()
	}
	value, err := verb(ctx, client, args)
	if err != nil {
		return object{"raised": told(err)}, nil
	}
	return object{"value": value}, nil
}

var verbs = map[string]func(context.Context, *sidecar.Client, *arguments) (any, error){
	"node": func(ctx context.Context, c *sidecar.Client, _ *arguments) (any, error) {
		node, err := c.Node(ctx)
		return node.GetPeerId(), err
	},
	"peers": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		var options []sidecar.PeersOption
		if a.LinkedOnly {
			options = append(options, sidecar.LinkedOnly())
		}
		peers, err := c.Peers(ctx, options...)
		return ids(peers), err
	},
	"peer": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		peer, err := c.Peer(ctx, a.PeerID)
		return object{"peer_id": peer.GetPeerId(), "state": bare(peer.GetState(), "PEER_STATE_")}, err
	},
	"connect": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		peer, err := c.Connect(ctx, a.Target)
		return peer.GetPeerId(), err
	},
	"disconnect": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		return c.Disconnect(ctx, a.PeerID)
	},
	"block_peer": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		return nil, c.BlockPeer(ctx, a.PeerID)
	},
	"unblock_peer": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		return nil, c.UnblockPeer(ctx, a.PeerID)
	},
	"ping": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		rtt, err := c.Ping(ctx, a.PeerID)
		return rtt.Seconds(), err
	},
	"bootstrap": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		results, err := c.Bootstrap(ctx, a.Contacts...)
		told := []object{}
		for _, result := range results {
			told = append(told, object{"address": result.Address, "peer_id": result.PeerId, "error": result.Error})
		}
		return told, err
	},
	"contacts": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		var options []sidecar.ContactsOption
		if a.Cached {
			options = append(options, sidecar.Cached())
		}
		contacts, err := c.Contacts(ctx, options...)
		return addresses(contacts), err
	},
	"add_contacts": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		contacts, err := c.AddContacts(ctx, a.Contacts...)
		return addresses(contacts), err
	},
	"remove_contact": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		return nil, c.RemoveContact(ctx, a.Contact)
	},
	"check_reachability": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		answer, err := c.CheckReachability(ctx, a.Addresses...)
		told := []object{}
		for _, check := range answer.GetChecks() {
			told = append(told, object{
				"peer_id": check.PeerId, "address": check.Address, "result": bare(check.Result, "REACHABILITY_"),
			})
		}
		return told, err
	},
	"drain": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		var options []sidecar.DrainOption
		if a.Timeout != nil {
			options = append(options, sidecar.DrainTimeout(seconds(*a.Timeout)))
		}
		if string(a.Wait) == "false" {
			options = append(options, sidecar.NoWait())
		}
		return c.Drain(ctx, options...)
	},
	"send":      send,
	"broadcast": broadcast,
	"send_datagram": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		options := []sidecar.DatagramOption{a.channel()}
		if a.TTL != nil {
			options = append(options, sidecar.TTL(seconds(*a.TTL)))
		}
		return nil, c.SendDatagram(ctx, a.PeerID, a.payload(), options...)
	},
	"request": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		reply, err := c.Request(ctx, a.PeerID, a.payload(), a.channel(), sidecar.Headers(a.Headers))
		if err != nil {
			return nil, err
		}
		return object{"b64": filled(reply.Payload), "headers": headers(reply.Headers)}, nil
	},
	"queues": func(ctx context.Context, c *sidecar.Client, _ *arguments) (any, error) {
		answer, err := c.Queues(ctx)
		told := []object{}
		for _, queue := range answer.GetQueues() {
			told = append(told, object{
				"queue": bare(queue.Queue, "QUEUE_"), "peer_id": queue.PeerId, "channel": queue.Channel, "messages": queue.Messages,
			})
		}
		return told, err
	},
	"letters": letters,
	"letter": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		queue, err := a.queue()
		if err != nil {
			return nil, err
		}
		answer, err := c.Letter(ctx, queue, a.ID)
		payloads := [][]byte{}
		for _, message := range answer.GetMessages() {
			payloads = append(payloads, filled(message.Payload))
		}
		return object{"id": answer.GetLetter().GetId(), "payloads": payloads}, err
	},
	"purge": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		queue, err := a.queue()
		if err != nil {
			return nil, err
		}
		return c.Purge(ctx, queue, a.filter()...)
	},
	"replay": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		queue, err := a.queue()
		if err != nil {
			return nil, err
		}
		return c.Replay(ctx, queue, a.filter()...)
	},
	"watch_peers": func(ctx context.Context, c *sidecar.Client, _ *arguments) (any, error) {
		for item, err := range c.WatchPeers(ctx) {
			if err != nil {
				return nil, err
			}
			if snapshot, ok := item.(*sidecar.PeersSnapshot); ok {
				return object{"snapshot": ids(snapshot.Peers)}, nil
			}
			return nil, fmt.Errorf("the watch began with %T", item)
		}
		return nil, fmt.Errorf("the watch told nothing")
	},
	"events": func(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
		var options []sidecar.EventsOption
		if a.Instance != 0 || a.Revision != 0 {
			options = append(options, sidecar.From(&overlayv1.Cursor{Instance: a.Instance, Revision: a.Revision}))
		}
		for item, err := range c.Events(ctx, options...) {
			if err != nil {
				return nil, err
			}
			if event, ok := item.(*sidecar.Event); ok {
				return event.Kind(), nil
			}
			return "gap", nil
		}
		return nil, fmt.Errorf("the watch told nothing")
	},
}

func send(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
	options := []sidecar.SendOption{a.channel(), sidecar.Headers(a.Headers)}
	if a.MessageID != "" {
		options = append(options, sidecar.MessageID(a.MessageID))
	}
	if a.Priority != "" {
		priority, err := sidecar.ParsePriority(a.Priority)
		if err != nil {
			return nil, err
		}
		options = append(options, sidecar.WithPriority(priority))
	}
	if len(a.Wait) > 0 && string(a.Wait) != "null" {
		level, err := levelOf(a.Wait)
		if err != nil {
			return nil, err
		}
		options = append(options, sidecar.WaitFor(level))
	}
	if a.Durable {
		options = append(options, sidecar.Durable())
	}
	if a.TTL != nil {
		options = append(options, sidecar.TTL(seconds(*a.TTL)))
	}
	if a.RequestID != "" {
		options = append(options, sidecar.RequestID(a.RequestID))
	}
	sent, err := c.Send(ctx, a.PeerID, a.payload(), options...)
	if err != nil {
		return nil, err
	}
	return object{"message_id": sent.MessageID, "level": sent.Level.String()}, nil
}

func levelOf(name json.RawMessage) (sidecar.Level, error) {
	var level string
	if err := json.Unmarshal(name, &level); err != nil {
		return 0, err
	}
	return sidecar.ParseLevel(level)
}

func broadcast(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
	outcomes, err := c.Broadcast(ctx, a.payload(), a.channel(), sidecar.Headers(a.Headers), sidecar.ToLabels(a.Labels))
	if err != nil {
		return nil, err
	}
	told := map[string]string{}
	for peerID, failed := range outcomes {
		told[peerID] = ""
		var why *sidecar.Error
		if errors.As(failed, &why) {
			told[peerID] = why.Reason
		}
	}
	return told, nil
}

// queue is named with or without the case of the API.
func (a *arguments) queue() (sidecar.QueueName, error) {
	return sidecar.ParseQueueName(strings.ToLower(a.Queue))
}

func (a *arguments) filter() []sidecar.FilterOption {
	options := []sidecar.FilterOption{sidecar.IDs(a.IDs...)}
	if a.PeerID != "" {
		options = append(options, sidecar.OfPeer(a.PeerID))
	}
	if a.Channel != nil {
		options = append(options, sidecar.OfChannel(*a.Channel))
	}
	return options
}

func letters(ctx context.Context, c *sidecar.Client, a *arguments) (any, error) {
	queue, err := a.queue()
	if err != nil {
		return nil, err
	}
	var options []sidecar.LettersOption
	if a.PeerID != "" {
		options = append(options, sidecar.OfPeer(a.PeerID))
	}
	if a.Channel != nil {
		options = append(options, sidecar.OfChannel(*a.Channel))
	}
	all, err := c.Letters(ctx, queue, options...)
	told := []object{}
	for _, letter := range all {
		told = append(told, object{
			"id": letter.Id, "channel": letter.Channel, "messages": letter.Messages, "reason": bare(letter.Reason, "ERROR_REASON_"),
		})
	}
	return told, err
}

// bare is an enum's name without its prefix.
func bare(value fmt.Stringer, prefix string) string {
	return strings.TrimPrefix(value.String(), prefix)
}

func ids(peers []*overlayv1.Peer) []string {
	told := []string{}
	for _, peer := range peers {
		told = append(told, peer.PeerId)
	}
	return told
}

func addresses(contacts []*overlayv1.Contact) []string {
	told := []string{}
	for _, contact := range contacts {
		told = append(told, contact.Address)
	}
	return told
}

// filled is base64 in JSON also where it is empty: nil would be null.
func filled(payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}

// within is a context that ends by itself.
func within(ctx context.Context, timeout *float64) (context.Context, context.CancelFunc) {
	if timeout == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(*timeout*float64(time.Second)))
}
