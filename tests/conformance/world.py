"""The sidecars of a matrix, all behind one front, and what the runner itself holds beside them.

a        where the drivers of `alone` are, and the senders of `pair`; has a token, an app's token and a full block list
b        linked to it: the receivers of `pair`
narrow   linked to a, with small windows
bare     linked to a, without a state directory
client   a client that was linked to a
foreign  of another network
m        linked to a, behind a relay: cut, killed, broken and drained
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from sidecar_client import Sidecar
from tests.conformance.drivers import Language
from tests.conformance.player import PATIENCE, Player, PlayerError
from tests.conformance.relay import Relay
from tests.processes import Flag, SidecarProcess, Sidecars

TOKEN = "the-token-of-the-operator"
APP_TOKEN = "the-token-of-an-app-that-may-do-little"

BLOCKED_MAX = 10_000
"""As in sidecar/trust/access.py: one more is LIMIT_REACHED."""

PAGED = 1_100
"""More peers than two pages hold."""


def stranger(name: str) -> str:
    """A peer id that no sidecar has."""
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode().lower().rstrip("=")


class World:
    """A context manager: starts everything, and ends it."""

    def __init__(self, front: str, folder: Path) -> None:
        self.front = front
        self.folder = folder
        self.facts: dict[str, str] = {"front": front, "app_token": APP_TOKEN}
        self.sidecars = Sidecars(folder)
        self.sidecars.common = {"front": front}
        self.by_place: dict[str, SidecarProcess] = {}
        self.blocked_at_m = [stranger(f"m {number}") for number in range(PAGED)]
        self._closing = contextlib.ExitStack()
        self._clients: dict[str, Sidecar] = {}
        self._players: dict[tuple[str, str], Player] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends drivers and sidecars; fails where one of either does not end as it should."""
        wrong: list[str] = []
        for (language, place), player in self._players.items():
            try:
                player.end()
            except PlayerError as error:
                wrong.append(f"{language} at {place}: {error}\n{player.tail}")
        self._closing.close()
        self.sidecars.end()
        assert not wrong, "\n".join(wrong)

    def client(self, place: str) -> Sidecar:
        """The runner's own client of a sidecar."""
        if place not in self._clients:
            token = TOKEN if place == "a" else None
            client = Sidecar(self.by_place[place].endpoint, token=token)
            self._clients[place] = self._closing.enter_context(client)
        return self._clients[place]

    def player(self, language: Language, place: str) -> Player:
        """The driver of a language beside a sidecar."""
        key = (language.name, place)
        if key not in self._players:
            endpoint = self.relay.address if place == "m" else self.by_place[place].endpoint
            environment = {"SIDECAR_ENDPOINT": endpoint} | ({"SIDECAR_TOKEN": TOKEN} if place == "a" else {})
            self._players[key] = Player(language, environment, self.folder / f"{language.name}-{place}.stderr")
        return self._players[key]

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        apps = f'[[app]]\nname = "small"\ntoken = "{APP_TOKEN}"\nsend = ["nothing"]\n'
        self._block("a", [stranger(f"a {number}") for number in range(BLOCKED_MAX)])
        self._block("m", self.blocked_at_m)
        a = self._spawn(
            "a",
            {
                "api_token_file": self._secret("token", TOKEN),
                "api_apps_file": self._secret("apps", apps),
                "max_message_bytes": 20 << 20,
            },
        )
        linked: dict[str, Flag] = {"bootstrap": [a.contact]}
        rest: dict[str, dict[str, Flag]] = {
            "b": linked | {"labels": "kind=b"},
            "narrow": linked | {"channel_window_bytes": 64 << 10, "link_window_bytes": 4 << 20},
            "bare": linked | {"ephemeral": True},
            "client": {"ephemeral": True, "role": "client"},
            "foreign": {"ephemeral": True, "network_id": "another"},
            "m": linked,
        }
        with ThreadPoolExecutor(2) as starting:
            list(starting.map(lambda name: self._spawn(name, rest[name]), rest))
        self.relay = self._closing.enter_context(Relay(self.by_place["m"].endpoint))
        silent = self._closing.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        self.facts["silent"] = f"127.0.0.1:{silent.getsockname()[1]}"
        for place in ("b", "narrow", "bare", "m"):
            self.client(place).wait_ready(PATIENCE, level="overlay")
            self.client("a").connect(self.by_place[place].contact, timeout=PATIENCE)
        self.client("client").connect(a.contact)
        self.client("client").disconnect(a.peer_id)
        self.facts["engine"] = self.client("a").node().engine

    def _spawn(self, name: str, flags: Mapping[str, Flag]) -> SidecarProcess:
        process = self.sidecars.prepare(name, environment=None, **flags)
        self.by_place[name] = process
        return process.start()

    def _block(self, name: str, peer_ids: list[str]) -> None:
        """Its block list, before it is started."""
        state = self.folder / name / "state"
        state.mkdir(parents=True, mode=0o700)
        (state / "blocked").write_text("".join(f"{peer_id}\n" for peer_id in peer_ids))

    def _secret(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(content)
        return path
