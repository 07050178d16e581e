package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.Core.CallFuture;
import io.github.quicp2p.sidecar.errors.DeadlinePassedException;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.SidecarErrors;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.SidecarUnavailableException;
import io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.AddContactsResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.BlockPeerRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.BootstrapServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.BroadcastResult;
import io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.CheckReachabilityResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.ConnectRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ConnectResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Contact;
import io.github.quicp2p.sidecar.gen.overlay.v1.ContactResult;
import io.github.quicp2p.sidecar.gen.overlay.v1.Cursor;
import io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.DisconnectResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.DrainRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.DrainResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.ErrorReason;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetPeerResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Letter;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListContactsResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListLettersResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListPeersResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ListQueuesResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Message;
import io.github.quicp2p.sidecar.gen.overlay.v1.MessageServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.NodeServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.Peer;
import io.github.quicp2p.sidecar.gen.overlay.v1.PeerServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.PingRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.PingResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.PurgeLettersResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.QueueServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.RemoveContactRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReplayLettersResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendDatagramRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.UnblockPeerRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * The sidecar beside this app: {@link Sidecar} with a future for every verb.
 *
 * <p>A future fails with a {@link io.github.quicp2p.sidecar.errors.SidecarException} or one of its
 * kinds. Cancelling a future takes its call back. What depends on a future runs on the client's
 * executor and may wait.
 */
public final class AsyncSidecar implements AutoCloseable {
  private static final int PAGE = 500;
  private static final Duration HEALTH = Duration.ofSeconds(2);

  /** How much longer than the sidecar's own wait the call of a drain may take. */
  private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(2);

  final Core core;
  private final Duration timeout;

  /** Where what gRPC tells is turned into futures. */
  private final Executor on;

  AsyncSidecar(Core core, Duration timeout, Executor on) {
    this.core = core;
    this.timeout = timeout;
    this.on = on;
  }

  /** At the endpoint of the environment. */
  public static AsyncSidecar create() {
    return Sidecar.builder().buildAsync();
  }

  /** The same client, whose calls take so long at most. Closing either closes both. */
  public AsyncSidecar withTimeout(Duration time) {
    return new AsyncSidecar(core, time, on);
  }

  /** How long calls may take. */
  public Duration timeout() {
    return timeout;
  }

  /** Where the sidecar is. */
  public Endpoint endpoint() {
    return core.endpoint;
  }

  /**
   * The channel, for the generated stubs: {@code MessageServiceGrpc.newBlockingStub(channel())}.
   * Its calls carry the token; {@code SidecarErrors.from} turns what they throw into the client's
   * errors.
   */
  public Channel channel() {
    return core.channel;
  }

  /** Ends every call and the channel; what others iterate over ends too. */
  @Override
  public void close() {
    core.close();
  }

  @Override
  public String toString() {
    return "AsyncSidecar at " + core.endpoint.address();
  }

  // the sidecar itself

  /**
   * Complete once the sidecar is ready at the level; DeadlinePassedException says what it waited
   * for.
   */
  public CompletableFuture<Void> waitReady(Readiness level, Duration time) {
    CallFuture<Void> ready = new CallFuture<>();
    check(ready, level, time, System.nanoTime() + Wire.nanos(time), 0, "no answer yet");
    return ready;
  }

  private void check(
      CallFuture<Void> ready, Readiness level, Duration time, long end, int attempt, String last) {
    if (ready.isDone()) {
      return;
    }
    long left = end - System.nanoTime();
    if (left <= 0) {
      ready.completeExceptionally(
          new DeadlinePassedException(
              ErrorDetails.of(
                  "not ready after " + time + ": " + last, Code.DEADLINE_EXCEEDED, "DEADLINE")));
      return;
    }
    CallOptions options =
        CallOptions.DEFAULT
            .withWaitForReady()
            .withDeadlineAfter(Math.min(left, HEALTH.toNanos()), TimeUnit.NANOSECONDS);
    CompletableFuture<HealthCheckResponse> asked =
        core.unary(
            HealthGrpc.getCheckMethod(),
            HealthCheckRequest.newBuilder().setService(level.service()).build(),
            options,
            on,
            Function.identity());
    ready.aborts(() -> asked.cancel(true));
    asked.whenComplete(
        (response, error) -> {
          String words;
          if (response != null) {
            if (response.getStatus() == HealthCheckResponse.ServingStatus.SERVING) {
              ready.complete(null);
              return;
            }
            words = "the sidecar answers and is not ready at level " + level;
          } else if (!core.closed()
              && (error instanceof SidecarUnavailableException
                  || error instanceof DeadlinePassedException)) {
            words = "no sidecar answers at " + core.endpoint.address() + ": " + error.getMessage();
          } else {
            ready.completeExceptionally(error);
            return;
          }
          long rest = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()) + 1;
          core.later(Math.max(0, Math.min(Core.retryMs(attempt), rest)))
              .execute(() -> check(ready, level, time, end, attempt + 1, words));
        });
  }

  /** Who this sidecar is, where it listens, what its limits are. */
  public CompletableFuture<GetNodeResponse> node() {
    return core.node(timeout, on);
  }

  /** Has linked peers dial it back, where each sees it or at these addresses. */
  public CompletableFuture<CheckReachabilityResponse> checkReachability(
      Collection<String> addresses) {
    return call(
        NodeServiceGrpc.getCheckReachabilityMethod(),
        CheckReachabilityRequest.newBuilder().addAllAddresses(addresses).build(),
        Function.identity());
  }

  /** What happens from now on; complete when the watch is open. */
  public CompletableFuture<Watch<EventNews>> events() {
    return opened(new Watch.Events(core, null));
  }

  /** What happens from a cursor on; a {@link Gap} where events in between are not known. */
  public CompletableFuture<Watch<EventNews>> events(Cursor from) {
    return opened(new Watch.Events(core, from));
  }

  /**
   * Asks the sidecar to leave and stop.
   *
   * @param time how long it waits for outcomes; the client's timeout where it is empty
   * @param wait whether to wait for that, or to be answered at once
   * @return the number of messages that had no outcome by then
   */
  public CompletableFuture<Long> drain(Optional<Duration> time, boolean wait) {
    DrainRequest.Builder request = DrainRequest.newBuilder().setNoWait(!wait);
    time.ifPresent(value -> request.setTimeout(Wire.duration(value)));
    // The wait is bounded by the request; the call's deadline leaves room for the answer.
    return core.unary(
        NodeServiceGrpc.getDrainMethod(),
        request.build(),
        Core.within(Wire.nanos(time.orElse(timeout)), DRAIN_NANOS),
        on,
        DrainResponse::getMessagesLost);
  }

  // peers

  /** Every peer the sidecar knows, or those that are linked, by id. */
  public CompletableFuture<List<Peer>> peers(boolean linkedOnly) {
    return paged(
        PAGE,
        (token, size) ->
            call(
                PeerServiceGrpc.getListPeersMethod(),
                ListPeersRequest.newBuilder()
                    .setPageSize(size)
                    .setPageToken(token)
                    .setLinkedOnly(linkedOnly)
                    .build(),
                Function.identity()),
        ListPeersResponse::getPeersList,
        ListPeersResponse::getNextPageToken,
        Integer.MAX_VALUE);
  }

  /** One peer; PeerUnknownException when there is no such. */
  public CompletableFuture<Peer> peer(String peerId) {
    return call(
        PeerServiceGrpc.getGetPeerMethod(),
        GetPeerRequest.newBuilder().setPeerId(peerId).build(),
        GetPeerResponse::getPeer);
  }

  /** A snapshot of the peers, then every change; complete when the watch is open. */
  public CompletableFuture<Watch<PeerNews>> watchPeers() {
    return opened(new Watch.Peers(core));
  }

  /** Links to a peer id or contact {@code [peer-id@]host:port}. */
  public CompletableFuture<Peer> connect(String target) {
    return call(
        PeerServiceGrpc.getConnectMethod(),
        ConnectRequest.newBuilder().setTarget(target).build(),
        ConnectResponse::getPeer);
  }

  /** Ends the link to a peer; gives the number of messages that were lost by it. */
  public CompletableFuture<Long> disconnect(String peerId) {
    return call(
        PeerServiceGrpc.getDisconnectMethod(),
        DisconnectRequest.newBuilder().setPeerId(peerId).build(),
        DisconnectResponse::getMessagesLost);
  }

  /** Keeps a peer out from now on, over restarts too, and cuts its link at once. */
  public CompletableFuture<Void> blockPeer(String peerId) {
    return call(
        PeerServiceGrpc.getBlockPeerMethod(),
        BlockPeerRequest.newBuilder().setPeerId(peerId).build(),
        response -> null);
  }

  /** Keeps a peer out no longer; PeerUnknownException when it was not blocked. */
  public CompletableFuture<Void> unblockPeer(String peerId) {
    return call(
        PeerServiceGrpc.getUnblockPeerMethod(),
        UnblockPeerRequest.newBuilder().setPeerId(peerId).build(),
        response -> null);
  }

  /** The time to a peer's sidecar and back. */
  public CompletableFuture<Duration> ping(String peerId) {
    return call(
        PeerServiceGrpc.getPingMethod(),
        PingRequest.newBuilder().setPeerId(peerId).build(),
        (PingResponse response) -> Wire.duration(response.getRtt()));
  }

  // the way in

  /** Dials these contacts, or where there are none the remembered and known ones. */
  public CompletableFuture<List<ContactResult>> bootstrap(Collection<String> contacts) {
    return call(
        BootstrapServiceGrpc.getBootstrapMethod(),
        BootstrapRequest.newBuilder().addAllContacts(contacts).build(),
        BootstrapResponse::getResultsList);
  }

  /** The contacts, configured and added, and where {@code cached} the remembered nodes. */
  public CompletableFuture<List<Contact>> contacts(boolean cached) {
    return paged(
        PAGE,
        (token, size) ->
            call(
                BootstrapServiceGrpc.getListContactsMethod(),
                ListContactsRequest.newBuilder()
                    .setPageSize(size)
                    .setPageToken(token)
                    .setCached(cached)
                    .build(),
                Function.identity()),
        ListContactsResponse::getContactsList,
        ListContactsResponse::getNextPageToken,
        Integer.MAX_VALUE);
  }

  /** Adds contacts, which outlast a restart of the sidecar. */
  public CompletableFuture<List<Contact>> addContacts(Collection<String> contacts) {
    return call(
        BootstrapServiceGrpc.getAddContactsMethod(),
        AddContactsRequest.newBuilder().addAllContacts(contacts).build(),
        AddContactsResponse::getContactsList);
  }

  /** Removes an added contact, or forgets a remembered one; ContactUnknownException for others. */
  public CompletableFuture<Void> removeContact(String contact) {
    return call(
        BootstrapServiceGrpc.getRemoveContactMethod(),
        RemoveContactRequest.newBuilder().setContact(contact).build(),
        response -> null);
  }

  // messages

  /** {@link #send(String, String, ByteString, SendOptions)}; the array is copied. */
  public CompletableFuture<Sent> send(
      String peerId, String channel, byte[] payload, SendOptions options) {
    return send(peerId, channel, ByteString.copyFrom(payload), options);
  }

  /** Sends one message of any size; complete when it has reached its level. */
  public CompletableFuture<Sent> send(
      String peerId, String channel, ByteString payload, SendOptions options) {
    if (payload.size() <= Sender.Limit.ASKED_ABOVE) {
      return sendWhole(peerId, channel, payload, options);
    }
    CallFuture<Sent> sent = new CallFuture<>();
    CompletableFuture<Boolean> judged = Sender.large(core, payload.size());
    sent.aborts(() -> judged.cancel(true));
    judged.whenComplete(
        (large, error) -> {
          if (error != null) {
            on.execute(() -> sent.completeExceptionally(Core.unwrapped(error)));
          } else if (!large) {
            sent.follows(sendWhole(peerId, channel, payload, options));
          } else if (options.requestId().isEmpty()) {
            sendChunks(sent, peerId, channel, payload, options);
          } else {
            on.execute(
                () ->
                    sent.completeExceptionally(
                        Wire.invalid("request_id", "none for a message that is sent in chunks")));
          }
        });
    return sent;
  }

  private CompletableFuture<Sent> sendWhole(
      String peerId, String channel, ByteString payload, SendOptions options) {
    SendRequest.Builder request =
        SendRequest.newBuilder()
            .setPeerId(peerId)
            .setChannel(channel)
            .setPriority(options.priority().wire())
            .setLevel(options.level().wire())
            .setMessage(
                Message.newBuilder()
                    .setMessageId(options.messageId())
                    .putAllHeaders(options.headers())
                    .setPayload(payload))
            .setDurable(options.durable())
            .setRequestId(options.requestId());
    options.ttl().ifPresent(ttl -> request.setTtl(Wire.duration(ttl)));
    return core.unary(
        MessageServiceGrpc.getSendMethod(),
        request.build(),
        Core.within(options.timeout().orElse(timeout)),
        on,
        Sent::of);
  }

  private void sendChunks(
      CallFuture<Sent> sent,
      String peerId,
      String channel,
      ByteString payload,
      SendOptions options) {
    Sender sender = Sender.open(core, peerId, channel, options, options.timeout().orElse(timeout));
    sent.aborts(sender::cancel);
    sender
        .sendAsync(payload, options.headers(), options.messageId())
        .thenCompose(sender::resultAsync)
        .whenCompleteAsync(
            (done, error) -> {
              if (error != null) {
                sender.cancel();
                sent.completeExceptionally(Core.unwrapped(error));
                return;
              }
              sender.closeAsync();
              sent.complete(
                  new Sent(
                      options.messageId(),
                      options.level(),
                      Optional.empty(),
                      Optional.empty(),
                      Optional.empty()));
            },
            core.executor);
  }

  /** Opens a pipelined way to one peer and channel; the options hold for each message. */
  public Sender sender(String peerId, String channel, SendOptions options) {
    return Sender.open(core, peerId, channel, options, options.timeout().orElse(null));
  }

  /** Subscribes to a channel; complete when the sidecar has taken the subscription. */
  public CompletableFuture<Receiver> receive(String channel) {
    return opened(new Receiver(core, channel, null));
  }

  /** The same for so long in all; then it ends with DeadlinePassedException. */
  public CompletableFuture<Receiver> receive(String channel, Duration time) {
    return opened(new Receiver(core, channel, time));
  }

  /** Subscribes with acknowledgements; complete when the sidecar has taken the subscription. */
  public CompletableFuture<Consumer> consume(String channel, ConsumeOptions options) {
    return opened(new Consumer(core, channel, options));
  }

  /**
   * Sends a message to many peers; gives by peer id why it was not delivered, empty where it was.
   */
  public CompletableFuture<Map<String, Optional<SidecarException>>> broadcast(
      String channel, ByteString payload, BroadcastOptions options) {
    return core.unary(
        MessageServiceGrpc.getBroadcastMethod(),
        BroadcastRequest.newBuilder()
            .setChannel(channel)
            .setPayload(payload)
            .putAllHeaders(options.headers())
            .putAllLabels(options.labels())
            .build(),
        Core.within(options.timeout().orElse(timeout)),
        on,
        AsyncSidecar::outcomes);
  }

  private static Map<String, Optional<SidecarException>> outcomes(BroadcastResponse response) {
    Map<String, Optional<SidecarException>> outcomes = new TreeMap<>();
    for (BroadcastResult result : response.getResultsList()) {
      outcomes.put(
          result.getPeerId(),
          result.getReason() == ErrorReason.ERROR_REASON_UNSPECIFIED
              ? Optional.empty()
              : Optional.of(
                  SidecarErrors.ofReason(Wire.reason(result.getReason()), result.getDetail())));
    }
    return outcomes;
  }

  /** Sends an unreliable message to a linked peer; it waits for its turn for 100 ms at most. */
  public CompletableFuture<Void> sendDatagram(String peerId, String channel, ByteString payload) {
    return sendDatagram(peerId, channel, payload, Optional.empty());
  }

  /** The same; it waits for its turn for so long at most. */
  public CompletableFuture<Void> sendDatagram(
      String peerId, String channel, ByteString payload, Optional<Duration> ttl) {
    SendDatagramRequest.Builder request =
        SendDatagramRequest.newBuilder().setPeerId(peerId).setChannel(channel).setPayload(payload);
    ttl.ifPresent(time -> request.setTtl(Wire.duration(time)));
    return call(MessageServiceGrpc.getSendDatagramMethod(), request.build(), response -> null);
  }

  /** Subscribes to the datagrams of a channel; complete when the sidecar has taken it. */
  public CompletableFuture<Datagrams> datagrams(String channel) {
    return opened(new Datagrams(core, channel));
  }

  // requests and byte streams

  /** Asks an app beside a peer; RequestFailedException has the code it answered with. */
  public CompletableFuture<Replied> request(
      String peerId, String channel, ByteString payload, RequestOptions options) {
    return core.unary(
        MessageServiceGrpc.getRequestMethod(),
        RequestRequest.newBuilder()
            .setPeerId(peerId)
            .setChannel(channel)
            .setPayload(payload)
            .putAllHeaders(options.headers())
            .build(),
        Core.within(options.timeout().orElse(timeout)),
        on,
        response -> new Replied(response.getPayload(), response.getHeadersMap()));
  }

  /** Answers the requests of a channel; complete when the sidecar has taken that. */
  public CompletableFuture<Responder> reply(
      String channel, AsyncAnswerer answerer, ReplyOptions options) {
    return opened(Responder.promising(core, channel, answerer, options));
  }

  CompletableFuture<Responder> replyHolding(
      String channel, Answerer answerer, ReplyOptions options) {
    return opened(Responder.holding(core, channel, answerer, options));
  }

  private static CompletableFuture<Responder> opened(Responder responder) {
    CallFuture<Responder> future = new CallFuture<>();
    future.follows(responder.opened().thenApply(done -> responder));
    future.aborts(responder::cancel);
    return future;
  }

  /** A byte stream to an app beside a peer that accepts that name; it may be written at once. */
  public ByteStream openStream(String peerId, String name, StreamOptions options) {
    return ByteStream.open(core, peerId, name, options);
  }

  /** Complete with the next byte stream of that name. */
  public CompletableFuture<ByteStream> acceptStream(String name, AcceptOptions options) {
    return ByteStream.accept(core, name, options);
  }

  // what is kept

  /** What the sidecar keeps, summed by queue, peer and channel. */
  public CompletableFuture<ListQueuesResponse> queues() {
    return call(
        QueueServiceGrpc.getListQueuesMethod(),
        ListQueuesRequest.getDefaultInstance(),
        Function.identity());
  }

  /** At most {@code limit} of what a queue holds, oldest first. */
  public CompletableFuture<List<Letter>> letters(QueueName queue, LetterFilter filter, int limit) {
    return paged(
        Math.min(PAGE, limit),
        (token, size) ->
            call(
                QueueServiceGrpc.getListLettersMethod(),
                ListLettersRequest.newBuilder()
                    .setFilter(filterOf(queue, filter))
                    .setPageSize(size)
                    .setPageToken(token)
                    .build(),
                Function.identity()),
        ListLettersResponse::getLettersList,
        ListLettersResponse::getNextPageToken,
        limit);
  }

  /** One letter with its messages; LetterUnknownException when there is no such. */
  public CompletableFuture<GetLetterResponse> letter(QueueName queue, long id) {
    return call(
        QueueServiceGrpc.getGetLetterMethod(),
        GetLetterRequest.newBuilder().setQueue(queue.wire()).setId(id).build(),
        Function.identity());
  }

  /** Removes letters for good; gives how many messages. */
  public CompletableFuture<Long> purge(QueueName queue, LetterFilter filter) {
    return call(
        QueueServiceGrpc.getPurgeLettersMethod(),
        PurgeLettersRequest.newBuilder().setFilter(filterOf(queue, filter)).build(),
        PurgeLettersResponse::getMessages);
  }

  /** Puts dead letters back where they came from; gives how many messages. */
  public CompletableFuture<Long> replay(QueueName queue, LetterFilter filter) {
    return call(
        QueueServiceGrpc.getReplayLettersMethod(),
        ReplayLettersRequest.newBuilder().setFilter(filterOf(queue, filter)).build(),
        ReplayLettersResponse::getMessages);
  }

  private static io.github.quicp2p.sidecar.gen.overlay.v1.LetterFilter filterOf(
      QueueName queue, LetterFilter filter) {
    io.github.quicp2p.sidecar.gen.overlay.v1.LetterFilter.Builder chosen =
        io.github.quicp2p.sidecar.gen.overlay.v1.LetterFilter.newBuilder()
            .setQueue(queue.wire())
            .addAllIds(filter.ids());
    filter.peerId().ifPresent(chosen::setPeerId);
    filter.channel().ifPresent(chosen::setChannel);
    return chosen.build();
  }

  private <Q, R, T> CompletableFuture<T> call(
      MethodDescriptor<Q, R> method, Q request, Function<R, T> map) {
    return core.unary(method, request, Core.within(timeout), on, map);
  }

  private <R, T> CompletableFuture<List<T>> paged(
      int size,
      BiFunction<String, Integer, CompletableFuture<R>> page,
      Function<R, List<T>> items,
      Function<R, String> next,
      int limit) {
    CallFuture<List<T>> all = new CallFuture<>();
    turn(all, new ArrayList<>(), "", size, page, items, next, limit);
    return all;
  }

  private <R, T> void turn(
      CallFuture<List<T>> all,
      List<T> found,
      String token,
      int size,
      BiFunction<String, Integer, CompletableFuture<R>> page,
      Function<R, List<T>> items,
      Function<R, String> next,
      int limit) {
    if (found.size() >= limit) {
      all.complete(found);
      return;
    }
    CompletableFuture<R> asked = page.apply(token, Math.min(size, limit - found.size()));
    all.aborts(() -> asked.cancel(true));
    asked.whenComplete(
        (response, error) -> {
          if (error != null) {
            all.completeExceptionally(error);
            return;
          }
          found.addAll(items.apply(response));
          if (next.apply(response).isEmpty()) {
            all.complete(found);
          } else {
            turn(all, found, next.apply(response), size, page, items, next, limit);
          }
        });
  }

  private <S extends Subscription<?>, T> CompletableFuture<T> opened(S subscription) {
    CallFuture<S> future = new CallFuture<>();
    future.aborts(subscription::close);
    subscription
        .open()
        .whenCompleteAsync(
            (done, error) -> {
              if (error != null) {
                future.completeExceptionally(Core.unwrapped(error));
              } else {
                future.complete(subscription);
              }
            },
            on);
    @SuppressWarnings("unchecked") // T is S, or a public supertype of it that hides the kind
    CompletableFuture<T> typed = (CompletableFuture<T>) future;
    return typed;
  }
}
