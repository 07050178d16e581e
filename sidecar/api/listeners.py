"""Who may call the API, and where: the listeners that the settings ask for, and those that are refused.

    reachable from      needs
    this machine        nothing; a Unix socket is guarded by its mode (0660)
    beyond              a token over TLS, or client certificates

A token, once there is one, is asked on every listener, TLS on every TCP one. `api_insecure` turns the refusals about
what a listener needs into warnings.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from sidecar.addresses import Scope, parse_address, scope_of
from sidecar.api.front.base import Listener, ServerTls
from sidecar.errors import SettingsError
from sidecar.settings import Settings

MIN_TOKEN_CHARS = 16
"""A shorter token can be guessed."""

MAX_FILE_BYTES = 1 << 20
"""No token, key or bundle comes near."""


def api_listeners(settings: Settings, warn: Callable[[str], None]) -> list[Listener]:
    """The listeners of the gRPC server. `warn` gets a line for everything that `api_insecure` lets pass.

    Raises SettingsError, one line, when the rules above refuse a listener, and when a file of theirs is missing, open
    to others, or not what it should be.
    """
    token = None if settings.api_token_file is None else _read_token(settings.api_token_file)
    tls = _read_tls(settings)
    for endpoint in settings.grpc_endpoint:
        lack = None if _stays_here(endpoint) else _lack(token, tls)
        if lack is None:
            continue
        if not settings.api_insecure:
            raise SettingsError(f"--grpc-endpoint {endpoint} can be reached from other machines: {lack}")
        warn(f"the API at {endpoint} can be reached from other machines, and --api-insecure is given: {lack}")
    return [Listener(each, None if each.startswith("unix:") else tls, token) for each in settings.grpc_endpoint]


def _stays_here(endpoint: str) -> bool:
    return endpoint.startswith("unix:") or scope_of(parse_address(endpoint)[0]) is Scope.LOOPBACK


def _lack(token: bytes | None, tls: ServerTls | None) -> str | None:
    """What a listener that other machines reach is lacking."""
    if tls is not None and (tls.client_ca is not None or token is not None):
        return None
    if tls is None and token is not None:
        return "a token needs TLS, else anyone on the way can read it; give --api-tls-cert and --api-tls-key"
    return (
        "callers must be asked who they are; give --api-token-file or --api-tls-client-ca, with --api-tls-cert and "
        "--api-tls-key, or listen on 127.0.0.1 or a Unix socket"
    )


def _read_token(path: Path) -> bytes:
    flag = "--api-token-file"
    content, mode = _read(path, flag)
    if mode & 0o007:
        raise SettingsError(f"{flag} {path} has mode {mode:04o}, open to every user of this machine; chmod it to 0600")
    token = content.strip()
    if not token:
        raise SettingsError(
            f"{flag} {path} is empty; put a random token of {MIN_TOKEN_CHARS} characters or more into it"
        )
    if len(token) < MIN_TOKEN_CHARS:
        raise SettingsError(f"{flag} {path} holds {len(token)} characters; a token has at least {MIN_TOKEN_CHARS}")
    # It travels in a header: RFC 6750 section 2.1 allows less still, but no token of another kind fails there.
    if any(not 0x21 <= byte <= 0x7E for byte in token):
        raise SettingsError(f"{flag} {path} holds more than one token, or characters other than visible ASCII")
    return token


def _read_tls(settings: Settings) -> ServerTls | None:
    cert, key, client_ca = settings.api_tls_cert, settings.api_tls_key, settings.api_tls_client_ca
    if cert is None and key is None:
        if client_ca is not None:
            raise SettingsError("--api-tls-client-ca needs TLS: give --api-tls-cert and --api-tls-key too")
        return None
    if cert is None:
        raise SettingsError("--api-tls-key is given without its certificate: give --api-tls-cert too")
    if key is None:
        raise SettingsError("--api-tls-cert is given without its key: give --api-tls-key too")
    chain, _ = _read(cert, "--api-tls-cert")
    leaf = _certificates(chain, cert, "--api-tls-cert")[0]
    private_key, mode = _read(key, "--api-tls-key")
    if mode & 0o007:
        raise SettingsError(
            f"--api-tls-key {key} has mode {mode:04o}, open to every user of this machine; chmod it to 0600"
        )
    _check_key(private_key, key, leaf, cert)
    if client_ca is None:
        return ServerTls(chain, private_key, None)
    bundle, _ = _read(client_ca, "--api-tls-client-ca")
    _certificates(bundle, client_ca, "--api-tls-client-ca")
    return ServerTls(chain, private_key, bundle)


def _read(path: Path, flag: str) -> tuple[bytes, int]:
    """A file's content and mode."""
    try:
        # O_NONBLOCK, because opening a FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise SettingsError(f"{flag} {path} is not a regular file")
            content = os.read(descriptor, MAX_FILE_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SettingsError(f"cannot read {flag} {path}: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise SettingsError(f"{flag} {path} is larger than {MAX_FILE_BYTES} bytes")
    return content, stat.S_IMODE(status.st_mode)


def _certificates(pem: bytes, path: Path, flag: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise SettingsError(f"{flag} {path} holds no certificates in PEM") from None


def _check_key(pem: bytes, path: Path, leaf: x509.Certificate, cert: Path) -> None:
    """gRPC would say no more than `Handshake failed`, and that to each caller."""
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise SettingsError(f"--api-tls-key {path} is encrypted; give an unencrypted key with mode 0600") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(f"--api-tls-key {path} holds no private key in PEM") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise SettingsError(f"--api-tls-key {path} is not the key of the first certificate in {cert}")
