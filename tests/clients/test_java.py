"""clients/java: what is committed, its formatter and unit tests, and its README and examples beside real sidecars."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.clients.apps import RUN_SECONDS, Pair, finish, line, linked, run, running, say, told
from tests.clients.guarded import Guarded
from tests.generated import assert_committed
from tests.processes import Sidecars
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

FORMAT_SECONDS = 90

pytestmark = [pytest.mark.clients, pytest.mark.requires("java"), pytest.mark.timeout(BUILD_SECONDS + 60)]


@pytest.fixture(scope="session")
def built() -> Path:
    """`target`, after javac with every warning an error, the unit tests, and jar, sources and javadoc."""
    quick = {"MAVEN_OPTS": "-XX:TieredStopAtLevel=1"}
    run("mvn", "-q", "-B", "package", folder=CLIENT, seconds=BUILD_SECONDS, environment=quick)
    return CLIENT / "target"


def java(target: Path, *arguments: str) -> list[str]:
    """The command of a Java program with the client and what was compiled for the tests at hand."""
    path = f"{target / JAR}.jar:{target / 'test-classes'}:{target / 'dependency'}/*"
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, *arguments]


def test_committed_code_is_what_the_generators_print(tmp_path: Path) -> None:
    proto_java.generate(tmp_path)
    assert_committed(tmp_path, proto_java.FOLDER)


def test_the_pom_names_the_generators_versions() -> None:
    pom = (CLIENT / "pom.xml").read_text()
    assert f"<grpc.version>{proto_java.GRPC}</grpc.version>" in pom
    assert f"<protobuf.version>{proto_java.PROTOC}</protobuf.version>" in pom


def test_it_is_formatted() -> None:
    sources = [
        path.relative_to(CLIENT)
        for folder in ("src", "conformance", "examples")
        for path in sorted((CLIENT / folder).rglob("*.java"))
    ]
    formatter = proto_java.fetched(FORMATTER)
    changed = run("java", *EXPORTS, "-jar", formatter, "--dry-run", *sources, folder=CLIENT, seconds=FORMAT_SECONDS)
    assert changed == "", "run google-java-format --replace on these"


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


def test_the_readmes_ten_lines(built: Path, pair: Pair, tmp_path: Path) -> None:
    code = re.search(r"```java\n(.*?)```", (CLIENT / "README.md").read_text(), flags=re.DOTALL)
    assert code is not None
    hello = tmp_path / "Hello.java"
    hello.write_text(code[1])
    one, two = pair
    with running(*java(built, str(hello), one.peer_id), beside=two) as other:
        assert told(*java(built, str(hello), two.peer_id), beside=one) == [f"{two.peer_id} says hello"]
        assert line(other) == f"{one.peer_id} says hello"
        assert other.wait(RUN_SECONDS) == 0


BLOCK_BY_BLOCK = """
import static java.nio.charset.StandardCharsets.UTF_8;
import io.github.quicp2p.sidecar.*;
import java.io.OutputStream;
import java.nio.file.*;
import java.time.Duration;
import java.util.List;

abstract class Blocks {{
  Sidecar sidecar;
  String peerId;
  byte[] order;
  List<byte[]> parts;
  Path path;
  OutputStream answer;
{methods}
}}
"""


def test_the_other_blocks_of_the_readme_are_compiled(built: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```java\n(.*?)^```$", (CLIENT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    methods = [f"  void block{number}() throws Exception {{\n{block}  }}" for number, block in enumerate(blocks[1:])]
    assert methods
    source = tmp_path / "Blocks.java"
    source.write_text(BLOCK_BY_BLOCK.format(methods="\n".join(methods)))
    run(
        "javac", "-cp", f"{built / JAR}.jar:{built / 'dependency'}/*", "-d", tmp_path, source,
        folder=tmp_path, seconds=RUN_SECONDS,
    )  # fmt: skip


def test_the_readme_names_the_package() -> None:
    block = re.search(r"^```xml\n(.*?)^```$", (CLIENT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    project = ET.parse(CLIENT / "pom.xml").getroot()
    own = [project.findtext(f"{{http://maven.apache.org/POM/4.0.0}}{tag.tag}") for tag in ET.fromstring(block[1])]
    assert [tag.text for tag in ET.fromstring(block[1])] == own


def test_token_tls_and_unix_socket(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    Guarded(sidecars, tmp_path, java(built, "Driver")).assert_alike()


def test_what_only_java_has(built: Path, pair: Pair) -> None:
    """Futures, interrupts, java.io and the ends of things, in a heap that holds nothing without bound."""
    one, two = pair
    assert told(*java(built, "-Xmx192m", "OnlyJava", one.endpoint, two.endpoint), beside=one) == [
        "futures", "pipelined", "stopped", "interrupted", "streamed", "whole", "reset", "waited", "answered",
        "told", "endless", "left", "closed",
    ]  # fmt: skip


def test_the_example_chat(built: Path, sidecars: Sidecars, tmp_path: Path) -> None:
    """One of the two reaches its sidecar by a Unix socket."""
    one = sidecars.spawn("one", ephemeral=True, grpc_endpoint=f"unix:{tmp_path}/api.sock")
    two = sidecars.spawn("two", ephemeral=True, bootstrap=[one.contact])
    with (
        running(*java(built, "Chat", two.peer_id), beside=one) as here,
        running(*java(built, "Chat", one.peer_id), beside=two) as there,
    ):
        assert line(here) == f"I am {one.peer_id}"
        assert line(there) == f"I am {two.peer_id}"
        for speaker, listener, who in ((here, there, one), (there, here, two)):
            say(speaker, "grüß dich")
            assert line(listener) == f"{who.peer_id[:6]}: grüß dich"
        for each in (here, there):
            finish(each)


def test_the_example_work_queue(built: Path, sidecars: Sidecars) -> None:
    """The worker goes on over a kill of its sidecar, and nothing that was accepted is lost."""
    one, two = linked(sidecars)
    with running(*java(built, "WorkQueue", "worker"), beside=two) as worker:
        assert line(worker) == "working"
        submit = java(built, "WorkQueue", "submit", two.peer_id)
        assert told(*submit, "first", "bad", beside=one) == ["accepted first", "accepted bad"]
        assert line(worker) == "done first, tries 1"
        assert line(worker) == "put back bad"
        assert line(worker) == "done bad, tries 2"
        two.kill()
        two.restart()
        assert told(*submit, "second", beside=one) == ["accepted second"]
        lines = [line(worker)]
        # An ack that the dead sidecar had not written to its journal is asked for again.
        while not lines[-1].startswith("done second"):
            lines.append(line(worker))
        assert all(each.startswith("done ") for each in lines), lines


def test_the_example_service(built: Path, pair: Pair) -> None:
    one, two = pair
    with running(*java(built, "Service", "serve"), beside=two) as service:
        assert line(service) == "serving"
        assert told(*java(built, "Service", "ask", two.peer_id, "what?"), beside=one) == ["WHAT?"]
        assert told(*java(built, "Service", "ask", two.peer_id, ""), beside=one) == ["empty: ask something"]
