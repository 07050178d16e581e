"""Prints the committed Java code for `proto/`: `make proto` runs it, a test compares its output with the committed.

    clients/java/gen/io/github/quicp2p/sidecar/gen/overlay/v1    messages and gRPC stubs, a class a file

The protos name no Java package, which is this client's own matter; the options that do are added to a copy of them, as
buf's managed mode does.
"""

from __future__ import annotations

import importlib.resources
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path

from tools.printing import PROTO_ROOT, command

PROTOC = "3.25.8"
"""The version of protoc, and of protobuf-java in clients/java/pom.xml: the one that `GRPC` is built for. Every later
runtime takes its output."""

GRPC = "1.78.0"
"""The version of protoc-gen-grpc-java, and of grpc-java in clients/java/pom.xml."""

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy"

FOLDER = Path("clients/java/gen")
JAVA_PACKAGE = "io.github.quicp2p.sidecar.gen"
FETCH_SECONDS = 300
RUN_SECONDS = 120


def fetched(artifact: str) -> Path:
    """The file of a Maven artifact, `group:artifact:version:type[:classifier]`, from Maven Central or from the cache.
    RuntimeError when Maven cannot get it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quic-p2p-sidecar-tests" / "maven"
    folder = cache / artifact.replace(":", "-")
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = Path(scratch) / "made"
            command = ["mvn", "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={made}"]
            run(command, FETCH_SECONDS)
            for path in made.iterdir():
                path.chmod(0o755)
            try:
                made.rename(folder)
            except OSError:  # another run was first
                if not folder.is_dir():
                    raise
    return next(folder.iterdir())


def run(command: list[str], seconds: int) -> None:
    """Runs a command; RuntimeError with what it wrote when it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{command[0]} took more than {seconds} s") from error
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")


def classifier() -> str:
    """What Maven Central calls this platform's programs."""
    system = {"Linux": "linux", "Darwin": "osx", "Windows": "windows"}.get(platform.system())
    machine = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "aarch_64", "arm64": "aarch_64"}.get(
        platform.machine()
    )
    if system is None or machine is None:
        raise RuntimeError(f"Maven Central has no protoc for {platform.system()} on {platform.machine()}")
    return f"{system}-{machine}"


def generate(into: Path) -> list[Path]:
    """Prints every output below the empty folder `into`, laid out as in the repository; gives the files.

    Raises RuntimeError when the generators cannot be fetched or refuse the protos.
    """
    protoc = fetched(f"com.google.protobuf:protoc:{PROTOC}:exe:{classifier()}")
    plugin = fetched(f"io.grpc:protoc-gen-grpc-java:{GRPC}:exe:{classifier()}")
    folder = into / FOLDER
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        protos = []
        for path in sorted((PROTO_ROOT / "overlay/v1").glob("*.proto")):
            name = path.relative_to(PROTO_ROOT)
            copy = Path(scratch) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(with_options(path.read_text()))
            protos.append(name.as_posix())
        run(
            [
                str(protoc),
                f"--proto_path={scratch}",
                f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
                f"--plugin=protoc-gen-grpc-java={plugin}",
                f"--java_out={folder}",
                # The time of printing would differ each time.
                f"--grpc-java_out=@generated=omit:{folder}",
                *protos,
            ],
            RUN_SECONDS,
        )
    return sorted(path.relative_to(into) for path in folder.rglob("*.java"))


def with_options(proto: str) -> str:
    """The proto with the options of its Java code."""
    package = re.search(r"^package ([\w.]+);$", proto, flags=re.MULTILINE)
    if package is None:
        raise RuntimeError("a proto names no package")
    options = f'\noption java_package = "{JAVA_PACKAGE}.{package[1]}";\noption java_multiple_files = true;'
    kept = re.sub(r"^option java_\w+ = .*;\n", "", proto[package.end() :], flags=re.MULTILINE)
    return proto[: package.end()] + options + kept


if __name__ == "__main__":
    command("Java", generate, FOLDER)
