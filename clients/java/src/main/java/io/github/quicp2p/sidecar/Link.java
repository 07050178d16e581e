package io.github.quicp2p.sidecar;

import com.google.gson.Gson;
import io.grpc.ChannelCredentials;
import io.grpc.ConnectivityState;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Filter;
import java.util.logging.Logger;

/** The channel to the sidecar, and what it needs to live. */
final class Link implements AutoCloseable {
  /** What passes in one gRPC message: the largest payload and room for envelopes around it. */
  static final int TRANSPORT_BYTES = 17 << 20;

  private static final long RECONNECT_FIRST_MS = 100;
  private static final long RECONNECT_MOST_MS = 1000;
  private static final long CLOSE_SECONDS = 5;

  final ManagedChannel channel;
  private final EventLoopGroup loops;
  private final AtomicBoolean reviving = new AtomicBoolean();

  private Link(ManagedChannel channel, EventLoopGroup loops) {
    this.channel = channel;
    this.loops = loops;
  }

  /** A channel that connects with its first call. IllegalArgumentException names what is wrong. */
  static Link to(Endpoint endpoint, Executor executor) {
    EventLoopGroup loops = null;
    NettyChannelBuilder builder;
    ChannelCredentials credentials =
        endpoint.tls().map(Link::credentials).orElseGet(InsecureChannelCredentials::create);
    Path socket = endpoint.socket().orElse(null);
    if (socket == null) {
      builder = NettyChannelBuilder.forTarget("dns:///" + endpoint.address(), credentials);
    } else if (Epoll.isAvailable()) {
      QuietKeepAlive.install();
      loops = new EpollEventLoopGroup(1, new DefaultThreadFactory("sidecar-io", true));
      builder =
          NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()), credentials)
              .eventLoopGroup(loops)
              .channelType(EpollDomainSocketChannel.class)
              .overrideAuthority("localhost");
    } else {
      QuietKeepAlive.install();
      loops = new NioEventLoopGroup(1, new DefaultThreadFactory("sidecar-io", true));
      builder =
          NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket), credentials)
              .eventLoopGroup(loops)
              .channelType(NioDomainSocketChannel.class)
              .overrideAuthority("localhost");
    }
    endpoint.tls().flatMap(Tls::serverName).ifPresent(builder::overrideAuthority);
    builder
        .keepAliveTime(30, TimeUnit.SECONDS)
        .keepAliveTimeout(15, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true)
        .maxInboundMessageSize(TRANSPORT_BYTES)
        .enableRetry()
        .disableServiceConfigLookUp()
        .defaultServiceConfig(serviceConfig())
        // No proxy stands between an app and its own sidecar.
        .proxyDetector(address -> null);
    if (executor != null) {
      builder.executor(executor);
    }
    Link link = new Link(builder.build(), loops);
    link.watchState();
    return link;
  }

  private static ChannelCredentials credentials(Tls tls) {
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    try {
      builder.trustManager(tls.ca().newInput());
      if (tls.certificate().isPresent() && tls.key().isPresent()) {
        builder.keyManager(tls.certificate().get().newInput(), tls.key().get().newInput());
      }
    } catch (IOException error) {
      throw new IllegalArgumentException("the TLS material cannot be read: " + error, error);
    }
    return builder.build();
  }

  /**
   * gRPC sets TCP's SO_KEEPALIVE on every channel, and Netty warns of each that has none. On a Unix
   * socket that is no news.
   */
  private static final class QuietKeepAlive {
    private static final Logger BOOTSTRAP =
        Logger.getLogger("io.grpc.netty.shaded.io.netty.bootstrap.AbstractBootstrap");

    static {
      Filter former = BOOTSTRAP.getFilter();
      BOOTSTRAP.setFilter(
          entry ->
              !String.valueOf(entry.getMessage()).contains("SO_KEEPALIVE")
                  && (former == null || former.isLoggable(entry)));
    }

    private QuietKeepAlive() {}

    static void install() {
      // Loading the class did it.
    }
  }

  /** The one retry layer: what gRPC itself repeats, and how. */
  @SuppressWarnings("unchecked") // a JSON object is what the file holds
  static Map<String, Object> serviceConfig() {
    try (Reader reader =
        new InputStreamReader(
            Link.class.getResourceAsStream("service_config.json"), StandardCharsets.UTF_8)) {
      return new Gson().fromJson(reader, Map.class);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private void watchState() {
    ConnectivityState state = channel.getState(false);
    if (state == ConnectivityState.SHUTDOWN) {
      return;
    }
    if (state == ConnectivityState.TRANSIENT_FAILURE && reviving.compareAndSet(false, true)) {
      revive(RECONNECT_FIRST_MS);
    }
    channel.notifyWhenStateChanged(state, this::watchState);
  }

  /**
   * gRPC waits longer and longer between attempts to connect, up to two minutes. The sidecar is
   * next door and back within a second, so that the next one is made after a second at most, for as
   * long as none succeeds.
   */
  private void revive(long pauseMs) {
    CompletableFuture.delayedExecutor(pauseMs, TimeUnit.MILLISECONDS)
        .execute(
            () -> {
              if (failing()) {
                channel.resetConnectBackoff();
                revive(Math.min(RECONNECT_MOST_MS, pauseMs * 2));
                return;
              }
              reviving.set(false);
              if (failing() && reviving.compareAndSet(false, true)) {
                revive(RECONNECT_FIRST_MS);
              }
            });
  }

  private boolean failing() {
    return channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE;
  }

  /** Ends every call, and returns when nothing of the channel is left, or after five seconds. */
  @Override
  public void close() {
    channel.shutdownNow();
    boolean interrupted = false;
    try {
      channel.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException error) {
      interrupted = true;
    }
    if (loops != null) {
      loops.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
