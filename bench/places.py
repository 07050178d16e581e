"""Where a measurement runs: on loopback, or between two network namespaces that this run makes and removes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MTU = 1500


@dataclass(frozen=True)
class Site:
    """One end: the address its processes have, and what starts a command there."""

    address: str
    prefix: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Two sites that reach each other."""

    name: str
    sender: Site
    receiver: Site


LOOPBACK = Place("loopback", Site("127.0.0.1"), Site("127.0.0.1"))


class NoNamespaces(Exception):
    """This user or kernel makes no network namespaces."""


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=20)
    except FileNotFoundError as missing:
        raise NoNamespaces("there is no `ip` command (iproute2)") from missing
    except subprocess.CalledProcessError as failed:
        raise NoNamespaces(f"`ip {' '.join(arguments)}`: {failed.stderr.strip()}") from failed


@contextmanager
def namespaces() -> Iterator[Place]:
    """Two namespaces joined by a veth pair of MTU 1500; their names are this process's own."""
    if os.geteuid() != 0:
        raise NoNamespaces("network namespaces need root")
    names = [f"qpbench{os.getpid()}{side}" for side in "ab"]
    links = [f"qpb{os.getpid()}{side}" for side in "ab"]
    made: list[str] = []
    try:
        for name in names:
            _ip("netns", "add", name)
            made.append(name)
        _ip("link", "add", links[0], "netns", names[0], "mtu", str(MTU), "type", "veth",
            "peer", "name", links[1], "netns", names[1], "mtu", str(MTU))  # fmt: skip
        for number, (name, link) in enumerate(zip(names, links, strict=True), start=1):
            _ip("-n", name, "addr", "add", f"10.90.0.{number}/24", "dev", link)
            _ip("-n", name, "link", "set", link, "up")
            _ip("-n", name, "link", "set", "lo", "up")
        sites = [Site(f"10.90.0.{number}", ("ip", "netns", "exec", name)) for number, name in enumerate(names, start=1)]
        yield Place(f"veth, MTU {MTU}", *sites)
    finally:
        for name in made:
            _ip("netns", "del", name)
