"""clients/cpp: what its build generates, unit tests, format and package; README and examples beside real sidecars."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sidecar_client import Sidecar
from tests.conformance.drivers import LANGUAGES
from tests.processes import SidecarProcess, Sidecars, sidecar_environment

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "cpp"
PROTO = REPOSITORY / "proto"

BUILD = CLIENT / "build"
"""Kept: what has not changed is not built again."""

BUILD_SECONDS = 900
"""A first build compiles for two minutes of one core's time; other work may leave it a tenth of a core."""

RUN_SECONDS = 60

pytestmark = [pytest.mark.clients, pytest.mark.requires("cpp"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def run(*command: str | Path, timeout: float = BUILD_SECONDS) -> str:
    """What a command prints; AssertionError with its words when it fails."""
    done = subprocess.run(
        command, cwd=CLIENT, env=sidecar_environment(), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout[-8000:]}{done.stderr[-8000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def build() -> Path:
    """The folder with everything built, warnings being errors."""
    for command in LANGUAGES["cpp"].build:
        run(*command)
    return BUILD


@pytest.fixture(scope="module")
def hello(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's first program, built as an app would: against the installed package alone."""
    folder = tmp_path_factory.mktemp("hello")
    run("cmake", "--install", build, "--prefix", folder / "prefix")
    readme = re.search(r"^```cpp\n(.*?)^```$", (CLIENT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert readme is not None
    (folder / "hello.cc").write_text(readme[1])
    run(
        "cmake", "-G", "Ninja", "-S", CLIENT / "tests/package", "-B", folder / "build", f"-DHELLO={folder}/hello.cc",
        f"-DCMAKE_PREFIX_PATH={folder}/prefix",
    )  # fmt: skip
    assert f"{folder}/prefix" in (folder / "build/CMakeCache.txt").read_text()
    run("cmake", "--build", folder / "build")
    return folder / "build/hello"


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


def command(driver: subprocess.Popen[str], case: str, role: str, **params: Any) -> None:
    """Has a driver begin a case (tests/conformance/README.md)."""
    say(driver, json.dumps({"case": case, "role": role, "params": params}))


def answer(driver: subprocess.Popen[str]) -> dict[str, Any]:
    """The next that a driver tells."""
    words: dict[str, Any] = json.loads(line(driver))
    return words


def test_the_build_generates_from_proto_as_it_is(build: Path, tmp_path: Path) -> None:
    committed = run("git", "ls-files", CLIENT).splitlines()
    assert not [name for name in committed if ".pb." in name]
    protos = [str(path.relative_to(PROTO)) for path in sorted(PROTO.glob("overlay/v1/*.proto"))]
    plugin = shutil.which("grpc_cpp_plugin")
    run("protoc", "-I", PROTO, "--cpp_out", tmp_path, *protos)
    services = [name for name in protos if re.search(r"^service ", (PROTO / name).read_text(), flags=re.MULTILINE)]
    run("protoc", "-I", PROTO, "--grpc_out", tmp_path, f"--plugin=protoc-gen-grpc={plugin}", *services)
    expected = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.pb.*")}
    generated = build / "gen"
    assert expected == {path.relative_to(generated): path.read_bytes() for path in generated.rglob("*.pb.*")}
    assert Path("overlay/v1/message.grpc.pb.h") in expected


def test_the_retry_layer_is_the_one_of_all_clients(build: Path) -> None:
    assert (REPOSITORY / "clients/service_config.json").read_text() in (build / "service_config.cc").read_text()


def test_its_unit_tests(build: Path) -> None:
    printed = run("ctest", "--test-dir", build, "--output-on-failure", "--timeout", "60")
    assert "100% tests passed" in printed


def test_it_is_formatted() -> None:
    sources = [path for pattern in ("*.h", "*.cc") for path in CLIENT.rglob(pattern) if BUILD not in path.parents]
    assert len(sources) > 40
    run("clang-format", "--dry-run", "-Werror", *sources)


def test_the_package_has_its_license() -> None:
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_the_ten_lines_of_the_readme(hello: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    with running(hello, beside=first) as one:
        with running(hello, first.peer_id, beside=second) as other:
            assert line(one) == f"{second.peer_id} hello\n"
            with Sidecar(first.endpoint) as client:
                client.send(second.peer_id, b"and you", channel="chat")
            assert line(other) == f"{first.peer_id} and you\n"
            assert other.wait(RUN_SECONDS) == 0
        assert one.wait(RUN_SECONDS) == 0


def test_the_chat(build: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    with (
        running(build / "chat", second.peer_id, beside=first) as one,
        running(build / "chat", first.peer_id, beside=second) as other,
    ):
        assert line(one) == f"I am {first.peer_id}\n"
        assert line(other) == f"I am {second.peer_id}\n"
        say(one, "who is there?")
        assert line(other) == f"{first.peer_id[:8]}> who is there?\n"
        say(other, "it is мы")
        assert line(one) == f"{second.peer_id[:8]}> it is мы\n"
        for chat in (one, other):
            assert chat.stdin is not None
            chat.stdin.close()
            assert chat.wait(RUN_SECONDS) == 0


def test_the_work_queue_outlives_its_sidecars(build: Path, sidecars: Sidecars) -> None:
    first, second = linked(sidecars)
    program = build / "work_queue"
    for _ in range(2):  # who submits them again queues none twice
        printed = told(program, "submit", second.peer_id, "a", "b", beside=first)
        assert printed == "submitted a\nsubmitted b\n"
    second.kill()
    second.restart()
    with running(program, "work", "3", beside=second) as worker:
        assert [line(worker) for _ in range(3)] == ["working\n", "did a\n", "did b\n"]
        second.kill()  # under the worker, which takes it up again
        second.restart()
        told(program, "submit", second.peer_id, "c", beside=first)
        assert line(worker) == "did c\n"
        assert worker.wait(RUN_SECONDS) == 0
    with Sidecar(second.endpoint) as client:
        assert not client.queues().queues


def test_the_service(build: Path, pair: tuple[SidecarProcess, SidecarProcess]) -> None:
    first, second = pair
    with running(build / "service", "serve", beside=second) as service:
        assert line(service) == "serving\n"
        assert told(build / "service", "ask", second.peer_id, "what?", beside=first) == "WHAT?\n"
        refused = told(build / "service", "ask", second.peer_id, "", beside=first, code=1)
        assert refused.splitlines() == ["the service says empty", "REQUEST_FAILED: ask something"]
        assert service.stdin is not None
        service.stdin.close()
        assert service.wait(RUN_SECONDS) == 0
