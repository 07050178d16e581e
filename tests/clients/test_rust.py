"""clients/rust: what is committed, its linters and unit tests, its package, and its README beside real sidecars."""

from __future__ import annotations

import json
import os
import re
import selectors
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sidecar_client import Sidecar
from tests.processes import SidecarProcess, Sidecars, sidecar_environment
from tools import proto_rust

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "rust"

BUILD_SECONDS = 600
"""A first build fetches and compiles some hundred crates, on two busy cores."""

RUN_SECONDS = 60.0

Pair = tuple[SidecarProcess, SidecarProcess]

pytestmark = [pytest.mark.clients, pytest.mark.requires("cargo"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def cargo(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """What a cargo command prints, run in the client's folder; AssertionError with its words when it fails."""
    done = subprocess.run(
        ["cargo", *arguments],
        cwd=CLIENT,
        env=sidecar_environment({"CARGO_BUILD_JOBS": "2", "CARGO_TERM_COLOR": "never"} | (environment or {})),
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"cargo {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def examples() -> Path:
    """The folder of the built examples. Everything is built at once, with one profile, in one target folder."""
    cargo("build", "--locked", "--workspace", "--all-targets")
    return CLIENT / "target" / "debug" / "examples"


class App:
    """A running example."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._seen = b""

    def say(self, line: str) -> None:
        """Writes a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def hear(self, pattern: str) -> re.Match[str]:
        """Waits for a line of its output in which the pattern is found; AssertionError with what came instead."""
        assert self.process.stdout is not None
        until = time.monotonic() + RUN_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                *lines, rest = self._seen.decode(errors="replace").split("\n")
                for index, line in enumerate(lines):
                    if found := re.search(pattern, line):
                        self._seen = "\n".join([*lines[index + 1 :], rest]).encode()
                        return found
                left = until - time.monotonic()
                chunk = b""
                if left > 0 and selector.select(left):
                    chunk = os.read(self.process.stdout.fileno(), 65536)
                assert chunk, f"no line with {pattern!r} came; this did:\n{self._seen.decode(errors='replace')}"
                self._seen += chunk

    def finish(self) -> None:
        """Ends its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> int:
        """Its exit code once it has ended by itself."""
        return self.process.wait(RUN_SECONDS)


@contextmanager
def running(program: Path, *arguments: str, endpoint: str) -> Iterator[App]:
    """A program beside the sidecar at the endpoint; what still runs at the end is killed."""
    with subprocess.Popen(
        [program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=sidecar_environment({"SIDECAR_ENDPOINT": endpoint}),
    ) as process:
        try:
            yield App(process)
        finally:
            process.kill()


def linked(sidecars: Sidecars) -> Pair:
    """Two sidecars that know each other."""
    a = sidecars.spawn("a")
    b = sidecars.spawn("b", bootstrap=[a.contact])
    for sidecar in (a, b):
        with Sidecar(sidecar.endpoint) as client:
            client.wait_ready(RUN_SECONDS, "overlay")
    return a, b


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two linked sidecars that no test ends."""
    started = Sidecars(tmp_path_factory.mktemp("sidecars"))
    try:
        yield linked(started)
    finally:
        started.end()


def test_committed_code_is_what_the_generator_prints(tmp_path: Path, examples: Path) -> None:
    printed = proto_rust.generate(tmp_path)
    committed = sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / proto_rust.FOLDER).iterdir())
    assert printed == committed, "run `make proto`"
    for path in printed:
        assert (REPOSITORY / path).read_bytes() == (tmp_path / path).read_bytes(), f"{path}: run `make proto`"


def test_the_retry_layer_is_the_one_of_all_clients() -> None:
    assert (CLIENT / "src/service_config.json").read_bytes() == (
        REPOSITORY / "clients/service_config.json"
    ).read_bytes()


def test_it_is_formatted_and_without_warnings() -> None:
    cargo("fmt", "--all", "--check")
    cargo("clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings")


def test_its_unit_tests_and_the_readmes_code(examples: Path) -> None:
    cargo("test", "--locked", "--quiet", "--workspace")


def test_what_only_real_sidecars_show(examples: Path, pair: Pair, sidecars: Sidecars) -> None:
    victim = sidecars.spawn("victim", bootstrap=[pair[0].contact])
    with Sidecar(victim.endpoint) as client:
        client.wait_ready(RUN_SECONDS, "overlay")
    cargo(
        *("test", "--locked", "--quiet", "--workspace", "--test", "beside_sidecars"),
        *("--", "--ignored", "--test-threads", "2"),
        environment={
            "SIDECAR_TEST_ENDPOINTS": f"{pair[0].endpoint} {pair[1].endpoint}",
            "SIDECAR_TEST_VICTIM": f"{victim.endpoint} {victim.pid}",
        },
    )


def test_the_registry_would_take_it(examples: Path, tmp_path: Path) -> None:
    """Packed, and what was packed compiled: by `cargo check` over the dependencies that clippy has checked, which takes
    seconds where cargo's own verification builds all of them anew."""
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
    package = ("--locked", "--allow-dirty", "--package", "quic-p2p-sidecar-client")
    cargo("package", "--no-verify", *package)
    (packed,) = (CLIENT / "target/package").glob("quic-p2p-sidecar-client-*.crate")
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / packed.stem
    listed = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")}
    assert {"Cargo.toml", "LICENSE", "README.md", "src/gen/overlay.v1.rs", "src/service_config.json"} <= listed
    assert not [path for path in listed if path.startswith(("conformance", "generator", "build.rs"))]
    manifest = str(unpacked / "Cargo.toml")
    cargo("check", "--locked", "--examples", "--target-dir", str(CLIENT / "target"), "--manifest-path", manifest)


def test_the_readmes_ten_lines(examples: Path, pair: Pair) -> None:
    code = (CLIENT / "README.md").read_text().partition("```rust,no_run\n")[2].partition("```")[0]
    assert (CLIENT / "examples/ten_lines.rs").read_text() == code, "the example is the README's first code, verbatim"
    a, b = pair
    with running(examples / "ten_lines", a.peer_id, endpoint=b.endpoint) as second:
        second.hear(f"I am {b.peer_id}")
        with running(examples / "ten_lines", b.peer_id, endpoint=a.endpoint) as first:
            first.hear(f"I am {a.peer_id}")
            second.hear(f'{a.peer_id} b"hello"')
            first.hear(f'{b.peer_id} b"hello"')


def test_the_chat(examples: Path, sidecars: Sidecars) -> None:
    a, b = linked(sidecars)
    with (
        running(examples / "chat", b.peer_id, endpoint=a.endpoint) as one,
        running(examples / "chat", a.peer_id, endpoint=b.endpoint) as other,
    ):
        for app in (one, other):
            app.hear("^chatting")
        one.say("who is there?")
        other.hear(rf"^{a.peer_id[:8]}> who is there\?$")
        other.say("it is мы")
        one.hear(f"^{b.peer_id[:8]}> it is мы$")
        for app in (one, other):
            app.finish()
            assert app.end() == 0


def test_the_work_queue_outlives_its_sidecars(examples: Path, sidecars: Sidecars) -> None:
    a, b = linked(sidecars)
    b.kill()
    for _ in range(2):  # who puts them again puts none twice
        with running(examples / "work_queue", "put", b.peer_id, "stumble", "two", endpoint=a.endpoint) as app:
            app.hear("^put two$")
            assert app.end() == 0
    a.kill()
    a.restart()
    b.restart()
    with running(examples / "work_queue", "work", "2", endpoint=b.endpoint) as worker:
        done = {worker.hear(r"^done (\w+)")[1] for _ in range(2)}
        assert done == {"stumble", "two"}
        assert worker.end() == 0
    with Sidecar(b.endpoint) as client:
        assert not [queue for queue in client.queues().queues if queue.messages]


def test_the_service(examples: Path, pair: Pair) -> None:
    a, b = pair
    with running(examples / "requests", "serve", endpoint=b.endpoint) as service:
        service.hear("^serving$")
        with running(examples / "requests", "ask", b.peer_id, "what?", endpoint=a.endpoint) as app:
            app.hear(r"^WHAT\?$")
            assert app.end() == 0
        with running(examples / "requests", "ask", b.peer_id, "", endpoint=a.endpoint) as app:
            app.hear("the service says empty: ask something")
            assert app.end() == 1
        service.finish()
        assert service.end() == 0


def told(**variables: str) -> dict[str, Any]:
    """What the driver tells of the sidecar that it finds by these variables; its words where it does not begin."""
    call = {"case": "call", "role": "app", "params": {"verb": "node", "args": {}}}
    done = subprocess.run(
        [CLIENT / "target/debug/sidecar-conformance"],
        env=sidecar_environment(variables),
        input=json.dumps(call) + "\n",
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        return {"refused": done.stderr}
    answer: dict[str, Any] = json.loads(done.stdout)["result"]
    return answer


def test_token_tls_and_unix_socket(examples: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    Certificates(tmp_path)
    (tmp_path / "token").write_text("0123456789abcdef\n")
    (tmp_path / "token").chmod(0o600)
    socket = f"unix:{tmp_path}/api.sock"
    sidecar = sidecars.spawn(
        grpc_endpoint=["127.0.0.1:0", socket], api_token_file=tmp_path / "token", ephemeral=True,
        api_tls_cert=tmp_path / "api.pem", api_tls_key=tmp_path / "api.key", api_tls_client_ca=tmp_path / "ca.pem",
    )  # fmt: skip
    token = {"SIDECAR_TOKEN": "0123456789abcdef"}
    ca = {"SIDECAR_TLS_CA": str(tmp_path / "ca.pem"), "SIDECAR_TLS_SERVER_NAME": "sidecar.test"}
    own = {"SIDECAR_TLS_CERT": str(tmp_path / "app.pem"), "SIDECAR_TLS_KEY": str(tmp_path / "app.key")}
    tcp, unix = {"SIDECAR_ENDPOINT": sidecar.endpoint}, {"SIDECAR_ENDPOINT": socket}
    mine = {"value": sidecar.peer_id}
    assert told(**tcp, **token, **ca, **own) == mine
    assert told(**unix, **token) == mine
    assert told(**unix)["raised"]["kind"] == "TokenInvalid"
    assert told(**unix, SIDECAR_TOKEN="wrong")["raised"]["reason"] == "TOKEN_INVALID"
    assert told(**tcp, **token, **ca)["raised"]["kind"] == "SidecarUnavailable"
    assert told(**tcp, **token)["raised"]["kind"] == "SidecarUnavailable"
    other = ca | {"SIDECAR_TLS_SERVER_NAME": "another.test"}
    assert told(**tcp, **token, **other, **own)["raised"]["kind"] == "SidecarUnavailable"
    assert "TlsPair" in told(**tcp, **ca, SIDECAR_TLS_KEY=own["SIDECAR_TLS_KEY"])["refused"]
    assert "TlsOverUnix" in told(**unix, **ca)["refused"]


class Certificates:
    """A CA in a folder, and what it issues for the sidecar's API and an app."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
        builder = self._builder(self.name, self.key.public_key())
        ca = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        (folder / "ca.pem").write_bytes(ca.sign(self.key, SHA256()).public_bytes(Encoding.PEM))
        self.issue("api", "sidecar.test")
        self.issue("app", "app.test")

    def issue(self, file: str, host: str) -> None:
        """FILE.pem and FILE.key for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file)]), key.public_key())
        leaf = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        (self.folder / f"{file}.pem").write_bytes(leaf.sign(self.key, SHA256()).public_bytes(Encoding.PEM))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / f"{file}.key").write_bytes(secret)
        (self.folder / f"{file}.key").chmod(0o600)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        )
