package io.github.quicp2p.sidecar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointTest {
  @Test
  void defaults() {
    Endpoint found = Endpoint.of(null, null, null, Map.of("SIDECAR_ENDPOINT", ""));
    assertEquals("127.0.0.1:7401", found.address());
    assertTrue(found.token().isEmpty());
    assertTrue(found.tls().isEmpty());
  }

  @Test
  void givenCountsOverTheEnvironment() {
    Map<String, String> environment =
        Map.of("SIDECAR_ENDPOINT", "unix:/run/sidecar/api.sock", "SIDECAR_TOKEN", "secret");
    Endpoint found = Endpoint.of(null, null, null, environment);
    assertEquals(Path.of("/run/sidecar/api.sock"), found.socket().orElseThrow());
    assertEquals("secret", found.token().orElseThrow());
    assertFalse(found.toString().contains("secret"));
    Endpoint given = Endpoint.of("[::1]:7401", "other", null, environment);
    assertEquals("[::1]:7401", given.address());
    assertEquals("other", given.token().orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        ":7401",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:x",
        "unix:relative",
        "::1:7401",
        "http://localhost:7401",
        "localhost:٧"
      })
  void malformedAddresses(String address) {
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class, () -> Endpoint.of(address, null, null, Map.of()));
    assertTrue(error.getMessage().contains(address), error.getMessage());
    assertTrue(error.getMessage().contains("write "), error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {" padded", "two\nlines", "ümlaut"})
  void tokensThatNoHeaderTakes(String token) {
    assertThrows(
        IllegalArgumentException.class,
        () -> Endpoint.of(null, null, null, Map.of("SIDECAR_TOKEN", token)));
  }

  @Test
  void tlsOfTheEnvironment(@TempDir Path folder) throws IOException {
    for (String name : new String[] {"ca", "cert", "key"}) {
      Files.writeString(folder.resolve(name), name);
    }
    Map<String, String> environment =
        Map.of(
            "SIDECAR_TLS_CA", folder.resolve("ca").toString(),
            "SIDECAR_TLS_CERT", folder.resolve("cert").toString(),
            "SIDECAR_TLS_KEY", folder.resolve("key").toString(),
            "SIDECAR_TLS_SERVER_NAME", "sidecar");
    Tls tls = Endpoint.of(null, null, null, environment).tls().orElseThrow();
    assertEquals("ca", tls.ca().toStringUtf8());
    assertEquals("cert", tls.certificate().orElseThrow().toStringUtf8());
    assertEquals("key", tls.key().orElseThrow().toStringUtf8());
    assertEquals("sidecar", tls.serverName().orElseThrow());
    for (Map<String, String> broken :
        List.of(
            Map.of("SIDECAR_TLS_CA", folder.resolve("none").toString()),
            Map.of(
                "SIDECAR_TLS_CA", environment.get("SIDECAR_TLS_CA"),
                "SIDECAR_TLS_KEY", environment.get("SIDECAR_TLS_KEY")),
            Map.of(
                "SIDECAR_TLS_CERT", environment.get("SIDECAR_TLS_CERT"),
                "SIDECAR_TLS_KEY", environment.get("SIDECAR_TLS_KEY")))) {
      IllegalArgumentException error =
          assertThrows(IllegalArgumentException.class, () -> Endpoint.of(null, null, null, broken));
      assertTrue(error.getMessage().contains("SIDECAR_TLS_"), error.getMessage());
    }
  }

  @Test
  void tlsThatIsNoPemIsAnErrorOfTheConstructor() {
    Tls tls =
        Tls.builder("no certificate".getBytes(java.nio.charset.StandardCharsets.UTF_8)).build();
    assertThrows(
        IllegalArgumentException.class,
        () -> Sidecar.builder().endpoint("localhost:1").tls(tls).build());
  }

  @Test
  void theRetryLayerIsRead() {
    assertTrue(Link.serviceConfig().containsKey("methodConfig"));
  }
}
