"""The engine suite runs over all four pairings of the two engines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from sidecar.transport.engine import load
from sidecar.transport.engine.base import EngineSettings
from tests.transport.certificates import KeyKind, key_pair
from tests.transport.network import Host, Line, Network

ENGINES = ("aioquic", "qh3")
ALPN = "test/1"


def settings_of(kind: KeyKind = "ed25519", **changes: Any) -> EngineSettings:
    """Settings with a new key."""
    certificate, key = key_pair(kind)
    return replace(EngineSettings(alpn=ALPN, certificate_chain=(certificate,), private_key_pem=key), **changes)


@dataclass
class Pair:
    """A dialling and an accepting host, each with its engine."""

    dialler: str
    acceptor: str

    def hosts(
        self,
        network: Network,
        dialling: EngineSettings | None = None,
        accepting: EngineSettings | None = None,
        **host: Any,
    ) -> tuple[Host, Host]:
        """The two hosts on a network."""
        client = network.host(load(self.dialler), dialling or settings_of())
        return client, network.host(load(self.acceptor), accepting or settings_of(), **host)

    def joined(self, network: Network, **changes: Any) -> tuple[Line, Line]:
        """The two ends of a connection whose handshake is done on both."""
        client, server = self.hosts(network, **changes)
        line = client.dial(server)
        network.run_until(lambda: line.chain is not None and any(one.chain is not None for one in server.lines))
        return line, next(one for one in server.lines if one.chain is not None)


@pytest.fixture(params=[(d, a) for d in ENGINES for a in ENGINES], ids=lambda pair: f"{pair[0]}-to-{pair[1]}")
def pair(request: pytest.FixtureRequest) -> Pair:
    """One of the four pairings."""
    return Pair(*request.param)


@pytest.fixture
def network() -> Network:
    """A path of 10 ms each way on which nothing is lost."""
    return Network()
