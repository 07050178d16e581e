package io.github.quicp2p.sidecar;

import java.util.concurrent.CompletionStage;

/** An app that answers requests without holding a thread. */
@FunctionalInterface
public interface AsyncAnswerer {
  /**
   * Begins to answer one request. What it fails with is told as {@link Answerer#answer} says; its
   * future is cancelled when nobody waits for the answer any longer.
   */
  CompletionStage<Replied> answer(IncomingRequest request) throws Exception;
}
