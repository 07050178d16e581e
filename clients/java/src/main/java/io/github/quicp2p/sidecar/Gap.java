package io.github.quicp2p.sidecar;

/**
 * A subscription or watch was broken off and is taken up again: what the sidecar held for it then
 * may be lost.
 *
 * @param detail what broke it off
 * @param restarted whether it is another run of the sidecar, whose queues died with the former one
 */
public record Gap(String detail, boolean restarted) implements Arrival, EventNews {}
