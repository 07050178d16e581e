package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.Peer;

/**
 * A peer as it is now.
 *
 * @param peer the peer; only its id where it was removed
 * @param removed whether it is forgotten
 */
public record PeerChange(Peer peer, boolean removed) implements PeerNews {}
