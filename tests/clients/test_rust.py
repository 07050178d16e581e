"""clients/rust: what is committed, its linters and unit tests, its package, and its README beside real sidecars."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar_client import Sidecar
from tests.processes import SidecarProcess, Sidecars, sidecar_environment
from tools import proto_rust

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "rust"

BUILD_SECONDS = 600
"""A first build fetches and compiles some hundred crates, on two busy cores."""

RUN_SECONDS = 60.0

pytestmark = [pytest.mark.clients, pytest.mark.requires("cargo"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def cargo(*arguments: str) -> str:
    """What a cargo command prints, run in the client's folder; AssertionError with its words when it fails."""
    done = subprocess.run(
        ["cargo", *arguments],
        cwd=CLIENT,
        env=sidecar_environment({"CARGO_BUILD_JOBS": "2", "CARGO_TERM_COLOR": "never"}),
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


def linked(sidecars: Sidecars) -> tuple[SidecarProcess, SidecarProcess]:
    """Two sidecars that know each other."""
    a = sidecars.spawn("a")
    b = sidecars.spawn("b", bootstrap=[a.contact])
    for sidecar in (a, b):
        with Sidecar(sidecar.endpoint) as client:
            client.wait_ready(RUN_SECONDS, "overlay")
    return a, b


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
    cargo("test", "--locked", "--quiet", "--package", "quic-p2p-sidecar-client")


def test_the_registry_would_take_it(examples: Path) -> None:
    """Packed without the verifying build: the package is the source that the other tests have built."""
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
    cargo("package", "--locked", "--no-verify", "--allow-dirty", "--package", "quic-p2p-sidecar-client")
    listed = cargo("package", "--locked", "--list", "--allow-dirty", "--package", "quic-p2p-sidecar-client").split()
    assert {"Cargo.toml", "LICENSE", "README.md", "src/gen/overlay.v1.rs", "src/service_config.json"} <= set(listed)
    assert not [path for path in listed if path.startswith(("conformance", "generator", "build.rs"))]


def test_the_readmes_ten_lines(examples: Path, sidecars: Sidecars) -> None:
    code = (CLIENT / "README.md").read_text().partition("```rust,no_run\n")[2].partition("```")[0]
    assert (CLIENT / "examples/ten_lines.rs").read_text() == code, "the example is the README's first code, verbatim"
    a, b = linked(sidecars)
    with running(examples / "ten_lines", a.peer_id, endpoint=b.endpoint) as second:
        second.hear(f"I am {b.peer_id}")
        with running(examples / "ten_lines", b.peer_id, endpoint=a.endpoint) as first:
            first.hear(f"I am {a.peer_id}")
            second.hear(f'{a.peer_id} b"hello"')
            first.hear(f'{b.peer_id} b"hello"')
