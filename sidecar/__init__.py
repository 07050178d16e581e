"""A peer-to-peer sidecar: QUIC between sidecars, gRPC to the app beside each."""

__version__ = "0.1.0"
