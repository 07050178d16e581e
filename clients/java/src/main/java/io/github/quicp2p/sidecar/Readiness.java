package io.github.quicp2p.sidecar;

import java.util.Locale;

/** The ladder of a sidecar's health. */
public enum Readiness {
  /** The process answers. */
  LIVE,
  /** It takes calls. */
  API,
  /** It is linked to at least one peer. */
  OVERLAY;

  String service() {
    return name().toLowerCase(Locale.ROOT);
  }
}
