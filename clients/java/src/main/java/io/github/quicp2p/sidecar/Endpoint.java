package io.github.quicp2p.sidecar;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * A sidecar's gRPC listener and how to reach it.
 *
 * <table>
 * <caption>What the environment says where nothing is given</caption>
 * <tr><td>{@code SIDECAR_ENDPOINT}</td>
 *     <td>{@code host:port} or {@code unix:/path}; 127.0.0.1:7401 when unset</td></tr>
 * <tr><td>{@code SIDECAR_TOKEN}</td>
 *     <td>sent with every call as {@code authorization: Bearer TOKEN}</td></tr>
 * <tr><td>{@code SIDECAR_TLS_CA}</td>
 *     <td>file with the CA of the sidecar's certificate, PEM; turns TLS on</td></tr>
 * <tr><td>{@code SIDECAR_TLS_CERT}, {@code SIDECAR_TLS_KEY}</td>
 *     <td>files with this app's own certificate and key (PKCS #8), PEM</td></tr>
 * <tr><td>{@code SIDECAR_TLS_SERVER_NAME}</td>
 *     <td>the name in the sidecar's certificate where it is not the endpoint's host</td></tr>
 * </table>
 */
public final class Endpoint {
  /** Where a sidecar listens unless it is told otherwise. */
  public static final String DEFAULT_ADDRESS = "127.0.0.1:7401";

  private static final String UNIX = "unix:";

  private final String address;
  private final String token;
  private final Tls tls;

  private Endpoint(String address, String token, Tls tls) {
    this.address = address;
    this.token = token;
    this.tls = tls;
  }

  /** What this process's environment says. IllegalArgumentException names what is malformed. */
  public static Endpoint fromEnvironment() {
    return of(null, null, null, System.getenv());
  }

  /**
   * What is given, else what the environment says, else the default.
   *
   * @throws IllegalArgumentException naming what is malformed and saying what to write
   */
  static Endpoint of(String address, String token, Tls tls, Map<String, String> environment) {
    String where = first(address, environment.get("SIDECAR_ENDPOINT"));
    where = where == null ? DEFAULT_ADDRESS : where;
    checkAddress(where);
    String word = first(token, environment.get("SIDECAR_TOKEN"));
    if (word != null && !word.chars().allMatch(one -> one > ' ' && one < 0x7f || one == ' ')
        || word != null && !word.equals(word.strip())) {
      throw new IllegalArgumentException(
          "SIDECAR_TOKEN holds blanks at its ends or characters that no HTTP header takes");
    }
    return new Endpoint(where, word, tls == null ? tlsOf(environment) : tls);
  }

  private static String first(String given, String other) {
    if (given != null && !given.isEmpty()) {
      return given;
    }
    return other == null || other.isEmpty() ? null : other;
  }

  private static void checkAddress(String address) {
    if (address.startsWith(UNIX)) {
      if (!pathOf(address).startsWith("/")) {
        throw new IllegalArgumentException("endpoint '" + address + "': write unix:/absolute/path");
      }
      return;
    }
    int colon = address.lastIndexOf(':');
    String host = colon < 0 ? "" : address.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]") && host.length() > 2;
    String port = address.substring(colon + 1);
    boolean digits = !port.isEmpty() && port.length() <= 5 && port.matches("[0-9]+");
    int number = digits ? Integer.parseInt(port) : 0;
    if (host.isEmpty()
        || host.indexOf('/') >= 0
        || host.indexOf(':') >= 0 && !bracketed
        || number < 1
        || number > 65535) {
      throw new IllegalArgumentException(
          "endpoint '"
              + address
              + "': write host:port with a port from 1 to 65535 ([v6]:port), or unix:/path");
    }
  }

  private static String pathOf(String address) {
    String path = address.substring(UNIX.length());
    return path.startsWith("//") ? path.substring(2) : path;
  }

  private static Tls tlsOf(Map<String, String> environment) {
    byte[] ca = read(environment, "SIDECAR_TLS_CA");
    byte[] certificate = read(environment, "SIDECAR_TLS_CERT");
    byte[] key = read(environment, "SIDECAR_TLS_KEY");
    if ((certificate == null) != (key == null)) {
      throw new IllegalArgumentException(
          "SIDECAR_TLS_CERT and SIDECAR_TLS_KEY belong together: set both or neither");
    }
    if (ca == null) {
      if (certificate != null) {
        throw new IllegalArgumentException(
            "SIDECAR_TLS_CERT needs SIDECAR_TLS_CA: the CA that the sidecar's certificate is"
                + " checked by");
      }
      return null;
    }
    Tls.Builder tls = Tls.builder(ca);
    if (certificate != null) {
      tls.certificate(certificate, key);
    }
    String name = environment.get("SIDECAR_TLS_SERVER_NAME");
    if (name != null && !name.isEmpty()) {
      tls.serverName(name);
    }
    return tls.build();
  }

  private static byte[] read(Map<String, String> environment, String name) {
    String path = environment.get(name);
    if (path == null || path.isEmpty()) {
      return null;
    }
    try {
      return Files.readAllBytes(Path.of(path));
    } catch (NoSuchFileException error) {
      throw new IllegalArgumentException(name + "=" + path + ": no such file", error);
    } catch (IOException error) {
      throw new IllegalArgumentException(name + "=" + path + ": " + error.getMessage(), error);
    }
  }

  /** {@code host:port} or {@code unix:/path}. */
  public String address() {
    return address;
  }

  /** The token, where there is one. */
  public Optional<String> token() {
    return Optional.ofNullable(token);
  }

  /** How the channel is encrypted, where it is. */
  public Optional<Tls> tls() {
    return Optional.ofNullable(tls);
  }

  /** The path of its Unix socket, where it is one. */
  Optional<Path> socket() {
    return address.startsWith(UNIX) ? Optional.of(Path.of(pathOf(address))) : Optional.empty();
  }

  @Override
  public String toString() {
    return "Endpoint " + address + (tls == null ? "" : " over TLS");
  }
}
