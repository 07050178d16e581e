package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.Peer;
import java.util.List;

/**
 * Every peer known, when a watch begins or has to begin anew; what is not in it is forgotten.
 *
 * @param peers the peers, by id
 */
public record PeersSnapshot(List<Peer> peers) implements PeerNews {}
