package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

func identity(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[struct {
		Level   string   `json:"level"`
		Timeout *float64 `json:"timeout"`
	}](params)
	if err != nil {
		return nil, err
	}
	if p.Level == "" {
		p.Level = string(sidecar.API)
	}
	waiting, cancel := within(ctx, p.Timeout)
	defer cancel()
	if err := d.client.WaitReady(waiting, sidecar.Readiness(p.Level)); err != nil {
		return nil, err
	}
	node, err := d.client.Node(ctx)
	if err != nil {
		return nil, err
	}
	return object{
		"peer_id": node.PeerId, "network_id": node.NetworkId, "version": node.Version, "engine": node.Engine, "front": node.Front,
		"max_message_bytes": node.Limits.MaxMessageBytes,
	}, nil
}

// flow are the parameters of the cases that move messages.
type flow struct {
	PeerID        string            `json:"peer_id"`
	Channel       string            `json:"channel"`
	Sizes         []int             `json:"sizes"`
	Headers       map[string]string `json:"headers"`
	Count         int               `json:"count"`
	Size          int               `json:"size"`
	Wait          string            `json:"wait"`
	Levels        []string          `json:"levels"`
	Durable       bool              `json:"durable"`
	Credits       int               `json:"credits"`
	AckDeadline   *float64          `json:"ack_deadline"`
	MaxDeliveries uint32            `json:"max_deliveries"`
	Steps         []step            `json:"steps"`
	Kind          string            `json:"kind"`
	What          string            `json:"what"`
}

// step is what is done with one message.
type step struct {
	Do      string  `json:"do"`
	Delay   float64 `json:"delay"`
	Seconds float64 `json:"seconds"`
}

func messagesSender(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	levels := []string{}
	for _, size := range p.Sizes {
		options := []sidecar.SendOption{sidecar.Channel(p.Channel), sidecar.Headers(p.Headers)}
		if p.Durable {
			options = append(options, sidecar.Durable())
		}
		sent, err := d.client.Send(ctx, p.PeerID, pattern(size), options...)
		if err != nil {
			return nil, err
		}
		levels = append(levels, sent.Level.String())
	}
	return object{"levels": levels}, nil
}

// each calls with the next `count` messages of a subscription; gaps are passed over.
func each(items func() (sidecar.Item, error), count int, take func(*sidecar.Received) error) error {
	for count > 0 {
		item, err := items()
		if err != nil {
			return err
		}
		if message, ok := item.(*sidecar.Received); ok {
			if err := take(message); err != nil {
				return err
			}
			count--
		}
	}
	return nil
}

func messagesReceiver(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	inbox, err := d.client.Receive(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	defer inbox.Close()
	d.ready()
	messages := []object{}
	err = each(inbox.Next, p.Count, func(message *sidecar.Received) error {
		messages = append(messages, object{
			"size": len(message.Payload), "digest": digest(message.Payload), "headers": headers(message.Headers),
			"peer_id": message.PeerID, "channel": message.Channel, "redelivery_count": message.RedeliveryCount,
		})
		return nil
	})
	return object{"messages": messages}, err
}

func receiptsSender(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	receipts := []object{}
	for _, name := range p.Levels {
		level, err := sidecar.ParseLevel(name)
		if err != nil {
			return nil, err
		}
		options := []sidecar.SendOption{sidecar.Channel(p.Channel), sidecar.WaitFor(level), sidecar.MessageID("m-" + name)}
		if p.Durable {
			options = append(options, sidecar.Durable())
		}
		sent, err := d.client.Send(ctx, p.PeerID, []byte(name), options...)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, object{
			"level": sent.Level.String(), "message_id": sent.MessageID, "sent_at": moment(sent.SentAt),
			"delivered_at": moment(sent.DeliveredAt), "processed_at": moment(sent.ProcessedAt),
		})
	}
	return object{"receipts": receipts}, nil
}

func receiptsConsumer(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	consumer, err := d.client.Consume(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	d.ready()
	count := 0
	err = each(consumer.Next, p.Count, func(message *sidecar.Received) error {
		consumer.Ack(message)
		count++
		return nil
	})
	return object{"count": count}, err
}

func pipelinedSender(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	options := []sidecar.SenderOption{sidecar.Channel(p.Channel)}
	if p.Wait != "" {
		level, err := sidecar.ParseLevel(p.Wait)
		if err != nil {
			return nil, err
		}
		options = append(options, sidecar.WaitFor(level))
	}
	if p.Durable {
		options = append(options, sidecar.Durable())
	}
	sender, err := d.client.Sender(ctx, p.PeerID, options...)
	if err != nil {
		return nil, err
	}
	defer sender.Cancel()
	payload := pattern(p.Size)
	for number := range p.Count {
		copy(payload, binary.BigEndian.AppendUint64(nil, uint64(number)+1))
		if _, err := sender.Send(ctx, payload); err != nil {
			return nil, err
		}
	}
	if err := sender.Flush(ctx); err != nil {
		return nil, err
	}
	return object{"count": p.Count}, sender.Close()
}

func pipelinedReceiver(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	inbox, err := d.client.Receive(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	defer inbox.Close()
	d.ready()
	count, sum := 0, sha256.New()
	err = each(inbox.Next, p.Count, func(message *sidecar.Received) error {
		count++
		_, err := sum.Write(message.Payload)
		return err
	})
	return object{"count": count, "digest": hex.EncodeToString(sum.Sum(nil))}, err
}

func acksConsumer(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	options := []sidecar.ConsumeOption{sidecar.MaxDeliveries(p.MaxDeliveries)}
	if p.Credits != 0 {
		options = append(options, sidecar.Credits(p.Credits))
	}
	if p.AckDeadline != nil {
		options = append(options, sidecar.AckDeadline(seconds(*p.AckDeadline)))
	}
	consumer, err := d.client.Consume(ctx, p.Channel, options...)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	d.ready()
	messages := []object{}
	err = each(consumer.Next, len(p.Steps), func(message *sidecar.Received) error {
		step := p.Steps[len(messages)]
		messages = append(messages, object{"digest": digest(message.Payload), "redelivery_count": message.RedeliveryCount})
		switch step.Do {
		case "ack":
			consumer.Ack(message)
		case "nack":
			consumer.Nack(seconds(step.Delay), message)
		case "extend":
			consumer.Extend(seconds(step.Seconds), message)
			consumer.Ack(message)
		case "leave":
		default:
			return fmt.Errorf("there is no step %q", step.Do)
		}
		return nil
	})
	return object{"messages": messages}, err
}

func restartConsumer(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	consumer, err := d.client.Consume(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	d.ready()
	gaps, seen := 0, map[string]bool{}
	for len(seen) < p.Count {
		item, err := consumer.Next()
		if err != nil {
			return nil, err
		}
		message, ok := item.(*sidecar.Received)
		if !ok {
			gaps++
			continue
		}
		sum := digest(message.Payload)
		d.say(object{"event": "message", "digest": sum, "redelivery_count": message.RedeliveryCount})
		consumer.Ack(message)
		seen[sum] = true
	}
	return object{"gaps": gaps}, nil
}

func gapReceiver(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	inbox, err := d.client.Receive(ctx, p.Channel)
	if err != nil {
		return nil, err
	}
	defer inbox.Close()
	d.ready()
	behind := false
	for item, err := range inbox.All() {
		if err != nil {
			return nil, err
		}
		switch item := item.(type) {
		case *sidecar.Received:
			d.say(object{"event": "message", "digest": digest(item.Payload)})
			if behind {
				return object{}, nil
			}
		case *sidecar.Gap:
			d.say(object{"event": "gap", "restarted": item.Restarted})
			behind = true
		}
	}
	return nil, fmt.Errorf("the subscription ended")
}

func watchPeers(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[flow](params)
	if err != nil {
		return nil, err
	}
	for item, err := range d.client.WatchPeers(ctx) {
		if err != nil {
			return nil, err
		}
		switch item := item.(type) {
		case *sidecar.PeersSnapshot:
			d.say(object{"event": "snapshot", "peers": ids(item.Peers)})
		case *sidecar.PeerChange:
			d.say(object{
				"event": "change", "peer_id": item.Peer.PeerId, "state": bare(item.Peer.State, "PEER_STATE_"), "removed": item.Removed,
			})
		}
		if p.Count--; p.Count <= 0 {
			return object{}, nil
		}
	}
	return nil, fmt.Errorf("the watch ended")
}

func watchEvents(d *driver, ctx context.Context, params json.RawMessage) (object, error) {
	p, err := read[struct {
		Until string `json:"until"`
	}](params)
	if err != nil {
		return nil, err
	}
	for item, err := range d.client.Events(ctx) {
		if err != nil {
			return nil, err
		}
		event, ok := item.(*sidecar.Event)
		if !ok {
			d.say(object{"event": "gap"})
			continue
		}
		d.say(object{"event": "event", "kind": event.Kind()})
		if event.Kind() == p.Until {
			return object{}, nil
		}
	}
	return nil, fmt.Errorf("the watch ended")
}
