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
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from sidecar.addresses import Scope as Reach
from sidecar.addresses import parse_address, scope_of
from sidecar.api.front.base import Listener, ServerTls
from sidecar.api.scope import App, Scope
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
    apps = () if settings.api_apps_file is None else _read_apps(settings.api_apps_file)
    asked = token is not None or bool(apps)
    tls = _read_tls(settings)
    for endpoint in settings.grpc_endpoint:
        lack = None if _stays_here(endpoint) else _lack(asked, tls)
        if lack is None:
            continue
        if not settings.api_insecure:
            raise SettingsError(f"--grpc-endpoint {endpoint} can be reached from other machines: {lack}")
        warn(f"the API at {endpoint} can be reached from other machines, and --api-insecure is given: {lack}")
    return [Listener(each, None if each.startswith("unix:") else tls, token, apps) for each in settings.grpc_endpoint]


def _stays_here(endpoint: str) -> bool:
    return endpoint.startswith("unix:") or scope_of(parse_address(endpoint)[0]) is Reach.LOOPBACK


def _lack(asked: bool, tls: ServerTls | None) -> str | None:
    """What a listener that other machines reach is lacking."""
    if tls is not None and (tls.client_ca is not None or asked):
        return None
    if tls is None and asked:
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


_APP_KEYS = {"name", "token", "send", "receive", "open", "accept", "admin"}


def _read_apps(path: Path) -> tuple[App, ...]:
    """The file of apps: TOML, one `[[app]]` for each."""
    flag = "--api-apps-file"
    content, mode = _read(path, flag)
    if mode & 0o007:
        raise SettingsError(f"{flag} {path} has mode {mode:04o}, open to every user of this machine; chmod it to 0600")
    import tomllib  # loaded by who has such a file: it brings half a megabyte

    try:
        entries = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{flag} {path} is not TOML: {error}") from None
    listed = entries.get("app")
    if set(entries) != {"app"} or not isinstance(listed, list) or not listed:
        raise SettingsError(f"{flag} {path} holds tables `[[app]]`, at least one, and nothing else")
    apps = tuple(_app(entry, f"{flag} {path}: app {number}") for number, entry in enumerate(listed, 1))
    for kind, values in (("name", [app.scope.app for app in apps]), ("token", [app.token for app in apps])):
        if len(set(values)) < len(values):
            raise SettingsError(f"{flag} {path}: two apps have the same {kind}; give each its own")
    return apps


def _app(entry: Any, where: str) -> App:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise SettingsError(f"{where} has no `name`")
    where = f"{where} ({entry['name']})"
    if unknown := set(entry) - _APP_KEYS:
        raise SettingsError(f"{where}: there is no key {min(unknown)!r}; there are {', '.join(sorted(_APP_KEYS))}")
    token, admin = entry.get("token"), entry.get("admin", False)
    if not isinstance(token, str) or len(token) < MIN_TOKEN_CHARS:
        raise SettingsError(f"{where} needs a `token` of at least {MIN_TOKEN_CHARS} characters")
    if any(not "\x21" <= character <= "\x7e" for character in token):
        raise SettingsError(f"{where}: its token has characters other than visible ASCII")
    if not isinstance(admin, bool):
        raise SettingsError(f"{where}: `admin` is true or false")
    patterns = {}
    for key in ("send", "receive", "open", "accept"):
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise SettingsError(f'{where}: `{key}` is a list of names, or beginnings of names and `*`: ["orders.*"]')
        patterns[key] = tuple(value)
    return App(token.encode(), Scope(entry["name"], **patterns, admin=admin))


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
