import io.github.quicp2p.sidecar.AnswerException;
import io.github.quicp2p.sidecar.IncomingRequest;
import io.github.quicp2p.sidecar.Replied;
import io.github.quicp2p.sidecar.Responder;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.errors.RequestFailedException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A service that answers requests, and who asks it.
 *
 * <pre>
 * java -cp ... Service serve                 answers until it is stopped
 * java -cp ... Service ask PEER_ID TEXT
 * </pre>
 */
final class Service {
  private static final String CHANNEL = "upper";

  public static void main(String[] arguments) {
    try (Sidecar sidecar = Sidecar.create()) {
      sidecar.waitReady();
      if (arguments.length == 1 && arguments[0].equals("serve")) {
        try (Responder responder = sidecar.reply(CHANNEL, Service::answer)) {
          System.out.println("serving");
          responder.await();
        }
      } else if (arguments.length == 3 && arguments[0].equals("ask")) {
        ask(sidecar, arguments[1], arguments[2]);
      } else {
        System.err.println("usage: Service serve | Service ask PEER_ID TEXT");
        System.exit(2);
      }
    }
  }

  private static Replied answer(IncomingRequest asked) {
    if (asked.payload().isEmpty()) {
      throw new AnswerException("empty", "ask something");
    }
    return Replied.of(asked.payload().toStringUtf8().toUpperCase(Locale.ROOT));
  }

  private static void ask(Sidecar sidecar, String peerId, String text) {
    try {
      Replied replied = sidecar.request(peerId, CHANNEL, text.getBytes(StandardCharsets.UTF_8));
      System.out.println(replied.payload().toStringUtf8());
    } catch (RequestFailedException error) {
      System.out.println(error.answerCode() + ": " + error.detail());
    }
  }
}
