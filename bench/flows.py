"""`python -m bench.flows [gap]`: requests between two apps, a stream whose path dies, PostgreSQL through two sidecars.

Two real sidecars on loopback; the apps are in this process, `expose` and `forward` are processes of their own. For the
gap the stream goes through a relay of this process, which then drops everything; the sidecars find each other again.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench.competitors import Sidecar, start_sidecar
from bench.places import LOOPBACK
from sidecar_client import AsyncSidecar, IncomingRequest

REQUESTS = 2000
POSTGRES = Path("/usr/lib/postgresql")
GAPS = 3
SECONDS = 5


class Relay(asyncio.DatagramProtocol):
    """Passes UDP between whoever comes and one address, until it is cut."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.cut = False
        self.ways: dict[Any, Any] = {}
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        self.transport = transport

    def datagram_received(self, data: bytes, source: Any) -> None:
        """See asyncio."""
        if self.cut:
            return
        way = self.ways.get(source)
        if way is None:
            way = self.ways[source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            way.setblocking(False)
            way.connect(self.target)
            asyncio.get_running_loop().add_reader(way, self.back, way, source)
        way.send(data)

    def back(self, way: Any, source: Any) -> None:
        """What the target answers."""
        data = way.recv(65536)
        if not self.cut:
            self.transport.sendto(data, source)


@contextmanager
def pair(folder: Path) -> Iterator[tuple[Sidecar, Sidecar]]:
    """Two sidecars."""
    near = start_sidecar("near", LOOPBACK.sender, folder / "near", "auto")
    with near.process:
        far = start_sidecar("far", LOOPBACK.receiver, folder / "far", "auto")
        with far.process:
            yield near, far


async def requests(near: Sidecar, far: Sidecar) -> None:
    """How long a request takes, one at a time."""
    async with AsyncSidecar(near.endpoint) as asker, AsyncSidecar(far.endpoint) as answerer:
        await asker.connect(far.contact)

        async def answer(asked: IncomingRequest) -> bytes:
            return asked.payload

        answering = asyncio.create_task(answerer.reply(answer, "bench"))
        times = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            await asker.request(far.peer_id, b"x" * 64, channel="bench")
            times.append(time.perf_counter() - began)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
    cuts = quantiles(times[REQUESTS // 10 :], n=100)
    print(f"| request/reply, 64 B, p50; p99 | {cuts[49] * 1000:.2f} ms; {cuts[98] * 1000:.2f} ms |", flush=True)


async def gap(near: Sidecar, far: Sidecar) -> None:
    """The longest time without a byte when the path of a stream dies."""
    loop = asyncio.get_running_loop()
    port = int(far.contact.rsplit(":", 1)[1])
    transport, relay = await loop.create_datagram_endpoint(
        lambda: Relay(("127.0.0.1", port)), local_addr=("127.0.0.1", 0)
    )
    where = transport.get_extra_info("sockname")[1]
    async with AsyncSidecar(near.endpoint) as writer, AsyncSidecar(far.endpoint) as reader:
        await writer.connect(f"{far.peer_id}@127.0.0.1:{where}")
        await writer.connect(far.contact)  # linked already: it learns the other way there
        accepting = asyncio.create_task(reader.accept_stream("gap"))
        out = await writer.open_stream(far.peer_id, "gap")
        came = await accepting
        arrivals: list[float] = []

        async def write() -> None:
            for _ in range(10_000):
                await out.write(bytes(1000))
                await asyncio.sleep(0.002)

        async def read() -> None:
            while await came.read():
                arrivals.append(time.perf_counter())

        writing, reading = asyncio.create_task(write()), asyncio.create_task(read())
        await asyncio.sleep(2)
        relay.cut = True
        cut = time.perf_counter()
        while True:
            await asyncio.sleep(0.05)
            if arrivals[-1] > cut + 0.5:
                break
        writing.cancel()
        reading.cancel()
        longest = max(later - sooner for sooner, later in pairwise(arrivals))
        print(f"| gap of a stream whose path dies | {longest * 1000:.0f} ms |", flush=True)
        out.cancel()
        came.cancel()
    for way in relay.ways.values():
        loop.remove_reader(way)
        way.close()
    transport.close()


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A PostgreSQL server; its port."""
    binaries = max(POSTGRES.glob("*/bin"))
    data = folder / "pg"
    data.mkdir(parents=True)
    as_user: list[str] = []
    if os.geteuid() == 0:
        for each in (data, *data.parents):
            if each.is_relative_to("/tmp") and each != Path("/tmp"):
                each.chmod(0o755)
        shutil.chown(data, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = [*as_user, str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "app", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True)
    words = [*as_user, str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(data)]
    server = subprocess.Popen([*words, "-F"], stderr=subprocess.PIPE)
    try:
        assert server.stderr is not None
        for line in server.stderr:
            if b"ready to accept" in line:
                break
        subprocess.run(
            ["pgbench", "-h", "127.0.0.1", "-p", str(port), "-U", "app", "-i", "-q", "postgres"],
            check=True,
            capture_output=True,
        )
        yield port
    finally:
        server.terminate()
        server.communicate()


def forwarded(near: Sidecar, far: Sidecar, folder: Path) -> None:
    """pgbench -S directly, and by way of two sidecars."""
    if not list(POSTGRES.glob("*/bin/initdb")):
        print("left out: no PostgreSQL here", file=sys.stderr)
        return
    with ExitStack() as closing:
        port = closing.enter_context(postgres(folder))

        def command(beside: Sidecar, *words: str) -> str:
            process = subprocess.Popen(
                [sys.executable, "-m", "sidecar", *words],
                env={**os.environ, "SIDECAR_ENDPOINT": beside.endpoint},
                stderr=subprocess.PIPE,
            )
            closing.callback(process.communicate)
            closing.callback(process.kill)
            assert process.stderr is not None
            return process.stderr.readline().decode()

        command(far, "expose", "pg", f"127.0.0.1:{port}", "--allow", near.peer_id)
        words = command(near, "forward", "127.0.0.1:0", "--to", f"{far.peer_id}:pg")
        found = re.search(r":(\d+) for", words)
        assert found, words
        for clients in (1, 8):
            direct, through = (_tps(at, clients) for at in (port, int(found[1])))
            print(
                f"| pgbench -S, {clients} clients: direct; forwarded; ratio "
                f"| {direct:.0f}/s; {through:.0f}/s; {through / direct:.3f} |",
                flush=True,
            )


def _tps(port: int, clients: int) -> float:
    words = ["pgbench", "-h", "127.0.0.1", "-p", str(port), "-U", "app", "-S", "-n", "-T", str(SECONDS)]
    ran = subprocess.run([*words, "-c", str(clients), "postgres"], check=True, capture_output=True, text=True)
    found = re.search(r"tps = ([\d.]+)", ran.stdout)
    assert found, ran.stdout
    return float(found[1])


def main() -> None:
    """All of it."""
    print("| what | |\n| --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="qpd", dir="/tmp") as made:
        folder = Path(made)
        if sys.argv[1:] != ["gap"]:
            with pair(folder / "one") as (near, far):
                asyncio.run(requests(near, far))
                forwarded(near, far, folder / "pg")
        for number in range(GAPS):
            with pair(folder / f"gap{number}") as (near, far):
                asyncio.run(gap(near, far))


if __name__ == "__main__":
    main()
