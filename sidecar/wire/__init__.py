"""The peer-to-peer protocol `qp2p-sidecar/1` without sockets or clocks. docs/protocol.md describes it for other
languages."""

ALPN = "qp2p-sidecar/1"
VERSION = 1
