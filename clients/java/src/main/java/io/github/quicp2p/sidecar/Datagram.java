package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;

/**
 * An unreliable message that came.
 *
 * @param peerId the sender, proven by its key
 * @param payload the payload
 */
public record Datagram(String peerId, ByteString payload) {}
