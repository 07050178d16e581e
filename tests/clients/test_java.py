"""clients/java: what is committed, its formatter and unit tests, and its README and examples beside real sidecars."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.api.front.tls import Authority
from tests.processes import Sidecars, sidecar_environment
from tools import proto_java

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "java"
JAR = "sidecar-client-0.1.0"
FORMATTER = "com.google.googlejavaformat:google-java-format:1.28.0:jar:all-deps"
EXPORTS = [
    f"--add-exports=jdk.compiler/com.sun.tools.javac.{package}=ALL-UNNAMED"
    for package in ("api", "code", "file", "main", "parser", "tree", "util")
]

BUILD_SECONDS = 400
"""A first build fetches grpc-java and the plugins, on two busy cores."""

RUN_SECONDS = 90

pytestmark = [pytest.mark.clients, pytest.mark.requires("java"), pytest.mark.timeout(BUILD_SECONDS + 60)]


@pytest.fixture(scope="session")
def built() -> Path:
    """`target`, after javac with every warning an error, the unit tests, and jar, sources and javadoc."""
    done = subprocess.run(
        ["mvn", "-q", "-B", "package"],
        cwd=CLIENT,
        env=sidecar_environment({"MAVEN_OPTS": "-XX:TieredStopAtLevel=1"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"mvn package:\n{done.stdout}{done.stderr}"
    return CLIENT / "target"


def java(target: Path, *arguments: str) -> list[str]:
    """The command of a Java program with the client and what was compiled for the tests at hand."""
    path = f"{target / JAR}.jar:{target / 'test-classes'}:{target / 'dependency'}/*"
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, *arguments]


@contextmanager
def program(command: list[str], endpoint: str) -> Iterator[subprocess.Popen[str]]:
    """A program beside a sidecar, ended by its pid."""
    process = subprocess.Popen(
        command,
        env=sidecar_environment({"SIDECAR_ENDPOINT": endpoint}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        with process:
            yield process
            process.kill()
    finally:
        process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Its next line; the test's own time limits the wait."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def ran(command: list[str], endpoint: str, *, given: str = "", **environment: str) -> list[str]:
    """The lines of a program that ends by itself."""
    done = subprocess.run(
        command,
        env=sidecar_environment({"SIDECAR_ENDPOINT": endpoint} | environment),
        input=given,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout.splitlines()


def test_committed_code_is_what_the_generators_print(tmp_path: Path) -> None:
    printed = proto_java.generate(tmp_path)
    committed = sorted(
        path.relative_to(REPOSITORY) for path in (REPOSITORY / proto_java.FOLDER).rglob("*") if path.is_file()
    )
    assert printed == committed, "run `make proto`"
    for path in printed:
        assert (REPOSITORY / path).read_bytes() == (tmp_path / path).read_bytes(), f"{path}: run `make proto`"


def test_the_pom_names_the_generators_versions() -> None:
    pom = (CLIENT / "pom.xml").read_text()
    assert f"<grpc.version>{proto_java.GRPC}</grpc.version>" in pom
    assert f"<protobuf.version>{proto_java.PROTOC}</protobuf.version>" in pom


def test_it_is_formatted() -> None:
    sources = [
        str(path.relative_to(CLIENT))
        for folder in ("src", "conformance", "examples")
        for path in sorted((CLIENT / folder).rglob("*.java"))
    ]
    formatter = proto_java.fetched(FORMATTER)
    done = subprocess.run(
        ["java", *EXPORTS, "-jar", str(formatter), "--dry-run", "--set-exit-if-changed", *sources],
        cwd=CLIENT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), f"run google-java-format --replace on these: {done.stderr}"


def test_a_registry_would_take_it(built: Path) -> None:
    """What Maven Central asks for: https://central.sonatype.org/publish/requirements/"""
    with zipfile.ZipFile(built / f"{JAR}.jar") as jar:
        names = set(jar.namelist())
        assert (
            jar.read("io/github/quicp2p/sidecar/service_config.json")
            == (REPOSITORY / "clients/service_config.json").read_bytes()
        )
        assert jar.read("META-INF/LICENSE") == (REPOSITORY / "LICENSE").read_bytes()
        pom = jar.read("META-INF/maven/io.github.quic-p2p-sidecar/sidecar-client/pom.xml")
    assert "io/github/quicp2p/sidecar/Sidecar.class" in names
    assert not [name for name in names if "Test" in name or name == "Driver.class"]
    project = ET.fromstring(pom)
    space = {"": "http://maven.apache.org/POM/4.0.0"}
    for element in ("name", "description", "url", "licenses/license/url", "developers/developer/name", "scm/url"):
        assert (project.findtext(element, namespaces=space) or "").strip(), element
    for element in ("connection", "developerConnection"):
        assert (project.findtext(f"scm/{element}", namespaces=space) or "").startswith("scm:git:")
    with zipfile.ZipFile(built / f"{JAR}-sources.jar") as sources:
        assert "io/github/quicp2p/sidecar/Sidecar.java" in sources.namelist()
    with zipfile.ZipFile(built / f"{JAR}-javadoc.jar") as javadoc:
        assert "io/github/quicp2p/sidecar/Sidecar.html" in javadoc.namelist()
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_the_readmes_ten_lines(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    code = re.search(r"```java\n(.*?)```", (CLIENT / "README.md").read_text(), flags=re.DOTALL)
    assert code is not None
    hello = tmp_path / "Hello.java"
    hello.write_text(code[1])
    one = sidecars.spawn("one", ephemeral=True)
    two = sidecars.spawn("two", ephemeral=True, bootstrap=[one.contact])
    with program(java(built, str(hello), one.peer_id), two.endpoint) as other:
        assert ran(java(built, str(hello), two.peer_id), one.endpoint) == [f"{two.peer_id} says hello"]
        assert said(other) == f"{one.peer_id} says hello"
        assert other.wait(RUN_SECONDS) == 0


def test_tls_and_token(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    """All that the environment says, against a sidecar that asks for all of it; and without the token."""
    authority = Authority.make("ca", tmp_path)
    server, app = authority.issue("sidecar"), authority.issue("app")
    files = {"ca": authority.certificate, "cert": app.certificate, "key": app.key, "token": b"a-secret-of-an-app\n"}
    for name, content in (files | {"server.pem": server.certificate, "server.key": server.key}).items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    sidecar = sidecars.spawn(
        ephemeral=True,
        api_tls_cert=tmp_path / "server.pem",
        api_tls_key=tmp_path / "server.key",
        api_tls_client_ca=tmp_path / "ca",
        api_token_file=tmp_path / "token",
    )
    call = json.dumps({"case": "call", "role": "app", "params": {"verb": "node", "args": {}}})
    wrong = json.dumps(
        {"case": "call", "role": "app", "params": {"verb": "node", "args": {}, "token": "another-secret-of-an-app"}}
    )
    lines = ran(
        java(built, "Driver"),
        sidecar.endpoint,
        given=f"{call}\n{wrong}\n",
        SIDECAR_TOKEN="a-secret-of-an-app",
        SIDECAR_TLS_CA=str(tmp_path / "ca"),
        SIDECAR_TLS_CERT=str(tmp_path / "cert"),
        SIDECAR_TLS_KEY=str(tmp_path / "key"),
        SIDECAR_TLS_SERVER_NAME="localhost",
    )
    assert json.loads(lines[0]) == {"result": {"value": sidecar.peer_id}}
    assert json.loads(lines[1])["result"]["raised"]["kind"] == "TokenInvalid"


def test_what_only_java_has(built: Path, sidecars: Sidecars) -> None:
    """Futures, interrupts, java.io and the ends of things, in a heap that holds nothing without bound."""
    one = sidecars.spawn("one", ephemeral=True)
    two = sidecars.spawn("two", ephemeral=True, bootstrap=[one.contact])
    assert ran(java(built, "-Xmx192m", "OnlyJava", one.endpoint, two.endpoint), one.endpoint) == [
        "futures", "pipelined", "stopped", "interrupted", "streamed", "reset", "answered", "closed",
    ]  # fmt: skip


def test_the_example_chat(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    """One of the two reaches its sidecar by a Unix socket."""
    one = sidecars.spawn("one", ephemeral=True, grpc_endpoint=f"unix:{tmp_path}/api.sock")
    two = sidecars.spawn("two", ephemeral=True, bootstrap=[one.contact])
    with (
        program(java(built, "Chat", two.peer_id), one.endpoint) as here,
        program(java(built, "Chat", one.peer_id), two.endpoint) as there,
    ):
        assert said(here) == f"I am {one.peer_id}"
        assert said(there) == f"I am {two.peer_id}"
        for speaker, listener, who in ((here, there, one), (there, here, two)):
            assert speaker.stdin is not None
            speaker.stdin.write("grüß dich\n")
            speaker.stdin.flush()
            assert said(listener) == f"{who.peer_id[:6]}: grüß dich"
        for each in (here, there):
            assert each.stdin is not None
            each.stdin.close()
            assert each.wait(RUN_SECONDS) == 0


def test_the_example_work_queue(built: Path, sidecars: Sidecars) -> None:
    """The worker goes on over a kill of its sidecar, and nothing that was accepted is lost."""
    one = sidecars.spawn("one")
    two = sidecars.spawn("two", bootstrap=[one.contact])
    with program(java(built, "WorkQueue", "worker"), two.endpoint) as worker:
        assert said(worker) == "working"
        submit = java(built, "WorkQueue", "submit", two.peer_id)
        assert ran([*submit, "first", "bad"], one.endpoint) == ["accepted first", "accepted bad"]
        assert said(worker) == "done first, tries 1"
        assert said(worker) == "put back bad"
        assert said(worker) == "done bad, tries 2"
        two.kill()
        two.restart()
        assert ran([*submit, "second"], one.endpoint) == ["accepted second"]
        lines = [said(worker)]
        # An ack that the dead sidecar had not written to its journal is asked for again.
        while not lines[-1].startswith("done second"):
            lines.append(said(worker))
        assert all(line.startswith("done ") for line in lines), lines


def test_the_example_service(built: Path, sidecars: Sidecars) -> None:
    one = sidecars.spawn("one", ephemeral=True)
    two = sidecars.spawn("two", ephemeral=True, bootstrap=[one.contact])
    with program(java(built, "Service", "serve"), two.endpoint) as service:
        assert said(service) == "serving"
        assert ran(java(built, "Service", "ask", two.peer_id, "what?"), one.endpoint) == ["WHAT?"]
        assert ran(java(built, "Service", "ask", two.peer_id, ""), one.endpoint) == ["empty: ask something"]
