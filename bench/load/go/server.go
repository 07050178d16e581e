package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	overlay "bench/load/gen/overlayv1"
)

// server is the other app where two apps speak gRPC with each other and nothing is between them. It answers the calls
// that a sidecar would answer, so that the sending app is the same in both cases.
type server struct {
	overlay.UnimplementedMessageServiceServer
	overlay.UnimplementedPeerServiceServer
	ledgers sync.Map
}

func newServer(address, tlsDir string) (program, error) {
	config, err := tlsConfig(tlsDir, "server")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &server{}
	front := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(config)), grpc.MaxRecvMsgSize(largestMessage),
		grpc.InitialWindowSize(streamWindow), grpc.InitialConnWindowSize(connectionWindow),
	)
	overlay.RegisterMessageServiceServer(front, s)
	overlay.RegisterPeerServiceServer(front, s)
	go func() { _ = front.Serve(listener) }()
	return program{
		"listen": s.listen, "collect": s.collect,
		"address": func(context.Context, Work) (any, error) { return listener.Addr().String(), nil },
	}, nil
}

func (s *server) listen(_ context.Context, work Work) (any, error) {
	s.ledgers.Store(work.Run, newLedger(work.Run, work.Size))
	return true, nil
}

func (s *server) collect(ctx context.Context, work Work) (any, error) {
	return collect(ctx, &s.ledgers, work.Run)
}

// SendStream enters what arrives in the run's ledger and gives a receipt whenever 64 KiB or more have come, and at the end.
func (s *server) SendStream(stream overlay.MessageService_SendStreamServer) error {
	opening, err := stream.Recv()
	if err != nil {
		return err
	}
	if opening.Open == nil {
		return status.Error(codes.InvalidArgument, "the first frame is no opening")
	}
	entry, listening := s.ledgers.Load(opening.Open.Channel)
	if !listening {
		return status.Errorf(codes.NotFound, "nothing listens to run %q", opening.Open.Channel)
	}
	book, _ := entry.(*ledger)
	through, unacknowledged := uint64(0), 0
	receipt := func() error {
		unacknowledged = 0
		return stream.Send(&overlay.SendStreamResponse{Receipts: []*overlay.Receipt{{
			Level: overlay.DeliveryLevel_DELIVERY_LEVEL_DELIVERED, ThroughSequence: through,
		}}})
	}
	var payloads [][]byte
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return receipt()
		}
		if err != nil {
			book.fail(err)
			return err
		}
		payloads = payloads[:0]
		for _, message := range request.Messages {
			payloads = append(payloads, message.Payload)
			unacknowledged += len(message.Payload)
		}
		if err := book.take(payloads...); err != nil {
			return status.Error(codes.DataLoss, err.Error())
		}
		through += uint64(len(payloads))
		if unacknowledged >= 64<<10 {
			if err := receipt(); err != nil {
				return err
			}
		}
	}
}

// Send answers at once.
func (s *server) Send(_ context.Context, request *overlay.SendRequest) (*overlay.SendResponse, error) {
	return &overlay.SendResponse{Token: request.Token, Level: request.Level}, nil
}

// Ping answers at once.
func (s *server) Ping(context.Context, *overlay.PingRequest) (*overlay.PingResponse, error) {
	return &overlay.PingResponse{}, nil
}
