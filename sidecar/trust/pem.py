"""The files an operator gives: read whole, bounded, and every fault told in one line that names the flag."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from sidecar.errors import SettingsError
from sidecar.trust.certificate import UNREADABLE, Certificate
from sidecar.trust.refusal import Refused

_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

MAX_FILE_BYTES = 8 << 20
"""A bundle of every public CA has a fortieth of it; a list of 200,000 revoked certificates as much."""


def read(path: Path, flag: str, *, secret: bool = False) -> bytes:
    """A file's content. SettingsError when it cannot be read, is no regular file, is too large, or, if it is `secret`,
    may be read or changed by every user of the machine."""
    try:
        # O_NONBLOCK, because opening a FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise SettingsError(f"{flag} {path} is not a regular file")
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(MAX_FILE_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SettingsError(f"cannot read {flag} {path}: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise SettingsError(f"{flag} {path} is larger than {MAX_FILE_BYTES} bytes")
    mode = stat.S_IMODE(status.st_mode)
    if secret and mode & 0o007:
        raise SettingsError(f"{flag} {path} has mode {mode:04o}, open to every user of this machine; chmod it to 0600")
    return content


def blocks(pem: bytes) -> Iterator[bytes]:
    """The certificates of a PEM file in DER, unread: one that cannot be read need not cost the others."""
    for block in pem.split(_BEGIN)[1:]:
        try:
            yield base64.b64decode(block.partition(_END)[0])
        except binascii.Error:
            continue


def certificates(pem: bytes, path: Path, flag: str) -> list[Certificate]:
    """The certificates of a PEM file, in its order. SettingsError when there is none, or one is not taken."""
    return [_taken(each, path, flag) for each in loaded(pem, path, flag)]


def loaded(pem: bytes, path: Path, flag: str) -> list[x509.Certificate]:
    """The same, not judged."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except UNREADABLE:
        raise SettingsError(f"{flag} {path} holds no certificates in PEM") from None


def _taken(certificate: x509.Certificate, path: Path, flag: str) -> Certificate:
    try:
        return Certificate(certificate)
    except Refused as refused:
        raise SettingsError(f"{flag} {path}: {refused}") from None
