import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.Replied;
import io.github.quicp2p.sidecar.Wait;
import java.time.Instant;
import java.util.Base64;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** What the driver tells, as JSON. */
final class Json {
  private Json() {}

  static JsonElement text(String value) {
    return new JsonPrimitive(value);
  }

  static JsonElement number(Number value) {
    return new JsonPrimitive(value);
  }

  /** An enumeration's name without the prefix of the API; empty where nothing is said. */
  static JsonElement plain(Enum<?> value, String prefix) {
    String name = value.name().replaceFirst("^" + prefix, "");
    return text(name.equals("UNSPECIFIED") ? "" : name);
  }

  static Wait level(String name) {
    return Wait.valueOf(name.toUpperCase(Locale.ROOT));
  }

  static String name(Wait level) {
    return level.name().toLowerCase(Locale.ROOT);
  }

  static JsonElement seconds(Optional<Instant> time) {
    return time.map(value -> number(value.getEpochSecond() + value.getNano() / 1e9))
        .orElse(JsonNull.INSTANCE);
  }

  static JsonElement base64(ByteString bytes) {
    return text(Base64.getEncoder().encodeToString(bytes.toByteArray()));
  }

  static JsonObject headers(Map<String, String> headers) {
    JsonObject told = new JsonObject();
    headers.forEach(told::addProperty);
    return told;
  }

  static JsonObject replied(Replied replied) {
    return object("b64", base64(replied.payload()), "headers", headers(replied.headers()));
  }

  static <T> JsonArray array(Collection<T> items, Function<T, JsonElement> map) {
    JsonArray array = new JsonArray();
    items.forEach(item -> array.add(map.apply(item)));
    return array;
  }

  /** Of names and values in turn. */
  static JsonObject object(Object... pairs) {
    JsonObject object = new JsonObject();
    for (int i = 0; i < pairs.length; i += 2) {
      object.add((String) pairs[i], (JsonElement) pairs[i + 1]);
    }
    return object;
  }
}
