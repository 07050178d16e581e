"""Where something can be reached: contacts people write, addresses sockets give, and which to believe."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from sidecar.identity.peer_id import parse_peer_id

HostPort = tuple[str, int]
"""A numeric IP address and a UDP or TCP port."""

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
"""What a socket gives: IPv4's, or IPv6's with flow label and scope."""

_IP = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_PORT = re.compile(r"0|[1-9][0-9]{0,4}", re.ASCII)


class Scope(Enum):
    """How far an address reaches."""

    UNUSABLE = "unusable"
    """Names no host one could dial: unspecified, multicast, broadcast, reserved."""
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    PRIVATE = "private"
    """RFC 1918, RFC 4193, and the shared space of carrier-grade NATs (RFC 6598)."""
    GLOBAL = "global"


_SCOPES: tuple[tuple[_Network, Scope], ...] = tuple(
    (ip_network(network), scope)
    for network, scope in (
        ("0.0.0.0/8", Scope.UNUSABLE),
        ("10.0.0.0/8", Scope.PRIVATE),
        ("100.64.0.0/10", Scope.PRIVATE),
        ("127.0.0.0/8", Scope.LOOPBACK),
        ("169.254.0.0/16", Scope.LINK_LOCAL),
        ("172.16.0.0/12", Scope.PRIVATE),
        ("192.168.0.0/16", Scope.PRIVATE),
        ("224.0.0.0/4", Scope.UNUSABLE),
        ("240.0.0.0/4", Scope.UNUSABLE),
        ("::1/128", Scope.LOOPBACK),
        ("::/96", Scope.UNUSABLE),
        ("fc00::/7", Scope.PRIVATE),
        ("fe80::/10", Scope.LINK_LOCAL),
        ("fec0::/10", Scope.PRIVATE),
        ("ff00::/8", Scope.UNUSABLE),
    )
)
"""Address blocks that are not global (RFC 6890 and its registries), the first match counting. Blocks for documentation
and benchmarks are left out: nothing answers there, and laboratories use them for the internet."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""The prefix under which a NAT64 reaches IPv4 (RFC 6052 section 2.1)."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a peer may be dialled, and which peer is expected there: `[peer-id@]host:port`."""

    host: str
    """An IPv4 address, an IPv6 address without brackets, or a DNS name in lower case."""
    port: int
    peer_id: str | None = None
    """None when any peer will do."""

    @classmethod
    def parse(cls, text: str) -> Contact:
        """Reads what `str` prints, and the usual ways to write the same. Raises ValueError that says what is wrong."""
        peer_id, at, rest = text.rpartition("@")
        if at:
            try:
                parse_peer_id(peer_id)
            except ValueError as error:
                raise ValueError(f"contact {text!r}: before the @ stands no peer id: {error}") from None
        try:
            host, port = _split(rest)
            host = _canonical_host(host)
        except ValueError as error:
            raise ValueError(f"contact {text!r}: {error}") from None
        if port == 0:
            raise ValueError(f"contact {text!r}: port 0 cannot be dialled")
        return cls(host, port, peer_id or None)

    @property
    def is_numeric(self) -> bool:
        """Whether `host` is an IP address, so that no name has to be looked up."""
        return _ip_or_none(self.host) is not None

    @property
    def name(self) -> str | None:
        """The DNS name, where `host` is one."""
        return None if self.is_numeric else self.host

    def __str__(self) -> str:
        address = format_address((self.host, self.port))
        return address if self.peer_id is None else f"{self.peer_id}@{address}"


def format_address(address: SocketAddress) -> str:
    """`host:port`, IPv6 in brackets, and IPv4 as itself where a socket for both gave it as IPv4-mapped IPv6."""
    host = address[0]
    ip = _ip_or_none(host)
    if ip is not None:
        host = str(ip)
    return f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"


def parse_address(text: str) -> HostPort:
    """Reads a numeric `host:port`, port 0 included.

    Raises ValueError that says what is wrong, also for a name or an IPv6 zone.
    """
    host, port = _split(text)
    ip = _ip_or_none(host)
    if ip is None:
        raise ValueError(f"{host!r} is not an IP address")
    if "%" in host:
        raise ValueError(f"the zone in {host!r} means nothing on another machine")
    return str(ip), port


def scope_of(host: str) -> Scope:
    """How far a numeric address reaches; an address that embeds an IPv4 address reaches as far as that one. Raises
    ValueError when `host` is none."""
    return _block(_parse_ip(host))[0]


def subnet_of(host: str) -> str | None:
    """The network that a global address is taken to share with its neighbours, whoever they are: its /24, or /48 in
    IPv6, where an address that embeds an IPv4 address counts as that one. None for one that is not global. Raises
    ValueError when `host` is none."""
    ip = _parse_ip(host)
    if _block(ip)[0] is not Scope.GLOBAL:
        return None
    embedded = _embedded(ip)
    if embedded is not None:
        ip = embedded
    return str(ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


def acceptable_untrusted(address: SocketAddress, link_remote: SocketAddress) -> bool:
    """Whether an address that a peer told may be dialled. `link_remote` is where the link that brought it leads.

    An address that is not global is taken only from a link into the very same block, so that nobody makes a sidecar
    knock on the doors of its own machine or site.
    """
    host, port = address[0], address[1]
    ip = _ip_or_none(host)
    if ip is None or "%" in host or not 0 < port <= 65535:
        return False
    scope, block = _block(ip)
    if scope is Scope.GLOBAL:
        return True
    if scope is Scope.UNUSABLE:
        return False
    return _block(_parse_ip(link_remote[0])) == (scope, block)


def _split(text: str) -> tuple[str, int]:
    """Host and port of `host:port`, the host not judged."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or port.endswith("]"):
        raise ValueError(
            "write host:port, IPv6 in brackets, e.g. 192.0.2.1:7400, [2001:db8::1]:7400, peer.example:7400"
        )
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise ValueError(f"only an IPv6 address stands in brackets, not {host!r}")
    elif ":" in host:
        raise ValueError("write an IPv6 address in brackets, e.g. [2001:db8::1]:7400")
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(f"{port!r} is not a port (1 to 65535)")
    return host, int(port)


def _canonical_host(host: str) -> str:
    ip = _ip_or_none(host)
    if ip is not None:
        return str(ip)
    if ":" in host:
        raise ValueError(f"{host!r} is not an IPv6 address")
    name = host.removesuffix(".").lower()
    labels = name.split(".")
    if labels[-1].isdecimal():
        raise ValueError(f"{host!r} is not an IPv4 address")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(
            f"{host!r} is neither an IP address nor a DNS name (one in Unicode is written in its xn-- form)"
        )
    return name


@lru_cache(maxsize=256)  # each new link has the own address told, and looks at it and the peer's several times
def _parse_ip(host: str) -> _IP:
    ip = ip_address(host)
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip


def _ip_or_none(host: str) -> _IP | None:
    try:
        return _parse_ip(host)
    except ValueError:
        return None


def _embedded(ip: _IP) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, through a NAT64 or 6to4 (RFC 3056)."""
    if isinstance(ip, IPv4Address):
        return None
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip.sixtofour


@lru_cache(maxsize=256)
def _block(ip: _IP) -> tuple[Scope, _Network | None]:
    """The scope of an address and the block that gives it; None for a global one."""
    embedded = _embedded(ip)
    if embedded is not None:
        return _block(embedded)
    for network, scope in _SCOPES:
        if ip in network:
            return scope, network
    return Scope.GLOBAL, None
