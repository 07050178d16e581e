// Command load is the app of a measurement, written so that the app is not the limit. It takes commands as lines of JSON
// on stdin, runs them concurrently and answers each with a line of JSON on stdout:
//
//	load api --target unix:/path                  beside a sidecar
//	load api --target host:port --tls DIR         a gRPC client with its own certificate
//	load server --listen host:port --tls DIR      the gRPC server at the other end of that
//	load libp2p --control PATH --handlers PATH    beside go-libp2p-daemon
//	load libp2p-host --listen ADDRESS             with go-libp2p inside; only in a build with the tag libp2p
//	load certificates DIR                         makes DIR/{ca,client,server}.pem and .key
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Work is a command. Which fields count depends on Do.
type Work struct {
	ID      int     `json:"id"`
	Do      string  `json:"do"`
	Run     string  `json:"run"`     // names the run; its mark is in every payload
	Channel string  `json:"channel"` // where its messages go
	Peer    string  `json:"peer"`    // the other end
	Address string  `json:"address"` // where to dial it
	Size    int     `json:"size"`    // bytes of payload
	Batch   int     `json:"batch"`   // messages in one gRPC message or one write
	Seconds float64 `json:"seconds"` // how long
	Depth   int     `json:"depth"`   // how many requests are under way at once
}

func (w Work) duration() time.Duration { return time.Duration(w.Seconds * float64(time.Second)) }

// Sent is what a sender did; times are CLOCK_MONOTONIC in nanoseconds.
type Sent struct {
	Count     uint64 `json:"count"`
	StartNs   int64  `json:"start_ns"`
	SettledNs int64  `json:"settled_ns"` // when the last receipt came
}

// program is what each kind of app can do, by the name of the command.
type program map[string]func(ctx context.Context, work Work) (any, error)

// grace is what a command may take beyond its seconds.
const grace = 30 * time.Second

func serve(commands program, in io.Reader, out io.Writer) error {
	var mutex sync.Mutex
	answer := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var work Work
		if err := json.Unmarshal(lines.Bytes(), &work); err != nil {
			return fmt.Errorf("command %q: %w", lines.Text(), err)
		}
		command, known := commands[work.Do]
		if !known {
			return fmt.Errorf("unknown command %q", work.Do)
		}
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), work.duration()+grace)
			defer cancel()
			result, err := command(ctx, work)
			reply := map[string]any{"id": work.ID, "result": result}
			if err != nil {
				reply = map[string]any{"id": work.ID, "error": err.Error()}
			}
			mutex.Lock()
			defer mutex.Unlock()
			_ = answer.Encode(reply)
		}()
	}
	return lines.Err()
}

// options are the flags of every kind of app.
type options struct{ target, listen, tlsDir, control, handlers string }

// kinds are the apps that this program can be, by name.
var kinds = map[string]func(options) (program, error){
	"api":    func(o options) (program, error) { return newClient(o.target, o.tlsDir) },
	"server": func(o options) (program, error) { return newServer(o.listen, o.tlsDir) },
	"libp2p": func(o options) (program, error) { return newDaemonApp(o.control, o.handlers) },
}

func start(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("usage: load api|server|libp2p|libp2p-host|certificates ...")
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	target := flags.String("target", "", "gRPC endpoint")
	listen := flags.String("listen", "", "address to serve gRPC or QUIC on")
	tlsDir := flags.String("tls", "", "directory of certificates")
	control := flags.String("control", "", "control socket of go-libp2p-daemon")
	handlers := flags.String("handlers", "", "socket on which to take its streams")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	if arguments[0] == "certificates" {
		return makeCertificates(flags.Arg(0))
	}
	kind, known := kinds[arguments[0]]
	if !known {
		return fmt.Errorf("unknown kind of app %q", arguments[0])
	}
	commands, err := kind(options{*target, *listen, *tlsDir, *control, *handlers})
	if err != nil {
		return err
	}
	fmt.Println(`{"ready":true}`)
	return serve(commands, os.Stdin, os.Stdout)
}

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
