package io.github.quicp2p.sidecar.errors;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/** Some messages of a sender did not reach their level. */
public class SendFailedException extends SidecarException {
  private static final long serialVersionUID = 1L;

  @SuppressWarnings("serial") // List.copyOf makes one that is
  private final List<Failure> failures;

  /** Of at least one failure; its reason and status are those of the first. */
  public SendFailedException(List<Failure> failures) {
    super(detailsOf(failures));
    this.failures = List.copyOf(failures);
  }

  /** Which messages failed, and why: those that no former exception of the sender has named. */
  public List<Failure> failures() {
    return failures;
  }

  private static ErrorDetails detailsOf(List<Failure> failures) {
    Failure first = failures.get(0);
    long count = failures.stream().mapToLong(one -> one.last() - one.first() + 1).sum();
    return new ErrorDetails(
        count
            + (count > 1 ? " messages" : " message")
            + " failed, the first being number "
            + first.first()
            + ": "
            + first.error().getMessage(),
        first.error().code(),
        first.error().reason(),
        Map.of(),
        List.of(),
        null,
        first.error());
  }

  /**
   * Messages that did not reach the level.
   *
   * @param first the number of the first of them
   * @param last and of the last, inclusive
   * @param error why
   */
  public record Failure(long first, long last, SidecarException error) implements Serializable {
    private static final long serialVersionUID = 1L;
  }
}
