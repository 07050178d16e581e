"""What a sidecar may be told, and by whom: a flag over the environment over a file over the default.

One name in three spellings: `--udp-port`, `SIDECAR_UDP_PORT`, and `udp_port` in the TOML file that `--config` or
`SIDECAR_CONFIG` names. An unknown name is an error in each of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from sidecar.errors import SettingsError
from sidecar.model import Complaint, Field, Model, ValidationError
from sidecar.setting_types import (
    AdminEndpoint,
    Allowed,
    ContactText,
    Count,
    GrpcEndpoint,
    IpAddress,
    Label,
    Listed,
    NetworkId,
    Port,
    Seconds,
    Size,
)
from sidecar.state import default_directory
from sidecar.trust import TrustMode, is_peer_id

__all__ = ["CLIENT_VARIABLES", "ENV_PREFIX", "Explained", "Settings", "SettingsError"]

ENV_PREFIX = "SIDECAR_"
"""What the names of environment variables begin with."""

CLIENT_VARIABLES = frozenset(
    f"SIDECAR_{name}" for name in ("ENDPOINT", "TOKEN", "TLS_CA", "TLS_CERT", "TLS_KEY", "TLS_SERVER_NAME")
)
"""Variables of that prefix that are meant for clients, and no settings."""

CONFIG_VARIABLE = "SIDECAR_CONFIG"
"""Names the settings file."""

_SERVICE_LINKS = re.compile(r"SIDECAR_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)")
"""What Kubernetes sets in every container of a namespace with a Service named `sidecar`."""

LABELS_MAX = 16

MIB = 1 << 20


def _third_of_idle_timeout(data: dict[str, Any]) -> float:
    return float(data["idle_timeout"]) / 3


def _quarter_of_link_window(data: dict[str, Any]) -> int:
    return int(data["link_window_bytes"]) // 4


def trust_disagreement(settings: Settings) -> str | None:
    """What is wrong with the settings of trust taken together, in one line that says what to do; None when nothing
    is."""
    mode = settings.trust
    if mode == "unverified":
        given = next(
            (flag for flag, value in (("--ca-bundle", settings.ca_bundle), ("--cert", settings.cert),
                                      ("--key", settings.key), ("--crl", settings.crl)) if value), None
        )  # fmt: skip
        if given is not None:
            return (
                f"{given} says who is trusted, and --trust unverified trusts any key: add --trust private-ca or "
                "--trust public-ca, or leave it out"
            )
        name = next((each for each in settings.allow if not is_peer_id(each)), None)
        if name is not None:
            return (
                f"--allow {name} is a name, and names are proven by certificates only: give peer ids, or add --trust "
                "private-ca or --trust public-ca"
            )
        return None
    if settings.cert is None:
        return f"--trust {mode} needs --cert, this sidecar's own certificate chain: see `sidecar ca issue`"
    if mode == "private-ca" and settings.ca_bundle is None:
        return (
            "--trust private-ca needs --ca-bundle, the certificates of the CAs that are trusted: see `sidecar ca init`"
        )
    if settings.ephemeral and settings.key is None:
        return f"--ephemeral makes a key that no certificate is for: with --trust {mode} give --key too"
    if mode == "public-ca":
        bare = next((each for each in settings.bootstrap if each.name is None and each.peer_id is None), None)
        if bare is not None:
            return (
                f"--bootstrap {bare}: --trust public-ca takes whoever has the name that was dialled, so give a contact "
                "by its DNS name, or with its peer id before an @"
            )
    return None


Source = Literal["flag", "env", "file", "default"]


@dataclass(frozen=True, slots=True)
class Explained:
    """A setting's value and where it came from."""

    name: str
    value: str | int | float | bool | list[str] | None
    """Secrets are never here, only the paths of their files."""
    source: Source
    origin: str
    """The flag, the variable, or the file; empty for a default."""


class Settings(Model):
    """All settings of one sidecar. Sizes are bytes, times seconds."""

    state_dir: Path = Field(default_factory=default_directory)
    """Where the key is kept."""
    ephemeral: bool = False
    """Keep nothing on disk: a new peer id at each start; `state_dir` is not used."""
    key_type: Literal["ed25519", "p256"] = "ed25519"
    """The kind of key made at first start."""

    udp_host: IpAddress = "::"
    """The address of the QUIC socket; `::` is every IPv6 and IPv4 address."""
    udp_port: Port = 7400
    """Its port; 0 takes any free one."""
    grpc_endpoint: Annotated[tuple[GrpcEndpoint, ...], Listed, Field(min_length=1)] = ("127.0.0.1:7401",)
    """Where apps find the API: `host:port` or `unix:/path`."""
    admin_endpoint: AdminEndpoint = "127.0.0.1:7402"
    """Where health and metrics are; None is nowhere."""

    bootstrap: Annotated[tuple[ContactText, ...], Listed] = ()
    """Ways into the network."""
    labels: Annotated[tuple[Label, ...], Listed] = ()
    """`key=value`, told to peers, which a broadcast may choose by."""
    min_links: Annotated[Count, Field(ge=1, le=64)] = 3
    """So many links are kept, as far as there are nodes to link to."""
    role: Literal["auto", "node", "client"] = "auto"
    """`node` must be dialled back or is refused, `client` is never dialled, `auto` is a node where it can be."""
    network_id: NetworkId = "default"
    """Peers of another network are refused."""

    trust: TrustMode = "unverified"
    """Who may be a peer: any key, or certificates of the CAs of `ca_bundle`, or of public ones."""
    ca_bundle: Path | None = None
    """The CAs that are trusted, PEM; in `public-ca`, None means those of certifi."""
    cert: Path | None = None
    """This sidecar's own certificate chain, PEM, its own certificate first."""
    key: Path | None = None
    """Its key, PEM; None is the one in `state_dir`."""
    crl: Annotated[tuple[Path, ...], Listed] = ()
    """Revocation lists of the CAs, PEM or DER."""
    allow: Annotated[tuple[Allowed, ...], Listed] = ()
    """The only peers there may be, by peer id or, in the modes with CAs, by DNS name; none is everybody."""

    engine: Literal["auto", "aioquic", "qh3"] = "auto"
    """The QUIC implementation; `auto` takes qh3 where it is installed."""
    offload: Literal["auto", "never"] = "auto"
    """UDP segmentation and receive offload where the kernel has them."""
    retry: Literal["always", "never", "under-load"] = "under-load"
    """When a dialler's address is validated before any state is made for it (RFC 9000 section 8.1.2); `under-load`
    is while many do not prove theirs."""
    max_datagram: Annotated[Count, Field(ge=1200, le=65527)] = 1452
    """Bytes of UDP payload in the largest packet."""
    idle_timeout: Annotated[Seconds, Field(ge=1, le=600)] = 30.0
    """Without a packet for so long a connection is lost."""
    keep_alive: Annotated[Seconds, Field(ge=0)] = Field(default_factory=_third_of_idle_timeout)
    """An idle link is pinged this often, by default thrice in `idle_timeout`; 0 is never."""
    resume_timeout: Annotated[Seconds, Field(ge=0, le=3600)] = 30.0
    """How long a link without a connection waits to be resumed."""

    max_message_bytes: Annotated[Size, Field(ge=1, le=512 * MIB)] = 64 * MIB
    """The largest payload."""
    link_window_bytes: Annotated[Size, Field(ge=256 << 10, le=1 << 30)] = 16 * MIB
    """Bytes of messages a peer may have unread here."""
    channel_window_bytes: Annotated[Size, Field(ge=64 << 10, le=1 << 30)] = Field(
        default_factory=_quarter_of_link_window
    )
    """The same on one channel, by default a quarter of the link's."""
    outbox_bytes: Annotated[Size, Field(ge=64 << 10, le=1 << 30)] = 8 * MIB
    """Bytes of messages that wait for one peer."""

    front: Literal["auto", "grpcio", "lean"] = "auto"
    """The gRPC server; `auto` is lean."""

    queue_bytes: Annotated[Size, Field(ge=1 << 20)] = 256 * MIB
    """Bytes of durable messages that wait for one peer."""
    queue_time: Annotated[Seconds, Field(ge=0.001, le=31_622_400)] = 604_800.0
    """How long a durable message waits at most."""
    journal_bytes: Annotated[Size, Field(ge=1 << 20)] = 1024 * MIB
    """Bytes of durable messages and dead letters on this sidecar's disk."""
    dedupe_window: Annotated[Seconds, Field(ge=1, le=2_678_400)] = 3600.0
    """How long durable messages that were settled, and requests by id, are remembered, to tell repeats."""

    api_token_file: Path | None = None
    """The file whose content every API call but health must carry."""
    api_apps_file: Path | None = None
    """The file of apps: a token for each, and the channels and streams it may use."""
    api_tls_cert: Path | None = None
    """The API's certificate chain, PEM."""
    api_tls_key: Path | None = None
    """Its key, PEM."""
    api_tls_client_ca: Path | None = None
    """API clients must show a certificate of this CA, PEM."""
    api_insecure: bool = False
    """Let the API listen beyond this machine without asking who calls."""

    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    _origins: Mapping[str, tuple[Source, str]] = {}

    def agree(self) -> None:
        """Raises ValueError when settings do not fit together."""
        if self.channel_window_bytes > self.link_window_bytes:
            raise ValueError(
                f"channel_window_bytes ({self.channel_window_bytes}) is more than link_window_bytes "
                f"({self.link_window_bytes}): lower the one or raise the other"
            )
        if self.keep_alive >= self.idle_timeout:
            raise ValueError(
                f"keep_alive ({self.keep_alive:g} s) is not below idle_timeout ({self.idle_timeout:g} s), so that idle "
                "links would be lost: lower the one or raise the other"
            )
        disagreement = trust_disagreement(self)
        if disagreement is not None:
            raise ValueError(disagreement)
        if len(self.labels) > LABELS_MAX:
            raise ValueError(f"labels: {len(self.labels)} are given, at most {LABELS_MAX} are allowed")
        for endpoint in self.grpc_endpoint:
            if self.grpc_endpoint.count(endpoint) > 1 and (endpoint.startswith("unix:") or not endpoint.endswith(":0")):
                raise ValueError(f"grpc_endpoint names {endpoint} twice: remove one")

    @classmethod
    def load(cls, flags: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from flags, the environment and the file.

        Flags go by field name; None and an empty list are flags not given; `config` names the file.

        Raises SettingsError, one line that names the flag, variable or key and says what is wrong with it.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        origins: dict[str, tuple[Source, str]] = {}
        path = flags.get("config") or environ.get(CONFIG_VARIABLE)
        if path:
            for name, value in _read_file(Path(path), cls.model_fields).items():
                values[name], origins[name] = value, ("file", str(path))
        for name, value in _read_environment(environ, cls.model_fields).items():
            values[name], origins[name] = value, ("env", _variable(name))
        for name, value in flags.items():
            if name != "config" and value is not None and value not in ([], ()):
                values[name], origins[name] = value, ("flag", _flag(name))
        try:
            settings = cls(**values)
        except ValidationError as error:
            raise SettingsError("; ".join(_complaint(each, origins) for each in error.complaints)) from None
        settings.__dict__["_origins"] = origins
        return settings

    def explain(self) -> list[Explained]:
        """Every setting in the order of this class, with where its value came from."""
        dumped = self.model_dump()
        result = []
        for name in type(self).model_fields:
            source, origin = self._origins.get(name, ("default", ""))
            result.append(Explained(name, dumped[name], source, origin))
        return result


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _variable(name: str) -> str:
    return ENV_PREFIX + name.upper()


def _read_file(path: Path, known: Iterable[str]) -> dict[str, Any]:
    import tomllib

    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file {path} is not TOML: {error}") from None
    for key in content:
        if key not in known:
            raise SettingsError(f"{path}: there is no setting {key!r}{_nearest(key, known)}")
    return content


def _read_environment(environ: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Values by field name. An empty variable is one that is not set: compose files and charts leave such behind."""
    fields = {_variable(name): name for name in known}
    values = {}
    for variable, value in environ.items():
        if not variable.startswith(ENV_PREFIX) or variable in CLIENT_VARIABLES or variable == CONFIG_VARIABLE:
            continue
        if variable not in fields:
            if _SERVICE_LINKS.fullmatch(variable):
                continue
            raise SettingsError(
                f"there is no setting for the variable {variable}{_nearest(variable, fields, ENV_PREFIX)}"
            )
        if value:
            values[fields[variable]] = value
    return values


def _nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Advice on a name that does not exist. `prefix` is common to all and says nothing about likeness."""
    import difflib

    close = difflib.get_close_matches(name.removeprefix(prefix), [each.removeprefix(prefix) for each in known], n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else "; `sidecar config show` lists them all"


def _complaint(complaint: Complaint, origins: Mapping[str, tuple[str, str]]) -> str:
    """What is wrong, named as whoever gave the value spelled it."""
    name = complaint.name
    if not name:
        return complaint.what
    source, origin = origins.get(name, ("flag", _flag(name)))
    return f"{origin}: {name}: {complaint.what}" if source == "file" else f"{origin}: {complaint.what}"
