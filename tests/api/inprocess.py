"""Whole sidecars in the test's own process: real QUIC and real gRPC on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.api.front import load
from sidecar.api.front.base import Front, Listener
from sidecar.api.health import API, OVERLAY, Health
from sidecar.api.services import services
from sidecar.identity import Identity
from sidecar.mail.journal import Journal
from sidecar.node import Node, NodeState
from sidecar.overlay.contacts import Contacts
from sidecar.settings import Settings
from sidecar.transport import engine
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine.base import EngineSettings
from sidecar.wire import ALPN


@dataclass
class InProcess:
    """A running sidecar."""

    node: Node
    front: Front
    health: Health
    address: str

    @property
    def peer_id(self) -> str:
        return self.node.identity.peer_id

    @property
    def contact(self) -> str:
        return f"{self.peer_id}@{self.node.listen_addresses()[0]}"


@asynccontextmanager
async def sidecar_in_process(
    listener: Listener | None = None, state: Path | None = None, **named: Any
) -> AsyncIterator[InProcess]:
    """Runs a sidecar on free ports; `named` are settings, `listener` who may call, `state` a directory for its
    journal."""
    flags: dict[str, Any] = {"ephemeral": True, "udp_host": "127.0.0.1", "udp_port": 0, **named}
    settings = Settings.load(flags, {})
    identity = Identity.ephemeral(settings.key_type)
    node = Node(
        settings, identity, Contacts(settings.bootstrap, None), None, None, Journal(state, settings.journal_bytes)
    )
    endpoint = await Endpoint.open(
        (settings.udp_host, settings.udp_port),
        engine.load(settings.engine),
        EngineSettings(
            alpn=ALPN,
            certificate_chain=(identity.certificate_der,),
            private_key_pem=identity.private_key_pem,
            idle_timeout=settings.idle_timeout,
            max_datagram=settings.max_datagram,
        ),
        node.links.accept,
        retry=settings.retry,
        offload=settings.offload == "auto",
        keep_alive=settings.keep_alive,
    )
    node.start(endpoint)
    health = Health()
    node.on_overlay = lambda linked: health.set(OVERLAY, linked)
    node.on_state = lambda state: health.set(API, state is NodeState.SERVING)
    front = load(settings.front)
    addresses = await front.start(services(node, health, front.name), [listener or Listener("127.0.0.1:0")])
    health.set(API, True)
    try:
        yield InProcess(node, front, health, addresses[0])
    finally:
        await front.stop(0)
        await node.stop()
