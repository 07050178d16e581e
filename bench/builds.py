"""What is built before a measurement: the load programs, and with them what they are measured beside, from the Go
module proxy and crates.io.

Nothing of it is committed: stubs come from proto/, what takes long to build goes to the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "bench" / "bin"
LOAD = ROOT / "bench" / "load" / "go"
PACKAGE = "bench/load/gen/overlayv1"
GENERATORS = {
    "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
    "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
}
DAEMON_VERSION = "v0.9.2"
# Under Go 1.26 the quic-go that this daemon pins panics at the first connection.
DAEMON_GO = "go1.25.5"
BUILD_SECONDS = 1800
"""On two cores iroh takes some five minutes, and thrice that where they are shared."""
RUST = ROOT / "bench" / "load" / "rust"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quic-p2p-sidecar-bench"


class NoBuild(Exception):
    """Something that is needed could not be built."""


def _run(*command: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    try:
        subprocess.run(
            command, cwd=cwd, env={**os.environ, **(env or {})}, check=True, capture_output=True, text=True,
            timeout=BUILD_SECONDS,
        )  # fmt: skip
    except FileNotFoundError as missing:
        raise NoBuild(f"there is no `{command[0]}` on PATH") from missing
    except subprocess.CalledProcessError as failed:
        raise NoBuild(f"`{' '.join(command)}` failed:\n{failed.stderr.strip()[-2000:]}") from failed
    except subprocess.TimeoutExpired as late:
        raise NoBuild(f"`{' '.join(command)}` took longer than {BUILD_SECONDS} s") from late


def load_program() -> Path:
    """Generates the stubs and builds bench/bin/load; Go's cache makes a second build short."""
    BIN.mkdir(parents=True, exist_ok=True)
    for name, module in GENERATORS.items():
        if not (BIN / name).exists():
            _run("go", "install", module, cwd=LOAD, env={"GOBIN": str(BIN)})
    protos = sorted((ROOT / "proto" / "overlay" / "v1").glob("*.proto"))
    names = [str(proto.relative_to(ROOT / "proto")) for proto in protos]
    options = [f"--{plugin}_opt={value}" for plugin in ("go", "go-grpc")
               for value in ("module=bench/load", *(f"M{name}={PACKAGE}" for name in names))]  # fmt: skip
    shutil.rmtree(LOAD / "gen", ignore_errors=True)
    _run(
        sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", f"--go_out={LOAD}", f"--go-grpc_out={LOAD}",
        *options, *names, cwd=ROOT, env={"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    _run("go", "build", "-o", str(BIN / "load"), ".", cwd=LOAD)
    return BIN / "load"


def daemon() -> Path:
    """Builds p2pd in a scratch module that requires it."""
    binary = CACHE / f"p2pd-{DAEMON_VERSION}"
    if binary.exists():
        return binary
    scratch = CACHE / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    go = DAEMON_GO.removeprefix("go")
    (scratch / "go.mod").write_text(
        f"module scratch\n\ngo {go}\n\nrequire github.com/libp2p/go-libp2p-daemon {DAEMON_VERSION}\n"
    )
    (scratch / "scratch.go").write_text(
        '//go:build scratch\n\npackage scratch\n\nimport _ "github.com/libp2p/go-libp2p-daemon/p2pd"\n'
    )
    _run(
        "go", "build", "-mod=mod", "-o", str(binary), "github.com/libp2p/go-libp2p-daemon/p2pd",
        cwd=scratch, env={"GOTOOLCHAIN": DAEMON_GO},
    )  # fmt: skip
    return binary


def embedded(name: str, *, built_only: bool = False) -> Path:
    """The load program with another system inside: go-libp2p, or the Rust crate of that name. It is built once for what
    its sources and locks say; with `built_only` one that is not there is no build. Go's needs `load_program` before."""
    sources = sorted(_sources(name))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.relative_to(ROOT)}\n{source.stat().st_size}\n".encode())
        digest.update(source.read_bytes())
    binary = CACHE / f"load-{name}-{digest.hexdigest()[:16]}"
    if binary.exists():
        return binary
    if built_only:
        raise NoBuild("it is not built yet, and a full run builds it")
    print(f"building the load program with {name} (once)", file=sys.stderr, flush=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    if name == "go-libp2p":
        made = CACHE / "load-go-libp2p.new"
        _run("nice", "go", "build", "-modfile=libp2p.mod", "-tags=libp2p", "-o", str(made), ".", cwd=LOAD)
    else:
        # One at a time: cargo joins the features of what it builds together, and would then build it all again.
        _run(
            "nice", "-n", "19", "cargo", "build", "--release", "--locked", "--jobs", "2", "--package", f"load-{name}",
            "--target-dir", str(CACHE / "rust"), cwd=RUST, env={"CARGO_INCREMENTAL": "0"},
        )  # fmt: skip
        made = Path(shutil.copy2(CACHE / "rust" / "release" / f"load-{name}", CACHE / f"load-{name}.new"))
    for old in CACHE.glob(f"load-{name}-*"):
        old.unlink()
    return made.replace(binary)


def _sources(name: str) -> list[Path]:
    if name == "go-libp2p":
        return [*LOAD.glob("*.go"), LOAD / "libp2p.mod", LOAD / "libp2p.sum"]
    own = [file for folder in ("app", name) for file in (RUST / folder).rglob("*") if file.is_file()]
    return [RUST / "Cargo.toml", RUST / "Cargo.lock", *own]
