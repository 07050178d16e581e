package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Contact;
import io.github.quicp2p.sidecar.gen.overlay.v1.ContactResult;
import io.github.quicp2p.sidecar.gen.overlay.v1.Cursor;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Letter;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Peer;
import io.grpc.Channel;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * The sidecar beside this app.
 *
 * <p>What is not given comes from the environment (see {@link Endpoint}). Calls take 30 seconds at
 * most unless {@link Builder#timeout}, {@link #withTimeout} or their options say otherwise.
 * Everything may be used by several threads. Every verb throws {@link
 * io.github.quicp2p.sidecar.errors.SidecarException} or one of its kinds. An interrupt takes the
 * call back, which is CancelledException; the thread stays interrupted.
 */
public final class Sidecar implements AutoCloseable {
  private static final int LETTERS = 500;

  private final AsyncSidecar sidecar;

  private Sidecar(AsyncSidecar sidecar) {
    this.sidecar = sidecar;
  }

  /** At the endpoint of the environment. */
  public static Sidecar create() {
    return builder().build();
  }

  /** Begins with what the environment says. */
  public static Builder builder() {
    return new Builder();
  }

  /** The same client with a future for every verb, on the same channel. */
  public AsyncSidecar async() {
    return new AsyncSidecar(sidecar.core, sidecar.timeout(), sidecar.core.executor);
  }

  /** The same client, whose calls take so long at most. Closing either closes both. */
  public Sidecar withTimeout(Duration time) {
    return new Sidecar(sidecar.withTimeout(time));
  }

  /** Where the sidecar is. */
  public Endpoint endpoint() {
    return sidecar.endpoint();
  }

  /**
   * The channel, for the generated stubs: {@code MessageServiceGrpc.newBlockingStub(channel())}.
   * Its calls carry the token; {@code SidecarErrors.from} turns what they throw into the client's
   * errors.
   */
  public Channel channel() {
    return sidecar.channel();
  }

  /**
   * Ends every call and the channel; iterations in other threads end without an error, senders fail
   * what has no outcome. Close senders and consumers first.
   */
  @Override
  public void close() {
    sidecar.close();
  }

  @Override
  public String toString() {
    return "Sidecar at " + endpoint().address();
  }

  // the sidecar itself

  /** Returns once the sidecar takes calls; waits 30 seconds at most. */
  public void waitReady() {
    waitReady(Readiness.API, Core.DEFAULT_TIMEOUT);
  }

  /** Returns once it is ready at the level; DeadlinePassedException says what it waited for. */
  public void waitReady(Readiness level, Duration time) {
    Core.await(sidecar.waitReady(level, time));
  }

  /** Who this sidecar is, where it listens, what its limits are. */
  public GetNodeResponse node() {
    return Core.await(sidecar.node());
  }

  /**
   * Has linked peers dial the sidecar back, where each sees it or at these addresses (numeric
   * {@code host:port}).
   */
  public CheckReachabilityResponse checkReachability(String... addresses) {
    return Core.await(sidecar.checkReachability(Arrays.asList(addresses)));
  }

  /** What happens from now on. */
  public Watch<EventNews> events() {
    return Core.await(sidecar.events());
  }

  /** What happens from a cursor on; a {@link Gap} where events in between are not known. */
  public Watch<EventNews> events(Cursor from) {
    return Core.await(sidecar.events(from));
  }

  /**
   * Asks the sidecar to leave and stop, and waits for that.
   *
   * @return the number of messages that had no outcome by then
   */
  public long drain() {
    return drain(Optional.empty(), true);
  }

  /**
   * Asks the sidecar to leave and stop.
   *
   * @param time how long it waits for outcomes; the client's timeout where it is empty
   * @param wait whether to wait for that, or to be answered at once
   * @return the number of messages that had no outcome by then
   */
  public long drain(Optional<Duration> time, boolean wait) {
    return Core.await(sidecar.drain(time, wait));
  }

  // peers

  /** Every peer the sidecar knows, by id. */
  public List<Peer> peers() {
    return peers(false);
  }

  /** Every peer the sidecar knows, or those that are linked, by id. */
  public List<Peer> peers(boolean linkedOnly) {
    return Core.await(sidecar.peers(linkedOnly));
  }

  /** One peer; PeerUnknownException when there is no such. */
  public Peer peer(String peerId) {
    return Core.await(sidecar.peer(peerId));
  }

  /**
   * A snapshot of the peers, then every change. When the sidecar restarts the watch goes on, with a
   * new snapshot where the changes in between are not known.
   */
  public Watch<PeerNews> watchPeers() {
    return Core.await(sidecar.watchPeers());
  }

  /** Links to a peer id or contact {@code [peer-id@]host:port}. */
  public Peer connect(String target) {
    return Core.await(sidecar.connect(target));
  }

  /** Ends the link to a peer; gives the number of messages that were lost by it. */
  public long disconnect(String peerId) {
    return Core.await(sidecar.disconnect(peerId));
  }

  /** Keeps a peer out from now on, over restarts too, and cuts its link at once. */
  public void blockPeer(String peerId) {
    Core.await(sidecar.blockPeer(peerId));
  }

  /** Keeps a peer out no longer; PeerUnknownException when it was not blocked. */
  public void unblockPeer(String peerId) {
    Core.await(sidecar.unblockPeer(peerId));
  }

  /** The time to a peer's sidecar and back. */
  public Duration ping(String peerId) {
    return Core.await(sidecar.ping(peerId));
  }

  // the way in

  /** Dials these contacts, or without any the remembered and known ones. */
  public List<ContactResult> bootstrap(String... contacts) {
    return Core.await(sidecar.bootstrap(Arrays.asList(contacts)));
  }

  /** The contacts, configured and added. */
  public List<Contact> contacts() {
    return contacts(false);
  }

  /** The contacts, configured and added, and where {@code cached} the remembered nodes. */
  public List<Contact> contacts(boolean cached) {
    return Core.await(sidecar.contacts(cached));
  }

  /** Adds contacts, which outlast a restart of the sidecar. */
  public List<Contact> addContacts(Collection<String> contacts) {
    return Core.await(sidecar.addContacts(contacts));
  }

  /** Removes an added contact, or forgets a remembered one; ContactUnknownException for others. */
  public void removeContact(String contact) {
    Core.await(sidecar.removeContact(contact));
  }

  // messages

  /** Sends one message and waits until it is in the other sidecar's inbox. */
  public Sent send(String peerId, String channel, byte[] payload) {
    return send(peerId, channel, payload, SendOptions.DEFAULT);
  }

  /** Sends one message of any size and waits for its level. */
  public Sent send(String peerId, String channel, byte[] payload, SendOptions options) {
    // Nothing is copied: this thread, whose array it is, waits until it is sent.
    return send(peerId, channel, UnsafeByteOperations.unsafeWrap(payload), options);
  }

  /** Sends one message of any size and waits for its level. */
  public Sent send(String peerId, String channel, ByteString payload, SendOptions options) {
    return Core.await(sidecar.send(peerId, channel, payload, options));
  }

  /** Opens a pipelined way to one peer and channel, for many messages. */
  public Sender sender(String peerId, String channel) {
    return sidecar.sender(peerId, channel, SendOptions.DEFAULT);
  }

  /** The same; the options hold for each of its messages. */
  public Sender sender(String peerId, String channel, SendOptions options) {
    return sidecar.sender(peerId, channel, options);
  }

  /**
   * Subscribes to a channel. A message counts as taken once it is written to this app: {@link
   * #consume} has acknowledgements.
   */
  public Receiver receive(String channel) {
    return Core.await(sidecar.receive(channel));
  }

  /** The same for so long in all; then it ends with DeadlinePassedException. */
  public Receiver receive(String channel, Duration time) {
    return Core.await(sidecar.receive(channel, time));
  }

  /** Subscribes with acknowledgements; 64 messages may be out and not yet acked. */
  public Consumer consume(String channel) {
    return consume(channel, ConsumeOptions.DEFAULT);
  }

  /** Subscribes with acknowledgements. */
  public Consumer consume(String channel, ConsumeOptions options) {
    return Core.await(sidecar.consume(channel, options));
  }

  /** Sends a message to every linked peer. */
  public Map<String, Optional<SidecarException>> broadcast(String channel, byte[] payload) {
    return broadcast(channel, UnsafeByteOperations.unsafeWrap(payload), BroadcastOptions.DEFAULT);
  }

  /**
   * Sends a message to many peers; gives by peer id why it was not delivered, empty where it was.
   */
  public Map<String, Optional<SidecarException>> broadcast(
      String channel, ByteString payload, BroadcastOptions options) {
    return Core.await(sidecar.broadcast(channel, payload, options));
  }

  /** Sends an unreliable message to a linked peer; it waits for its turn for 100 ms at most. */
  public void sendDatagram(String peerId, String channel, byte[] payload) {
    sendDatagram(peerId, channel, UnsafeByteOperations.unsafeWrap(payload), Optional.empty());
  }

  /** The same; it waits for its turn for so long at most. */
  public void sendDatagram(
      String peerId, String channel, ByteString payload, Optional<Duration> ttl) {
    Core.await(sidecar.sendDatagram(peerId, channel, payload, ttl));
  }

  /** Subscribes to the datagrams of a channel. */
  public Datagrams datagrams(String channel) {
    return Core.await(sidecar.datagrams(channel));
  }

  // requests and byte streams

  /** Asks an app beside a peer; RequestFailedException has the code it answered with. */
  public Replied request(String peerId, String channel, byte[] payload) {
    return request(
        peerId, channel, UnsafeByteOperations.unsafeWrap(payload), RequestOptions.DEFAULT);
  }

  /** Asks an app beside a peer; RequestFailedException has the code it answered with. */
  public Replied request(
      String peerId, String channel, ByteString payload, RequestOptions options) {
    return Core.await(sidecar.request(peerId, channel, payload, options));
  }

  /** Answers the requests of a channel, 16 at once, until the responder is closed. */
  public Responder reply(String channel, Answerer answerer) {
    return reply(channel, answerer, ReplyOptions.DEFAULT);
  }

  /** Answers the requests of a channel until the responder is closed. */
  public Responder reply(String channel, Answerer answerer, ReplyOptions options) {
    return Core.await(sidecar.replyHolding(channel, answerer, options));
  }

  /** A byte stream to an app beside a peer that accepts that name; it may be written at once. */
  public ByteStream openStream(String peerId, String name) {
    return openStream(peerId, name, StreamOptions.DEFAULT);
  }

  /** A byte stream to an app beside a peer that accepts that name; it may be written at once. */
  public ByteStream openStream(String peerId, String name, StreamOptions options) {
    return sidecar.openStream(peerId, name, options);
  }

  /** Waits for the next byte stream of that name. */
  public ByteStream acceptStream(String name) {
    return acceptStream(name, AcceptOptions.DEFAULT);
  }

  /** Waits for the next byte stream of that name. */
  public ByteStream acceptStream(String name, AcceptOptions options) {
    return Core.await(sidecar.acceptStream(name, options));
  }

  // what is kept

  /** What the sidecar keeps, summed by queue, peer and channel. */
  public ListQueuesResponse queues() {
    return Core.await(sidecar.queues());
  }

  /** At most 500 of what a queue holds, oldest first. */
  public List<Letter> letters(QueueName queue) {
    return letters(queue, LetterFilter.DEFAULT, LETTERS);
  }

  /** At most {@code limit} of what a queue holds, oldest first. */
  public List<Letter> letters(QueueName queue, LetterFilter filter, int limit) {
    return Core.await(sidecar.letters(queue, filter, limit));
  }

  /** One letter with its messages; LetterUnknownException when there is no such. */
  public GetLetterResponse letter(QueueName queue, long id) {
    return Core.await(sidecar.letter(queue, id));
  }

  /** Removes letters for good; gives how many messages. */
  public long purge(QueueName queue, LetterFilter filter) {
    return Core.await(sidecar.purge(queue, filter));
  }

  /** Puts dead letters back where they came from; gives how many messages. */
  public long replay(QueueName queue, LetterFilter filter) {
    return Core.await(sidecar.replay(queue, filter));
  }

  /** Makes a client. What is not said comes from the environment. */
  public static final class Builder {
    private String address;
    private String token;
    private Tls tls;
    private Duration timeout = Core.DEFAULT_TIMEOUT;
    private Executor executor;

    private Builder() {}

    /** Where the sidecar is: {@code host:port} or {@code unix:/path}. */
    public Builder endpoint(String where) {
      address = Objects.requireNonNull(where, "endpoint");
      return this;
    }

    /** The token, where the sidecar asks for one. */
    public Builder token(String word) {
      token = Objects.requireNonNull(word, "token");
      return this;
    }

    /** How the channel is encrypted. */
    public Builder tls(Tls how) {
      tls = Objects.requireNonNull(how, "tls");
      return this;
    }

    /** How long a call may take; 30 seconds where nothing is said. */
    public Builder timeout(Duration time) {
      timeout = Objects.requireNonNull(time, "timeout");
      return this;
    }

    /**
     * What completes futures and answers requests: it must take a task at any time and may run
     * several at once. Threads of the client's own, which end when they have nothing to do, where
     * nothing is said.
     */
    public Builder executor(Executor pool) {
      executor = Objects.requireNonNull(pool, "executor");
      return this;
    }

    private Core core() {
      return new Core(Endpoint.of(address, token, tls, System.getenv()), executor);
    }

    /**
     * A client. It connects with its first call.
     *
     * @throws IllegalArgumentException naming what is malformed and saying what to write
     */
    public Sidecar build() {
      return new Sidecar(new AsyncSidecar(core(), timeout, Core.DIRECT));
    }

    /**
     * The same with a future for every verb.
     *
     * @throws IllegalArgumentException naming what is malformed and saying what to write
     */
    public AsyncSidecar buildAsync() {
      Core core = core();
      return new AsyncSidecar(core, timeout, core.executor);
    }
  }
}
