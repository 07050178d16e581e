"""clients/typescript: what is committed, its linters and unit tests, and its package, README and examples beside real
sidecars."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api.front.tls import Authority
from tests.processes import SidecarProcess, Sidecars, sidecar_environment
from tools import proto_typescript

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "typescript"

BUILD_SECONDS = 240
RUN_SECONDS = 60

pytestmark = [pytest.mark.clients, pytest.mark.requires("npm"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def run(*command: str | Path, folder: Path = CLIENT, environment: dict[str, str] | None = None) -> str:
    """What a command prints; AssertionError with its words when it fails."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=sidecar_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def running(*command: str | Path, folder: Path, beside: SidecarProcess) -> Iterator[subprocess.Popen[str]]:
    """A program that talks to a sidecar; it is ended by its pid."""
    with subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        env=sidecar_environment({"SIDECAR_ENDPOINT": beside.endpoint}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """The next line it prints; the test's timeout bounds the wait."""
    assert process.stdout is not None
    printed = process.stdout.readline()
    assert printed, f"it ended with {process.wait(RUN_SECONDS)}"
    return printed.rstrip("\n")


@pytest.fixture(scope="module")
def built() -> Path:
    """The folder of what is compiled, which is not done again where nothing has changed."""
    run("node", "build.mjs", "stale")
    return CLIENT / "build"


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project with the tarball of `npm pack` in it."""
    project = tmp_path_factory.mktemp("project")
    packed = json.loads(run("npm", "pack", "--json", "--ignore-scripts", "--pack-destination", project))
    listing = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
    names = {file["path"] for file in listing["files"]}
    assert {"package.json", "README.md", "LICENSE", "service_config.json"} <= names
    assert {"dist/esm/index.js", "dist/esm/index.d.ts", "dist/cjs/index.js", "dist/cjs/index.d.ts"} <= names
    assert not [name for name in names if name.startswith(("src/", "test/", "node_modules/", "build/"))]
    (project / "package.json").write_text('{"name": "app", "private": true}\n')
    options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    run("npm", "install", *options, project / listing["filename"], folder=project)
    return project


@pytest.fixture
def pair(sidecars: Sidecars) -> tuple[SidecarProcess, SidecarProcess]:
    """Two sidecars that know each other."""
    first = sidecars.spawn()
    return first, sidecars.spawn(bootstrap=[first.contact])


def test_committed_code_is_what_the_generator_prints(tmp_path: Path) -> None:
    printed = proto_typescript.generate(tmp_path)
    committed = sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / proto_typescript.GEN).rglob("*.ts"))
    assert printed == committed, "run `make proto`"
    for path in printed:
        assert (REPOSITORY / path).read_bytes() == (tmp_path / path).read_bytes(), f"{path}: run `make proto`"


def test_the_retry_layer_is_the_one_of_all_clients() -> None:
    # The package's unit tests compare the file with what the channel is given.
    assert (CLIENT / "service_config.json").read_bytes() == (REPOSITORY / "clients/service_config.json").read_bytes()


def test_the_lock_names_the_registry() -> None:
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["resolved"].startswith("https://registry.npmjs.org/"), name
        assert entry["integrity"], name
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_it_is_linted_and_formatted(built: Path) -> None:
    run("npm", "run", "--silent", "lint")


def test_its_unit_tests(built: Path) -> None:
    run("node", "--test", built / "test")


def test_the_package_is_imported_and_required_with_types(installed: Path) -> None:
    uses = """
const sidecar: Sidecar = new Sidecar({ endpoint: "127.0.0.1:1" });
const error: SidecarError = new PeerUnknown("who", { reason: Message.create({ messageId: "m" }).messageId });
console.log(error.name, error.reason, typeof sidecar.stubs.messages.send);
void sidecar.close();
"""
    names = '{ PeerUnknown, Sidecar, type SidecarError } from "quic-p2p-sidecar-client";\n'
    gen = 'import { Message } from "quic-p2p-sidecar-client/gen/overlay/v1/message";\n'
    (installed / "imported.mts").write_text(f"import {names}{gen}{uses}")
    (installed / "required.cts").write_text(f"import {names}{gen}{uses}")
    tsc = CLIENT / "node_modules/typescript/bin/tsc"
    run(
        "node", tsc, "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node",
        "--typeRoots", CLIENT / "node_modules/@types", "imported.mts", "required.cts", folder=installed,
    )  # fmt: skip
    for compiled in ("imported.mjs", "required.cjs"):
        assert run("node", compiled, folder=installed) == "PeerUnknown m function\n"
    assert "require(" in (installed / "required.cjs").read_text()


def test_the_ten_lines_of_the_readme(installed: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    code = re.search(r"```js\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    assert code is not None
    assert len(code[1].strip().splitlines()) <= 10
    (installed / "chat.mjs").write_text(code[1])
    first, second = pair
    with (
        running("node", "chat.mjs", second.peer_id, folder=installed, beside=first) as one,
        running("node", "chat.mjs", first.peer_id, folder=installed, beside=second) as other,
    ):
        assert line(one) == f"I am {first.peer_id}"
        assert line(other) == f"I am {second.peer_id}"
        assert line(one) == f"{second.peer_id} hello"
        assert line(other) == f"{first.peer_id} hello"


def test_the_chat(built: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    chat = built / "examples" / "chat.js"
    with (
        running("node", chat, second.peer_id, folder=CLIENT, beside=first) as one,
        running("node", chat, first.peer_id, folder=CLIENT, beside=second) as other,
    ):
        assert line(one) == f"I am {first.peer_id}"
        assert line(other) == f"I am {second.peer_id}"
        for talking, listening, name in ((one, other, first), (other, one, second)):
            assert talking.stdin is not None
            talking.stdin.write("héllo\n")
            talking.stdin.flush()
            assert line(listening) == f"{name.peer_id[:8]}: héllo"
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(RUN_SECONDS) == 0


def test_the_work_queue_outlives_the_sidecar(built: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    queue = built / "examples" / "work-queue.js"
    with running("node", queue, "worker", "5", folder=CLIENT, beside=second) as worker:
        assert line(worker) == "ready"
        submit = {"SIDECAR_ENDPOINT": first.endpoint}
        assert run("node", queue, "submit", second.peer_id, "a", "again", environment=submit).count("processed") == 2
        assert [line(worker), line(worker)] == ["did a", "did again, delivery 2"]
        second.kill()
        second.restart()
        assert run("node", queue, "submit", second.peer_id, "b", "c", "d", environment=submit).count("processed") == 3
        assert [line(worker) for _ in range(3)] == ["did b", "did c", "did d"]
        assert worker.wait(RUN_SECONDS) == 0


def test_the_service_answers(built: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    program = built / "examples" / "request-reply.js"
    with running("node", program, "serve", folder=CLIENT, beside=second) as service:
        assert line(service) == "ready"
        asking = {"SIDECAR_ENDPOINT": first.endpoint}
        assert run("node", program, "ask", second.peer_id, "what?", environment=asking) == "WHAT?\n"
        assert run("node", program, "ask", second.peer_id, environment=asking) == "empty: ask something\n"
        os.kill(service.pid, 15)
        assert service.wait(RUN_SECONDS) == 0


def test_bounds_signals_and_endings(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    first = sidecars.spawn(grpc_endpoint=["127.0.0.1:0", f"unix:{tmp_path}/api.sock"])
    second = sidecars.spawn(bootstrap=[first.contact])
    endpoints = {"SIDECAR_ENDPOINT": first.ready.grpc[1], "OTHER_ENDPOINT": second.endpoint}
    assert run("node", built / "scenes" / "bounds.js", environment=endpoints) == "all well\n"


def identity(built: Path, **environment: str) -> Any:
    """What the driver is told when it asks who its sidecar is, or the driver's own failure."""
    done = subprocess.run(
        ["node", str(built / "conformance" / "driver.js")],
        env=sidecar_environment(environment),
        input=json.dumps({"case": "call", "role": "app", "params": {"verb": "node", "timeout": 10}}) + "\n",
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        return {"refused": done.stderr}
    assert "Warning" not in done.stderr
    return json.loads(done.stdout)["result"]


def test_token_tls_and_unix_socket(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    authority = Authority.make("api", tmp_path)
    served, own = authority.issue("sidecar"), authority.issue("app")
    files = {"ca": authority.certificate, "cert": served.certificate, "key": served.key, "token": b"0123456789abcdef\n"}
    files |= {"own-cert": own.certificate, "own-key": own.key}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    socket = f"unix:{tmp_path}/api.sock"
    sidecar = sidecars.spawn(
        grpc_endpoint=["127.0.0.1:0", socket],
        api_token_file=tmp_path / "token",
        api_tls_cert=tmp_path / "cert",
        api_tls_key=tmp_path / "key",
        api_tls_client_ca=tmp_path / "ca",
    )
    tcp, unix = {"SIDECAR_ENDPOINT": sidecar.endpoint}, {"SIDECAR_ENDPOINT": socket}
    token = {"SIDECAR_TOKEN": "0123456789abcdef"}
    ca = {"SIDECAR_TLS_CA": str(tmp_path / "ca")}
    cert = {"SIDECAR_TLS_CERT": str(tmp_path / "own-cert"), "SIDECAR_TLS_KEY": str(tmp_path / "own-key")}
    named = {"SIDECAR_TLS_SERVER_NAME": "localhost"}
    mine = {"value": sidecar.peer_id}
    assert identity(built, **tcp, **token, **ca, **cert) == mine
    assert identity(built, **tcp, **token, **ca, **cert, **named) == mine
    assert identity(built, **unix, **token) == mine
    assert identity(built, **unix, **token, **ca, **cert) == mine
    assert identity(built, **unix)["raised"]["reason"] == "TOKEN_INVALID"
    assert identity(built, **tcp, **ca, **cert, SIDECAR_TOKEN="wrong")["raised"]["kind"] == "TokenInvalid"
    another = {"SIDECAR_TLS_SERVER_NAME": "another.test"}
    for wrong in ({**token}, {**token, **ca}, {**token, **ca, **cert, **another}):
        assert identity(built, **tcp, **wrong)["raised"]["kind"] == "SidecarUnavailable"
    assert "set both or neither" in identity(built, **tcp, **ca, SIDECAR_TLS_KEY=cert["SIDECAR_TLS_KEY"])["refused"]
