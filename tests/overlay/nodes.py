"""Nodes for a cache: identities made once, and addresses that count as global or do not."""

from __future__ import annotations

from functools import cache

from sidecar.addresses import HostPort
from sidecar.identity import Identity
from sidecar.overlay.cache import Cache


@cache
def identity(number: int) -> Identity:
    """The `number`th node."""
    return Identity.ephemeral()


def endpoint(number: int) -> HostPort:
    """Where it is: a private address, which no subnet's share counts."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 7400


def meet(cache: Cache, number: int, address: HostPort | None = None) -> str:
    """The `number`th node is connected to; its peer id."""
    who = identity(number)
    cache.connected(who.peer_id, address or endpoint(number), who.certificate_der)
    return who.peer_id


def order(cache: Cache, numbers: range) -> list[int]:
    """Which of the nodes are in it, newest first, by their numbers."""
    by_id = {identity(number).peer_id: number for number in numbers}
    return [by_id[node.peer_id] for node in cache.newest_first()]
