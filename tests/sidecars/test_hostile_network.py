"""Two honest sidecars go on talking while strangers throw at their UDP ports whatever they can think of."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sidecar.identity import Identity
from sidecar.transport import engine
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine.base import EngineSettings
from sidecar.wire import ALPN
from sidecar.wire.streams import StreamProtocol
from sidecar_client import AsyncSidecar, Received
from tests.processes import SidecarProcess, Sidecars

pytestmark = pytest.mark.slow

GARBAGE = 100_000
ENGINES = ("aioquic", "qh3")
LINES_MAX = 60
"""A sidecar's log in one of these tests, its ordinary lines included."""
GROWTH_MAX = 48
"""MiB by which strangers may make a sidecar grow."""


class Silent(StreamProtocol):
    """Wants nothing of its connection, and notes its end."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        """See StreamProtocol."""
        self.ended.set()

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        """See StreamProtocol."""

    def opened(self, now: float) -> None:
        """See StreamProtocol."""

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """See StreamProtocol."""

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """See StreamProtocol."""

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """See StreamProtocol."""

    def datagram(self, data: bytes, now: float) -> None:
        """See StreamProtocol."""

    def fill(self, now: float) -> None:
        """See StreamProtocol."""

    def deadline(self) -> float | None:
        """See StreamProtocol."""
        return None


def settings_of(alpn: str = ALPN) -> EngineSettings:
    """A stranger's."""
    identity = Identity.ephemeral()
    return EngineSettings(
        alpn=alpn, certificate_chain=(identity.certificate_der,), private_key_pem=identity.private_key_pem
    )


def first_flight(name: str) -> bytes:
    """A good first datagram of a dialler."""
    connection = engine.load(name).dial(settings_of(), None)
    connection.connect(("127.0.0.1", 1), 100.0)
    return connection.transmit(100.0, 1 << 16)[0].datagrams[0]


def throw(target: tuple[str, int], datagrams: Callable[[random.Random], bytes], count: int) -> None:
    """Sends so many datagrams, a few thousand from each of several sockets."""
    dice = random.Random(11)
    for _ in range(20):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(target)
            for _ in range(count // 20):
                try:
                    stranger.send(datagrams(dice))
                except OSError:  # the kernel's buffer is full, or somebody has answered with ICMP
                    continue


@asynccontextmanager
async def traffic(one: SidecarProcess, two: SidecarProcess) -> AsyncIterator[list[int]]:
    """Messages both ways for as long as the context lasts; all come, in order. Yields how many did each way."""
    stop = asyncio.Event()
    came = [0, 0]
    moved = asyncio.Event()

    async def until(condition: Callable[[], bool]) -> None:
        while not condition():
            moved.clear()
            await moved.wait()

    async with AsyncSidecar(one.endpoint) as first, AsyncSidecar(two.endpoint) as second:
        await first.connect(two.contact)

        async def send(client: AsyncSidecar, other: SidecarProcess) -> int:
            number = 0
            async with client.sender(other.peer_id, channel="honest") as out:
                while not stop.is_set():
                    await out.send(number.to_bytes(8) + bytes(1000))
                    number += 1
                    await asyncio.sleep(0.001)
                await out.send(b"end")
            return number

        async def read(client: AsyncSidecar, way: int) -> None:
            async with client.receive("honest") as messages:
                async for message in messages:
                    assert isinstance(message, Received)
                    if message.payload == b"end":
                        return
                    assert int.from_bytes(message.payload[:8]) == came[way]
                    came[way] += 1
                    moved.set()

        tasks = [
            asyncio.ensure_future(each)
            for each in (read(second, 0), read(first, 1), send(first, two), send(second, one))
        ]
        try:
            await until(lambda: min(came) > 10)
            yield came
            before = list(came)
            await until(lambda: all(now > then + 10 for now, then in zip(came, before, strict=True)))
            assert not any(task.done() for task in tasks), "nobody has given up meanwhile"
        finally:
            stop.set()
        results = await asyncio.gather(*tasks)
        assert results[2:] == came


def target_of(process: SidecarProcess) -> tuple[str, int]:
    return "127.0.0.1", process.udp_port


def lines(process: SidecarProcess) -> int:
    return len(process.stderr.splitlines())


def spawn(sidecars: Sidecars, name: str) -> tuple[SidecarProcess, SidecarProcess]:
    """Two sidecars on an engine."""
    one = sidecars.spawn(engine=name, udp_host="127.0.0.1")
    return one, sidecars.spawn(engine=name, udp_host="127.0.0.1")


@pytest.mark.parametrize("name", ENGINES)
async def test_datagrams_nobody_understands(sidecars: Sidecars, name: str) -> None:
    """Random bytes of all sizes; good first flights cut short, with bits turned over, of other versions; repeats."""
    one, two = await asyncio.to_thread(spawn, sidecars, name)
    flight = first_flight(name)
    noise = os.urandom(1 << 20)

    def garbage(dice: random.Random) -> bytes:
        size = dice.choice(
            (dice.randrange(64), dice.randrange(1500), dice.randrange(65_000 if not dice.randrange(50) else 1472))
        )
        start = dice.randrange(len(noise) - size)
        return noise[start : start + size]

    def damaged(dice: random.Random) -> bytes:
        data = bytearray(flight)
        match dice.randrange(5):
            case 0:
                return bytes(data[: dice.randrange(len(data))])
            case 1:
                for _ in range(dice.randrange(1, 8)):
                    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            case 2:
                data[1:5] = dice.randbytes(4)
            case 3:
                data[6:14] = dice.randbytes(8)
            case _:
                data[20:] = dice.randbytes(len(data) - 20)
        return bytes(data)

    async with traffic(one, two):
        before = one.rss_mib()
        await asyncio.to_thread(throw, target_of(one), garbage, GARBAGE)
        await asyncio.to_thread(throw, target_of(one), damaged, 5_000)
        assert one.rss_mib() - before < GROWTH_MAX
    assert lines(one) < LINES_MAX
    assert lines(two) < LINES_MAX


@pytest.mark.parametrize("name", ENGINES)
async def test_handshakes_of_other_protocols(sidecars: Sidecars, name: str) -> None:
    """Another ALPN is refused; who says nothing after the handshake is let go; honest ones come in beside them."""
    one, two = await asyncio.to_thread(spawn, sidecars, name)
    strangers: list[Silent] = []

    def silent(*_: object) -> Silent:
        strangers.append(Silent())
        return strangers[-1]

    foreign = await Endpoint.open(("127.0.0.1", 0), engine.load(name), settings_of("h3"), silent)
    mute = await Endpoint.open(("127.0.0.1", 0), engine.load(name), settings_of(), silent)
    async with traffic(one, two):
        for endpoint in (foreign, mute):
            for _ in range(40):
                endpoint.dial(target_of(one), silent)
        newcomer = await asyncio.to_thread(sidecars.spawn, engine=name, udp_host="127.0.0.1")
        async with AsyncSidecar(newcomer.endpoint) as client:
            await client.connect(one.contact)
        for stranger in strangers:
            await stranger.ended.wait()
    foreign.close()
    mute.close()
    assert len(strangers) == 80
    assert lines(one) < LINES_MAX


async def test_a_peer_of_another_network_that_never_gives_up(sidecars: Sidecars) -> None:
    """It is refused each time, and the log says so a few times."""
    one, two = await asyncio.to_thread(spawn, sidecars, "auto")
    other = await asyncio.to_thread(sidecars.spawn, network_id="another", udp_host="127.0.0.1")
    async with traffic(one, two), AsyncSidecar(other.endpoint) as client:
        for _ in range(60):
            with pytest.raises(Exception, match="network id"):
                await client.connect(one.contact)
    for process in (one, other):
        assert lines(process) < LINES_MAX
