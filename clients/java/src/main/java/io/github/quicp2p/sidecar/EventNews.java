package io.github.quicp2p.sidecar;

/** What a watch of events yields: events, and gaps between them. */
public sealed interface EventNews permits NodeEvent, Gap {}
