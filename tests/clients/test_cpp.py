"""clients/cpp: what its build generates, unit tests, format and package; README and examples beside real sidecars."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from sidecar_client import Sidecar
from sidecar_client.gen.overlay.v1 import queue_pb2
from tests.clients import apps
from tests.clients.apps import RUN_SECONDS, Pair, finish, line, linked, running, say, told
from tests.clients.guarded import Guarded
from tests.conformance.drivers import LANGUAGES
from tests.conformance.hands import until
from tests.conformance.stage import CASTS, Cast, Play, cases
from tests.conformance.world import World
from tests.processes import SidecarProcess, Sidecars

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "cpp"
PROTO = REPOSITORY / "proto"

BUILD = CLIENT / "build"
"""Kept: what has not changed is not built again."""

BUILD_SECONDS = 900
"""A first build compiles for two minutes of one core's time; other work may leave it a tenth of a core."""

pytestmark = [pytest.mark.clients, pytest.mark.requires("cpp"), pytest.mark.timeout(2 * BUILD_SECONDS)]


def run(*command: str | Path) -> str:
    """What a command prints, run in the client's folder."""
    return apps.run(*command, folder=CLIENT, seconds=BUILD_SECONDS)


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


def test_sanitizers_find_nothing(build: Path, tmp_path: Path) -> None:
    """The unit tests, and the cases of conformance with itself, where an access, a leak or undefined behaviour ends the
    program with an error."""
    run("cmake", "--build", build, "--parallel", "2", "--target", "sanitized")
    driver = build / "driver_sanitized"
    assert "libasan" in run("ldd", driver)
    run(build / "client_tests_sanitized", "--gtest_brief=1")
    language = dataclasses.replace(LANGUAGES["cpp"], run=(str(driver),))
    with World("lean", tmp_path) as world:
        for case in cases():
            if "all" not in case.cannot:
                cast = Cast(case, world, (language,) * len(CASTS[case.cast]))
                Play(world, case, [cast]).run()
                assert cast.failure is None, cast.failure


def test_it_is_formatted() -> None:
    sources = [path for pattern in ("*.h", "*.cc") for path in CLIENT.rglob(pattern) if BUILD not in path.parents]
    assert len(sources) > 40
    run("clang-format", "--dry-run", "-Werror", *sources)


def test_the_package_has_its_license() -> None:
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_the_ten_lines_of_the_readme(hello: Path, pair: Pair) -> None:
    first, second = pair
    with running(hello, beside=first) as one:
        with running(hello, first.peer_id, beside=second) as other:
            assert line(one) == f"{second.peer_id} hello"
            with Sidecar(first.endpoint) as client:
                client.send(second.peer_id, b"and you", channel="chat")
            assert line(other) == f"{first.peer_id} and you"
            assert other.wait(RUN_SECONDS) == 0
        assert one.wait(RUN_SECONDS) == 0


BLOCK_BY_BLOCK = """
#include <sidecar/sidecar.h>
#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

extern sidecar::Result<sidecar::Sidecar> app;
extern std::string peer_id;
extern std::string data;
extern std::vector<std::string> parts;
void retry_after(std::optional<std::chrono::nanoseconds> time);
void failed(const sidecar::Error& error);
void report(const std::vector<sidecar::Failure>& failures);
{functions}
"""


def test_the_other_blocks_of_the_readme_are_compiled(hello: Path, tmp_path: Path) -> None:
    """C++ against the installed package, and what an app's CMakeLists.txt says as `hello` was built by it."""
    page = (CLIENT / "README.md").read_text()
    blocks = re.findall(r"^```cpp\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)[1:]
    functions = [f"void block{number}() {{\n{block}}}" for number, block in enumerate(blocks)]
    assert functions
    source = tmp_path / "blocks.cc"
    source.write_text(BLOCK_BY_BLOCK.format(functions="\n".join(functions)))
    run("g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Wno-unused", "-Werror",
        f"-I{hello.parents[1]}/prefix/include", source)  # fmt: skip
    cmake = re.search(r"^```cmake\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert cmake is not None
    built_by = (CLIENT / "tests/package/CMakeLists.txt").read_text().splitlines()
    assert set(cmake[1].replace("(app ", "(hello ").splitlines()) <= set(built_by)


def test_the_commands_of_the_readme(tmp_path: Path) -> None:
    """What Debian is to install is there, and the build is made ready as the page says; the rest of its line is
    `hello`'s."""
    block = re.search(r"^```sh\n(.*?)^```$", (CLIENT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    packages, build = block[1].splitlines()
    if shutil.which("dpkg-query"):
        run("dpkg-query", "--show", *packages.removeprefix("apt-get install ").split())
    configure, *rest = build.split(" && ")
    assert rest == ["cmake --build build", "cmake --install build --prefix /usr/local"]
    words = configure.replace("clients/cpp", str(CLIENT)).replace("-B build", f"-B {tmp_path}").split()
    run(*words)


def test_the_chat(build: Path, pair: Pair) -> None:
    first, second = pair
    with (
        running(build / "chat", second.peer_id, beside=first) as one,
        running(build / "chat", first.peer_id, beside=second) as other,
    ):
        assert line(one) == f"I am {first.peer_id}"
        assert line(other) == f"I am {second.peer_id}"
        say(one, "who is there?")
        assert line(other) == f"{first.peer_id[:8]}> who is there?"
        say(other, "it is мы")
        assert line(one) == f"{second.peer_id[:8]}> it is мы"
        for chat in (one, other):
            finish(chat)


def queues(sidecar: SidecarProcess) -> list[queue_pb2.QueueSummary]:
    """What is kept there."""
    with Sidecar(sidecar.endpoint) as client:
        return list(client.queues().queues)


def test_the_work_queue_outlives_its_sidecars(build: Path, sidecars: Sidecars) -> None:
    first, second = linked(sidecars)
    program = build / "work_queue"
    for _ in range(2):  # who submits them again queues none twice
        printed = told(program, "submit", second.peer_id, "a", "b", beside=first)
        assert printed == ["submitted a", "submitted b"]
    second.kill()
    second.restart()
    with running(program, "work", "3", beside=second) as worker:
        assert [line(worker) for _ in range(3)] == ["working", "did a", "did b"]
        until(lambda: not queues(second), "acks that are in the journal")  # what is not comes again
        second.kill()  # under the worker, which takes it up again
        second.restart()
        told(program, "submit", second.peer_id, "c", beside=first)
        assert line(worker) == "did c"
        assert worker.wait(RUN_SECONDS) == 0
    assert not queues(second)


def test_the_service(build: Path, pair: Pair) -> None:
    first, second = pair
    with running(build / "service", "serve", beside=second) as service:
        assert line(service) == "serving"
        assert told(build / "service", "ask", second.peer_id, "what?", beside=first) == ["WHAT?"]
        refused = told(build / "service", "ask", second.peer_id, "", beside=first, code=1)
        assert refused == ["the service says empty", "REQUEST_FAILED: ask something"]
        finish(service)


def test_token_tls_and_unix_socket(build: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    Guarded(sidecars, tmp_path, [build / "driver"]).assert_alike()
