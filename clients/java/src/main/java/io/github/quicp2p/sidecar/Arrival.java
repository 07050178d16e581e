package io.github.quicp2p.sidecar;

/** What a subscription to a channel yields: messages, and gaps between them. */
public sealed interface Arrival permits Received, Gap {}
