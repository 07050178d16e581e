"""How values of settings are written, in flags, variables and files alike: sizes, times, addresses, names."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any

from sidecar.addresses import Contact, format_address, parse_address
from sidecar.identity import PEER_ID_CHARS, parse_peer_id
from sidecar.model import BeforeValidator, Field, PlainSerializer

_SIZE = re.compile(r"(\d+)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)?", re.ASCII)
_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "KiB": 1 << 10,
    "MB": 10**6,
    "MiB": 1 << 20,
    "GB": 10**9,
    "GiB": 1 << 30,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

UNIX_PATH_BYTES = 107
"""The longest path of a Unix socket (sun_path without its final zero)."""


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("give a number, not true or false")  # noqa: TRY004 - a wrong value, not a wrong call
    return value


def _size(value: Any) -> Any:
    if not isinstance(value, str):
        return _no_bool(value)
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a size: give bytes, or KiB, MiB or GiB, e.g. 64MiB")
    return int(match[1]) * _UNITS[match[2] or "B"]


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        return _no_bool(value)
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a time: give seconds, or ms, s, m, h or d, e.g. 30s")
    return float(match[1]) * _SECONDS[match[2] or "s"]


def _items(value: Any) -> Any:
    """The items of a list that may be written with commas, as an environment variable must."""
    if isinstance(value, str):
        return tuple(filter(None, (item.strip() for item in value.split(","))))
    return value


def _contact(value: Any) -> Any:
    return Contact.parse(value) if isinstance(value, str) else value


def _label(value: Any) -> Any:
    key, equals, _ = str(value).partition("=")
    if not isinstance(value, str) or not key or not equals or len(value.encode()) > 64 or not value.isprintable():
        raise ValueError(f"{value!r} is no label: give key=value, at most 64 bytes, all printable")
    return value


def _ip(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("give an IP address as text")  # noqa: TRY004 - as above
    return parse_address(f"[{value}]:0" if ":" in value else f"{value}:0")[0]


def _tcp_endpoint(value: Any) -> Any:
    """Numeric `host:port`, `localhost` meaning 127.0.0.1: who can reach a listener is known without asking DNS."""
    if not isinstance(value, str):
        raise ValueError("give host:port as text")  # noqa: TRY004 - as above
    host, colon, port = value.rpartition(":")
    try:
        return format_address(parse_address(f"127.0.0.1:{port}" if host == "localhost" and colon else value))
    except ValueError as error:
        raise ValueError(f"{value!r} is nowhere to listen: {error}") from None


def _grpc_endpoint(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("unix:"):
        return _tcp_endpoint(value)
    # gRPC's two spellings, unix:path and unix:///absolute.
    path = value.removeprefix("unix:")
    path = path.removeprefix("//") if path.startswith("///") else path
    if not path or path.startswith("//"):
        raise ValueError(f"{value!r} names no path: write unix:/run/sidecar/api.sock")
    if len(os.fsencode(path)) > UNIX_PATH_BYTES or "\0" in path:
        raise ValueError(f"{value!r}: a Unix socket's path has at most {UNIX_PATH_BYTES} bytes")
    return f"unix:{path}"


def _admin_endpoint(value: Any) -> Any:
    return None if value in {None, "none"} else _tcp_endpoint(value)


def _network_id(value: Any) -> Any:
    if isinstance(value, str) and not (value.isprintable() and 1 <= len(value.encode()) <= 128):
        raise ValueError("a network id has 1 to 128 bytes, all printable")
    return value


def _allowed(value: Any) -> Any:
    """A peer id, or a DNS name in lower case."""
    if not isinstance(value, str):
        raise ValueError("give peer ids, or DNS names, as text")  # noqa: TRY004 - as above
    if len(value) == PEER_ID_CHARS and "." not in value:
        parse_peer_id(value)  # a slip in a peer id makes no name of it
        return value
    try:
        name = Contact.parse(f"{value}:1").name
    except ValueError:
        name = None
    if name is None:
        raise ValueError(f"{value!r} is neither a peer id nor a DNS name")
    return name


Port = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=65535)]
Count = Annotated[int, BeforeValidator(_no_bool)]
Size = Annotated[int, BeforeValidator(_size)]
"""Bytes."""
Seconds = Annotated[float, BeforeValidator(_duration), Field(allow_inf_nan=False)]
IpAddress = Annotated[str, BeforeValidator(_ip)]
GrpcEndpoint = Annotated[str, BeforeValidator(_grpc_endpoint)]
AdminEndpoint = Annotated[str | None, BeforeValidator(_admin_endpoint)]
ContactText = Annotated[Contact, BeforeValidator(_contact), PlainSerializer(str)]
Label = Annotated[str, BeforeValidator(_label)]
NetworkId = Annotated[str, BeforeValidator(_network_id)]
Allowed = Annotated[str, BeforeValidator(_allowed)]
Listed = BeforeValidator(_items)
"""For a tuple of any of them."""
