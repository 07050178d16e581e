"""Every block of Python in clients/python/README.md is run beside two real sidecars; the first one verbatim."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sidecar_client
from sidecar_client import AsyncSidecar, Received, Sidecar, SidecarError
from tests.docs.blocks import BLOCK, REPOSITORY
from tests.processes import SidecarProcess, Sidecars, sidecar_environment

README = REPOSITORY / "clients/python/README.md"
CODE = [match["code"] for match in BLOCK.finditer(README.read_text()) if match["language"] == "python"]


def block(word: str) -> str:
    """The one block that has this in it."""
    (found,) = (code for code in CODE if word in code)
    return found


class Pair:
    """Two linked sidecars and the runner's clients of them."""

    def __init__(self, here: SidecarProcess, there: SidecarProcess) -> None:
        self.here = here
        self.there = there
        self.near = Sidecar(here.endpoint)
        self.far = Sidecar(there.endpoint)

    def names(self, beside: SidecarProcess, **more: Any) -> dict[str, Any]:
        """What a block finds: a client of its own."""
        public = {name: getattr(sidecar_client, name) for name in sidecar_client.__all__}
        other = self.there if beside is self.here else self.here
        return public | {"sidecar": Sidecar(beside.endpoint), "peer_id": other.peer_id} | more

    def run(self, code: str, **more: Any) -> dict[str, Any]:
        """Runs a block to its end; the names it leaves."""
        names = self.names(self.here, **more)
        with names["sidecar"]:
            exec(compile(code, str(README), "exec"), names)  # what the page shows
        return names

    @contextlib.contextmanager
    def running(self, code: str, beside: SidecarProcess) -> Iterator[None]:
        """Runs a block that goes on until its client is closed."""
        names = self.names(beside)
        failed: list[BaseException] = []

        def work() -> None:
            try:
                exec(compile(code, str(README), "exec"), names)
            except SidecarError:
                pass  # `reply` tells that its client is closed
            except BaseException as error:  # noqa: BLE001  shown below
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            names["sidecar"].close()
            thread.join(30)
        assert not thread.is_alive()
        assert not failed, failed


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    sidecars = Sidecars(tmp_path_factory.mktemp("readme"))
    try:
        here = sidecars.spawn("here")
        there = sidecars.spawn("there", bootstrap=[here.contact])
        pair = Pair(here, there)
        with pair.near, pair.far:
            pair.near.connect(there.contact)
            yield pair
    finally:
        sidecars.end()


def consuming(client: Sidecar, channel: str, count: int) -> Callable[[], list[bytes]]:
    """An app that acks so many; what it got, once it has."""
    consumer = client.consume(channel)
    got: list[bytes] = []

    def work() -> None:
        with consumer:
            for message in consumer:
                if isinstance(message, Received):
                    got.append(message.payload)
                    consumer.ack(message)
                    if len(got) == count:
                        return

    thread = threading.Thread(target=work)
    thread.start()

    def result() -> list[bytes]:
        thread.join(30)
        return got

    return result


def test_the_first_lines(pair: Pair, tmp_path: Path) -> None:
    """Verbatim, beside both sidecars."""
    path = tmp_path / "app.py"
    path.write_text(CODE[0])
    apps = [
        subprocess.Popen(
            [sys.executable, path, other.peer_id],
            env=sidecar_environment({"SIDECAR_ENDPOINT": beside.endpoint}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for beside, other in ((pair.here, pair.there), (pair.there, pair.here))
    ]
    try:
        told = [app.communicate(timeout=50) for app in apps]
    finally:
        for app in apps:
            app.kill()
            app.wait()
    assert told == [(f"{pair.there.peer_id} b'hello'\n", ""), (f"{pair.here.peer_id} b'hello'\n", "")]


async def test_asyncio(pair: Pair) -> None:
    code = compile(block("async with AsyncSidecar()"), str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"AsyncSidecar": lambda: AsyncSidecar(pair.here.endpoint)}
    task = asyncio.ensure_future(eval(code, names))
    try:
        await asyncio.to_thread(pair.far.send, pair.here.peer_id, b"x", channel="chat", wait="processed")
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_messages_that_must_not_be_lost(pair: Pair) -> None:
    code = block("order 17")
    sending, _, receiving = code.partition("\nwith ")
    got = consuming(pair.far, "orders", 2)
    pair.run(sending)
    assert got() == [b"order 17", b"order 18"]
    with pair.running(f"with {receiving}", pair.here):
        assert pair.far.send(pair.here.peer_id, b"x", channel="orders", wait="processed").processed_at


def test_many_messages(pair: Pair) -> None:
    parts = [b"one", bytes(17 << 20)]
    got = consuming(pair.far, "files", 2)
    pair.run(block("as out:"), parts=parts)
    assert sorted(map(len, got())) == [3, 17 << 20]
    with pair.running(block('consume("jobs"'), pair.here):
        assert pair.far.send(pair.here.peer_id, b"x", channel="jobs", wait="processed").processed_at


def test_requests(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    with pair.running(block("def answer(asked)"), pair.there):
        pair.run(block("sidecar.request("))
    assert capsys.readouterr().out == "b'WHAT?'\nempty ask something\n"


def test_byte_streams(pair: Pair) -> None:
    came: list[bytes] = []

    def accept() -> None:
        with pair.far.accept_stream("files") as stream:
            came.append(stream.read_all())
            stream.write(stream.headers["name"].encode())

    thread = threading.Thread(target=accept)
    thread.start()
    names = pair.run(block("open_stream"), data=bytes(300_000))
    thread.join(30)
    assert came == [bytes(300_000)]
    assert names["reply"] == b"a.txt"


def test_datagrams_and_broadcast(pair: Pair) -> None:
    assert pair.run(block("send_datagram"))["outcomes"] == {pair.there.peer_id: ""}


def test_every_block_is_run() -> None:
    words = ["import sys", "async with AsyncSidecar()", "order 17", "as out:", 'consume("jobs"', "def answer(asked)"]
    words += ["sidecar.request(", "open_stream", "send_datagram"]
    assert sorted(map(block, words)) == sorted(CODE)
