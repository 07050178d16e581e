package io.github.quicp2p.sidecar;

/** An app that answers requests. It may be called by several threads at once. */
@FunctionalInterface
public interface Answerer {
  /**
   * Answers one request. The thread is interrupted when nobody waits for the answer any longer.
   *
   * @throws AnswerException to have the one that asked told its code; any other exception is told
   *     as the code {@code internal}, and ends nothing else
   */
  Replied answer(IncomingRequest request) throws Exception;
}
