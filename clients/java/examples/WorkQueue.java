import io.github.quicp2p.sidecar.Arrival;
import io.github.quicp2p.sidecar.ConsumeOptions;
import io.github.quicp2p.sidecar.Consumer;
import io.github.quicp2p.sidecar.Received;
import io.github.quicp2p.sidecar.SendOptions;
import io.github.quicp2p.sidecar.Sidecar;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/**
 * A work queue that outlives both sidecars and both apps: jobs are durable, and done when they are
 * acknowledged.
 *
 * <pre>
 * java -cp ... WorkQueue worker              works until it is stopped
 * java -cp ... WorkQueue submit PEER_ID JOB...
 * </pre>
 */
final class WorkQueue {
  private static final String CHANNEL = "jobs";

  public static void main(String[] arguments) {
    try (Sidecar sidecar = Sidecar.create()) {
      sidecar.waitReady();
      if (arguments.length == 1 && arguments[0].equals("worker")) {
        work(sidecar);
      } else if (arguments.length > 2 && arguments[0].equals("submit")) {
        submit(sidecar, arguments[1], Arrays.copyOfRange(arguments, 2, arguments.length));
      } else {
        System.err.println("usage: WorkQueue worker | WorkQueue submit PEER_ID JOB...");
        System.exit(2);
      }
    }
  }

  private static void submit(Sidecar sidecar, String peerId, String[] jobs) {
    for (String job : jobs) {
      // With its own name, a job that is submitted again is not done twice.
      SendOptions options = SendOptions.builder().durable(true).messageId(job).build();
      sidecar.send(peerId, CHANNEL, job.getBytes(StandardCharsets.UTF_8), options);
      System.out.println("accepted " + job);
    }
  }

  private static void work(Sidecar sidecar) {
    ConsumeOptions options =
        ConsumeOptions.builder()
            .credits(1)
            .ackDeadline(Duration.ofSeconds(30))
            .maxDeliveries(3)
            .build();
    try (Consumer jobs = sidecar.consume(CHANNEL, options)) {
      System.out.println("working");
      for (Arrival arrival : jobs) {
        if (arrival instanceof Received job) {
          work(jobs, job);
        }
      }
    }
  }

  private static void work(Consumer jobs, Received job) {
    if (job.text().startsWith("bad") && job.redeliveryCount() == 0) {
      System.out.println("put back " + job.text());
      jobs.nack(job, Duration.ofMillis(100));
      return;
    }
    System.out.println("done " + job.text() + ", tries " + (job.redeliveryCount() + 1));
    jobs.ack(job);
  }
}
