// A dialler of another make, quic-go: it says on stdout, as one line of JSON, how a connection to a sidecar went.
//
//	alien ADDRESS alpn=NAME version=1|2 keepalive=DURATION id=BYTES
//
// It sends no HELLO and opens no stream. What happens to it is all that it tells: a line when the handshake is done, and
// one when the connection has ended.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
)

type line struct {
	Event       string `json:"event"`
	Kind        string `json:"kind"`
	Code        uint64 `json:"code"`
	Reason      string `json:"reason"`
	Remote      bool   `json:"remote"`
	ALPN        string `json:"alpn"`
	Certificate int    `json:"certificate"`
	Received    int    `json:"received"`
}

func tell(what line) {
	if err := json.NewEncoder(os.Stdout).Encode(what); err != nil {
		panic(err)
	}
}

// ended says what kind of end an error is.
func ended(err error) line {
	var version *quic.VersionNegotiationError
	var transport *quic.TransportError
	var application *quic.ApplicationError
	var reset *quic.StatelessResetError
	var idle *quic.IdleTimeoutError
	var handshake *quic.HandshakeTimeoutError
	switch {
	case errors.As(err, &version):
		return line{Event: "ended", Kind: "version", Remote: true, Reason: fmt.Sprint(version.Theirs)}
	case errors.As(err, &transport):
		return line{Event: "ended", Kind: "transport", Code: uint64(transport.ErrorCode),
			Reason: transport.ErrorMessage, Remote: transport.Remote}
	case errors.As(err, &application):
		return line{Event: "ended", Kind: "application", Code: uint64(application.ErrorCode),
			Reason: application.ErrorMessage, Remote: application.Remote}
	case errors.As(err, &reset):
		return line{Event: "ended", Kind: "reset", Remote: true}
	case errors.As(err, &idle):
		return line{Event: "ended", Kind: "idle"}
	case errors.As(err, &handshake):
		return line{Event: "ended", Kind: "handshake timeout"}
	}
	return line{Event: "ended", Kind: "other", Reason: err.Error()}
}

// dial connects with a connection id of some length; only DialAddr does without one.
func dial(ctx context.Context, idLength int, security *tls.Config, config *quic.Config) (*quic.Conn, error) {
	if idLength == 0 {
		return quic.DialAddr(ctx, os.Args[1], security, config)
	}
	address, err := net.ResolveUDPAddr("udp", os.Args[1])
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	transport := &quic.Transport{Conn: socket, ConnectionIDLength: idLength}
	return transport.Dial(ctx, address, security, config)
}

func main() {
	options := map[string]string{"alpn": "qp2p-sidecar/1", "version": "1", "keepalive": "0s", "id": "0"}
	for _, argument := range os.Args[2:] {
		name, value, _ := strings.Cut(argument, "=")
		options[name] = value
	}
	keepAlive, err := time.ParseDuration(options["keepalive"])
	if err != nil {
		panic(err)
	}
	idLength, err := strconv.Atoi(options["id"])
	if err != nil {
		panic(err)
	}
	config := &quic.Config{Versions: []quic.Version{quic.Version1}, KeepAlivePeriod: keepAlive}
	if options["version"] == "2" {
		config.Versions = []quic.Version{quic.Version2}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// The certificate is self-signed, as every peer's is without an authority.
	security := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{options["alpn"]}}
	connection, err := dial(ctx, idLength, security, config)
	if err != nil {
		tell(ended(err))
		return
	}
	state := connection.ConnectionState().TLS
	tell(line{Event: "connected", ALPN: state.NegotiatedProtocol, Certificate: len(state.PeerCertificates)})
	received := 0
	stream, err := connection.AcceptUniStream(ctx)
	if err == nil {
		buffer := make([]byte, 4096)
		received, _ = stream.Read(buffer)
	}
	<-connection.Context().Done()
	last := ended(context.Cause(connection.Context()))
	last.Received = received
	tell(last)
}
