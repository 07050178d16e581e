import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a command brings, by name; what is left out or null is not there. */
record Params(JsonObject json) {
  boolean has(String name) {
    return json.has(name) && !json.get(name).isJsonNull();
  }

  Optional<JsonElement> get(String name) {
    return has(name) ? Optional.of(json.get(name)) : Optional.empty();
  }

  String text(String name) {
    return get(name).map(JsonElement::getAsString).orElse("");
  }

  long number(String name, long otherwise) {
    return get(name).map(element -> element.getAsBigInteger().longValue()).orElse(otherwise);
  }

  int count(String name) {
    return Math.toIntExact(number(name, 0));
  }

  boolean flag(String name, boolean otherwise) {
    return get(name).map(JsonElement::getAsBoolean).orElse(otherwise);
  }

  Optional<Duration> time(String name) {
    return get(name).map(value -> Duration.ofNanos(Math.round(value.getAsDouble() * 1e9)));
  }

  List<JsonElement> list(String name) {
    List<JsonElement> items = new ArrayList<>();
    get(name).map(JsonElement::getAsJsonArray).orElseGet(JsonArray::new).forEach(items::add);
    return items;
  }

  List<String> texts(String name) {
    return list(name).stream().map(JsonElement::getAsString).toList();
  }

  Map<String, String> map(String name) {
    Map<String, String> map = new LinkedHashMap<>();
    inner(name)
        .json()
        .entrySet()
        .forEach(entry -> map.put(entry.getKey(), entry.getValue().getAsString()));
    return map;
  }

  Params inner(String name) {
    return new Params(get(name).map(JsonElement::getAsJsonObject).orElseGet(JsonObject::new));
  }

  /** The bytes of {@code b64}, or the pattern of {@code size} bytes. */
  ByteString payload() {
    return has("size")
        ? ByteString.copyFrom(Driver.pattern(count("size")))
        : ByteString.copyFrom(Base64.getDecoder().decode(text("b64")));
  }
}
