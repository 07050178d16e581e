"""clients/typescript: what is committed, its linters and unit tests, and its package, README and examples beside real
sidecars."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.clients import apps
from tests.clients.apps import RUN_SECONDS, Pair, finish, line, linked, running, say, told
from tests.clients.guarded import Guarded
from tests.generated import assert_committed
from tests.processes import Sidecars
from tools import proto_typescript

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "typescript"

BUILD_SECONDS = 600

pytestmark = [pytest.mark.clients, pytest.mark.requires("npm"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def run(*command: str | Path, folder: Path = CLIENT, environment: dict[str, str] | None = None) -> str:
    """What a command prints, run in the client's folder or another."""
    return apps.run(*command, folder=folder, seconds=BUILD_SECONDS, environment=environment)


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


def test_committed_code_is_what_the_generator_prints(tmp_path: Path) -> None:
    proto_typescript.generate(tmp_path)
    assert_committed(tmp_path, proto_typescript.GEN)


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
    printed = run("node", "--test", built / "test")
    assert re.search(r"^. pass [1-9]", printed, flags=re.MULTILINE), "it is content with none"


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


def test_the_ten_lines_of_the_readme(installed: Path, pair: Pair) -> None:
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


BLOCK_BY_BLOCK = """
import {{ AnswerError, Sidecar }} from "quic-p2p-sidecar-client";
declare const sidecar: Sidecar;
declare const peerId: string;
declare const parts: Buffer[];
declare const data: Buffer;
{functions}
"""


def test_the_other_blocks_of_the_readme_are_compiled(installed: Path) -> None:
    blocks = re.findall(r"^```ts\n(.*?)^```$", (CLIENT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    functions = [f"export async function block{number}() {{\n{block}}}" for number, block in enumerate(blocks)]
    assert functions
    (installed / "blocks.mts").write_text(BLOCK_BY_BLOCK.format(functions="\n".join(functions)))
    run(
        "node", CLIENT / "node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--module", "nodenext",
        "--target", "es2022", "--lib", "es2022,esnext.disposable", "--types", "node",
        "--typeRoots", CLIENT / "node_modules/@types", "blocks.mts", folder=installed,
    )  # fmt: skip


def test_the_chat(built: Path, pair: Pair) -> None:
    first, second = pair
    chat = built / "examples" / "chat.js"
    with (
        running("node", chat, second.peer_id, beside=first) as one,
        running("node", chat, first.peer_id, beside=second) as other,
    ):
        assert line(one) == f"I am {first.peer_id}"
        assert line(other) == f"I am {second.peer_id}"
        for talking, listening, name in ((one, other, first), (other, one, second)):
            say(talking, "héllo")
            assert line(listening) == f"{name.peer_id[:8]}: héllo"
        for process in (one, other):
            finish(process)


def test_the_work_queue_outlives_the_sidecar(built: Path, sidecars: Sidecars) -> None:
    first, second = linked(sidecars)
    queue = built / "examples" / "work-queue.js"
    with running("node", queue, "worker", "5", beside=second) as worker:
        assert line(worker) == "ready"
        submitted = told("node", queue, "submit", second.peer_id, "a", "again", beside=first)
        assert sum("processed" in each for each in submitted) == 2
        assert [line(worker), line(worker)] == ["did a", "did again, delivery 2"]
        second.kill()
        second.restart()
        submitted = told("node", queue, "submit", second.peer_id, "b", "c", "d", beside=first)
        assert sum("processed" in each for each in submitted) == 3
        assert [line(worker) for _ in range(3)] == ["did b", "did c", "did d"]
        assert worker.wait(RUN_SECONDS) == 0


def test_the_service_answers(built: Path, pair: Pair) -> None:
    first, second = pair
    program = built / "examples" / "request-reply.js"
    with running("node", program, "serve", beside=second) as service:
        assert line(service) == "ready"
        assert told("node", program, "ask", second.peer_id, "what?", beside=first) == ["WHAT?"]
        assert told("node", program, "ask", second.peer_id, beside=first) == ["empty: ask something"]
        service.terminate()
        assert service.wait(RUN_SECONDS) == 0


def test_bounds_signals_and_endings(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    first = sidecars.spawn(grpc_endpoint=["127.0.0.1:0", f"unix:{tmp_path}/api.sock"])
    second = sidecars.spawn(bootstrap=[first.contact])
    endpoints = {"SIDECAR_ENDPOINT": first.ready.grpc[1], "OTHER_ENDPOINT": second.endpoint}
    assert run("node", built / "scenes" / "bounds.js", environment=endpoints) == "all well\n"


def test_token_tls_and_unix_socket(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    guarded = Guarded(sidecars, tmp_path, ["node", built / "conformance" / "driver.js"])
    guarded.assert_alike()
    assert guarded.lets_in(guarded.unix, guarded.token, guarded.ca, guarded.own)
    key = {"SIDECAR_TLS_KEY": guarded.own["SIDECAR_TLS_KEY"]}
    assert "set both or neither" in guarded.refused(guarded.tcp, guarded.ca, key)
