import io.github.quicp2p.sidecar.Arrival;
import io.github.quicp2p.sidecar.Received;
import io.github.quicp2p.sidecar.Receiver;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.errors.SidecarException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * Chat with the app beside another sidecar: what is typed here is shown there.
 *
 * <pre>java -cp ... Chat PEER_ID</pre>
 */
final class Chat {
  private static final String CHANNEL = "chat";

  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length != 1) {
      System.err.println("usage: Chat PEER_ID");
      System.exit(2);
    }
    try (Sidecar sidecar = Sidecar.create()) {
      sidecar.waitReady();
      System.out.println("I am " + sidecar.node().getPeerId());
      try (Receiver inbox = sidecar.receive(CHANNEL)) {
        Thread reader = new Thread(() -> show(inbox), "chat");
        reader.start();
        say(sidecar, arguments[0]);
        inbox.close();
        reader.join();
      }
    }
  }

  private static void show(Receiver inbox) {
    for (Arrival arrival : inbox) {
      if (arrival instanceof Received message) {
        System.out.println(message.peerId().substring(0, 6) + ": " + message.text());
      } else {
        System.out.println("(the sidecar was away: something may be missing)");
      }
    }
  }

  private static void say(Sidecar sidecar, String peerId) throws IOException {
    BufferedReader typed =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = typed.readLine(); line != null; line = typed.readLine()) {
      try {
        sidecar.send(peerId, CHANNEL, line.getBytes(StandardCharsets.UTF_8));
      } catch (SidecarException error) {
        System.out.println("(not delivered: " + error.detail() + ")");
      }
    }
  }
}
