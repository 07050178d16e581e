"""What a sidecar tells when it has begun to serve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadyInfo:
    """Who serves and where, with the real ports. `sidecar run --ready-json` prints it."""

    peer_id: str
    udp: list[str]
    """Where QUIC is heard, as `host:port`."""
    grpc: list[str]
    """Where the API is, as `host:port` or `unix:/path`."""
    admin: str | None
    """Where health and metrics are, as `host:port`; None when that is switched off."""
