"""Why a peer is not let in, in words that both sides, the log and the events share."""

from __future__ import annotations

from enum import StrEnum

SHOWN_MAX = 48
"""Characters of a name out of somebody's certificate: a reason has to fit a close phrase of 128 bytes."""


class Refusal(StrEnum):
    """What is wrong with a peer. The value begins every sentence about it; docs/security.md has the table."""

    NO_CERTIFICATE = "no certificate"
    TOO_LONG = "certificate chain too long"
    MALFORMED = "malformed certificate"
    KEY = "key not taken"
    SIGNATURE = "wrong signature"
    SELF_SIGNED = "self-signed certificate"
    UNKNOWN_ISSUER = "unknown issuer"
    NOT_A_CA = "issuer is no CA"
    PATH_LENGTH = "path length exceeded"
    NOT_YET_VALID = "certificate not yet valid"
    EXPIRED = "certificate expired"
    USAGE = "wrong key usage"
    CONSTRAINT = "certificate constraint"
    REVOKED = "certificate revoked"
    NAME = "wrong name"
    BLOCKED = "peer blocked"
    NOT_ALLOWED = "peer not allowed"


class Refused(Exception):
    """A peer is not let in: `why`, and `detail` in words. `str` is what it is told."""

    def __init__(self, why: Refusal, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
        self.detail = detail


def shown(text: str) -> str:
    """A text of somebody else's, short and without control characters."""
    printable = "".join(each if each.isprintable() else "?" for each in text)
    return printable if len(printable) <= SHOWN_MAX else f"{printable[: SHOWN_MAX - 3]}..."
