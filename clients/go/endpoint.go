package sidecar

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// DefaultEndpoint is where a sidecar listens that was told nothing else.
const DefaultEndpoint = "127.0.0.1:7401"

// endpoint is a sidecar's gRPC listener and how to reach it.
type endpoint struct {
	address string
	token   string
	tls     *tls.Config
}

// fill takes from the environment what was not given, and checks all of it:
//
//	SIDECAR_ENDPOINT          host:port or unix:/path; 127.0.0.1:7401 when unset
//	SIDECAR_TOKEN             sent with every call as `authorization: Bearer TOKEN`
//	SIDECAR_TLS_CA            file with the CA of the sidecar's certificate, in PEM; turns TLS on
//	SIDECAR_TLS_CERT, _KEY    files with this app's own certificate and key, in PEM, where the sidecar asks for one
//	SIDECAR_TLS_SERVER_NAME   the name in the sidecar's certificate where it is not the endpoint's host
func (e *endpoint) fill(getenv func(string) string) error {
	if e.address == "" {
		e.address = getenv("SIDECAR_ENDPOINT")
	}
	if e.address == "" {
		e.address = DefaultEndpoint
	}
	if err := checkAddress(e.address); err != nil {
		return err
	}
	if e.token == "" {
		e.token = getenv("SIDECAR_TOKEN")
	}
	if strings.ContainsFunc(e.token, func(r rune) bool { return r < ' ' || r > '~' }) || strings.TrimSpace(e.token) != e.token {
		return fmt.Errorf("SIDECAR_TOKEN holds blanks at its ends or characters that no HTTP header takes")
	}
	if e.tls == nil {
		config, err := tlsFrom(getenv)
		if err != nil {
			return err
		}
		e.tls = config
	}
	return nil
}

// unix tells whether the endpoint is a Unix socket.
func (e *endpoint) unix() bool { return strings.HasPrefix(e.address, "unix:") }

// target is the endpoint as gRPC takes it: the host is resolved at each dial, by the system.
func (e *endpoint) target() string {
	if e.unix() {
		return e.address
	}
	return "passthrough:///" + e.address
}

func checkAddress(address string) error {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if !strings.HasPrefix(strings.TrimPrefix(path, "//"), "/") {
			return fmt.Errorf("endpoint %q: write unix:/absolute/path", address)
		}
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || notNumber != nil || number == 0 || strings.Contains(host, "/") {
		return fmt.Errorf("endpoint %q: write host:port with a port from 1 to 65535, or unix:/path", address)
	}
	return nil
}

// tlsFrom is what the environment says of TLS; nil when it says nothing.
func tlsFrom(getenv func(string) string) (*tls.Config, error) {
	read := func(name string) ([]byte, error) {
		path := getenv(name)
		if path == "" {
			return nil, nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return content, nil
	}
	ca, err := read("SIDECAR_TLS_CA")
	if err != nil {
		return nil, err
	}
	certificate, err := read("SIDECAR_TLS_CERT")
	if err != nil {
		return nil, err
	}
	key, err := read("SIDECAR_TLS_KEY")
	if err != nil {
		return nil, err
	}
	if (certificate == nil) != (key == nil) {
		return nil, fmt.Errorf("SIDECAR_TLS_CERT and SIDECAR_TLS_KEY belong together: set both or neither")
	}
	if ca == nil {
		if certificate != nil {
			return nil, fmt.Errorf("SIDECAR_TLS_CERT needs SIDECAR_TLS_CA: the CA that the sidecar's certificate is checked by")
		}
		return nil, nil
	}
	config := &tls.Config{
		RootCAs:    x509.NewCertPool(),
		MinVersion: tls.VersionTLS12,
		ServerName: getenv("SIDECAR_TLS_SERVER_NAME"),
	}
	if !config.RootCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("SIDECAR_TLS_CA=%s holds no certificate in PEM", getenv("SIDECAR_TLS_CA"))
	}
	if certificate != nil {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("SIDECAR_TLS_CERT and SIDECAR_TLS_KEY: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
