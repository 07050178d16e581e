"""The driver programs: a row for each language. docs/clients.md is what they are held to, README.md what they speak."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

BUILD_SECONDS = 600
"""The longest a build may take, its downloads included."""


@dataclass(frozen=True)
class Language:
    """How the driver of a language is built and run."""

    name: str
    folder: str
    """Below the repository: where its commands are run."""
    run: Sequence[str]
    needs: Sequence[str] = ()
    """Names of NEEDS in tests/conftest.py: its toolchain."""
    build: Sequence[Sequence[str]] = ()
    """Commands, one after the other; cheap where there is nothing to do."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside what every app finds."""

    @property
    def path(self) -> Path:
        """Its folder."""
        return REPOSITORY / self.folder


LANGUAGES = {
    row.name: row
    for row in (
        Language("python", "clients/python", run=(sys.executable, "-m", "conformance")),
        Language("go", "clients/go", run=(str(REPOSITORY / "clients/go/build/driver"),), needs=("go",),
                 build=(("go", "build", "-buildvcs=false", "-p=2", "-o", "build/driver", "./conformance"),)),
        Language(
            "rust", "clients/rust", run=("target/debug/sidecar-conformance",), needs=("cargo",),
            build=(("cargo", "build", "--quiet", "--locked", "--workspace", "--all-targets", "--jobs", "2"),),
        ),
        Language(
            "java", "clients/java",
            run=(
                "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-cp", "target/classes:target/test-classes:target/dependency/*", "Driver",
            ),
            needs=("java",),
            build=(("mvn", "-q", "-B", "test-compile"),),
            environment={"MAVEN_OPTS": "-XX:TieredStopAtLevel=1"},
        ),
        Language(
            "typescript", "clients/typescript", needs=("npm",), build=(("node", "build.mjs", "stale"),),
            run=("node", "build/conformance/driver.js"),
        ),
        Language(
            "cpp", "clients/cpp", run=(str(REPOSITORY / "clients/cpp/build/driver"),), needs=("cpp",),
            build=(
                ("cmake", "-G", "Ninja", "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1",
                 "-DSIDECAR_CLIENT_STRICT=ON", "-DSIDECAR_CLIENT_PROGRAMS=ON"),
                ("cmake", "--build", "build", "--parallel", "2"),
            ),
        ),
    )
}  # fmt: skip


class BuildError(Exception):
    """A driver could not be built; says what the command printed."""


@functools.cache
def built(name: str) -> Language:
    """The language, its driver built: once in this process, for whoever asks. BuildError when it cannot be."""
    language = LANGUAGES[name]
    for command in language.build:
        try:
            done = subprocess.run(
                command, cwd=language.path, env=os.environ | language.environment, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, check=False, timeout=BUILD_SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"{name}: {' '.join(command)}: {error}") from error
        if done.returncode:
            output = f"{done.stdout}\n{done.stderr}"[-6000:]
            raise BuildError(f"{name}: {' '.join(command)} ended with {done.returncode}:\n{output}")
    return language
