package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// The control protocol of go-libp2p-daemon (its pb/p2pd.proto): requests and responses of one socket, each a varint
// length and a protobuf message. After STREAM_OPEN the socket is the stream; for each incoming stream the daemon dials
// the handler's socket and says in one message whose stream it is.
const (
	daemonIdentify      = 0
	daemonConnect       = 1
	daemonStreamOpen    = 2
	daemonStreamHandler = 3
	daemonDisconnect    = 7

	multiaddrUnix = 400
	dialSeconds   = 10
	largestReply  = 1 << 20
)

// daemonApp is an app beside go-libp2p-daemon. Its peers are named "hex(id) hex(multiaddr)...".
type daemonApp struct {
	streamApp
	control  string
	handlers string
	accepted sync.Map // protocol -> chan byteStream
}

func newDaemonApp(control, handlers string) (program, error) {
	listener, err := net.Listen("unix", handlers)
	if err != nil {
		return nil, err
	}
	d := &daemonApp{control: control, handlers: handlers}
	d.open, d.handle = d.openStream, d.handleStreams
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go d.incoming(connection)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err = waitUntil(ctx, func() error { _, err := d.identity(ctx, Work{}); return err })
	commands := d.commands()
	maps.Copy(commands, program{"identity": d.identity, "connect": d.connect, "relink": d.relink})
	return commands, err
}

// tell asks the daemon; the connection is at the caller's disposal when there was no error.
func (d *daemonApp) tell(kind uint64, field protowire.Number, body []byte) (net.Conn, map[protowire.Number][][]byte, error) {
	connection, err := net.Dial("unix", d.control)
	if err != nil {
		return nil, nil, err
	}
	request := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), kind)
	if field != 0 {
		request = appendBytes(request, field, body)
	}
	var response map[protowire.Number][][]byte
	if _, err = connection.Write(protowire.AppendBytes(nil, request)); err == nil {
		response, err = readDelimited(connection)
	}
	if err == nil {
		if failures := response[2]; len(failures) > 0 {
			words, _ := fields(failures[0])
			err = fmt.Errorf("p2pd: %s", bytes.Join(words[1], nil))
		}
	}
	if err != nil {
		connection.Close()
		return nil, nil, err
	}
	return connection, response, nil
}

func appendBytes(message []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, field, protowire.BytesType), value)
}

// readDelimited reads one message byte by byte up to its length, so that nothing of the stream behind it is taken.
func readDelimited(connection io.Reader) (map[protowire.Number][][]byte, error) {
	var length uint64
	var one [1]byte
	for shift := 0; ; shift += 7 {
		if _, err := io.ReadFull(connection, one[:]); err != nil {
			return nil, err
		}
		length |= uint64(one[0]&0x7f) << shift
		if one[0] < 0x80 {
			break
		}
		if shift > 21 {
			return nil, errors.New("p2pd: a length of more than four bytes")
		}
	}
	if length > largestReply {
		return nil, fmt.Errorf("p2pd: a message of %d bytes", length)
	}
	message := make([]byte, length)
	if _, err := io.ReadFull(connection, message); err != nil {
		return nil, err
	}
	return fields(message)
}

// fields gives the length-delimited fields of a message.
func fields(message []byte) (map[protowire.Number][][]byte, error) {
	found := make(map[protowire.Number][][]byte)
	for len(message) > 0 {
		number, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		message = message[size:]
		size = protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			found[number] = append(found[number], value)
		}
		message = message[size:]
	}
	return found, nil
}

// identity names the daemon's peer.
func (d *daemonApp) identity(context.Context, Work) (any, error) {
	connection, response, err := d.tell(daemonIdentify, 0, nil)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if len(response[4]) != 1 {
		return nil, errors.New("p2pd: no identity")
	}
	identity, err := fields(response[4][0])
	if err != nil {
		return nil, err
	}
	var words []string
	for _, value := range append(identity[1], identity[2]...) {
		words = append(words, hex.EncodeToString(value))
	}
	return strings.Join(words, " "), nil
}

func peerOf(name string) (peer []byte, addresses [][]byte, err error) {
	for i, word := range strings.Fields(name) {
		value, err := hex.DecodeString(word)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			peer = value
		} else {
			addresses = append(addresses, value)
		}
	}
	return peer, addresses, nil
}

func (d *daemonApp) connect(_ context.Context, work Work) (any, error) {
	peer, addresses, err := peerOf(work.Peer)
	if err != nil {
		return nil, err
	}
	body := appendBytes(nil, 1, peer)
	for _, address := range addresses {
		body = appendBytes(body, 2, address)
	}
	body = protowire.AppendVarint(protowire.AppendTag(body, 3, protowire.VarintType), dialSeconds)
	connection, _, err := d.tell(daemonConnect, 2, body)
	if err != nil {
		return nil, err
	}
	return map[string]string{"peer": work.Peer}, connection.Close()
}

// openStream opens a stream of a run to a connected peer.
func (d *daemonApp) openStream(_ context.Context, name, run string) (byteStream, error) {
	peer, _, err := peerOf(name)
	if err != nil {
		return nil, err
	}
	body := appendBytes(appendBytes(nil, 1, peer), 2, []byte("/"+run))
	connection, _, err := d.tell(daemonStreamOpen, 3, body)
	return connection, err
}

// handleStreams tells the daemon where to bring streams of a run.
func (d *daemonApp) handleStreams(run string) (chan byteStream, error) {
	streams := make(chan byteStream, 1)
	d.accepted.Store("/"+run, streams)
	address := protowire.AppendVarint(nil, multiaddrUnix)
	address = protowire.AppendBytes(address, []byte(d.handlers))
	connection, _, err := d.tell(daemonStreamHandler, 4, appendBytes(appendBytes(nil, 1, address), 2, []byte("/"+run)))
	if err != nil {
		return nil, err
	}
	return streams, connection.Close()
}

func (d *daemonApp) incoming(connection net.Conn) {
	about, err := readDelimited(connection)
	if err == nil && len(about[3]) == 1 {
		if streams, known := d.accepted.Load(string(about[3][0])); known {
			streams.(chan byteStream) <- connection
			return
		}
	}
	connection.Close()
}

// relink ends and makes the connection to a peer over and over; each is used by one answer on a new stream.
func (d *daemonApp) relink(ctx context.Context, work Work) (any, error) {
	peer, _, err := peerOf(work.Peer)
	if err != nil {
		return nil, err
	}
	return concurrently(work, func(int) error {
		connection, _, err := d.tell(daemonDisconnect, 7, appendBytes(nil, 1, peer))
		if err != nil {
			return err
		}
		connection.Close()
		if _, err := d.connect(ctx, work); err != nil {
			return err
		}
		return d.ask(ctx, work)
	})
}
