"""A home behind a NAT: `inside` 10.97.0.2, whose datagrams come out at the `router` 10.96.0.1, and `outside` 10.96.0.2.
Needs root, iproute2, nftables and conntrack."""

from __future__ import annotations

import itertools
import os
import subprocess
from types import TracebackType
from typing import Self

_numbers = itertools.count(1)


class Nat:
    """Three namespaces in a row. A context manager."""

    inside_address, outside_address = "10.97.0.2", "10.96.0.2"

    def __init__(self) -> None:
        name = f"sidecar-nat-{os.getpid()}-{next(_numbers)}"
        self.inside, self.router, self.outside = f"{name}-i", f"{name}-r", f"{name}-o"
        self._ports = itertools.count(20000, 1000)

    def __enter__(self) -> Self:
        try:
            for namespace in (self.inside, self.router, self.outside):
                _run("ip", "netns", "add", namespace)
                _run("ip", "-n", namespace, "link", "set", "lo", "up")
            self._join(self.inside, self.inside_address, "lan", "10.97.0.1")
            self._join(self.outside, self.outside_address, "wan", "10.96.0.1")
            _run("ip", "-n", self.inside, "route", "add", "default", "via", "10.97.0.1")
            _run("ip", "netns", "exec", self.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            self.rebind()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes the namespaces down; whoever runs in them is the caller's to end."""
        for namespace in (self.inside, self.router, self.outside):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True, timeout=30)

    def rebind(self) -> int:
        """The NAT forgets every mapping and gives out ports of another thousand; the first of these."""
        first = next(self._ports)
        rules = f"""
            table ip nat
            delete table ip nat
            table ip nat {{
                chain out {{
                    type nat hook postrouting priority 100
                    oifname "wan" meta l4proto udp masquerade to :{first}-{first + 999}
                }}
            }}"""
        _run("ip", "netns", "exec", self.router, "nft", "-f", "-", text=rules)
        _run("ip", "netns", "exec", self.router, "conntrack", "-F")
        return first

    def _join(self, namespace: str, address: str, device: str, gateway: str) -> None:
        _run(
            "ip",
            "link",
            "add",
            "eth0",
            "netns",
            namespace,
            "type",
            "veth",
            "peer",
            "name",
            device,
            "netns",
            self.router,
        )
        _run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        _run("ip", "-n", self.router, "addr", "add", f"{gateway}/24", "dev", device)
        _run("ip", "-n", namespace, "link", "set", "eth0", "up")
        _run("ip", "-n", self.router, "link", "set", device, "up")


def _run(*command: str, text: str = "") -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30, input=text, text=True)
