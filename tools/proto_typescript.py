"""Prints the committed TypeScript code for `proto/`, by ts-proto and the npm packages that package-lock.json pins.

clients/typescript/src/gen/overlay/v1        messages and grpc-js clients of overlay.v1
clients/typescript/src/gen/google, grpc      what they refer to, google.rpc's error details, and grpc.health.v1
"""

from __future__ import annotations

import hashlib
import importlib.resources
import shutil
import subprocess
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_tools import protoc

from tools.printing import PROTO_ROOT, REPOSITORY, command

PACKAGE = REPOSITORY / "clients/typescript"
GEN = Path("clients/typescript/src/gen")

DETAILS = ("google/rpc/status.proto", "google/rpc/error_details.proto")
HEALTH = "grpc/health/v1/health.proto"

OPTIONS = (
    "env=both",  # bytes are Uint8Array, read as views: `env=node` copies each
    "forceLong=bigint",
    "useDate=false",  # a Timestamp keeps its nanoseconds
    "useMapType=true",  # a header may be called `__proto__`
    "oneof=unions-value",
    "outputServices=grpc-js",
    "outputJsonMethods=false",
    "unrecognizedEnum=false",
    "esModuleInterop=true",
    "importSuffix=.js",
)


def installed(package: Path = PACKAGE) -> Path:
    """The npm packages of package-lock.json, installed where they are not; gives the folder of their commands."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not on PATH: install Node.js 20 or later")
    stamp = package / "node_modules" / ".installed"
    wanted = hashlib.sha256((package / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=package,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci failed:\n{done.stdout}{done.stderr}")
        stamp.write_text(wanted)
    return package / "node_modules" / ".bin"


def generate(into: Path) -> list[Path]:
    """Prints every output below the empty folder `into`, laid out as in the repository; gives the files.

    Raises RuntimeError when npm is missing or fails, or protoc refuses the protos.
    """
    commands = installed()
    folder = into / GEN
    folder.mkdir(parents=True, exist_ok=True)
    includes = [PROTO_ROOT, importlib.resources.files("grpc_tools") / "_proto", Path(google_protos())]
    protos = sorted(path.relative_to(PROTO_ROOT).as_posix() for path in PROTO_ROOT.glob("overlay/v1/*.proto"))
    plugin = [
        f"--plugin=protoc-gen-ts_proto={commands / 'protoc-gen-ts_proto'}",
        f"--ts_proto_out={folder}",
        f"--ts_proto_opt={','.join(OPTIONS)}",
    ]
    run(["protoc", *(f"--proto_path={path}" for path in includes), *plugin, *protos, *DETAILS])
    with tempfile.TemporaryDirectory() as scratch:
        # The Python package has the file as a descriptor only.
        described = descriptor_pb2.FileDescriptorProto()
        health_pb2.DESCRIPTOR.CopyToProto(described)
        described.name = HEALTH
        descriptors = Path(scratch) / "health.binpb"
        descriptors.write_bytes(descriptor_pb2.FileDescriptorSet(file=[described]).SerializeToString())
        run(["protoc", f"--descriptor_set_in={descriptors}", *plugin, HEALTH])
    for path in folder.rglob("*.ts"):
        # The versions are those of the lock; protoc's, which is in the header too, changes nothing.
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("//   protoc  ")))
    return sorted(path.relative_to(into) for path in folder.rglob("*.ts"))


def google_protos() -> str:
    """The folder below which googleapis-common-protos has `google/rpc/*.proto`."""
    status = importlib.resources.files("google.rpc") / "status.proto"
    return str(Path(str(status)).parents[2])


def run(arguments: list[str]) -> None:
    """Runs protoc."""
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc refused the protos; what it said is above")


if __name__ == "__main__":
    command("TypeScript", generate, GEN)
