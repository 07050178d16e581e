"""Where the sidecar is, and the channel to it.

SIDECAR_ENDPOINT          host:port or unix:/path; 127.0.0.1:7401 when unset
SIDECAR_TOKEN             sent with every call as `authorization: Bearer TOKEN`
SIDECAR_TLS_CA            file with the CA of the sidecar's certificate, in PEM; turns TLS on
SIDECAR_TLS_CERT, _KEY    files with this app's own certificate and key, in PEM, where the sidecar asks for one
SIDECAR_TLS_SERVER_NAME   the name in the sidecar's certificate where it is not the endpoint's host
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

DEFAULT_ENDPOINT = "127.0.0.1:7401"

MAX_GRPC_BYTES = 16 << 20
"""The most payload one gRPC message carries; what is larger goes in chunks."""

CERTIFICATE_MARK, KEY_MARK = b"-----BEGIN CERTIFICATE-----", b"PRIVATE KEY-----"
"""What a file in PEM has that holds one."""

TRANSPORT_BYTES = MAX_GRPC_BYTES + (1 << 20)
"""What the channel lets through: room for envelopes around the largest payload."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How the channel is encrypted: PEM, all of it."""

    ca: bytes
    """The certificates that may have signed the sidecar's."""
    certificate: bytes | None = None
    """This app's certificate chain, where the sidecar asks for one."""
    key: bytes | None = None
    """Its private key."""
    server_name: str | None = None
    """The name to expect in the sidecar's certificate; None for the endpoint's host."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A sidecar's gRPC listener and how to reach it. `from_environment` fills in what is not given."""

    address: str = DEFAULT_ENDPOINT
    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None

    @classmethod
    def from_environment(
        cls,
        address: str | None = None,
        token: str | None = None,
        tls: Tls | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Endpoint:
        """What is given, else what the environment says, else the default. ValueError says what is malformed."""
        env = os.environ if environment is None else environment
        address = address or env.get("SIDECAR_ENDPOINT") or DEFAULT_ENDPOINT
        check_address(address)
        token = token or env.get("SIDECAR_TOKEN") or None
        if token is not None and not (token.isascii() and token.isprintable() and token == token.strip()):
            raise ValueError("SIDECAR_TOKEN holds blanks at its ends or characters that no HTTP header takes")
        return cls(address, token, tls or tls_from(env))

    def options(self) -> list[tuple[str, Any]]:
        """The channel's arguments: sizes, keepalive and the retry policy."""
        options: list[tuple[str, Any]] = [
            ("grpc.max_receive_message_length", TRANSPORT_BYTES),
            ("grpc.max_send_message_length", TRANSPORT_BYTES),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 15_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.enable_retries", 1),
            ("grpc.service_config", service_config()),
            # The sidecar is next door: when it restarts, it is back within a second.
            ("grpc.initial_reconnect_backoff_ms", 100),
            # gRPC takes this as the time a connection attempt may last, too; a busy sidecar needs more than an instant.
            ("grpc.min_reconnect_backoff_ms", 5_000),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            # Two clients of one process share nothing: one's closed channel is not the other's.
            ("grpc.use_local_subchannel_pool", 1),
            # No proxy stands between an app and its own sidecar.
            ("grpc.enable_http_proxy", 0),
        ]
        if self.tls is not None and self.tls.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return options

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token is not None else ()

    def credentials(self) -> grpc.ChannelCredentials | None:
        """The channel's credentials; None where it is not encrypted."""
        if self.tls is None:
            return None
        return grpc.ssl_channel_credentials(self.tls.ca, self.tls.key, self.tls.certificate)

    def channel(self) -> grpc.Channel:
        """A channel for threads."""
        credentials = self.credentials()
        if credentials is None:
            return grpc.insecure_channel(self.address, self.options())
        return grpc.secure_channel(self.address, credentials, self.options())

    def aio_channel(self) -> grpc.aio.Channel:
        """A channel for asyncio; it belongs to the running loop."""
        credentials = self.credentials()
        if credentials is None:
            return grpc.aio.insecure_channel(self.address, self.options())
        return grpc.aio.secure_channel(self.address, credentials, self.options())


def service_config() -> str:
    """The one retry layer: what gRPC itself repeats, and how (clients/service_config.json of the repository).

    Send is not in it: a call that was cut may have sent its message, and a repeat would send it again.
    """
    return resources.files(__package__).joinpath("service_config.json").read_text()


def check_address(address: str) -> None:
    """ValueError unless `address` is `host:port` or `unix:/path`."""
    if address.startswith("unix:"):
        if not address.removeprefix("unix:").removeprefix("//").startswith("/"):
            raise ValueError(f"endpoint {address!r}: write unix:/absolute/path")
        return
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 1 << 16 or "/" in host:
        raise ValueError(f"endpoint {address!r}: write host:port with a port from 1 to 65535, or unix:/path")


def tls_from(env: Mapping[str, str]) -> Tls | None:
    """What the environment says of TLS; None when it says nothing. ValueError names a file that cannot be read."""

    def read(name: str) -> bytes | None:
        path = env.get(name)
        if not path:
            return None
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ValueError(f"{name}={path}: {error.strerror or error}") from error
        what, mark = ("key", KEY_MARK) if name == "SIDECAR_TLS_KEY" else ("certificate", CERTIFICATE_MARK)
        if mark not in content:
            raise ValueError(f"{name}={path} holds no {what} in PEM")
        return content

    ca, certificate, key = read("SIDECAR_TLS_CA"), read("SIDECAR_TLS_CERT"), read("SIDECAR_TLS_KEY")
    if (certificate is None) != (key is None):
        raise ValueError("SIDECAR_TLS_CERT and SIDECAR_TLS_KEY belong together: set both or neither")
    if ca is None:
        if certificate is not None:
            raise ValueError(
                "SIDECAR_TLS_CERT needs SIDECAR_TLS_CA: the CA that the sidecar's certificate is checked by"
            )
        return None
    return Tls(ca, certificate, key, env.get("SIDECAR_TLS_SERVER_NAME") or None)
