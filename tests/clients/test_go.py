"""clients/go: what is committed, its linters and unit tests, and its README and examples beside real sidecars."""

from __future__ import annotations

import json
import re
import subprocess
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
from tools import proto_go

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "go"

BUILD_SECONDS = 240
"""A first build compiles gRPC, on two busy cores."""

RUN_SECONDS = 60

pytestmark = [pytest.mark.clients, pytest.mark.requires("go"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def go(*arguments: str | Path, environment: dict[str, str] | None = None) -> str:
    """What a go command prints, run in the client's folder; AssertionError with its words when it fails."""
    done = subprocess.run(
        ["go", *arguments],
        cwd=CLIENT,
        env=sidecar_environment({"GOFLAGS": "-buildvcs=false -mod=readonly -p=2"} | (environment or {})),
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"go {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}"
    return done.stdout


def test_committed_code_is_what_the_generators_print(tmp_path: Path) -> None:
    printed = proto_go.generate(tmp_path)
    committed = sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / proto_go.OUTPUT).iterdir())
    assert printed == committed, "run `make proto`"
    for path in printed:
        assert (REPOSITORY / path).read_bytes() == (tmp_path / path).read_bytes(), f"{path}: run `make proto`"


def test_the_retry_layer_is_the_one_of_all_clients() -> None:
    assert (CLIENT / "service_config.json").read_bytes() == (REPOSITORY / "clients/service_config.json").read_bytes()


def test_a_registry_would_take_it() -> None:
    assert go("list", "-m").strip() == proto_go.MODULE
    go("mod", "tidy", "-diff")
    go("mod", "verify")
    go("vet", "./...")
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_the_blocks_of_the_readme_are_compiled() -> None:
    """All but the first, which is run, are the examples that `go vet` compiles and `go doc` shows."""
    blocks = re.findall(r"^```go\n(.*?)^```$", (CLIENT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    examples = re.findall(
        r"^func Example_\w+\(\) {\n(.*?)^}$", (CLIENT / "example_test.go").read_text(), flags=re.MULTILINE | re.DOTALL
    )
    assert blocks[1:] == [re.sub("^\t", "", example, flags=re.MULTILINE) for example in examples]


def test_it_is_formatted() -> None:
    done = subprocess.run(["gofmt", "-l", "."], cwd=CLIENT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "", "run `gofmt -w` on these"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the README's ten lines, the examples and the driver, each built once."""
    folder = tmp_path_factory.mktemp("go")
    readme = re.search(r"^```go\n(.*?)^```$", (CLIENT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert readme is not None
    (folder / "hello.go").write_text(readme[1])
    go("build", "-o", folder / "hello", folder / "hello.go")
    go("build", "-o", folder, "./examples/...")
    go("build", "-o", folder / "driver", "./conformance")
    return folder


def linked(sidecars: Sidecars) -> tuple[SidecarProcess, SidecarProcess]:
    """Two sidecars that are linked."""
    first = sidecars.spawn("first")
    second = sidecars.spawn("second", bootstrap=[first.contact])
    for each in (first, second):
        with Sidecar(each.endpoint) as client:
            client.wait_ready(level="overlay")
    return first, second


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SidecarProcess, SidecarProcess]]:
    """Two linked sidecars that no test ends."""
    started = Sidecars(tmp_path_factory.mktemp("sidecars"))
    try:
        yield linked(started)
    finally:
        started.end()


@contextmanager
def running(program: Path, *arguments: str, beside: SidecarProcess) -> Iterator[subprocess.Popen[str]]:
    """A program beside a sidecar, with pipes; it is ended at the end."""
    with subprocess.Popen(
        [program, *arguments],
        env=sidecar_environment({"SIDECAR_ENDPOINT": beside.endpoint}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(program: Path, *arguments: str, beside: SidecarProcess, code: int = 0) -> str:
    """What a program prints to its end."""
    with running(program, *arguments, beside=beside) as process:
        printed, _ = process.communicate(timeout=RUN_SECONDS)
        assert process.returncode == code, printed
    return printed


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a program prints; pytest's timeout bounds the wait."""
    assert process.stdout is not None
    return process.stdout.readline()


def say(process: subprocess.Popen[str], words: str) -> None:
    """A line to a program."""
    assert process.stdin is not None
    process.stdin.write(words + "\n")
    process.stdin.flush()


def test_its_tests(pair: tuple[SidecarProcess, SidecarProcess], sidecars: Sidecars) -> None:
    """Those of the language itself: without a sidecar, beside two that are linked, and beside one that they kill."""
    first, second = pair
    victim = sidecars.spawn("victim", bootstrap=[first.contact])
    printed = go(
        "test", "-v", "-count=1", "-timeout=200s", "./...",
        environment={
            "SIDECAR_TEST_ENDPOINTS": f"{first.endpoint} {second.endpoint}",
            "SIDECAR_TEST_VICTIM": f"{victim.endpoint} {victim.pid}",
        },
    )  # fmt: skip
    assert "--- SKIP" not in printed


def test_the_ten_lines_of_the_readme(programs: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    with running(programs / "hello", second.peer_id, beside=first) as one:
        assert told(programs / "hello", first.peer_id, beside=second) == f"{first.peer_id} hello\n"
        assert line(one) == f"{second.peer_id} hello\n"
        assert one.wait(RUN_SECONDS) == 0


def test_the_chat(programs: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    with (
        running(programs / "chat", second.peer_id, beside=first) as one,
        running(programs / "chat", first.peer_id, beside=second) as other,
    ):
        for chat in (one, other):
            assert line(chat) == "chatting; end with Ctrl-D\n"
        say(one, "who is there?")
        assert line(other) == f"{first.peer_id[:8]}> who is there?\n"
        say(other, "it is мы")
        assert line(one) == f"{second.peer_id[:8]}> it is мы\n"
        for chat in (one, other):
            assert chat.stdin is not None
            chat.stdin.close()
            assert chat.wait(RUN_SECONDS) == 0


def test_the_work_queue_outlives_its_sidecars(programs: Path, sidecars: Sidecars) -> None:
    first, second = linked(sidecars)
    second.kill()
    jobs = ["stumble", "b", "c"]
    for _ in range(2):  # who puts them again puts none twice
        assert told(programs / "workqueue", "put", second.peer_id, *jobs, beside=first) == "put stumble\nput b\nput c\n"
    first.kill()
    first.restart()
    second.restart()
    done = told(programs / "workqueue", "work", "3", beside=second).splitlines()
    assert sorted(done) == ["done b", "done c", "done stumble", "stumbled; again in a moment"]


def test_the_service(programs: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    with running(programs / "requests", "serve", beside=second) as service:
        assert line(service) == "serving\n"
        assert told(programs / "requests", "ask", second.peer_id, "what?", beside=first) == "WHAT?\n"
        refused = told(programs / "requests", "ask", second.peer_id, "", beside=first, code=1)
        assert refused == "the service says empty: ask something\n"
        service.terminate()
        assert service.wait(RUN_SECONDS) == 0


def identity(programs: Path, **variables: str) -> dict[str, Any]:
    """What the driver tells of the sidecar that it finds by these variables: its result, or an error."""
    driver, call = programs / "driver", '{"case": "call", "role": "app", "params": {"verb": "node", "args": {}}}\n'
    done = subprocess.run(
        [driver],
        env=sidecar_environment(variables),
        input=call,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        return {"refused": done.stderr}
    answer: dict[str, Any] = json.loads(done.stdout)["result"]
    return answer


def test_token_tls_and_unix_socket(programs: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("sidecar.test")]), critical=False)
        .sign(key, SHA256())
    )
    files = {"cert": certificate.public_bytes(Encoding.PEM), "token": b"0123456789abcdef\n"}
    files["key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
        (tmp_path / file).chmod(0o600)
    socket = f"unix:{tmp_path}/api.sock"
    sidecar = sidecars.spawn(
        grpc_endpoint=["127.0.0.1:0", socket], api_token_file=tmp_path / "token", api_tls_cert=tmp_path / "cert",
        api_tls_key=tmp_path / "key", api_tls_client_ca=tmp_path / "cert", ephemeral=True,
    )  # fmt: skip
    token = {"SIDECAR_TOKEN": "0123456789abcdef"}
    ca = {"SIDECAR_TLS_CA": str(tmp_path / "cert"), "SIDECAR_TLS_SERVER_NAME": "sidecar.test"}
    own = {"SIDECAR_TLS_CERT": str(tmp_path / "cert"), "SIDECAR_TLS_KEY": str(tmp_path / "key")}
    tcp, unix = {"SIDECAR_ENDPOINT": sidecar.endpoint}, {"SIDECAR_ENDPOINT": socket}
    mine = {"value": sidecar.peer_id}
    assert identity(programs, **tcp, **token, **ca, **own) == mine
    assert identity(programs, **unix, **token) == mine
    assert identity(programs, **unix, **token, **ca, **own) == mine
    assert identity(programs, **unix)["raised"]["kind"] == "TokenInvalid"
    assert identity(programs, **unix, SIDECAR_TOKEN="wrong")["raised"]["reason"] == "TOKEN_INVALID"
    assert identity(programs, **tcp, **token, **ca)["raised"]["kind"] == "SidecarUnavailable"
    assert identity(programs, **tcp, **token)["raised"]["kind"] == "SidecarUnavailable"
    other = ca | {"SIDECAR_TLS_SERVER_NAME": "another.test"}
    assert identity(programs, **tcp, **token, **other, **own)["raised"]["kind"] == "SidecarUnavailable"
    assert "set both or neither" in identity(programs, **tcp, **ca, SIDECAR_TLS_KEY=own["SIDECAR_TLS_KEY"])["refused"]
