"""What is built before a measurement: the load program in Go, and go-libp2p-daemon from the Go module proxy.

Nothing of it is committed: stubs come from proto/, binaries go to bench/bin, the daemon to the user's cache.
"""

from __future__ import annotations

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
BUILD_SECONDS = 600


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
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quic-p2p-sidecar-bench"
    binary = home / f"p2pd-{DAEMON_VERSION}"
    if binary.exists():
        return binary
    scratch = home / "scratch"
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
