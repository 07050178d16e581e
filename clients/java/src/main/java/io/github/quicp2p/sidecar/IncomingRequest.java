package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What another app asks.
 *
 * @param peerId who asks, proven by its key
 * @param channel the channel
 * @param payload any bytes
 * @param headers what it says beside them
 * @param timeLeft how long it waits, from when the request came, where it said so
 * @param cancelled complete once nobody waits for the answer any longer
 */
public record IncomingRequest(
    String peerId,
    String channel,
    ByteString payload,
    Map<String, String> headers,
    Optional<Duration> timeLeft,
    CompletableFuture<Void> cancelled) {}
