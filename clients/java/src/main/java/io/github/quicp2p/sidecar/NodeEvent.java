package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.Event;
import java.util.Locale;

/**
 * Something that happened to the sidecar.
 *
 * @param event what
 */
public record NodeEvent(Event event) implements EventNews {
  /** Its kind in the API's words, such as {@code peer_linked}. */
  public String kind() {
    return event.getKindCase().name().toLowerCase(Locale.ROOT);
  }
}
