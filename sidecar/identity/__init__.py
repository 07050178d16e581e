"""Who a sidecar is: its key, the peer id that names it, the certificate that shows it, and others' keys."""

from __future__ import annotations

from sidecar.identity.identity import KEY_FILE, Identity, PrivateKey, parse_private_key
from sidecar.identity.keys import (
    MAX_CHAIN_BYTES,
    MAX_CHAIN_CERTIFICATES,
    BadCertificate,
    PeerKey,
    leaf_key_untrusted,
    public_key_untrusted,
)
from sidecar.identity.peer_id import PEER_ID_CHARS, format_peer_id, parse_peer_id, peer_id_of

__all__ = [
    "KEY_FILE",
    "MAX_CHAIN_BYTES",
    "MAX_CHAIN_CERTIFICATES",
    "PEER_ID_CHARS",
    "BadCertificate",
    "Identity",
    "PeerKey",
    "PrivateKey",
    "format_peer_id",
    "leaf_key_untrusted",
    "parse_peer_id",
    "parse_private_key",
    "peer_id_of",
    "public_key_untrusted",
]
