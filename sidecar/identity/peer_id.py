"""Peer ids: the SHA-256 of a key's SubjectPublicKeyInfo in DER, printed in base32 (RFC 4648 section 6).

256 bits make 52 lower-case characters of 5 bits, without padding; the last one holds one bit, then 4 zeros.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

PEER_ID_CHARS = 52
"""The length of a printed peer id."""

_SHAPE = re.compile(r"[a-z2-7]{52}", re.ASCII)


def format_peer_id(digest: bytes) -> str:
    """The printed form of a peer id's 32 bytes. Raises ValueError for another length."""
    if len(digest) != 32:
        raise ValueError(f"a peer id has 32 bytes, not {len(digest)}")
    return base64.b32encode(digest).decode("ascii").rstrip("=").lower()


def peer_id_of(spki: bytes) -> str:
    """The peer id of a key, given as SubjectPublicKeyInfo in DER."""
    return format_peer_id(hashlib.sha256(spki).digest())


def parse_peer_id(text: str) -> bytes:
    """The 32 bytes of a printed peer id. Each peer has exactly one spelling.

    Raises ValueError, saying what is wrong, for anything that `format_peer_id` does not print.
    """
    if len(text) != PEER_ID_CHARS:
        raise ValueError(f"a peer id has {PEER_ID_CHARS} characters, not {len(text)}")
    if not _SHAPE.fullmatch(text):
        raise ValueError("a peer id has only the characters a-z and 2-7")
    try:
        digest = base64.b32decode(text.upper() + "====")
    except binascii.Error as error:
        raise ValueError(f"a peer id is base32: {error}") from None
    if format_peer_id(digest) != text:
        raise ValueError(f"no peer id ends in {text[-1]!r}: a character is wrong")
    return digest
