"""Programs of others that judge a server, and what runs them while this process serves."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from tests.programs import BUILD_SECONDS, cache

# 2.6.0: its module is named as if it were version 0 or 1, so that the proxy knows it by its commit only.
H2SPEC = "github.com/summerwind/h2spec/cmd/h2spec@v0.0.0-20200804131034-70ac22940108"
INTEROP = "google.golang.org/grpc/interop/client@v1.85.0"
GHZ = "github.com/bojand/ghz/cmd/ghz@v0.93.0"
JAVA_VERSION = "1.78.0"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>scratch</groupId><artifactId>scratch</artifactId><version>1</version>
<dependencies><dependency>
<groupId>io.grpc</groupId><artifactId>grpc-interop-testing</artifactId><version>{JAVA_VERSION}</version>
</dependency></dependencies></project>
"""
RUN_SECONDS = 240


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


async def run(*command: str | Path) -> str:
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
