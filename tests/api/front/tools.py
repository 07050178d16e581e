"""Programs of others that judge a server: built from their registries, once, into the user's cache."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

GO_PROGRAMS = {
    # The newest version that the Go module proxy has.
    "h2spec": "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible",
    "interop": "google.golang.org/grpc/interop/client@v1.85.0",
    "grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4",
    "ghz": "github.com/bojand/ghz/cmd/ghz@v0.93.0",
}
JAVA_VERSION = "1.78.0"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>scratch</groupId><artifactId>scratch</artifactId><version>1</version>
<dependencies><dependency>
<groupId>io.grpc</groupId><artifactId>grpc-interop-testing</artifactId><version>{JAVA_VERSION}</version>
</dependency></dependencies></project>
"""
BUILD_SECONDS = 600
RUN_SECONDS = 240


def cache() -> Path:
    """Where what was built stays."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quic-p2p-sidecar-tests"


def go_program(name: str) -> str:
    """Its path, built if it is not there."""
    module = GO_PROGRAMS[name]
    folder = cache() / f"{name}-{module.rpartition('@')[2]}"
    if not folder.is_dir():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        subprocess.run(
            ["go", "install", module], env={**os.environ, "GOBIN": str(making)}, check=True, timeout=BUILD_SECONDS
        )
        try:
            making.rename(folder)
        except OSError:  # another run was first
            if not folder.is_dir():
                raise
    return str(next(folder.iterdir()))


def java_client() -> list[str]:
    """The command that grpc-java's interop client begins with."""
    folder = cache() / f"grpc-java-{JAVA_VERSION}"
    if not (folder / "lib").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pom.xml").write_text(POM)
        subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib.new"],
            cwd=folder, check=True, timeout=BUILD_SECONDS, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        (folder / "lib.new").rename(folder / "lib")
    return ["java", "-cp", f"{folder / 'lib'}/*", "io.grpc.testing.integration.TestServiceClient"]


async def run(*command: str) -> str:
    """Runs it to its end while this process serves; its output. AssertionError with that when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode(errors="replace")
    assert process.returncode == 0, f"{command} ended with {process.returncode}:\n{text[-4000:]}"
    return text
