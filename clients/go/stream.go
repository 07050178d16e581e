package sidecar

import (
	"context"
	"errors"
	"io"
	"sync"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// pieceBytes is how much one frame of a byte stream carries.
const pieceBytes = 256 << 10

// Stream is a byte stream to an app beside another sidecar, an io.ReadWriteCloser with CloseWrite. One goroutine may read
// while another writes; its context ends it.
type Stream struct {
	client *Client
	call   streamCall
	cancel context.CancelFunc

	writing  sync.Mutex
	finished bool

	reading sync.Mutex
	left    []byte
	// eof says that the other app writes no more, ended that the call is over; with an error where it failed.
	eof, ended bool
	failed     error

	toldLock sync.Mutex
	told     *overlayv1.StreamAccepted
	accepted bool
}

var (
	_ io.ReadWriteCloser = (*Stream)(nil)
	_ io.WriterTo        = (*Stream)(nil)
	_ io.ReaderFrom      = (*Stream)(nil)
)

// streamCall is an Open or Accept call; the frames of both are alike.
type streamCall interface {
	data([]byte) error
	finish() error
	reset(code uint64, detail string) error
	CloseSend() error
	next() (streamFrame, error)
}

// streamFrame is what came.
type streamFrame struct {
	accepted *overlayv1.StreamAccepted
	data     []byte
	finished bool
}

// OpenStream opens a byte stream to an app beside a peer that accepts that name. It returns at once, and may be written at
// once; [Stream.Opened] waits for the other app. The context is that of the whole stream.
func (c *Client) OpenStream(ctx context.Context, peerID, name string, options ...OpenOption) (*Stream, error) {
	a := gathered(options, arguments{})
	ctx, cancel := context.WithCancel(ctx)
	call, err := c.Stubs.Streams.Open(ctx)
	if err != nil {
		cancel()
		return nil, c.translated(err)
	}
	opening := &overlayv1.StreamOpen{PeerId: peerID, Name: name, Headers: a.headers, AcceptTimeout: span(a.acceptTimeout)}
	// What Send may say, reading says better.
	_ = call.Send(&overlayv1.OpenRequest{Frame: &overlayv1.OpenRequest_Open{Open: opening}})
	told := &overlayv1.StreamAccepted{PeerId: peerID, Name: name, Headers: a.headers}
	return &Stream{client: c, call: openCall{call}, cancel: cancel, told: told}, nil
}

// AcceptStream waits for the next byte stream of a name, [FromPeers] only where any are named. The context is that of the
// wait and of the whole stream.
func (c *Client) AcceptStream(ctx context.Context, name string, options ...AcceptOption) (*Stream, error) {
	a := gathered(options, arguments{})
	ctx, cancel := context.WithCancel(ctx)
	call, err := c.Stubs.Streams.Accept(ctx)
	if err != nil {
		cancel()
		return nil, c.translated(err)
	}
	accept := &overlayv1.StreamAccept{Name: name, PeerIds: a.peerIDs}
	_ = call.Send(&overlayv1.AcceptRequest{Frame: &overlayv1.AcceptRequest_Accept{Accept: accept}})
	s := &Stream{client: c, call: acceptCall{call}, cancel: cancel, told: &overlayv1.StreamAccepted{Name: name}}
	if err := s.Opened(); err != nil {
		cancel()
		return nil, err
	}
	return s, nil
}

// PeerID is the other end, proven by its key once the stream is opened.
func (s *Stream) PeerID() string { return s.accept().PeerId }

// Name is the stream's.
func (s *Stream) Name() string { return s.accept().Name }

// Headers are the opening app's.
func (s *Stream) Headers() map[string]string { return s.accept().Headers }

func (s *Stream) accept() *overlayv1.StreamAccepted {
	s.toldLock.Lock()
	defer s.toldLock.Unlock()
	return s.told
}

// Opened returns once the other app has taken the stream, or with the reason why it has not.
func (s *Stream) Opened() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	for !s.accepted && len(s.left) == 0 {
		if err := s.step(); err != nil {
			if errors.Is(err, io.EOF) {
				return newError(ErrStreamReset, "the stream ended before it was accepted")
			}
			return err
		}
	}
	return nil
}

// Read takes the next bytes; io.EOF at the end of the other app's way. [ErrStreamReset], [ErrStreamLost] and the like.
func (s *Stream) Read(into []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for len(s.left) == 0 && len(into) > 0 {
		if err := s.step(); err != nil {
			return 0, err
		}
	}
	count := copy(into, s.left)
	s.left = s.left[count:]
	return count, nil
}

// WriteTo writes everything to the end of the other app's way, without a copy; for io.Copy.
func (s *Stream) WriteTo(to io.Writer) (int64, error) {
	var count int64
	for {
		data, err := s.take()
		if errors.Is(err, io.EOF) {
			return count, nil
		}
		if err != nil {
			return count, err
		}
		written, err := to.Write(data)
		count += int64(written)
		if err != nil {
			s.reading.Lock()
			defer s.reading.Unlock()
			s.left = append(data[written:], s.left...)
			return count, err
		}
	}
}

// take is all that is there to be read, at least a byte.
func (s *Stream) take() ([]byte, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for len(s.left) == 0 {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	data := s.left
	s.left = nil
	return data, nil
}

// step takes the next frame, with the reading lock held and nothing left of the last; io.EOF at the end of the other way.
func (s *Stream) step() error {
	if s.eof {
		return io.EOF
	}
	return s.frame()
}

// frame takes a frame behind the end of the other way too.
func (s *Stream) frame() error {
	if s.ended {
		return s.failed
	}
	frame, err := s.call.next()
	switch {
	case errors.Is(err, io.EOF):
		s.eof, s.ended, s.failed = true, true, io.EOF
	case err != nil:
		s.ended, s.failed = true, s.client.translated(err)
	case frame.finished:
		s.eof = true
		return io.EOF
	case frame.accepted != nil:
		s.accepted = true
		s.toldLock.Lock()
		s.told = frame.accepted
		s.toldLock.Unlock()
	case len(s.left) == 0:
		s.left = frame.data
	default:
		s.left = append(s.left, frame.data...)
	}
	if s.ended {
		s.cancel()
		return s.failed
	}
	return nil
}

// Write takes bytes; it waits while the other app does not read. CloseWrite, Close and Reset wait for a Write that is under way;
// Cancel ends it.
func (s *Stream) Write(data []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	written := 0
	for written < len(data) {
		if s.finished {
			return written, io.ErrClosedPipe
		}
		end := min(written+pieceBytes, len(data))
		if s.call.data(data[written:end]) != nil {
			return written, s.why()
		}
		written = end
	}
	return written, nil
}

// ReadFrom writes everything that a reader has, in whole frames; for io.Copy.
func (s *Stream) ReadFrom(from io.Reader) (int64, error) {
	piece := make([]byte, pieceBytes)
	var count int64
	for {
		size, err := from.Read(piece)
		if size > 0 {
			written, failed := s.Write(piece[:size])
			count += int64(written)
			if failed != nil {
				return count, failed
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return count, nil
			}
			return count, err
		}
	}
}

// why is what ended a call that takes no more. What had come by then stays to be read: it is no more than a window.
func (s *Stream) why() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	for !s.ended {
		_ = s.frame() // it is in s.failed once it has ended
	}
	if errors.Is(s.failed, io.EOF) {
		return io.ErrClosedPipe
	}
	return s.failed
}

// CloseWrite writes no more; reading goes on.
func (s *Stream) CloseWrite() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.finished {
		return nil
	}
	s.finished = true
	if s.call.finish() != nil {
		return s.why()
	}
	return s.call.CloseSend()
}

// Close writes no more, passes over what still comes, and returns once all that was written is with the other sidecar: that
// may take as long as the other app writes. Cancel does not wait.
func (s *Stream) Close() error {
	defer s.cancel()
	// Why a way cannot be closed is what ended the other, below.
	_ = s.CloseWrite()
	s.reading.Lock()
	defer s.reading.Unlock()
	for !s.ended {
		_ = s.frame() // it is in s.failed once it has ended
		s.left = nil
	}
	if errors.Is(s.failed, io.EOF) {
		return nil
	}
	return s.failed
}

// Reset ends both ways at once; the other app gets the code. It returns once the sidecar has taken it.
func (s *Stream) Reset(code uint64, detail string) error {
	defer s.cancel()
	s.writing.Lock()
	s.finished = true
	err := s.call.reset(code, detail)
	if err == nil {
		err = s.call.CloseSend()
	}
	s.writing.Unlock()
	s.reading.Lock()
	defer s.reading.Unlock()
	for !s.ended {
		_ = s.frame() // that is the end, whatever it is
		s.left = nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return s.client.translated(err)
	}
	return nil
}

// Cancel ends the stream at once, as if the app had gone. After Close it does nothing.
func (s *Stream) Cancel() { s.cancel() }

type openCall struct {
	overlayv1.StreamService_OpenClient
}

func (o openCall) data(data []byte) error {
	return o.Send(&overlayv1.OpenRequest{Frame: &overlayv1.OpenRequest_Data{Data: data}})
}

func (o openCall) finish() error {
	return o.Send(&overlayv1.OpenRequest{Frame: &overlayv1.OpenRequest_Finish{Finish: &overlayv1.StreamFinished{}}})
}

func (o openCall) reset(code uint64, detail string) error {
	reset := &overlayv1.StreamReset{Code: code, Detail: detail}
	return o.Send(&overlayv1.OpenRequest{Frame: &overlayv1.OpenRequest_Reset_{Reset_: reset}})
}

func (o openCall) next() (streamFrame, error) {
	response, err := o.Recv()
	if err != nil {
		return streamFrame{}, err
	}
	return streamFrame{response.GetAccepted(), response.GetData(), response.GetFinished() != nil}, nil
}

type acceptCall struct {
	overlayv1.StreamService_AcceptClient
}

func (a acceptCall) data(data []byte) error {
	return a.Send(&overlayv1.AcceptRequest{Frame: &overlayv1.AcceptRequest_Data{Data: data}})
}

func (a acceptCall) finish() error {
	return a.Send(&overlayv1.AcceptRequest{Frame: &overlayv1.AcceptRequest_Finish{Finish: &overlayv1.StreamFinished{}}})
}

func (a acceptCall) reset(code uint64, detail string) error {
	reset := &overlayv1.StreamReset{Code: code, Detail: detail}
	return a.Send(&overlayv1.AcceptRequest{Frame: &overlayv1.AcceptRequest_Reset_{Reset_: reset}})
}

func (a acceptCall) next() (streamFrame, error) {
	response, err := a.Recv()
	if err != nil {
		return streamFrame{}, err
	}
	return streamFrame{response.GetAccepted(), response.GetData(), response.GetFinished() != nil}, nil
}
