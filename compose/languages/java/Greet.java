import io.github.quicp2p.sidecar.Arrival;
import io.github.quicp2p.sidecar.Received;
import io.github.quicp2p.sidecar.Receiver;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.errors.SidecarException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/** An app that greets every peer its sidecar is linked to, and says when it has been greeted by each of the others. */
final class Greet {
  private static final String NAME = "java";
  private static final int OTHERS = 2;
  private static final long PAUSE_MILLIS = 1000;

  public static void main(String[] arguments) {
    try (Sidecar sidecar = Sidecar.create()) {
      sidecar.waitReady();
      Thread greeter = new Thread(() -> greet(sidecar), "greeter");
      greeter.setDaemon(true);
      greeter.start();
      listen(sidecar);
    }
  }

  private static void greet(Sidecar sidecar) {
    byte[] greeting = ("hello from " + NAME).getBytes(StandardCharsets.UTF_8);
    while (true) {
      try {
        for (var peer : sidecar.peers(true)) {
          sidecar.send(peer.getPeerId(), "greetings", greeting);
        }
      } catch (SidecarException error) {
        System.err.println(NAME + ": a greeting failed: " + error.detail());
      }
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException ended) {
        return;
      }
    }
  }

  private static void listen(Sidecar sidecar) {
    Set<String> heard = new HashSet<>();
    try (Receiver inbox = sidecar.receive("greetings")) {
      for (Arrival arrival : inbox) {
        if (!(arrival instanceof Received message) || !heard.add(message.peerId())) {
          continue;
        }
        System.out.println(NAME + ": " + message.peerId().substring(0, 8) + " says: " + message.text());
        if (heard.size() == OTHERS) {
          System.out.println(NAME + ": everybody has greeted me");
        }
      }
    }
  }
}
