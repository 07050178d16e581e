"""clients/go: what is committed, its linters and unit tests, and its README and examples beside real sidecars."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.apps import RUN_SECONDS, Pair, finish, line, linked, run, running, say, told
from tests.clients.guarded import Guarded
from tests.generated import assert_committed
from tests.processes import Sidecars
from tools import proto_go

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "go"

BUILD_SECONDS = 600
"""A first build compiles gRPC, on two busy cores."""

pytestmark = [pytest.mark.clients, pytest.mark.requires("go"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def go(*arguments: str | Path, environment: dict[str, str] | None = None) -> str:
    """What a go command prints, run in the client's folder."""
    flags = {"GOFLAGS": "-buildvcs=false -mod=readonly -p=2"}
    return run("go", *arguments, folder=CLIENT, seconds=BUILD_SECONDS, environment=flags | (environment or {}))


def test_committed_code_is_what_the_generators_print(tmp_path: Path) -> None:
    proto_go.generate(tmp_path)
    assert_committed(tmp_path, proto_go.OUTPUT)


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
    assert run("gofmt", "-l", ".", folder=CLIENT, seconds=RUN_SECONDS) == "", "run `gofmt -w` on these"


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


def test_its_tests(pair: Pair, sidecars: Sidecars) -> None:
    """Those of the language itself: without a sidecar, beside two that are linked, and beside one that they kill."""
    first, second = pair
    victim = sidecars.spawn("victim", bootstrap=[first.contact])
    printed = go(
        "test", "-v", "-count=1", "-timeout=500s", "./...",
        environment={
            "SIDECAR_TEST_ENDPOINTS": f"{first.endpoint} {second.endpoint}",
            "SIDECAR_TEST_VICTIM": f"{victim.endpoint} {victim.pid}",
        },
    )  # fmt: skip
    assert "--- SKIP" not in printed


def test_the_ten_lines_of_the_readme(programs: Path, pair: Pair) -> None:
    first, second = pair
    with running(programs / "hello", second.peer_id, beside=first) as one:
        assert told(programs / "hello", first.peer_id, beside=second) == [f"{first.peer_id} hello"]
        assert line(one) == f"{second.peer_id} hello"
        assert one.wait(RUN_SECONDS) == 0


def test_the_chat(programs: Path, pair: Pair) -> None:
    first, second = pair
    with (
        running(programs / "chat", second.peer_id, beside=first) as one,
        running(programs / "chat", first.peer_id, beside=second) as other,
    ):
        for chat in (one, other):
            assert line(chat) == "chatting; end with Ctrl-D"
        say(one, "who is there?")
        assert line(other) == f"{first.peer_id[:8]}> who is there?"
        say(other, "it is мы")
        assert line(one) == f"{second.peer_id[:8]}> it is мы"
        for chat in (one, other):
            finish(chat)


def test_the_work_queue_outlives_its_sidecars(programs: Path, sidecars: Sidecars) -> None:
    first, second = linked(sidecars)
    second.kill()
    jobs = ["stumble", "b", "c"]
    for _ in range(2):  # who puts them again puts none twice
        assert told(programs / "workqueue", "put", second.peer_id, *jobs, beside=first) == [
            "put stumble",
            "put b",
            "put c",
        ]
    first.kill()
    first.restart()
    second.restart()
    done = told(programs / "workqueue", "work", "3", beside=second)
    assert sorted(done) == ["done b", "done c", "done stumble", "stumbled; again in a moment"]


def test_the_service(programs: Path, pair: Pair) -> None:
    first, second = pair
    with running(programs / "requests", "serve", beside=second) as service:
        assert line(service) == "serving"
        assert told(programs / "requests", "ask", second.peer_id, "what?", beside=first) == ["WHAT?"]
        refused = told(programs / "requests", "ask", second.peer_id, "", beside=first, code=1)
        assert refused == ["the service says empty: ask something"]
        service.terminate()
        assert service.wait(RUN_SECONDS) == 0


def test_token_tls_and_unix_socket(programs: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    guarded = Guarded(sidecars, tmp_path, [programs / "driver"])
    guarded.assert_alike()
    assert guarded.lets_in(guarded.unix, guarded.token, guarded.ca, guarded.own)
    key = {"SIDECAR_TLS_KEY": guarded.own["SIDECAR_TLS_KEY"]}
    assert "set both or neither" in guarded.refused(guarded.tcp, guarded.ca, key)
