//go:build libp2p

package main

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/multiformats/go-multiaddr"
)

func init() {
	kinds["libp2p-host"] = func(o options) (program, error) { return newHostApp(o.listen) }
}

// hostApp is an app with go-libp2p inside, QUIC alone, at its defaults otherwise. Its peers are named by a multiaddr.
type hostApp struct {
	streamApp
	host     host.Host
	accepted sync.Map // run -> chan byteStream
}

func newHostApp(address string) (program, error) {
	made, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/"+address+"/udp/0/quic-v1"), libp2p.Transport(quic.NewTransport), libp2p.DisableRelay(),
	)
	if err != nil {
		return nil, err
	}
	h := &hostApp{host: made}
	h.open, h.handle = h.openStream, h.handleStreams
	commands := h.commands()
	maps.Copy(commands, program{"identity": h.identity, "connect": h.connect, "relink": h.relink})
	return commands, nil
}

func (h *hostApp) identity(context.Context, Work) (any, error) {
	addresses, err := peer.AddrInfoToP2pAddrs(host.InfoFromHost(h.host))
	if err != nil {
		return nil, err
	}
	if len(addresses) == 0 {
		return nil, errors.New("the host listens nowhere")
	}
	return addresses[0].String(), nil
}

func whose(name string) (*peer.AddrInfo, error) {
	address, err := multiaddr.NewMultiaddr(name)
	if err != nil {
		return nil, err
	}
	return peer.AddrInfoFromP2pAddr(address)
}

func (h *hostApp) connect(ctx context.Context, work Work) (any, error) {
	info, err := whose(work.Peer)
	if err != nil {
		return nil, err
	}
	return true, h.host.Connect(ctx, *info)
}

// openStream opens a stream of a run to a connected peer.
func (h *hostApp) openStream(ctx context.Context, name, run string) (byteStream, error) {
	info, err := whose(name)
	if err != nil {
		return nil, err
	}
	return h.host.NewStream(ctx, info.ID, protocol.ID("/"+run))
}

func (h *hostApp) handleStreams(run string) (chan byteStream, error) {
	streams := make(chan byteStream, 1)
	h.accepted.Store(run, streams)
	h.host.SetStreamHandler(protocol.ID("/"+run), func(stream network.Stream) {
		if taker, known := h.accepted.Load(strings.TrimPrefix(string(stream.Protocol()), "/")); known {
			taker.(chan byteStream) <- stream
		}
	})
	return streams, nil
}

// relink ends and makes the connection to a peer over and over; each is used by one answer on a new stream.
func (h *hostApp) relink(ctx context.Context, work Work) (any, error) {
	info, err := whose(work.Peer)
	if err != nil {
		return nil, err
	}
	return concurrently(work, func(int) error {
		if err := h.host.Network().ClosePeer(info.ID); err != nil {
			return err
		}
		if err := h.host.Connect(ctx, *info); err != nil {
			return err
		}
		return h.ask(ctx, work)
	})
}
