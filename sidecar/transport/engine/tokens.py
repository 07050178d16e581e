"""Retry packets and their tokens (RFC 9000 section 8.1), which are our state kept by the client.

    token    generation 1 | nonce 12 | sealed by AES-GCM:
             expiry 8 (seconds of the caller's clock) | address 16, port 2 | length 1, the client's first connection id
             | the connection id that the Retry gave 8

A token serves one connection: it holds for its address, its time and the two connection ids, and once a connection was
made of it, never again. Packets of that connection that repeat it are the connection's own and do not come here.
"""

from __future__ import annotations

import ipaddress
import os
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sidecar.transport.engine.base import CONNECTION_ID_BYTES, Address
from sidecar.transport.engine.packet import LongHeader

TOKEN_LIFETIME = 10.0
"""Seconds; a key seals for as long, and opens for as long again."""
SPENT_MAX = 8192
"""Tokens of one key that may become connections; the next key comes sooner then, and the oldest goes with its tokens,
so that what is remembered of spent ones is bounded."""

_NONCE_BYTES = 12
_EXPIRY = struct.Struct("!d")
_ADDRESS_BYTES = 18


class Ticket(NamedTuple):
    """A token that holds."""

    original: bytes
    """The connection id the client chose before the Retry."""
    given: bytes
    """The one the Retry gave it."""
    generation: int


class Refused(Exception):
    """A token of ours that does not hold: for another address or connection, too late, or spent."""


class _Key:
    """One key, and which of its tokens have become connections."""

    def __init__(self, generation: int, began: float) -> None:
        self.generation = generation
        self.began = began
        self.sealer = AESGCM(AESGCM.generate_key(bit_length=128))
        self.spent: set[bytes] = set()


class RetryTokens:
    """Makes and checks tokens, with keys of this process that change."""

    def __init__(self, lifetime: float = TOKEN_LIFETIME) -> None:
        self._lifetime = lifetime
        self._keys: list[_Key] = []
        """The newest last; two at most."""

    def retry(self, header: LongHeader, address: Address, now: float) -> bytes:
        """The Retry packet that answers an Initial without a token."""
        key = self._current(now)
        given = os.urandom(CONNECTION_ID_BYTES)
        original = header.destination_id
        nonce = os.urandom(_NONCE_BYTES)
        plain = b"".join(
            (_EXPIRY.pack(now + self._lifetime), _packed(address), bytes([len(original)]), original, given)
        )
        token = bytes([key.generation & 0xFF]) + nonce + key.sealer.encrypt(nonce, plain, None)
        from aioquic.quic.packet import encode_quic_retry  # loaded by the first Retry, not by every sidecar

        return encode_quic_retry(
            version=header.version,
            source_cid=given,
            destination_cid=header.source_id,
            original_destination_cid=original,
            retry_token=token,
        )

    def read_untrusted(self, header: LongHeader, address: Address, now: float) -> Ticket | None:
        """What an Initial's token says; None for a token that is not ours, or of a key that is gone: it is as good as
        none (RFC 9000 section 8.1.3). Raises Refused for one of ours that does not hold."""
        token = header.token
        key = next((key for key in self._keys if token[:1] == bytes([key.generation & 0xFF])), None)
        if key is None:
            return None
        nonce, sealed = token[1 : 1 + _NONCE_BYTES], token[1 + _NONCE_BYTES :]
        try:
            plain = key.sealer.decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError):
            return None
        (expiry,) = _EXPIRY.unpack_from(plain)
        at = _EXPIRY.size + _ADDRESS_BYTES
        end = at + 1 + plain[at]
        given = plain[end:]
        if now > expiry:
            raise Refused("the token is too old")
        if plain[_EXPIRY.size : at] != _packed(address):
            raise Refused("the token is another address's")
        if given != header.destination_id:
            raise Refused("the token is another connection's")
        if given in key.spent:
            raise Refused("the token has served its connection")
        return Ticket(plain[at + 1 : end], given, key.generation)

    def spend(self, ticket: Ticket) -> None:
        """A connection was made of a token: it serves no other."""
        for key in self._keys:
            if key.generation == ticket.generation:
                key.spent.add(ticket.given)

    @property
    def remembered(self) -> int:
        """How many spent tokens are remembered."""
        return sum(len(key.spent) for key in self._keys)

    def _current(self, now: float) -> _Key:
        newest = self._keys[-1] if self._keys else None
        if newest is None or now >= newest.began + self._lifetime or len(newest.spent) >= SPENT_MAX:
            newest = _Key(newest.generation + 1 if newest is not None else 0, now)
            self._keys = [*self._keys[-1:], newest]
        return newest


def _packed(address: Address) -> bytes:
    host = ipaddress.ip_address(address[0].partition("%")[0]).packed
    return host.rjust(16, b"\0") + address[1].to_bytes(2, "big")
