"""Byte streams and forwarded ports over bad links: every byte arrives, once and in its place, and memory stays as it
was."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from sidecar_client import AsyncSidecar, AsyncStream, PeersSnapshot
from tests.cli.terminal import start
from tests.lab.link import Link
from tests.lab.nat import Nat
from tests.processes import SidecarProcess, Sidecars

pytestmark = [
    pytest.mark.lab,
    pytest.mark.requires("netns", "gcc"),
    pytest.mark.timeout(170),
    pytest.mark.parametrize("engine", ["aioquic", "qh3"]),
]

MIB = 1 << 20
PIECE = random.Random(5).randbytes(256 << 10)
GROWTH_MIB = 24
"""What a sidecar may take while a stream passes: the windows of QUIC, of the stream and of two calls, and the buffers
that an allocator keeps of them."""
BAD = "delay=5ms,loss=10%,reorder=25%"
GOOD = "delay=1ms"
CUT = "delay=1ms,loss=100%"
SHORT = {"idle_timeout": "1s", "resume_timeout": "120s"}
"""A connection that hears nothing is lost soon, and the link waits long for the next."""


@dataclass
class Ends:
    """Two sidecars in namespaces, and the apps beside them."""

    near: SidecarProcess
    far: SidecarProcess
    here: AsyncSidecar
    there: AsyncSidecar

    async def meet(self) -> tuple[AsyncStream, AsyncStream]:
        """A byte stream, as each app has it."""
        accepting = asyncio.create_task(self.there.accept_stream("x"))
        opened = await self.here.open_stream(self.far.peer_id, "x", accept_timeout=60)
        return await opened.opened(), await accepting


@contextlib.asynccontextmanager
async def ends(
    sidecars: Sidecars, engine: str, near: str, far: tuple[str, str], **settings: str
) -> AsyncIterator[Ends]:
    """Linked sidecars in the namespaces `near` and `far`, the latter with the address it is dialled at."""
    sidecars.common = {"engine": engine, "udp_host": "0.0.0.0", "admin_endpoint": "none", **settings}
    with tempfile.TemporaryDirectory(prefix="qpc", dir="/tmp") as sockets:  # paths of sockets have room for 100 bytes
        made = []
        for name, namespace in (("near", near), ("far", far[0])):
            process = sidecars.prepare(name, grpc_endpoint=f"unix:{sockets}/{name}")
            process.within = ("ip", "netns", "exec", namespace)
            made.append(await asyncio.to_thread(process.start))
        async with AsyncSidecar(made[0].endpoint) as here, AsyncSidecar(made[1].endpoint) as there:
            await here.connect(f"{made[1].peer_id}@{far[1]}:{made[1].udp_port}", timeout=60)
            yield Ends(made[0], made[1], here, there)
            for process in made:
                await asyncio.to_thread(process.kill)  # its goodbye may have no network to go by


@contextlib.asynccontextmanager
async def linked(sidecars: Sidecars, engine: str, shape: str, **settings: str) -> AsyncIterator[tuple[Ends, Link]]:
    with Link(shape) as link:
        async with ends(sidecars, engine, link.left, (link.right, link.right_address), **settings) as both:
            yield both, link


class Passing:
    """Bytes that go both ways at once until they are told to end, each way in pieces that tell their place."""

    def __init__(self, here: AsyncStream, there: AsyncStream, least: int) -> None:
        self._least = least
        self._enough = asyncio.Event()
        self.written = {here: (hashlib.sha256(), [0]), there: (hashlib.sha256(), [0])}
        self.read = {here: (hashlib.sha256(), [0]), there: (hashlib.sha256(), [0])}
        self._tasks = [
            asyncio.create_task(work) for stream in (here, there) for work in (self._write(stream), self._read(stream))
        ]

    async def _write(self, stream: AsyncStream) -> None:
        digest, count = self.written[stream]
        while not (self._enough.is_set() and count[0] >= self._least):
            piece = b"%020d" % count[0] + PIECE
            await stream.write(piece)
            digest.update(piece)
            count[0] += len(piece)
        await stream.finish()

    async def _read(self, stream: AsyncStream) -> None:
        digest, count = self.read[stream]
        while part := await stream.read():
            digest.update(part)
            count[0] += len(part)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once a condition holds; raises what has ended a stream before."""
        while not condition():
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.005)

    async def further(self, more: int) -> None:
        """Returns once each way has carried so many bytes more."""
        counts = [count for _, count in self.read.values()]
        goals = [count[0] + more for count in counts]
        await self.until(lambda: all(count[0] >= goal for count, goal in zip(counts, goals, strict=True)))

    async def end(self) -> int:
        """Writes no more than there has to be, and returns once all has been read: how many bytes. They are those that
        were written."""
        self._enough.set()
        await asyncio.gather(*self._tasks)
        here, there = self.written
        for writer, reader in ((here, there), (there, here)):
            (sent, sent_bytes), (got, got_bytes) = self.written[writer], self.read[reader]
            assert got_bytes == sent_bytes
            assert got.digest() == sent.digest()
        await asyncio.gather(here.close(), there.close())
        return sum(count for _, (count,) in self.read.values())


async def test_a_tenth_is_lost_and_a_quarter_out_of_order(sidecars: Sidecars, engine: str) -> None:
    async with linked(sidecars, engine, BAD) as (both, link):
        passing = Passing(*await both.meet(), least=2 * MIB)
        assert await passing.end() >= 4 * MIB
        assert sum(way.lost for way in link.passed()) > 100


async def test_the_link_is_cut_until_both_apps_know_and_healed_until_both_know(sidecars: Sidecars, engine: str) -> None:
    """In constant memory, whatever was under way when it was cut."""
    async with linked(sidecars, engine, GOOD, **SHORT) as (both, link):
        here, there = await both.meet()
        passing = Passing(here, there, least=32 * MIB)
        await passing.further(4 * MIB)
        before = [process.peak_rss_mib() for process in (both.near, both.far)]
        for _ in range(4):
            link.reshape(CUT)
            await passing.until(lambda: here.suspended and there.suspended)
            link.reshape(GOOD)
            await passing.until(lambda: not (here.suspended or there.suspended))
        assert await passing.end() >= 64 * MIB
        assert min(here.suspensions, there.suspensions) >= 4
        grown = [process.peak_rss_mib() - held for process, held in zip((both.near, both.far), before, strict=True)]
        print(f"{engine}: grown by {grown[0]:.1f} and {grown[1]:.1f} MiB")
        assert max(grown) < GROWTH_MIB


async def test_the_link_is_cut_and_healed_every_second(sidecars: Sidecars, engine: str) -> None:
    """Too short for a connection that waits 30 seconds: nobody is told anything, and nothing is missing."""
    async with linked(sidecars, engine, GOOD) as (both, link):
        here, there = await both.meet()
        passing = Passing(here, there, least=8 * MIB)
        for _ in range(4):
            for shape in (CUT, GOOD):
                link.reshape(shape)
                await asyncio.sleep(1)  # it is the time that is tried
        assert await passing.end() >= 16 * MIB


@pytest.mark.requires("nftables", "conntrack")
async def test_a_nat_forgets_it(sidecars: Sidecars, engine: str) -> None:
    """The stream stays on its connection, which moves to the new address."""
    with Nat() as nat:
        async with ends(sidecars, engine, nat.inside, (nat.outside, nat.outside_address), keep_alive="1s") as both:
            here, there = await both.meet()
            passing = Passing(here, there, least=4 * MIB)
            seen = set()
            for _ in range(3):
                seen.add(await asyncio.to_thread(nat.rebind))
                await passing.further(2 * MIB)
            assert await passing.end() >= 8 * MIB
            assert (len(seen), here.suspensions, there.suspensions) == (3, 0, 0)


@contextlib.contextmanager
def command(*words: str, beside: SidecarProcess) -> Iterator[str]:
    """A command that serves; its first line on stderr."""
    process = start(*words, beside=beside)
    try:
        assert process.stderr is not None
        yield process.stderr.readline().decode()
    finally:
        process.kill()
        process.communicate()


async def test_a_forwarded_connection_outlives_the_link(sidecars: Sidecars, engine: str) -> None:
    """A TCP client and a TCP server that know of nothing: what comes back is what was sent."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(64 << 10):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with linked(sidecars, engine, "delay=2ms,loss=2%", **SHORT) as (both, link):
        near, far = both.near, both.far
        exposing = command("expose", "echo", target, "--allow", near.peer_id, beside=far)
        forwarding = command("forward", "127.0.0.1:0", "--to", f"{far.peer_id}:echo", beside=near)
        with exposing as said, forwarding as told:
            assert "exposing" in said
            found = re.search(r"listening at 127\.0\.0\.1:(\d+)", told)
            assert found, told
            reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
            enough = asyncio.Event()
            sent, got = hashlib.sha256(), hashlib.sha256()
            came = 0

            async def write() -> None:
                while not enough.is_set():
                    writer.write(PIECE)
                    sent.update(PIECE)
                    await writer.drain()
                writer.write_eof()

            async def read() -> None:
                nonlocal came
                while data := await reader.read(64 << 10):
                    got.update(data)
                    came += len(data)

            tasks = [asyncio.create_task(write()), asyncio.create_task(read())]

            async def more(count: int) -> None:
                goal = came + count
                while came < goal:
                    assert not any(task.done() for task in tasks)
                    await asyncio.sleep(0.005)

            await more(MIB)
            for _ in range(2):
                link.reshape(CUT)
                await asyncio.gather(*(resuming(app, peer.peer_id) for app, peer in both_ways(both)))
                link.reshape(GOOD)
                await more(MIB)
            enough.set()
            await asyncio.gather(*tasks)
            assert got.digest() == sent.digest()
            writer.close()
    server.close()
    await server.wait_closed()


def both_ways(both: Ends) -> list[tuple[AsyncSidecar, SidecarProcess]]:
    """Each app, and the sidecar it sends to."""
    return [(both.here, both.far), (both.there, both.near)]


async def resuming(app: AsyncSidecar, peer_id: str) -> None:
    """Returns once an app's sidecar has lost its connection to a peer."""
    async for told in app.watch_peers():
        peers = told.peers if isinstance(told, PeersSnapshot) else (told.peer,)
        if any(peer.peer_id == peer_id and not peer.connections for peer in peers):
            return
