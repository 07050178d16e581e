package io.github.quicp2p.sidecar;

/** What a watch of peers yields: a snapshot, then changes. */
public sealed interface PeerNews permits PeersSnapshot, PeerChange {}
