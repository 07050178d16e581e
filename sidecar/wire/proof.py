"""Proof of the dialler's identity: a signature over both hellos and the acceptor's certificate.

    transcript = "qp2p-sidecar/1 dialler proof" 0x00
                 SHA-256(acceptor's leaf certificate in DER)      binds it to the TLS session (after RFC 5929 section 4)
                 acceptor's nonce (32) dialler's nonce (32)       binds it to this connection
                 SHA-256(body of the dialler's HELLO)             binds what it said

The acceptor's identity needs none: its TLS certificate is it.
"""

from __future__ import annotations

import hashlib

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import BadCertificate, PeerKey, leaf_key_untrusted
from sidecar.wire.errors import Close, Untrusted

CONTEXT = b"qp2p-sidecar/1 dialler proof\x00"
NONCE_BYTES = 32


def transcript(acceptor_leaf: bytes, acceptor_nonce: bytes, dialler_nonce: bytes, hello_body: bytes) -> bytes:
    """The bytes that are signed."""
    return b"".join(
        (
            CONTEXT,
            hashlib.sha256(acceptor_leaf).digest(),
            acceptor_nonce,
            dialler_nonce,
            hashlib.sha256(hello_body).digest(),
        )
    )


def verify_untrusted(proof: wire_pb2.Proof, signed: bytes) -> PeerKey:
    """The key that the proof proves. Raises Untrusted."""
    try:
        key = leaf_key_untrusted(proof.certificates)
    except BadCertificate as error:
        raise Untrusted(Close.PROOF, f"proof of identity: {error}") from error
    if not key.verify(proof.signature, signed):
        raise Untrusted(Close.PROOF, "proof of identity: the signature is not by the shown key over this handshake")
    return key
