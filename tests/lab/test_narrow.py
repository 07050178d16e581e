"""A path that becomes narrower under a link: full packets vanish, small ones pass, nobody is told."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Literal

import pytest

from sidecar_client import Received, Sidecar
from tests.lab.link import Link
from tests.processes import SidecarProcess, Sidecars

pytestmark = [pytest.mark.lab, pytest.mark.requires("netns", "gcc"), pytest.mark.timeout(120)]

WIDE = "delay=5ms"
NARROW = "delay=5ms,most=1300"
"""Bytes of an Ethernet frame: packets of 1,200 pass, of 1,452 do not."""
PAYLOAD = bytes(range(256)) * 512
MESSAGES = 8


def at(
    link: Link, sidecars: Sidecars, engine: str, place: Literal["left", "right"], role: str = "auto"
) -> SidecarProcess:
    """A sidecar at an end of the link."""
    process = sidecars.prepare(place, engine=engine, udp_host="0.0.0.0", role=role)
    process.within = ("ip", "netns", "exec", link.left if place == "left" else link.right)
    process.start(grpc_endpoint=f"unix:{process.folder}/api.sock", admin_endpoint="none")
    return process


def exchange(sender: Sidecar, receiver: Sidecar, peer_id: str, timeout: float) -> list[str]:
    """What comes of messages that take many full packets each."""
    came: list[str] = []

    def read() -> None:
        for message in receiver.receive("x", timeout=timeout):
            if isinstance(message, Received):
                came.append(hashlib.sha256(message.payload).hexdigest())
                if len(came) == MESSAGES:
                    return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with sender.sender(peer_id, channel="x", timeout=timeout) as way:
            for _ in range(MESSAGES):
                way.send(PAYLOAD)
            way.flush()
    finally:
        reader.join(timeout=timeout)
    return came


@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
@pytest.mark.parametrize("from_dialler", [True, False], ids=["from the dialler", "from the acceptor"])
def test_a_path_that_becomes_narrower_is_found_out(sidecars: Sidecars, engine: str, from_dialler: bool) -> None:
    expected = [hashlib.sha256(PAYLOAD).hexdigest()] * MESSAGES
    with Link(WIDE) as link:
        acceptor = at(link, sidecars, engine, "left")
        # A client is never dialled: the link comes back only if who can dial takes narrower packets.
        dialler = at(link, sidecars, engine, "right", role="client")
        with Sidecar(dialler.endpoint) as one, Sidecar(acceptor.endpoint) as other:
            one.connect(f"{acceptor.peer_id}@{link.left_address}:{acceptor.udp_port}")
            way: Callable[[float], list[str]] = (
                (lambda timeout: exchange(one, other, acceptor.peer_id, timeout))
                if from_dialler
                else (lambda timeout: exchange(other, one, dialler.peer_id, timeout))
            )
            assert way(30) == expected
            link.reshape(NARROW)
            assert way(60) == expected
            swallowed = sum(each.lost for each in link.passed())
        sidecars.end()
        told = acceptor.stderr + dialler.stderr
        # Where the machine was so busy that qh3's first packet was taken for lost, its core sends narrow packets since.
        assert not swallowed or "datagrams of 1200 bytes, not wider ones" in told
