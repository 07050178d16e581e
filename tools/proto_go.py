"""Prints the committed Go code for `proto/`: clients/go/gen/overlay/v1, messages and gRPC stubs of overlay.v1.

protoc is that of the pinned grpcio-tools. The two generators come from the Go module proxy, once, to the user's cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.printing import PROTO_ROOT, command

MODULE = "github.com/quic-p2p-sidecar/quic-p2p-sidecar/clients/go"
"""The module of clients/go; the protos name no Go package, so that the protos need not know who uses them."""

OUTPUT = Path("clients/go/gen/overlay/v1")

GENERATORS = {
    "protoc-gen-go": ("google.golang.org/protobuf/cmd/protoc-gen-go", "v1.36.12"),
    "protoc-gen-go-grpc": ("google.golang.org/grpc/cmd/protoc-gen-go-grpc", "v1.6.2"),
}

FETCH_SECONDS = 300


def fetched() -> Path:
    """The folder with the pinned generators, built where they are not there yet. RuntimeError says what failed."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quic-p2p-sidecar"
    folder = home / "-".join(["go", *(version for _, version in GENERATORS.values())])
    for name, (package, version) in GENERATORS.items():
        if (folder / name).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        # A folder of its own first: two builds at once must not run each other's half-written files.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            run("go", "install", f"{package}@{version}", environment={"GOBIN": scratch})
            (Path(scratch) / name).replace(folder / name)
    return folder


def run(*command: str, environment: dict[str, str]) -> None:
    """Runs a command; RuntimeError with what it wrote when it fails."""
    try:
        done = subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise RuntimeError(f"there is no `{command[0]}` on PATH: install Go") from error
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")


def generate(into: Path) -> list[Path]:
    """Prints everything below the empty folder `into`, laid out as in the repository; gives the files.

    Raises RuntimeError when a generator cannot be had or refuses the protos.
    """
    protos = sorted(path.relative_to(PROTO_ROOT).as_posix() for path in PROTO_ROOT.glob("overlay/v1/*.proto"))
    package = f"{MODULE}/gen/overlay/v1;overlayv1"
    options = [
        f"--{plugin}_opt={value}"
        for plugin in ("go", "go-grpc")
        for value in (f"module={MODULE}", *(f"M{proto}={package}" for proto in protos))
    ]
    top = into / "clients" / "go"
    top.mkdir(parents=True, exist_ok=True)
    run(
        sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO_ROOT}",
        f"--go_out={top}", f"--go-grpc_out={top}", *options, *protos,
        environment={"PATH": f"{fetched()}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    return sorted(path.relative_to(into) for path in (into / OUTPUT).glob("*.go"))


if __name__ == "__main__":
    command("Go", generate, OUTPUT)
