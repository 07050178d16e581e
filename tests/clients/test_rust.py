"""clients/rust: what is committed, its linters and unit tests, its package, and its README beside real sidecars."""

from __future__ import annotations

import re
import tarfile
import tomllib
from pathlib import Path

import pytest

from sidecar_client import Sidecar
from tests.clients.apps import Pair, finish, line, linked, run, running, say, told
from tests.clients.guarded import Guarded
from tests.generated import assert_committed
from tests.processes import Sidecars
from tools import proto_rust

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "rust"

BUILD_SECONDS = 600
"""A first build fetches and compiles some hundred crates, on two busy cores."""

pytestmark = [pytest.mark.clients, pytest.mark.requires("cargo"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def cargo(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """What a cargo command prints, run in the client's folder."""
    settings = {"CARGO_BUILD_JOBS": "2", "CARGO_TERM_COLOR": "never"}
    return run("cargo", *arguments, folder=CLIENT, seconds=BUILD_SECONDS, environment=settings | (environment or {}))


@pytest.fixture(scope="module")
def examples() -> Path:
    """The folder of the built examples. Everything is built at once, with one profile, in one target folder."""
    cargo("build", "--locked", "--workspace", "--all-targets")
    return CLIENT / "target" / "debug" / "examples"


def test_committed_code_is_what_the_generator_prints(tmp_path: Path, examples: Path) -> None:
    proto_rust.generate(tmp_path)
    assert_committed(tmp_path, proto_rust.FOLDER)


def test_the_retry_layer_is_the_one_of_all_clients() -> None:
    assert (CLIENT / "src/service_config.json").read_bytes() == (
        REPOSITORY / "clients/service_config.json"
    ).read_bytes()


def test_it_is_formatted_and_without_warnings() -> None:
    cargo("fmt", "--all", "--check")
    cargo("clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings")


def test_its_unit_tests_and_the_readmes_code(examples: Path) -> None:
    assert_some_passed(cargo("test", "--locked", "--quiet", "--workspace"))


def test_what_only_real_sidecars_show(examples: Path, pair: Pair, sidecars: Sidecars) -> None:
    victim = sidecars.spawn("victim", bootstrap=[pair[0].contact])
    with Sidecar(victim.endpoint) as client:
        client.wait_ready(level="overlay")
    printed = cargo(
        *("test", "--locked", "--quiet", "--workspace", "--test", "beside_sidecars"),
        *("--", "--ignored", "--test-threads", "2"),
        environment={
            "SIDECAR_TEST_ENDPOINTS": f"{pair[0].endpoint} {pair[1].endpoint}",
            "SIDECAR_TEST_VICTIM": f"{victim.endpoint} {victim.pid}",
        },
    )
    assert_some_passed(printed)


def assert_some_passed(printed: str) -> None:
    """`cargo test` is content with none."""
    assert re.search(r"^test result: ok\. [1-9]", printed, flags=re.MULTILINE), printed


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


def test_the_readmes_dependencies() -> None:
    block = tomllib.loads((CLIENT / "README.md").read_text().partition("```toml\n")[2].partition("```")[0])
    own = tomllib.loads((CLIENT / "Cargo.toml").read_text())
    asked = block["dependencies"]
    assert own["workspace"]["package"]["version"].startswith(asked[own["package"]["name"]])
    assert own["dependencies"]["tokio"]["version"].startswith(asked["tokio"]["version"])


def test_the_readmes_ten_lines(examples: Path, pair: Pair) -> None:
    code = (CLIENT / "README.md").read_text().partition("```rust,no_run\n")[2].partition("```")[0]
    assert (CLIENT / "examples/ten_lines.rs").read_text() == code, "the example is the README's first code, verbatim"
    a, b = pair
    with running(examples / "ten_lines", a.peer_id, beside=b) as second:
        assert line(second) == f"I am {b.peer_id}"
        with running(examples / "ten_lines", b.peer_id, beside=a) as first:
            assert line(first) == f"I am {a.peer_id}"
            assert line(second) == f'{a.peer_id} b"hello"'
            assert line(first) == f'{b.peer_id} b"hello"'


def test_the_chat(examples: Path, sidecars: Sidecars) -> None:
    a, b = linked(sidecars)
    with (
        running(examples / "chat", b.peer_id, beside=a) as one,
        running(examples / "chat", a.peer_id, beside=b) as other,
    ):
        for chat in (one, other):
            assert line(chat) == "chatting; end with Ctrl-D"
        say(one, "who is there?")
        assert line(other) == f"{a.peer_id[:8]}> who is there?"
        say(other, "it is мы")
        assert line(one) == f"{b.peer_id[:8]}> it is мы"
        for chat in (one, other):
            finish(chat)


def test_the_work_queue_outlives_its_sidecars(examples: Path, sidecars: Sidecars) -> None:
    a, b = linked(sidecars)
    b.kill()
    for _ in range(2):  # who puts them again puts none twice
        assert told(examples / "work_queue", "put", b.peer_id, "stumble", "two", beside=a) == ["put stumble", "put two"]
    a.kill()
    a.restart()
    b.restart()
    printed = told(examples / "work_queue", "work", "2", beside=b)
    assert sorted(printed) == ["done stumble, again", "done two", "stumbled", "working"]
    with Sidecar(b.endpoint) as client:
        assert not [queue for queue in client.queues().queues if queue.messages]


def test_the_service(examples: Path, pair: Pair) -> None:
    a, b = pair
    with running(examples / "requests", "serve", beside=b) as service:
        assert line(service) == "serving"
        assert told(examples / "requests", "ask", b.peer_id, "what?", beside=a) == ["WHAT?"]
        refused = told(examples / "requests", "ask", b.peer_id, "", beside=a, code=1)
        assert "the service says empty: ask something" in refused[0]
        finish(service)


def test_token_tls_and_unix_socket(examples: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    guarded = Guarded(sidecars, tmp_path, [CLIENT / "target/debug/sidecar-conformance"])
    guarded.assert_alike()
    key = {"SIDECAR_TLS_KEY": guarded.own["SIDECAR_TLS_KEY"]}
    assert "TlsPair" in guarded.refused(guarded.tcp, guarded.ca, key)
    assert "TlsOverUnix" in guarded.refused(guarded.unix, guarded.ca)
