"""A live peer's NAT forgets it: two sidecars as processes, a real NAT between them, and apps that go on talking."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sidecar_client import Received, Sidecar
from tests.lab.nat import Nat
from tests.processes import SidecarProcess, Sidecars

MESSAGES = 3000
MOVES = 3


@contextmanager
def reading(sidecar: SidecarProcess) -> Iterator[list[int]]:
    """The numbers of the messages that come."""
    numbers: list[int] = []
    app = Sidecar(sidecar.endpoint)

    def read() -> None:
        for message in app.receive("x", timeout=100):
            if isinstance(message, Received):
                numbers.append(int(message.payload[:8]))
                if len(numbers) == MESSAGES:
                    return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield numbers
        reader.join(timeout=60)
    finally:
        app.close()
        reader.join(timeout=10)


@pytest.mark.lab
@pytest.mark.requires("netns", "nftables", "conntrack")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
def test_a_peer_whose_nat_forgets_it_loses_no_message(sidecars: Sidecars, engine: str) -> None:
    with Nat() as nat:
        outside = sidecars.prepare("outside", engine=engine, keep_alive=1, udp_host="0.0.0.0")
        inside = sidecars.prepare("inside", engine=engine, keep_alive=1, udp_host="0.0.0.0")
        for process, namespace in ((outside, nat.outside), (inside, nat.inside)):
            process.within = ("ip", "netns", "exec", namespace)
            process.start(grpc_endpoint=f"unix:{process.folder}/api.sock", admin_endpoint="none")
        contact = f"{outside.peer_id}@{nat.outside_address}:{outside.udp_port}"
        with Sidecar(inside.endpoint) as one, Sidecar(outside.endpoint) as other:
            one.connect(contact)
            peers = {inside.peer_id: other, outside.peer_id: one}
            seen: set[int] = set()
            with reading(inside) as here, reading(outside) as there:
                ways = [app.sender(peer_id, channel="x") for peer_id, app in peers.items()]
                for number in range(MESSAGES):
                    for way in ways:
                        way.send(b"%08d" % number + bytes(1000))
                    if number % (MESSAGES // MOVES) == MESSAGES // MOVES // 2:
                        first = nat.rebind()
                        for way in ways:
                            way.flush(timeout=30)
                        seen.add(first)
                for way in ways:
                    way.close()
            assert here == there == list(range(MESSAGES)), "all, once, in order"
            for app, peer_id in ((one, outside.peer_id), (other, inside.peer_id)):
                assert app.peer(peer_id).connections == 1
            assert len(seen) == MOVES
            inside.kill()  # its goodbye would have no network to go by
            outside.kill()
            assert "lost" not in inside.stderr + outside.stderr, "the link was never down"
