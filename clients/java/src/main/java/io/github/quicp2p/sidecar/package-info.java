/**
 * Messages between apps, each through the sidecar beside it. {@link
 * io.github.quicp2p.sidecar.Sidecar} is for threads, {@link io.github.quicp2p.sidecar.AsyncSidecar}
 * gives futures; both find the sidecar by {@code SIDECAR_ENDPOINT} and {@code SIDECAR_TOKEN}.
 *
 * <p>The messages of the API that verbs return, and the raw stubs, are those of {@code
 * io.github.quicp2p.sidecar.gen.overlay.v1}; {@code proto/overlay/v1} describes them.
 */
package io.github.quicp2p.sidecar;
