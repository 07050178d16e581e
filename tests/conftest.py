"""What every test may use: real sidecars as processes, and a word for what the machine must have."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import FrameType

import hypothesis
import pytest

from tests import toolchains
from tests.processes import Sidecars

# The same examples every time, and neither an example nor the making of it has a clock: a busy machine is no failure.
hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("repeatable")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it runs in the background ignore Ctrl-C, and every process started here would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def has_ipv6() -> bool:
    """Whether ::1 can be bound."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def has_namespaces() -> bool:
    """Whether this process may make network namespaces and `ip` is there to do it."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False, timeout=10).returncode == 0


def has_cpp() -> bool:
    """Whether the C++ client can be built, tested and linted: programs on PATH and headers of Debian's packages."""
    programs = ("g++", "cmake", "ninja", "clang-format", "protoc", "grpc_cpp_plugin")
    headers = ("grpcpp/grpcpp.h", "tl/expected.hpp", "gtest/gtest.h", "nlohmann/json.hpp", "openssl/evp.h")
    return all(map(shutil.which, programs)) and all((Path("/usr/include") / header).exists() for header in headers)


def allowed_files() -> float:
    """How many files a process may have open at most."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return math.inf if hard == resource.RLIM_INFINITY else hard


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "root": (lambda: os.geteuid() == 0, "run the tests as root"),
    "netns": (has_namespaces, "run the tests as root, with iproute2"),
    "conntrack": (lambda: shutil.which("conntrack") is not None, "apt-get install conntrack"),
    "nftables": (lambda: shutil.which("nft") is not None, "apt-get install nftables"),
    "docker": (
        lambda: os.geteuid() == 0 and all(map(shutil.which, ("dockerd", "docker-compose", "debootstrap"))),
        "run the tests as root, with docker.io, docker-compose and debootstrap",
    ),
    "make": (lambda: shutil.which("make") is not None, "install make"),
    "gcc": (lambda: shutil.which("gcc") is not None, "install a C compiler"),
    "cargo": (lambda: toolchains.enough("cargo"), f"{toolchains.TOOLCHAINS['cargo'].remedy}, with rustfmt and clippy"),
    "go": (lambda: toolchains.enough("go"), toolchains.TOOLCHAINS["go"].remedy),
    "java": (
        lambda: toolchains.enough("javac") and all(map(shutil.which, ("java", "mvn"))),
        f"{toolchains.TOOLCHAINS['javac'].remedy}, and Maven",
    ),
    "cpp": (
        has_cpp,
        "apt-get install what clients/cpp/README.md lists, and clang-format",
    ),
    "npm": (
        lambda: toolchains.enough("node") and all(map(shutil.which, ("npm", "npx"))),
        f"{toolchains.TOOLCHAINS['node'].remedy}, and npm",
    ),
    "ipv6": (has_ipv6, "enable IPv6 on the loopback interface"),
    "postgresql": (lambda: bool(list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), "apt-get install postgresql"),
    "systemd": (
        lambda: all(map(shutil.which, ("systemd-analyze", "systemd-sysusers"))),
        "apt-get install systemd",
    ),
    "files": (lambda: allowed_files() >= 4096, "raise the hard limit of open files: `ulimit -Hn 4096`"),
    "curl": (lambda: shutil.which("curl") is not None, "apt-get install curl"),
}
"""By name: whether the machine has it, and how it gets it."""


REQUIRED = os.environ.pop("SIDECAR_TESTS_REQUIRE", "").split(",")
"""What must not be skipped. Taken out of the environment: a sidecar refuses variables it does not know."""


def require(*needs: str) -> None:
    """Skips the running test where the machine lacks one of `needs` (names of NEEDS), and says how to get it. Under
    `SIDECAR_TESTS_REQUIRE=all`, or with the name in that comma-separated list, the test fails instead."""
    for need in needs:
        present, remedy = NEEDS[need]
        if not present():
            words = f"needs {need}: {remedy}"
            if "all" in REQUIRED or need in REQUIRED:
                pytest.fail(f"{words} (SIDECAR_TESTS_REQUIRE is set)", pytrace=False)
            pytest.skip(words)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Applies `@pytest.mark.requires(...)`, before any fixture is made."""
    for marker in item.iter_markers("requires"):
        require(*marker.args)


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer() -> Generator[None, object, object]:
    """A test that hangs ends, whatever it is doing. pytest-timeout raises from its alarm, and what is raised in a
    callback or a task of asyncio is kept there: so the loop is stopped as well."""
    done = yield
    raising = signal.getsignal(signal.SIGALRM)
    if callable(raising):

        def alarm(number: int, frame: FrameType | None) -> None:
            with contextlib.suppress(RuntimeError):  # there is no loop
                asyncio.get_running_loop().stop()
            raising(number, frame)

        signal.signal(signal.SIGALRM, alarm)
    return done


@pytest.fixture
def sidecars(tmp_path: Path) -> Iterator[Sidecars]:
    """Starts real `sidecar run` processes; ends them, and looks at what they wrote, after the test."""
    started = Sidecars(tmp_path)
    try:
        yield started
    finally:
        started.end()
