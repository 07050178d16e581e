// The driver of the Go client for tests/conformance: it reads commands from standard input, a JSON object a line, runs the
// cases that they name, and writes events and outcomes to standard output. tests/conformance/README.md has the contract.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	sidecar "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
)

// command is a line of standard input.
type command struct {
	Case     string          `json:"case"`
	Role     string          `json:"role"`
	Params   json.RawMessage `json:"params"`
	Continue bool            `json:"continue"`
}

// object is a JSON object.
type object map[string]any

// driver runs one command after the other, all with one client.
type driver struct {
	client *sidecar.Client
	lines  *bufio.Reader
	out    *json.Encoder
}

// cases are the cases and their roles.
var cases = map[string]func(*driver, context.Context, json.RawMessage) (object, error){
	"identity/app":          identity,
	"call/app":              call,
	"messages/sender":       messagesSender,
	"messages/receiver":     messagesReceiver,
	"receipts/sender":       receiptsSender,
	"receipts/consumer":     receiptsConsumer,
	"pipelined/sender":      pipelinedSender,
	"pipelined/receiver":    pipelinedReceiver,
	"acks/sender":           messagesSender,
	"acks/consumer":         acksConsumer,
	"restart/consumer":      restartConsumer,
	"gap/receiver":          gapReceiver,
	"watch/app":             watchPeers,
	"events/app":            watchEvents,
	"replies/responder":     responder,
	"replies/requester":     requester,
	"streams/opener":        streamsOpener,
	"streams/closer":        streamsCloser,
	"streams/acceptor":      streamsAcceptor,
	"stream_reset/opener":   resetOpener,
	"stream_reset/acceptor": resetAcceptor,
	"datagrams/sender":      datagramsSender,
	"datagrams/receiver":    datagramsReceiver,
	"bench/app":             benchApp,
	"bench/sink":            benchSink,
	"bench/responder":       responder,
}

func main() {
	client, err := sidecar.New()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	d := &driver{client, bufio.NewReaderSize(os.Stdin, 1<<20), json.NewEncoder(os.Stdout)}
	for {
		asked, err := d.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		run, known := cases[asked.Case+"/"+asked.Role]
		if !known {
			words := fmt.Sprintf("this driver has no case %q with a role %q", asked.Case, asked.Role)
			d.say(object{"error": object{"kind": "UnknownCase", "reason": "", "detail": words, "fields": []string{}, "retry_after": nil}})
			continue
		}
		result, err := run(d, context.Background(), asked.Params)
		if err != nil {
			d.say(object{"error": told(err)})
			continue
		}
		d.say(object{"result": result})
	}
}

// next reads a line.
func (d *driver) next() (*command, error) {
	line, err := d.lines.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	asked := &command{}
	if err := json.Unmarshal(line, asked); err != nil {
		return nil, fmt.Errorf("%w in %q", err, line)
	}
	return asked, nil
}

// say writes a line.
func (d *driver) say(line object) {
	if err := d.out.Encode(line); err != nil {
		log.Fatal(err)
	}
}

// ready tells that what the case waits for may begin.
func (d *driver) ready() { d.say(object{"event": "ready"}) }

// await reads the line that lets a case go on.
func (d *driver) await() error {
	line, err := d.next()
	if err == nil && !line.Continue {
		err = errors.New("a line came that is not {\"continue\": true}")
	}
	return err
}

// read reads a case's parameters.
func read[P any](params json.RawMessage) (*P, error) {
	into := new(P)
	if len(params) == 0 {
		return into, nil
	}
	return into, json.Unmarshal(params, into)
}
