import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.AcceptOptions;
import io.github.quicp2p.sidecar.Arrival;
import io.github.quicp2p.sidecar.AsyncAnswerer;
import io.github.quicp2p.sidecar.AsyncSidecar;
import io.github.quicp2p.sidecar.ByteStream;
import io.github.quicp2p.sidecar.ConsumeOptions;
import io.github.quicp2p.sidecar.Consumer;
import io.github.quicp2p.sidecar.PeerNews;
import io.github.quicp2p.sidecar.Readiness;
import io.github.quicp2p.sidecar.Received;
import io.github.quicp2p.sidecar.Receiver;
import io.github.quicp2p.sidecar.Replied;
import io.github.quicp2p.sidecar.ReplyOptions;
import io.github.quicp2p.sidecar.RequestOptions;
import io.github.quicp2p.sidecar.Responder;
import io.github.quicp2p.sidecar.SendOptions;
import io.github.quicp2p.sidecar.Sender;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.StreamOptions;
import io.github.quicp2p.sidecar.Wait;
import io.github.quicp2p.sidecar.Watch;
import io.github.quicp2p.sidecar.errors.CancelledException;
import io.github.quicp2p.sidecar.errors.RequestFailedException;
import io.github.quicp2p.sidecar.errors.SendFailedException;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.StreamResetException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What the cases of all languages do not ask: futures, interrupts, java.io and the ends of things,
 * beside two linked sidecars whose endpoints are the arguments. Prints a line for each that holds.
 */
final class OnlyJava {
  private static final int LARGE = 8 << 20;

  /** Goes in chunks. */
  private static final int HUGE = 17 << 20;

  /** Until what would wait for itself is given up. */
  private static final int PATIENCE_SECONDS = 60;

  private final AsyncSidecar here;
  private final AsyncSidecar there;
  private final String peer;

  private OnlyJava(AsyncSidecar here, AsyncSidecar there) {
    this.here = here;
    this.there = there;
    here.waitReady(Readiness.OVERLAY, Duration.ofSeconds(30)).join();
    there.waitReady(Readiness.OVERLAY, Duration.ofSeconds(30)).join();
    peer = there.node().join().getPeerId();
  }

  public static void main(String[] endpoints) throws Exception {
    try (AsyncSidecar here = Sidecar.builder().endpoint(endpoints[0]).buildAsync();
        AsyncSidecar there = Sidecar.builder().endpoint(endpoints[1]).buildAsync();
        Sidecar blocking = Sidecar.builder().endpoint(endpoints[1]).build()) {
      OnlyJava tried = new OnlyJava(here, there);
      tried.futuresThatAreTakenBackLoseNothing();
      tried.pipelinedByFutures();
      tried.aSenderStopsWhereNobodyReads();
      interrupts(blocking);
      tried.streamsOfJavaIo();
      tried.aStreamThatIsClosedIsWhole();
      tried.aStreamThatIsCancelledIsNoWhole();
      tried.whatDependsOnAFutureMayWait();
      tried.answersInHandGoOut();
      tried.anErrorIsTheRequesters();
      tried.timesWithoutEnd();
      tried.aBacklogIsLeftAtOnce();
      tried.theEndOfTheClient();
    }
  }

  private static void hold(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private void futuresThatAreTakenBackLoseNothing() throws Exception {
    try (Receiver inbox = there.receive("futures").get()) {
      hold(inbox.nextAsync().cancel(true), "a future can be cancelled");
      CompletableFuture<Optional<Arrival>> late = inbox.nextAsync();
      late.completeExceptionally(new TimeoutException());
      CompletableFuture<Optional<Arrival>> next = inbox.nextAsync();
      here.send(peer, "futures", bytes("kept"), SendOptions.DEFAULT).get();
      hold(next.get().get() instanceof Received came && came.text().equals("kept"), "kept");
    }
    System.out.println("futures");
  }

  private void pipelinedByFutures() throws Exception {
    try (Receiver inbox = there.receive("pipelined").get();
        Sender sender = here.sender(peer, "pipelined", SendOptions.DEFAULT)) {
      for (int i = 1; i <= 100; i++) {
        sender.sendAsync(ByteString.copyFromUtf8("m" + i), Map.of(), "");
      }
      sender.flushAsync().get();
      sender.resultAsync(100).get();
      for (int i = 1; i <= 100; i++) {
        Arrival came = inbox.next().orElseThrow();
        hold(came instanceof Received one && one.text().equals("m" + i), "in order: " + i);
      }
    }
    System.out.println("pipelined");
  }

  private void aSenderStopsWhereNobodyReads() {
    SendOptions options = SendOptions.builder().timeout(Duration.ofSeconds(3)).build();
    Sender sender = here.sender(peer, "unread", options);
    byte[] part = new byte[1 << 20];
    int taken = 0;
    try {
      while (taken < 1000) {
        sender.send(part);
        taken++;
      }
    } catch (SidecarException deadline) {
      hold(taken < 100, "it took " + taken + " MiB that nobody reads");
    }
    try {
      sender.close();
      throw new AssertionError("nothing has failed");
    } catch (SendFailedException failed) {
      hold(!failed.failures().isEmpty(), "each that failed is named");
    }
    System.out.println("stopped");
  }

  private static void interrupts(Sidecar blocking) {
    for (Runnable wait :
        new Runnable[] {
          () -> blocking.receive("never"),
          () -> blocking.acceptStream("never"),
          () -> blocking.waitReady(Readiness.API, Duration.ofSeconds(30))
        }) {
      Thread.currentThread().interrupt();
      try {
        wait.run();
        throw new AssertionError("it did not mind the interrupt");
      } catch (CancelledException cancelled) {
        hold(Thread.interrupted(), "the thread stays interrupted");
      }
    }
    System.out.println("interrupted");
  }

  private void streamsOfJavaIo() throws Exception {
    CompletableFuture<ByteStream> accepted = there.acceptStream("io", AcceptOptions.DEFAULT);
    try (ByteStream out = here.openStream(peer, "io", StreamOptions.DEFAULT)) {
      CompletableFuture<Void> written = out.writeAsync(ByteString.copyFrom(new byte[LARGE]));
      try (ByteStream in = accepted.get()) {
        hold(!written.isDone(), "what nobody reads is not taken");
        hold(in.input().readNBytes(LARGE).length == LARGE, "all that was written");
        written.get();
        try (OutputStream last = out.output()) {
          last.write("end".getBytes(StandardCharsets.UTF_8));
        }
        String end = new String(in.input().readAllBytes(), StandardCharsets.UTF_8);
        hold(end.equals("end"), "to the end");
        in.finish();
      }
    }
    System.out.println("streamed");
  }

  private void aStreamThatIsClosedIsWhole() throws Exception {
    CompletableFuture<ByteStream> accepted = there.acceptStream("whole", AcceptOptions.DEFAULT);
    CompletableFuture<ByteString> read =
        accepted.thenApplyAsync(
            in -> {
              try (in) {
                return in.readAll();
              }
            });
    try (ByteStream out = here.openStream(peer, "whole", StreamOptions.DEFAULT)) {
      out.write("all of it".getBytes(StandardCharsets.UTF_8));
    }
    hold(read.get().equals(bytes("all of it")), "closing has finished it");

    accepted = there.acceptStream("under way", AcceptOptions.DEFAULT);
    ByteStream out = here.openStream(peer, "under way", StreamOptions.DEFAULT);
    CompletableFuture<Void> written = out.writeAsync(ByteString.copyFrom(new byte[LARGE]));
    CompletableFuture<Void> closed = out.closeAsync();
    try (ByteStream in = accepted.get()) {
      hold(!written.isDone() && !closed.isDone(), "what nobody reads is not taken");
      hold(in.readAll().size() == LARGE, "what was being written goes first");
    }
    closed.get();
    System.out.println("whole");
  }

  private void aStreamThatIsCancelledIsNoWhole() throws Exception {
    CompletableFuture<ByteStream> accepted = there.acceptStream("part", AcceptOptions.DEFAULT);
    try (ByteStream out = here.openStream(peer, "part", StreamOptions.DEFAULT)) {
      out.write("a part".getBytes(StandardCharsets.UTF_8));
      accepted.get().read();
      out.cancel();
    }
    try (ByteStream in = accepted.get()) {
      in.input().readAllBytes();
      throw new AssertionError("a part was taken for the whole");
    } catch (IOException error) {
      hold(error.getCause() instanceof StreamResetException, "as the reset that it is: " + error);
    }
    accepted = there.acceptStream("no part", AcceptOptions.DEFAULT);
    ByteStream opened = here.openStream(peer, "no part", StreamOptions.DEFAULT);
    try (ByteStream in = accepted.get()) {
      opened.reset(7);
      opened.close();
      in.readAll();
      throw new AssertionError("a part was taken for the whole");
    } catch (StreamResetException reset) {
      hold(reset.resetCode() == 7, "the block is left by what its reading failed with: " + reset);
    }
    accepted = there.acceptStream("being written", AcceptOptions.DEFAULT);
    ByteStream stuck = here.openStream(peer, "being written", StreamOptions.DEFAULT);
    CompletableFuture<Void> written = stuck.writeAsync(ByteString.copyFrom(new byte[LARGE]));
    accepted.get();
    stuck.reset(1);
    hold(failed(written), "what was being written");
    accepted = there.acceptStream("finished", AcceptOptions.DEFAULT);
    ByteStream done = here.openStream(peer, "finished", StreamOptions.DEFAULT);
    done.finish();
    accepted.get().read();
    done.reset(1);
    done.reset(1);
    System.out.println("reset");
  }

  private static boolean failed(CompletableFuture<Void> future) throws Exception {
    try {
      future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      return false;
    } catch (ExecutionException error) {
      return error.getCause() instanceof SidecarException;
    }
  }

  /** Each of these would wait for what only the thread that it stands on could bring. */
  private void whatDependsOnAFutureMayWait() throws Exception {
    try (Sidecar waits = Sidecar.builder().endpoint(here.endpoint().address()).build();
        Consumer consumer = there.consume("waits", ConsumeOptions.DEFAULT).get()) {
      CompletableFuture<Void> acks =
          CompletableFuture.runAsync(
              () -> consumer.forEach(arrival -> consumer.ack((Received) arrival)));
      AsyncSidecar promises = waits.async();
      SendOptions processed = SendOptions.builder().level(Wait.PROCESSED).build();
      Sender sender = promises.sender(peer, "waits", processed);
      goesOn(
          sender
              .resultAsync(sender.send(new byte[1]))
              .thenRun(() -> sender.result(sender.send(new byte[2]))));
      goesOn(sender.sendAsync(new byte[LARGE]).thenAccept(sender::result));
      goesOn(sender.flushAsync().thenRun(sender::flush));
      goesOn(sender.closeAsync().thenRun(waits::node));
      goesOn(promises.send(peer, "waits", new byte[HUGE], processed).thenRun(waits::node));
      Consumer another = promises.consume("closes", ConsumeOptions.DEFAULT).get();
      goesOn(another.closeAsync().thenRun(waits::node));
      Responder responder = waits.reply("closes", request -> Replied.of("never"));
      goesOn(responder.closeAsync().thenRun(waits::node));
      consumer.close();
      goesOn(acks);
    }
    System.out.println("waited");
  }

  private static void goesOn(CompletableFuture<Void> future) throws Exception {
    future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  private void answersInHandGoOut() throws Exception {
    CompletableFuture<Void> asked = new CompletableFuture<>();
    CompletableFuture<Replied> answer = new CompletableFuture<>();
    Responder responder =
        there
            .reply(
                "late",
                request -> {
                  asked.complete(null);
                  return answer;
                },
                ReplyOptions.DEFAULT)
            .get();
    CompletableFuture<Replied> reply =
        here.request(peer, "late", bytes("?"), RequestOptions.DEFAULT);
    asked.get();
    CompletableFuture<Void> closed = responder.closeAsync();
    answer.complete(Replied.of("late"));
    hold(reply.get().payload().equals(bytes("late")), "the answer in hand went out");
    closed.get();
    responder.ended().get();
    System.out.println("answered");
  }

  private void anErrorIsTheRequesters() throws Exception {
    AsyncAnswerer failing =
        request -> {
          throw new StackOverflowError("a bug of the app");
        };
    RequestOptions patient =
        RequestOptions.builder().timeout(Duration.ofSeconds(PATIENCE_SECONDS)).build();
    // An error is its thread's end, too, which is told to whoever listens for that.
    Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {});
    try (Responder responder = there.reply("errors", failing, ReplyOptions.DEFAULT).get()) {
      here.request(peer, "errors", bytes("?"), patient).get();
      throw new AssertionError("an error is no answer");
    } catch (ExecutionException failed) {
      hold(failed.getCause() instanceof RequestFailedException, "the requester is told");
    }
    System.out.println("told");
  }

  private void timesWithoutEnd() throws Exception {
    Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
    here.waitReady(Readiness.API, forever).get();
    here.send(peer, "forever", bytes("x"), SendOptions.builder().timeout(forever).build()).get();
    ConsumeOptions options = ConsumeOptions.builder().timeout(forever).build();
    try (Consumer jobs = there.consume("forever", options).get()) {
      hold(jobs.next(forever).isPresent(), "it came");
    }
    try (Sender sender = here.sender(peer, "forever", SendOptions.DEFAULT)) {
      sender.result(sender.send(new byte[1]), forever);
      sender.flush(forever);
    }
    System.out.println("endless");
  }

  /** The sidecar's end of the call comes behind what it has handed out and nobody has read. */
  private void aBacklogIsLeftAtOnce() throws Exception {
    ByteString job = ByteString.copyFrom(new byte[100]);
    for (int count = 2; count < 6; count++) {
      String channel = "backlog " + count;
      Consumer jobs = there.consume(channel, ConsumeOptions.DEFAULT).get();
      for (int i = 0; i < count; i++) {
        here.send(peer, channel, job, SendOptions.DEFAULT).get();
      }
      jobs.ack((Received) jobs.next().orElseThrow());
      // After five seconds it would give up and be cancelled.
      jobs.closeAsync().get(4, TimeUnit.SECONDS);
      try (Consumer others = there.consume(channel, ConsumeOptions.DEFAULT).get()) {
        for (int i = 1; i < count; i++) {
          others.ack((Received) others.next().orElseThrow());
        }
      }
    }
    System.out.println("left");
  }

  private void theEndOfTheClient() throws Exception {
    Watch<PeerNews> watch = there.watchPeers().get();
    watch.next();
    CompletableFuture<Void> iteration = CompletableFuture.runAsync(() -> watch.forEach(news -> {}));
    there.close();
    iteration.get();
    try {
      there.peers(false).get();
      throw new AssertionError("a closed client was asked");
    } catch (ExecutionException failed) {
      hold(failed.getCause().getMessage().contains("this client is closed"), "closed");
    }
    System.out.println("closed");
  }
}
