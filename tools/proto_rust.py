"""Prints the committed Rust code for `proto/`: `make proto` runs it, a test compares its output with the committed.

    clients/rust/src/gen/overlay.v1.rs    messages (prost) and client stubs (tonic) of overlay.v1

The generator is `clients/rust/generator`, a few lines around tonic-prost-build, which cargo builds from crates.io at
the versions of `clients/rust/Cargo.lock`. It reads descriptors that the pinned protoc of grpcio-tools makes, so that no
other protoc is needed.
"""

from __future__ import annotations

import importlib.resources
import subprocess
import tempfile
from pathlib import Path

from grpc_tools import protoc

from tools.printing import PROTO_ROOT, REPOSITORY, command

CRATE = REPOSITORY / "clients" / "rust"
FOLDER = Path("clients/rust/src/gen")


def generate(into: Path) -> list[Path]:
    """Prints every output below the empty folder `into`, laid out as in the repository; gives the files.

    Raises RuntimeError when the generator cannot be built or the protos are refused.
    """
    folder = into / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        descriptors = Path(scratch) / "descriptors.binpb"
        arguments = [
            "protoc",
            f"--proto_path={PROTO_ROOT}",
            f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
            f"--descriptor_set_out={descriptors}",
            "--include_imports",
            "--include_source_info",
            *sorted(path.relative_to(PROTO_ROOT).as_posix() for path in PROTO_ROOT.glob("overlay/v1/*.proto")),
        ]
        if protoc.main(arguments) != 0:
            raise RuntimeError("protoc refused the protos; what it said is above")
        # The whole workspace, as the tests build it: one package alone has other features, and is built twice.
        build = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bins", "--target-dir", "target"]
        generator = CRATE / "target" / "debug" / "sidecar-proto-generator"
        try:
            built = subprocess.run(build, cwd=CRATE, check=False)
        except FileNotFoundError as error:
            raise RuntimeError("there is no `cargo` on PATH: install Rust") from error
        if built.returncode != 0:
            raise RuntimeError("cargo could not build the generator; what it said is above")
        if subprocess.run([generator, descriptors, folder], check=False).returncode != 0:
            raise RuntimeError("the generator refused the protos; what it said is above")
    return sorted(path.relative_to(into) for path in folder.iterdir())


if __name__ == "__main__":
    command("Rust", generate, FOLDER)
