"""A dialler of another make (quic-go, built from the Go module proxy): the wrong version, the wrong protocol, all right
but no HELLO, a Retry, a restart."""

from __future__ import annotations

import asyncio
import json
import subprocess
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest

from sidecar.overlay.events import PeerLinked, PeerRefused
from sidecar.wire.errors import Close
from sidecar.wire.session import Session
from tests.overlay.network import Network, Site

ID_BYTES = ("0", "8")
"""It may have no connection id of its own, as quic-go's diallers do, or one."""
PROGRAM = Path(__file__).parent / "alien"

pytestmark = [pytest.mark.requires("go"), pytest.mark.slow]


@pytest.fixture(params=ID_BYTES, ids=["without-id", "with-id"])
def own_id(request: pytest.FixtureRequest) -> str:
    """The length of its connection id."""
    return str(request.param)


@pytest.fixture(scope="session")
def alien_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built."""
    path = tmp_path_factory.mktemp("alien") / "alien"
    built = subprocess.run(
        ["go", "build", "-o", str(path), "."], cwd=PROGRAM, capture_output=True, text=True, timeout=300, check=False
    )
    assert built.returncode == 0, built.stderr
    return path


class Alien:
    """One run of it."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @classmethod
    async def dial(cls, program: Path, site: Site, **options: str) -> Alien:
        """Dials a site."""
        words = [f"{name}={value}" for name, value in options.items()]
        return cls(await asyncio.create_subprocess_exec(program, site.address, *words, stdout=PIPE))

    async def says(self) -> dict[str, Any]:
        """Its next line."""
        assert self.process.stdout is not None
        text = await self.process.stdout.readline()
        assert text, "it has ended without a word"
        told: dict[str, Any] = json.loads(text)
        return told

    async def gone(self) -> None:
        """Returns once the process has ended."""
        assert await self.process.wait() == 0


def time_is_up_soon(site: Site) -> None:
    """For the one stranger there: a process of its own, which has had all the time it needed so far."""
    (pump,) = site.node.endpoint._pumps
    assert isinstance(pump._protocol, Session)
    pump._protocol._handshake_deadline = asyncio.get_running_loop().time() + 0.3
    pump.wake()


async def test_of_another_version_is_told_ours(
    network: Network, engine_name: str, own_id: str, alien_program: Path
) -> None:
    site = await network.site(engine_name=engine_name)
    alien = await Alien.dial(alien_program, site, id=own_id, version="2")
    told = await alien.says()
    assert (told["event"], told["kind"], told["reason"]) == ("ended", "version", "[v1]")
    await alien.gone()
    assert site.node.endpoint.counters.version_negotiations >= 1
    assert site.node.endpoint.connections == 0


async def test_of_another_protocol_is_refused(
    network: Network, engine_name: str, own_id: str, alien_program: Path
) -> None:
    """By TLS's alert 120, no_application_protocol (RFC 9001 section 8.1)."""
    site = await network.site(engine_name=engine_name)
    alien = await Alien.dial(alien_program, site, id=own_id, alpn="h3")
    told = await alien.says()
    assert (told["event"], told["kind"], told["code"]) == ("ended", "transport", 0x100 + 120)
    assert told["remote"]
    await alien.gone()
    assert site.node.links.peers == {}
    assert site.events(PeerLinked) == []


async def test_without_a_hello_it_is_let_go_in_time(
    network: Network, engine_name: str, own_id: str, alien_program: Path
) -> None:
    """It sees our certificate and our first HELLO, which says no more than a stranger may know; then its time is up, by
    the close code that says so, and nothing of it is kept."""
    site = await network.site(engine_name=engine_name, handshake_timeout=60)
    alien = await Alien.dial(alien_program, site, id=own_id)
    assert await alien.says() == {
        "event": "connected", "kind": "", "code": 0, "reason": "", "remote": False, "alpn": "qp2p-sidecar/1",
        "certificate": 1, "received": 0,
    }  # fmt: skip
    time_is_up_soon(site)
    told = await alien.says()
    assert (told["kind"], told["code"], told["remote"]) == ("application", Close.HANDSHAKE_TIMEOUT, True)
    assert told["reason"]
    assert 0 < told["received"] < 200
    await alien.gone()
    (refused,) = site.events(PeerRefused)
    assert refused.peer_id == ""
    assert not refused.by_peer
    assert site.node.links.peers == {}
    assert site.node.list_peers("", 10) == []
    assert site.node.endpoint._opening == {}


async def test_it_is_asked_for_its_address_and_gets_in(
    network: Network, engine_name: str, own_id: str, alien_program: Path
) -> None:
    """Our Retry packets are another implementation's too."""
    site = await network.site(engine_name=engine_name, retry="always", handshake_timeout=60)
    alien = await Alien.dial(alien_program, site, id=own_id)
    assert (await alien.says())["event"] == "connected"
    assert site.node.endpoint.counters.retries >= 1
    time_is_up_soon(site)
    assert (await alien.says())["code"] == Close.HANDSHAKE_TIMEOUT
    await alien.gone()


@pytest.mark.parametrize(("engine_name", "own_id"), [("aioquic", "0"), ("aioquic", "8"), ("qh3", "0")])
async def test_it_understands_that_a_sidecar_has_restarted(
    network: Network, engine_name: str, own_id: str, alien_program: Path
) -> None:
    """Our stateless resets are another implementation's too. (It changes to the second connection id it is given. Of
    those the core of qh3 keeps the tokens to itself, so that only the first one's would do.)"""
    site = await network.site(engine_name=engine_name, handshake_timeout=60, idle_timeout=60)
    alien = await Alien.dial(alien_program, site, id=own_id, keepalive="200ms")
    assert (await alien.says())["event"] == "connected"
    (pump,) = site.node.endpoint._pumps
    connected_at = asyncio.get_running_loop().time()
    while pump.heard_at < connected_at + 0.1:  # noqa: ASYNC110  until it pings, and no packet of a handshake is under way
        await asyncio.sleep(0.01)
    await site.crash()
    again = await network.site(engine_name=engine_name, identity=site.node.identity, port=site.port)
    told = await alien.says()
    assert (told["event"], told["kind"]) == ("ended", "reset")
    await alien.gone()
    assert again.node.endpoint.counters.resets >= 1
