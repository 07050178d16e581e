package sidecar

import (
	"context"
	"crypto/tls"
	_ "embed"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	overlayv1 "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go/gen/overlay/v1"
)

// ServiceConfig is the one retry layer: what gRPC itself repeats, and how (clients/service_config.json of the repository).
// Send is not in it: a call that was cut may have sent its message, and a repeat would send it again.
//
//go:embed service_config.json
var ServiceConfig string

// DefaultTimeout is how long a call may take whose context has no deadline.
const DefaultTimeout = 30 * time.Second

const (
	// transportBytes is what the channel lets through: room for envelopes around the largest payload of one gRPC message.
	transportBytes = 17 << 20
	// Fixed windows, as large as what is worth having on its way over loopback. Unread bytes of one call hold back only that
	// call; gRPC's own way to find them by pings would cost a sidecar's patience with pings.
	streamWindowBytes     = 1 << 20
	connectionWindowBytes = 4 << 20
	// page is how many peers, contacts or letters are asked for at a time.
	page = 500
)

// Client is the sidecar beside this app. Make one with [New] and Close it.
type Client struct {
	// Stubs are the generated stubs, for whatever the verbs do not say. Their errors are gRPC's own; [FromRPC] translates.
	Stubs Stubs

	endpoint endpoint
	timeout  time.Duration
	conn     *grpc.ClientConn
	closed   atomic.Bool
	life     chan struct{}

	limitsLock sync.Mutex
	limits     *overlayv1.Limits
}

// Stubs are the generated stubs over the client's connection. Each call carries the token.
type Stubs struct {
	Messages  overlayv1.MessageServiceClient
	Peers     overlayv1.PeerServiceClient
	Streams   overlayv1.StreamServiceClient
	Bootstrap overlayv1.BootstrapServiceClient
	Node      overlayv1.NodeServiceClient
	Queues    overlayv1.QueueServiceClient
	Health    healthv1.HealthClient
}

// Option is for [New].
type Option func(*Client)

// WithEndpoint says where the sidecar is, host:port or unix:/path, in place of SIDECAR_ENDPOINT.
func WithEndpoint(address string) Option { return func(c *Client) { c.endpoint.address = address } }

// WithToken gives the token, in place of SIDECAR_TOKEN.
func WithToken(token string) Option { return func(c *Client) { c.endpoint.token = token } }

// WithTLS encrypts the connection, in place of SIDECAR_TLS_CA and its companions. A Unix socket needs and takes none.
func WithTLS(config *tls.Config) Option { return func(c *Client) { c.endpoint.tls = config.Clone() } }

// WithTimeout says how long a call may take whose context has no deadline, in place of [DefaultTimeout].
func WithTimeout(timeout time.Duration) Option { return func(c *Client) { c.timeout = timeout } }

// New makes a client. What is not given comes from the environment: SIDECAR_ENDPOINT, SIDECAR_TOKEN, SIDECAR_TLS_CA,
// SIDECAR_TLS_CERT, SIDECAR_TLS_KEY and SIDECAR_TLS_SERVER_NAME. It waits for no connection: the first call does, or
// [Client.WaitReady]. An error says what is malformed.
func New(options ...Option) (*Client, error) {
	c := &Client{timeout: DefaultTimeout, life: make(chan struct{})}
	for _, option := range options {
		option(c)
	}
	if err := c.endpoint.fill(os.Getenv); err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if c.endpoint.tls != nil && !c.endpoint.unix() {
		transport = credentials.NewTLS(c.endpoint.tls)
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithDisableServiceConfig(),
		grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(transportBytes), grpc.MaxCallSendMsgSize(transportBytes),
		),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 15 * time.Second, PermitWithoutStream: true,
		}),
		// The sidecar is next door: when it restarts, it is back within a second.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithStaticStreamWindowSize(streamWindowBytes),
		grpc.WithStaticConnWindowSize(connectionWindowBytes),
	}
	if c.endpoint.token != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer(c.endpoint.token)))
	}
	conn, err := grpc.NewClient(c.endpoint.target(), dial...)
	if err != nil {
		return nil, err
	}
	c.conn = conn
	c.Stubs = Stubs{
		Messages:  overlayv1.NewMessageServiceClient(conn),
		Peers:     overlayv1.NewPeerServiceClient(conn),
		Streams:   overlayv1.NewStreamServiceClient(conn),
		Bootstrap: overlayv1.NewBootstrapServiceClient(conn),
		Node:      overlayv1.NewNodeServiceClient(conn),
		Queues:    overlayv1.NewQueueServiceClient(conn),
		Health:    healthv1.NewHealthClient(conn),
	}
	return c, nil
}

// Endpoint is where the client looks for the sidecar.
func (c *Client) Endpoint() string { return c.endpoint.address }

// Conn is gRPC's connection, for stubs of other services. Calls on it carry the token.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Close ends whatever is still open and the connection: watches and subscriptions that other goroutines iterate over end
// without an error, senders fail what has no outcome. Close senders and consumers first.
func (c *Client) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	close(c.life)
	return c.conn.Close()
}

// bearer is a token, as credentials of each call. Whether it may travel is for the sidecar to say, which refuses to listen
// without TLS beyond loopback and Unix sockets.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (b bearer) RequireTransportSecurity() bool { return false }

// translated is a call's error in this package's terms; nil for nil.
func (c *Client) translated(err error) error {
	if err == nil {
		return nil
	}
	if c.closed.Load() {
		failed := unavailable("this client is closed")
		failed.cause = err
		return failed
	}
	return fromRPC(err)
}

// bounded gives a call without a deadline the client's.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// ask makes a unary call.
func ask[Question, Answer any](
	ctx context.Context, c *Client,
	method func(context.Context, *Question, ...grpc.CallOption) (*Answer, error), question *Question,
) (*Answer, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	answer, err := method(ctx, question)
	if err != nil {
		return nil, c.translated(err)
	}
	return answer, nil
}

// retryWaits are the waits between attempts to take up a broken call; the last one repeats.
var retryWaits = [...]time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second,
}

func retryWait(attempt int) time.Duration {
	return retryWaits[min(attempt, len(retryWaits)-1)]
}

// pause waits; false when the context ends, the client is closed or `stop` is closed before (nil never is).
func (c *Client) pause(ctx context.Context, wait time.Duration, stop <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-c.life:
	case <-stop:
	}
	return false
}
