"""Where a sidecar is, who may call it and how long a call takes, in every language at once: what a channel is made
of, and not what goes through it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sidecar_client import Sidecar
from tests.api.front.tls import Authority
from tests.conformance.drivers import Language
from tests.conformance.player import PATIENCE, Player
from tests.processes import Sidecars

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1200)]

TOKEN = "the-token-of-the-operator"
DEFAULT_SECONDS = 30.0
"""docs/clients.md: a call takes at most its `timeout`, else the client's, which is this."""


class Drivers:
    """One of each language, told alike and at once."""

    def __init__(self, languages: list[Language], folder: Path) -> None:
        self.languages = languages
        self.folder = folder
        self.players: list[Player] = []

    def all(self, environment: Mapping[str, str], **command: Any) -> dict[str, Any]:
        """What each language's says of one command, in an environment of its own."""
        players = {
            language.name: Player(language, environment, self.folder / f"{language.name}.stderr")
            for language in self.languages
        }
        self.players = [*players.values()]
        for player in self.players:
            player.tell({"role": "app", "params": {}} | command)
        told = {name: player.hear() for name, player in players.items()}
        for player in self.players:
            player.end()
        return told

    def node(self, **environment: str | Path) -> dict[str, Any]:
        """The peer id that each is told by GetNode, or the kind of its error."""
        given = {name: str(value) for name, value in environment.items()}
        told = self.all(given, case="call", params={"verb": "node", "timeout": PATIENCE / 2})
        results = {name: each["result"] for name, each in told.items()}
        return {name: each.get("value") or each["raised"]["kind"] for name, each in results.items()}

    def alike(self, what: str) -> dict[str, str]:
        """What each says when all say the same."""
        return {language.name: what for language in self.languages}


@pytest.fixture
def drivers(languages: list[Language], tmp_path: Path) -> Iterator[Drivers]:
    made = Drivers(languages, tmp_path)
    yield made
    for player in made.players:
        player.kill()


def test_token_tls_and_unix_socket(drivers: Drivers, sidecars: Sidecars, tmp_path: Path) -> None:
    authority = Authority.make("ca", tmp_path)
    pair = authority.issue("api")
    another = Authority.make("another ca", tmp_path)
    files = {
        "another": another.certificate,
        "ca": authority.certificate,
        "cert": pair.certificate,
        "key": pair.key,
        "token": TOKEN.encode(),
    }
    for name, content in files.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(content)
    socket = f"unix:{tmp_path}/api.sock"
    sidecar = sidecars.spawn(
        grpc_endpoint=["127.0.0.1:0", socket], api_token_file=tmp_path / "token", api_tls_cert=tmp_path / "cert",
        api_tls_key=tmp_path / "key", api_tls_client_ca=tmp_path / "ca", ephemeral=True,
    )  # fmt: skip
    tcp: dict[str, str | Path] = {"SIDECAR_ENDPOINT": sidecar.endpoint, "SIDECAR_TOKEN": TOKEN}
    trusts: dict[str, str | Path] = {"SIDECAR_TLS_CA": tmp_path / "ca", "SIDECAR_TLS_SERVER_NAME": "localhost"}
    shows: dict[str, str | Path] = {"SIDECAR_TLS_CERT": tmp_path / "cert", "SIDECAR_TLS_KEY": tmp_path / "key"}

    assert drivers.node(SIDECAR_ENDPOINT=socket, SIDECAR_TOKEN=TOKEN) == drivers.alike(sidecar.peer_id)
    assert drivers.node(SIDECAR_ENDPOINT=socket) == drivers.alike("TokenInvalid")
    assert drivers.node(**tcp, **trusts, **shows) == drivers.alike(sidecar.peer_id)
    assert drivers.node(**tcp, **trusts) == drivers.alike("SidecarUnavailable"), "without a certificate of its own"
    assert drivers.node(**tcp, **shows, SIDECAR_TLS_CA=tmp_path / "another") == drivers.alike("SidecarUnavailable")


def test_a_call_ends_by_itself(drivers: Drivers, sidecars: Sidecars) -> None:
    """A call that is given no deadline has the client's, carried to the sidecar: no app waits for ever."""
    near = sidecars.spawn("near", ephemeral=True)
    far = sidecars.spawn("far", ephemeral=True, bootstrap=[near.contact])
    with Sidecar(far.endpoint) as client:
        client.wait_ready(PATIENCE, level="overlay")
    nobody = {"verb": "request", "args": {"peer_id": far.peer_id, "channel": "where nobody answers"}}
    began = time.monotonic()
    told = drivers.all({"SIDECAR_ENDPOINT": near.endpoint}, case="call", params=nobody)
    took = time.monotonic() - began
    raised = {name: each["result"]["raised"]["kind"] for name, each in told.items()}
    # The sidecar's word comes just before the client's own, unless the machine is busy.
    assert raised.keys() == drivers.alike("").keys()
    assert {*raised.values()} <= {"NoSubscriber", "DeadlinePassed"}
    # An answer sets out a little before the deadline, so that it is there at the deadline.
    assert took > 0.95 * DEFAULT_SECONDS
