"""Roles: what a side asks to be, and the signed word of a third sidecar that it could be dialled back.

result = sign("qp2p-sidecar/1 dialback result" 0x00 body)      body: the encoded DialbackResultBody
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity, public_key_untrusted
from sidecar.wire.errors import malformed
from sidecar.wire.frames import FrameType, parse_untrusted

CONTEXT = b"qp2p-sidecar/1 dialback result\x00"
BODY_MAX = 2048
CHALLENGE_BYTES = 32
ADDRESSES_MAX = 4
"""Addresses in one DIALBACK."""

ROLE_FRAMES = frozenset(
    {
        FrameType.PROBE,
        FrameType.CHECK,
        FrameType.DIALBACK,
        FrameType.DIALBACK_RESULT,
        FrameType.ADMITTED,
        FrameType.ROLE_TOLD,
    }
)
"""Frames that may come before WELCOME too, once it is known who the other side is (PROBE: before that)."""


class Role(IntEnum):
    """What a side asks to be, by its number in HELLO and WELCOME."""

    CLIENT = wire_pb2.ROLE_CLIENT
    """Dials, and is never dialled."""
    NODE = wire_pb2.ROLE_NODE
    """Can be dialled, or is to be refused."""
    AUTO = wire_pb2.ROLE_AUTO
    """A client until it was dialled back."""
    VISITOR = wire_pb2.ROLE_VISITOR
    """Here to ask for a dial-back, and for no link."""


def role_untrusted(number: int) -> Role:
    """The role of a HELLO or WELCOME; one that is not known is a client's."""
    try:
        return Role(number)
    except ValueError:
        return Role.CLIENT


@dataclass(frozen=True, slots=True)
class Dialled:
    """A helper's signed word, checked."""

    helper: bytes
    """Its peer id, 32 bytes."""
    address: str
    reachable: bool


def sign_result(
    identity: Identity, *, subject: bytes, acceptor: bytes, challenge: bytes, address: str, reason: str
) -> wire_pb2.DialbackResult:
    """A helper's word: `subject` answered at `address`, or did not for this `reason`."""
    body = wire_pb2.DialbackResultBody(
        public_key=identity.spki,
        subject=subject,
        acceptor=acceptor,
        challenge=challenge,
        address=address,
        reachable=not reason,
    ).SerializeToString()
    return wire_pb2.DialbackResult(
        challenge=challenge,
        status=wire_pb2.DIALBACK_STATUS_DIALLED,
        body=body,
        signature=identity.sign(CONTEXT + body),
        reason=reason,
    )


def check_result_untrusted(
    result: wire_pb2.DialbackResult, *, subject: bytes, acceptor: bytes, challenge: bytes
) -> Dialled:
    """What a helper has signed for this one check. Untrusted when it is forged, or was made for another."""
    if len(result.body) > BODY_MAX:
        raise malformed(f"dial-back result of {len(result.body)} bytes, at most {BODY_MAX} are allowed")
    body = parse_untrusted(wire_pb2.DialbackResultBody, result.body)
    if (body.subject, body.acceptor, body.challenge) != (subject, acceptor, challenge):
        raise malformed("dial-back result that was made for another check")
    try:
        key = public_key_untrusted(body.public_key)
    except ValueError as error:
        raise malformed(f"dial-back result: {error}") from error
    if not key.verify(result.signature, CONTEXT + result.body):
        raise malformed("dial-back result: the signature is not by its own key")
    return Dialled(key.peer_id_bytes, body.address, body.reachable)
