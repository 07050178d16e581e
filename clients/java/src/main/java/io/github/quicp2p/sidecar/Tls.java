package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import java.util.Objects;
import java.util.Optional;

/** How the channel is encrypted: PEM, all of it. */
public final class Tls {
  private final ByteString ca;
  private final ByteString certificate;
  private final ByteString key;
  private final String serverName;

  private Tls(Builder builder) {
    ca = Objects.requireNonNull(builder.ca, "ca");
    certificate = builder.certificate;
    key = builder.key;
    serverName = builder.serverName;
  }

  /** Begins with the certificates that may have signed the sidecar's. */
  public static Builder builder(byte[] ca) {
    return new Builder(ByteString.copyFrom(ca));
  }

  /** The certificates that may have signed the sidecar's. */
  public ByteString ca() {
    return ca;
  }

  /** This app's certificate chain, where the sidecar asks for one. */
  public Optional<ByteString> certificate() {
    return Optional.ofNullable(certificate);
  }

  /** Its private key, as PKCS #8. */
  public Optional<ByteString> key() {
    return Optional.ofNullable(key);
  }

  /** The name to expect in the sidecar's certificate, where it is not the endpoint's host. */
  public Optional<String> serverName() {
    return Optional.ofNullable(serverName);
  }

  @Override
  public String toString() {
    return "Tls" + (certificate == null ? "" : " with a certificate of its own");
  }

  /** Makes a {@link Tls}. */
  public static final class Builder {
    private final ByteString ca;
    private ByteString certificate;
    private ByteString key;
    private String serverName;

    private Builder(ByteString ca) {
      this.ca = ca;
    }

    /** This app's own certificate chain and its private key (PKCS #8). */
    public Builder certificate(byte[] chain, byte[] privateKey) {
      certificate = ByteString.copyFrom(chain);
      key = ByteString.copyFrom(privateKey);
      return this;
    }

    /** The name to expect in the sidecar's certificate. */
    public Builder serverName(String name) {
      serverName = name;
      return this;
    }

    /** What was said. */
    public Tls build() {
      return new Tls(this);
    }
  }
}
