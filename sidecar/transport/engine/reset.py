"""Stateless reset (RFC 9000 section 10.3): a sidecar that has restarted tells whoever goes on talking to the one before
it that it knows that connection no more, so that nobody waits for the idle timeout.

    reset    0 | 1 | random 6      random, 4 bytes or more      token 16

A token is HMAC-SHA-256 of the connection id under a key that a restart makes again: HKDF of the private key and the UDP
port. It is told in the acceptor's transport parameters, so it is for the connections that the peer has dialled.
"""

from __future__ import annotations

import hmac
import os

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN_BYTES = 16
LEAST_BYTES = 21
"""A shorter datagram is no reset."""
USUAL_BYTES = 42
_INFO = b"qp2p-sidecar/1 stateless reset"


def reset_key(private_key_pem: bytes, port: int) -> bytes:
    """The key of an endpoint's tokens. The port is in it, lest another socket of the same identity answers for a
    connection that is alive here (RFC 9000 section 10.3.2)."""
    return HKDF(SHA256(), 32, salt=None, info=_INFO + port.to_bytes(2, "big")).derive(private_key_pem)


def reset_token(key: bytes, connection_id: bytes) -> bytes:
    """The token of one of our connection ids."""
    return hmac.digest(key, connection_id, "sha256")[:TOKEN_BYTES]


def stateless_reset(key: bytes, connection_id: bytes, size: int) -> bytes | None:
    """What answers a datagram of `size` bytes for an unknown connection id: always smaller, so that two sides that both
    know nothing fall silent (RFC 9000 section 10.3.3). None where it would be too small to be one."""
    if size <= LEAST_BYTES:
        return None
    length = max(LEAST_BYTES, min(USUAL_BYTES, 3 * size // 4))
    noise = bytearray(os.urandom(length - TOKEN_BYTES))
    noise[0] = 0x40 | (noise[0] & 0x3F)
    return bytes(noise) + reset_token(key, connection_id)
