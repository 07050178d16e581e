"""Commands of requests, byte streams and files, against real sidecars and real servers."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import random
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from sidecar.cli.exits import Exit
from sidecar_client import Sidecar, StreamReset
from sidecar_client.gen.overlay.v1.node_pb2 import GetNodeRequest
from sidecar_client.gen.overlay.v1.node_pb2_grpc import NodeServiceStub
from tests.cli.terminal import COMMAND_TIMEOUT, sidecar, start
from tests.processes import SidecarProcess, Sidecars

Pair = tuple[SidecarProcess, SidecarProcess]
Started = list[subprocess.Popen[bytes]]

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]

POSTGRES = Path("/usr/lib/postgresql")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two linked sidecars that all tests share."""
    sidecars = Sidecars(tmp_path_factory.mktemp("flows"))
    try:
        first, second = sidecars.spawn("first"), sidecars.spawn("second")
        sidecar("peers", "add", first.contact, beside=second).done()
        yield first, second
    finally:
        sidecars.end()


@pytest.fixture
def running() -> Iterator[Started]:
    processes: Started = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def begin(running: Started, *words: str, beside: SidecarProcess) -> str:
    """Starts a command; its first line on stderr, which says that it serves."""
    process = start(*words, beside=beside)
    running.append(process)
    assert process.stderr is not None
    return process.stderr.readline().decode()


def tunnel(running: Started, pair: Pair, name: str, target: str) -> str:
    """`target` exposed beside the second sidecar; where it is reached beside the first."""
    first, second = pair
    words = begin(running, "expose", name, target, "--allow", first.peer_id, beside=second)
    assert words.startswith(f"sidecar: exposing {target}")
    words = begin(running, "forward", "127.0.0.1:0", "--to", f"{second.peer_id}:{name}", beside=first)
    found = re.search(r"listening at (127\.0\.0\.1:\d+)", words)
    assert found, words
    return found[1]


def test_request_and_reply(pair: Pair, running: Started) -> None:
    first, second = pair
    script = "import os,sys; sys.stdout.write(os.environ['SIDECAR_PEER_ID'] + ' ' + sys.stdin.read().upper())"
    begin(running, "reply", "--exec", f'python3 -c "{script}"', "--channel", "up", "--allow", "any", beside=second)
    answered = sidecar("request", second.peer_id, "--channel", "up", "what", beside=first).done()
    assert answered.out == f"{first.peer_id} WHAT"
    shown = sidecar("request", second.peer_id[:10], "--channel", "up", "--json", "x", beside=first).done().json
    assert set(shown) == {"headers", "payload"}


def test_a_command_that_fails(pair: Pair, running: Started) -> None:
    first, second = pair
    exec_ = "python3 -c \"import sys; sys.exit('no such thing')\""
    begin(running, "reply", "--exec", exec_, "--channel", "bad", "--allow", first.peer_id, beside=second)
    words = sidecar("request", second.peer_id, "--channel", "bad", "x", beside=first).refused(Exit.FAILED)
    assert "no such thing" in words


@pytest.mark.parametrize(
    "words",
    [
        ("expose", "x", "127.0.0.1:1"),
        ("reply", "--exec", "true"),
        ("pipe", "--listen", "x"),
        ("bench", "--serve"),
    ],
)
def test_without_allow_nobody_may(pair: Pair, words: tuple[str, ...]) -> None:
    assert "nobody may" in sidecar(*words, beside=pair[0]).refused(Exit.USAGE)


def test_any_is_everybody(pair: Pair) -> None:
    words = ("bench", "--serve", "--allow", "any", "--allow", pair[0].peer_id)
    assert "everybody" in sidecar(*words, beside=pair[0]).refused(Exit.USAGE)


def test_whoever_is_not_allowed_is_refused(pair: Pair, running: Started) -> None:
    first, second = pair
    begin(running, "reply", "--exec", "cat", "--channel", "closed", "--allow", second.peer_id, beside=second)
    words = sidecar("request", second.peer_id, "--channel", "closed", "x", beside=first).refused(Exit.FAILED)
    assert "do not answer this peer" in words


def test_pipes(pair: Pair, running: Started) -> None:
    first, second = pair
    data = random.Random(1).randbytes(3_000_000)
    listening = subprocess.Popen(
        ["cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,  # so that the other end has a stdin that ends
    )
    running.append(listening)
    other = start("pipe", "--listen", "p", "--allow", "any", beside=second)
    running.append(other)
    sent = threading.Thread(
        target=lambda: sidecar("pipe", f"{second.peer_id}:p", beside=first, stdin=data), daemon=True
    )
    sent.start()
    out, err = other.communicate(timeout=COMMAND_TIMEOUT)
    sent.join()
    assert (other.returncode, err) == (0, b"")
    assert hashlib.sha256(out).digest() == hashlib.sha256(data).digest()


@pytest.mark.requires("curl")
def test_curl_with_http_1_1(pair: Pair, running: Started, tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(random.Random(2).randbytes(2_000_000))

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *arguments: Any) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = tunnel(running, pair, "web", f"127.0.0.1:{server.server_port}")
        for _ in range(2):
            got = curl("--http1.1", f"http://{where}/page", f"http://{where}/page")
            assert got == 2 * (tmp_path / "page").read_bytes()
        server.shutdown()


def curl(*words: str) -> bytes:
    done = subprocess.run(["curl", "-sS", *words], capture_output=True, check=False, timeout=COMMAND_TIMEOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.requires("curl")
def test_curl_with_http_2_and_a_grpc_server(pair: Pair, running: Started) -> None:
    """The second sidecar's own API, reached by way of the first."""
    where = tunnel(running, pair, "api", pair[1].endpoint)
    version = curl("--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_version}", f"http://{where}/")
    assert version == b"2"
    with grpc.insecure_channel(where) as channel:
        stub = NodeServiceStub(channel)
        for _ in range(20):
            assert stub.GetNode(GetNodeRequest(), timeout=10).peer_id == pair[1].peer_id


def test_nothing_listens_behind_an_exposed_name(pair: Pair, running: Started) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{free.getsockname()[1]}"
    where = tunnel(running, pair, "nothing", target)
    host, port = where.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client, pytest.raises(ConnectionResetError):
        client.recv(1)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[int]:
    """A PostgreSQL server; its port."""
    binaries = max(POSTGRES.glob("*/bin"))
    data = tmp_path / "pg"
    data.mkdir()
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        for folder in (data, *data.parents):
            if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
                folder.chmod(folder.stat().st_mode | 0o711)
        shutil.chown(data, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subprocess.run(
        [*as_user, binaries / "initdb", "-D", data, "-A", "trust", "-U", "app", "--no-sync"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    server = subprocess.Popen(
        [*as_user, binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", data, "-F"],
        stderr=subprocess.PIPE,
    )
    try:
        assert server.stderr is not None
        for line in server.stderr:
            if b"ready to accept connections" in line:
                break
        yield port
    finally:
        server.terminate()
        server.communicate(timeout=30)


@pytest.mark.requires("postgresql")
def test_psql(pair: Pair, running: Started, postgres: int) -> None:
    where = tunnel(running, pair, "postgres", f"127.0.0.1:{postgres}")
    host, port = where.split(":")

    def psql(*words: str) -> str:
        at = ["-h", host, "-p", port, "-U", "app", "-d", "postgres"]
        done = subprocess.run(
            ["psql", *at, "-v", "ON_ERROR_STOP=1", "-At", *words],
            capture_output=True,
            check=False,
            timeout=30,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert psql("-c", "select 6 * 7") == "42"
    psql("-c", "create table t as select generate_series(1, 20000) as n, repeat('x', 100) as words")
    assert psql("-c", "select count(*), sum(n) from t") == "20000|200010000"
    assert len(psql("-c", "select * from t order by n").splitlines()) == 20000
    bench = ["-h", host, "-p", port, "-U", "app"]
    subprocess.run(["pgbench", *bench, "-i", "-q", "postgres"], check=True, capture_output=True, timeout=60)
    ran = subprocess.run(
        ["pgbench", *bench, "-S", "-c", "4", "-t", "50", "postgres"],
        check=True, capture_output=True, timeout=60, text=True,
    )  # fmt: skip
    assert "number of transactions actually processed: 200/200" in ran.stdout


def test_copying_a_file(pair: Pair, running: Started, tmp_path: Path) -> None:
    first, second = pair
    source, into = tmp_path / "file", tmp_path / "into"
    source.write_bytes(random.Random(3).randbytes(5_000_000))
    into.mkdir()
    begin(running, "cp", "--into", str(into), "--allow", "any", beside=second)
    done = sidecar("cp", str(source), f"{second.peer_id}:", beside=first).done()
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert done.out == f"{digest}  file\n"
    assert (into / "file").read_bytes() == source.read_bytes()
    assert [path.name for path in into.iterdir()] == ["file"]
    sidecar("cp", str(source), f"{second.peer_id}:other", beside=first).done()
    assert (into / "other").read_bytes() == source.read_bytes()
    refused = sidecar("cp", str(source), f"{second.peer_id}:.hidden", beside=first).refused(Exit.FAILED)
    assert "no name for a file" in refused


def test_a_copy_that_is_announced_wrongly_is_refused(pair: Pair, running: Started, tmp_path: Path) -> None:
    """By whoever may send files here and does not mean well: the receiver goes on."""
    first, second = pair
    source, into, digest = tmp_path / "file", tmp_path / "into", "0" * 64
    source.write_bytes(b"a file")
    into.mkdir()
    begin(running, "cp", "--into", str(into), "--allow", "any", beside=second)
    with Sidecar(first.endpoint) as client:
        for name, size in (("\x1b[2Jfile", "2"), ("file", "\N{SUPERSCRIPT TWO}"), ("file", "9" * 5000), ("file", "-2")):
            headers = {"file": name, "size": size, "sha256": digest}
            with (
                pytest.raises(StreamReset) as raised,
                client.open_stream(second.peer_id, "cp", headers=headers) as stream,
            ):
                stream.read_all()
            assert raised.value.metadata["code"] == "2", raised.value
    sidecar("cp", str(source), f"{second.peer_id}:", beside=first).done()
    assert [path.name for path in into.iterdir()] == ["file"]


class Copy:
    """A file on its way from beside one sidecar to beside another."""

    def __init__(self, sidecars: Sidecars, running: Started, folder: Path) -> None:
        self.first, self.second = sidecars.spawn("first"), sidecars.spawn("second")
        for verb in ("peers", "contacts"):
            sidecar(verb, "add", self.first.contact, beside=self.second).done()
        self.running = running
        self.source, self.into = folder / "file", folder / "into"
        self.source.write_bytes(random.Random(4).randbytes(60_000_000))
        self.into.mkdir()
        self.receiver = self.receive()
        self.sender = self.send()

    def receive(self) -> subprocess.Popen[bytes]:
        begin(self.running, "cp", "--into", str(self.into), "--count", "1", "--allow", "any", beside=self.second)
        self.receiver = self.running[-1]
        return self.receiver

    def send(self) -> subprocess.Popen[bytes]:
        self.sender = start("cp", str(self.source), f"{self.second.peer_id}:", beside=self.first)
        self.running.append(self.sender)
        return self.sender

    def has_come(self) -> int:
        """Bytes that are there, while they are not all; 0 before and after."""
        for part in self.into.glob(".file.*.part"):
            with contextlib.suppress(FileNotFoundError):  # the last have come meanwhile
                return part.stat().st_size
        return 0

    def halfway(self, least: int) -> None:
        """Returns once so many bytes are there."""
        while self.has_come() < least:
            assert self.sender.poll() is None, self.sender.communicate()[1].decode()[-1500:]
            threading.Event().wait(0.005)

    def arrives(self) -> None:
        """The rest comes, and what the sender says of it is true."""
        out, err = self.sender.communicate(timeout=90)
        assert self.sender.returncode == 0, err
        assert out.decode().split()[0] == hashlib.sha256(self.source.read_bytes()).hexdigest()
        self.receiver.communicate(timeout=30)
        assert (self.into / "file").read_bytes() == self.source.read_bytes()


def test_a_copy_goes_on_when_its_receiver_restarts(sidecars: Sidecars, running: Started, tmp_path: Path) -> None:
    """Its sidecar, then itself, by kill -9."""
    copy = Copy(sidecars, running, tmp_path)
    copy.halfway(1_000_000)
    copy.second.kill()
    copy.second.restart()
    sidecar("peers", "add", copy.first.contact, beside=copy.second).done()
    copy.halfway(8_000_000)
    copy.receiver.kill()
    copy.receive()
    copy.arrives()


def test_a_copy_goes_on_when_its_sender_restarts(sidecars: Sidecars, running: Started, tmp_path: Path) -> None:
    """Its sidecar, then itself, by kill -9; the sender that is run again begins behind what is there."""
    copy = Copy(sidecars, running, tmp_path)
    copy.halfway(1_000_000)
    copy.first.kill()
    copy.first.restart()
    copy.halfway(8_000_000)
    copy.sender.kill()
    copy.sender.communicate(timeout=30)
    least = copy.has_come()
    copy.send()
    while (there := copy.has_come()) and copy.sender.poll() is None:
        assert there >= least, "it was begun anew"
        threading.Event().wait(0.005)
    copy.arrives()


def test_bench(pair: Pair, running: Started) -> None:
    first, second = pair
    begin(running, "bench", "--serve", "--allow", first.peer_id, beside=second)
    figures = sidecar("bench", second.peer_id, "--seconds", "0.5", "--json", beside=first).done().json
    assert figures["throughput_bytes_per_second"] > 1e6
    assert figures["requests_per_second"] > 10
    assert figures["latency_seconds"]["p50"] <= figures["latency_seconds"]["p99"]
    assert sum(bucket["count"] for bucket in figures["histogram"]) == figures["latency_seconds"]["count"]
    shown = sidecar("bench", second.peer_id, "--seconds", "0.2", beside=first).done().out
    assert "MB/s on one byte stream" in shown
