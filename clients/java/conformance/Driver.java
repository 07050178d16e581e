import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.errors.RequestFailedException;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.StreamResetException;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/** The driver of tests/conformance: a command a line in, events and an outcome a line out. */
final class Driver {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();
  private static final Map<String, String> GROUPS =
      Map.of("Sidecar", "SidecarError", "Request", "RequestError", "Peer", "PeerError");

  private final BufferedReader in;
  private final PrintStream out;

  private Driver(BufferedReader in, PrintStream out) {
    this.in = in;
    this.out = out;
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    // What anything else prints is no line of the protocol.
    System.setOut(System.err);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Driver driver = new Driver(in, out);
    try (Sidecar sidecar = Sidecar.create()) {
      Cases cases = new Cases(driver, sidecar);
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        driver.run(cases, JsonParser.parseString(line).getAsJsonObject());
      }
    }
  }

  private void run(Cases cases, JsonObject command) throws Exception {
    Params said = new Params(command);
    String name = said.text("case") + "/" + said.text("role");
    JsonObject outcome = new JsonObject();
    try {
      JsonElement result = cases.play(name, said.inner("params"));
      if (result == null) {
        outcome.add("error", failure("UnknownCase", name));
      } else {
        outcome.add("result", result);
      }
    } catch (SidecarException error) {
      outcome.add("error", error(error));
    } catch (RuntimeException error) {
      error.printStackTrace();
      outcome.add("error", failure(error.getClass().getSimpleName(), error.toString()));
    }
    write(outcome);
  }

  private static JsonObject failure(String kind, String detail) {
    JsonObject told = new JsonObject();
    told.addProperty("kind", kind);
    told.addProperty("reason", "");
    told.addProperty("detail", detail);
    told.add("fields", new JsonArray());
    told.add("retry_after", JsonNull.INSTANCE);
    return told;
  }

  /** Writes an event and what belongs to it. */
  void event(String name, JsonObject more) {
    JsonObject event = new JsonObject();
    event.addProperty("event", name);
    more.entrySet().forEach(entry -> event.add(entry.getKey(), entry.getValue()));
    write(event);
  }

  void ready() {
    event("ready", new JsonObject());
  }

  private synchronized void write(JsonObject line) {
    out.println(GSON.toJson(line));
    out.flush();
  }

  /** Reads the line that says to go on. */
  void awaitContinue() throws IOException {
    String line = in.readLine();
    if (line == null || !JsonParser.parseString(line).getAsJsonObject().has("continue")) {
      throw new IOException("no word to go on came: " + line);
    }
  }

  /** An error as the protocol tells it. */
  static JsonObject error(SidecarException error) {
    String kind = error.getClass().getSimpleName().replaceFirst("Exception$", "");
    JsonObject told = failure(GROUPS.getOrDefault(kind, kind), error.detail());
    told.addProperty("reason", error.reason());
    JsonArray fields = new JsonArray();
    error.fields().forEach(field -> fields.add(field.field()));
    told.add("fields", fields);
    error
        .retryAfter()
        .ifPresent(time -> told.add("retry_after", new JsonPrimitive(time.toNanos() / 1e9)));
    if (error instanceof RequestFailedException failed) {
      told.addProperty("code", failed.answerCode());
    } else if (error instanceof StreamResetException reset) {
      told.addProperty("code", reset.resetCode());
    }
    return told;
  }

  /** An error where a case has it as a result. */
  static JsonObject raised(SidecarException error) {
    JsonObject told = new JsonObject();
    told.add("raised", error(error));
    return told;
  }

  /** The payload of so many bytes: byte {@code i} is {@code (i * 31 + size) mod 256}. */
  static byte[] pattern(int size) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (i * 31 + size);
    }
    return bytes;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  static void update(MessageDigest digest, ByteString bytes) {
    bytes.asReadOnlyByteBufferList().forEach(digest::update);
  }

  static String digest(ByteString bytes) {
    MessageDigest digest = sha256();
    update(digest, bytes);
    return hex(digest);
  }
}
