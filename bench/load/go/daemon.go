package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

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
	control  string
	handlers string
	accepted sync.Map // protocol -> chan net.Conn
	ledgers  sync.Map
}

func newDaemonApp(control, handlers string) (program, error) {
	listener, err := net.Listen("unix", handlers)
	if err != nil {
		return nil, err
	}
	d := &daemonApp{control: control, handlers: handlers}
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
	return program{
		"identity": d.identity, "connect": d.connect, "send": d.send, "listen": d.listen, "collect": d.collect,
		"request": d.request, "answer": d.answer, "relink": d.relink,
	}, err
}

// call asks the daemon; the connection is at the caller's disposal when there was no error.
func (d *daemonApp) call(kind uint64, field protowire.Number, body []byte) (net.Conn, map[protowire.Number][][]byte, error) {
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
	connection, response, err := d.call(daemonIdentify, 0, nil)
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
	connection, _, err := d.call(daemonConnect, 2, body)
	if err != nil {
		return nil, err
	}
	return map[string]string{"peer": work.Peer}, connection.Close()
}

// open opens a stream of a run to a connected peer.
func (d *daemonApp) open(name, run string) (net.Conn, error) {
	peer, _, err := peerOf(name)
	if err != nil {
		return nil, err
	}
	body := appendBytes(appendBytes(nil, 1, peer), 2, []byte("/"+run))
	connection, _, err := d.call(daemonStreamOpen, 3, body)
	return connection, err
}

// handle tells the daemon where to bring streams of a run.
func (d *daemonApp) handle(run string) (chan net.Conn, error) {
	streams := make(chan net.Conn, 1)
	d.accepted.Store("/"+run, streams)
	address := protowire.AppendVarint(nil, multiaddrUnix)
	address = protowire.AppendBytes(address, []byte(d.handlers))
	connection, _, err := d.call(daemonStreamHandler, 4, appendBytes(appendBytes(nil, 1, address), 2, []byte("/"+run)))
	if err != nil {
		return nil, err
	}
	return streams, connection.Close()
}

func (d *daemonApp) incoming(connection net.Conn) {
	about, err := readDelimited(connection)
	if err == nil && len(about[3]) == 1 {
		if streams, known := d.accepted.Load(string(about[3][0])); known {
			streams.(chan net.Conn) <- connection
			return
		}
	}
	connection.Close()
}

// send writes messages of one size to one stream, `batch` to a write, and waits for the receiver's count. A stream has
// no ends of messages, so the receiver knows the size and the closing message has it too.
func (d *daemonApp) send(ctx context.Context, work Work) (any, error) {
	stream, err := d.open(work.Peer, work.Run)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	limit(ctx, stream)
	batch := max(work.Batch, 1)
	buffer := bytes.Repeat(newPayload(work.Size, work.Run), batch)
	sent := Sent{StartNs: monotonic()}
	until := sent.StartNs + int64(work.duration())
	for monotonic() < until {
		for i := range batch {
			stamp(buffer[i*work.Size:], sent.Count)
			sent.Count++
		}
		if _, err := stream.Write(buffer); err != nil {
			return nil, err
		}
	}
	stamp(buffer, closing|sent.Count)
	if _, err := stream.Write(buffer[:work.Size]); err != nil {
		return nil, err
	}
	var count [8]byte
	if _, err := io.ReadFull(stream, count[:]); err != nil {
		return nil, err
	}
	if got := binary.LittleEndian.Uint64(count[:]); got != sent.Count {
		return nil, fmt.Errorf("%d of %d messages arrived", got, sent.Count)
	}
	sent.SettledNs = monotonic()
	return sent, nil
}

func limit(ctx context.Context, connection net.Conn) {
	if deadline, set := ctx.Deadline(); set {
		_ = connection.SetDeadline(deadline)
	}
}

func (d *daemonApp) listen(_ context.Context, work Work) (any, error) {
	streams, err := d.handle(work.Run)
	if err != nil {
		return nil, err
	}
	book := newLedger(work.Run, work.Size)
	d.ledgers.Store(work.Run, book)
	go func() {
		select {
		case stream := <-streams:
			defer stream.Close()
			_ = stream.SetDeadline(time.Now().Add(work.duration() + 2*grace))
			if err := receiveStream(stream, book, work.Size); err != nil {
				book.fail(err)
			}
		case <-book.complete:
		}
	}()
	return true, nil
}

func receiveStream(stream net.Conn, book *ledger, size int) error {
	reader := bufio.NewReaderSize(stream, max(256<<10, size))
	for {
		payload, err := reader.Peek(size)
		if err != nil {
			return err
		}
		if err := book.take(payload); err != nil {
			return err
		}
		if _, err := reader.Discard(size); err != nil {
			return err
		}
		select {
		case <-book.complete:
			got, err := book.result()
			if err == nil {
				_, err = stream.Write(binary.LittleEndian.AppendUint64(nil, got.Count))
			}
			if err != nil {
				return err
			}
			// The daemon loses what was written just before the end of a stream, so the sender ends it.
			_, _ = reader.ReadByte()
			return nil
		default:
		}
	}
}

func (d *daemonApp) collect(ctx context.Context, work Work) (any, error) {
	return collect(ctx, &d.ledgers, work.Run)
}

// request writes messages to one stream and reads the answers, `depth` of them under way at once.
func (d *daemonApp) request(ctx context.Context, work Work) (any, error) {
	stream, err := d.open(work.Peer, work.Run)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	limit(ctx, stream)
	depth := max(work.Depth, 1)
	payload := newPayload(work.Size, work.Run)
	reply := make([]byte, work.Size)
	reader := bufio.NewReader(stream)
	askedAt := make([]int64, depth)
	next, answered := uint64(0), uint64(0)
	ask := func() error {
		stamp(payload, next)
		askedAt[next%uint64(depth)] = monotonic()
		next++
		_, err := stream.Write(payload)
		return err
	}
	var trips []int64
	begin := monotonic()
	until := begin + int64(work.duration())
	for range depth {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	for answered < next {
		if _, err := io.ReadFull(reader, reply); err != nil {
			return nil, err
		}
		if counter := binary.LittleEndian.Uint64(reply); counter != answered {
			return nil, fmt.Errorf("an answer to %d where %d was due", counter, answered)
		}
		now := monotonic()
		trips = append(trips, now-askedAt[answered%uint64(depth)])
		answered++
		if now < until {
			if err := ask(); err != nil {
				return nil, err
			}
		}
	}
	return summarise(trips, monotonic()-begin), nil
}

// answer sends what comes on the run's stream back.
func (d *daemonApp) answer(_ context.Context, work Work) (any, error) {
	streams, err := d.handle(work.Run)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			select {
			case stream := <-streams:
				go func() {
					defer stream.Close()
					_ = stream.SetDeadline(time.Now().Add(work.duration() + grace))
					buffer := make([]byte, work.Size)
					for {
						if _, err := io.ReadFull(stream, buffer); err != nil {
							return
						}
						if _, err := stream.Write(buffer); err != nil {
							return
						}
					}
				}()
			case <-time.After(work.duration() + grace):
				return
			}
		}
	}()
	return true, nil
}

// relink ends and makes the connection to a peer over and over; each is used by one answer on a new stream.
func (d *daemonApp) relink(ctx context.Context, work Work) (any, error) {
	peer, _, err := peerOf(work.Peer)
	if err != nil {
		return nil, err
	}
	payload := newPayload(work.Size, work.Run)
	reply := make([]byte, len(payload))
	return concurrently(work, func(int) error {
		connection, _, err := d.call(daemonDisconnect, 7, appendBytes(nil, 1, peer))
		if err != nil {
			return err
		}
		connection.Close()
		if _, err := d.connect(ctx, work); err != nil {
			return err
		}
		stream, err := d.open(work.Peer, work.Run)
		if err != nil {
			return err
		}
		defer stream.Close()
		limit(ctx, stream)
		if _, err := stream.Write(payload); err != nil {
			return err
		}
		_, err = io.ReadFull(stream, reply)
		return err
	})
}
