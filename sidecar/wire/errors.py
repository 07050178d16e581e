"""What ends a connection: the application close codes, and the one exception of the decoders of network bytes."""

from __future__ import annotations

from enum import IntEnum

from sidecar.trust import Refusal, Refused


class Close(IntEnum):
    """Application error codes of CONNECTION_CLOSE (RFC 9000 section 20.2) and of REJECT."""

    DONE = 0x0
    """Nothing is wrong: disconnected, or drained after GOAWAY."""
    INTERNAL = 0x1
    """A bug on the closing side."""
    MALFORMED = 0x2
    """Bytes that cannot be decoded, or that break a rule of the protocol."""
    HANDSHAKE_TIMEOUT = 0x3
    """No WELCOME within the handshake's deadline."""
    VERSION = 0x4
    """The HELLO's version is not spoken here."""
    NETWORK = 0x5
    """Another network id."""
    PROOF = 0x6
    """The dialler's proof of identity does not hold."""
    IDENTITY = 0x7
    """Whoever answers is not the peer that was expected."""
    REPLACED = 0x8
    """A newer connection of the same peer takes this one's place."""
    CREDIT = 0x9
    """More was sent than the windows allow."""
    BUSY = 0xA
    """Too many connections."""
    SELF = 0xB
    """The sidecar dialled itself."""
    STOPPING = 0xC
    """The sidecar drains or stops."""
    STREAM = 0xD
    """Code of RESET_STREAM and STOP_SENDING for streams that are not wanted; never closes a connection."""
    CERTIFICATE = 0xE
    """The certificates are not enough in the other side's trust mode."""
    BLOCKED = 0xF
    """The peer is on the other side's block list, or not on its allow list."""
    NOT_DIALABLE = 0x10
    """A client was dialled."""
    UNREACHABLE = 0x11
    """Whoever asks to be a node could not be dialled back."""
    NARROW = 0x12
    """The path loses wide packets and no others: whoever dials again takes narrower ones."""


class Untrusted(Exception):
    """The peer's bytes are wrong. It costs the connection they came on and nothing else.

    `code` goes into the CONNECTION_CLOSE, `reason` is its phrase and the log's.
    """

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code.name}: {self.reason}"


def not_let_in(refused: Refused) -> Untrusted:
    """The error of a peer that the trust mode or the lists keep out."""
    listed = refused.why in (Refusal.BLOCKED, Refusal.NOT_ALLOWED)
    return Untrusted(Close.BLOCKED if listed else Close.CERTIFICATE, str(refused))


def malformed(reason: str) -> Untrusted:
    """The error of bytes that break a rule."""
    return Untrusted(Close.MALFORMED, reason)
