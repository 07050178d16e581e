"""Prints the committed Python code for `proto/`: `make proto` runs it, a test compares its output with the committed.

    sidecar/gen/overlay/...                            messages of overlay.v1 and overlay.wire.v1, with type stubs
    clients/python/src/sidecar_client/gen/overlay/v1   messages and gRPC stubs of overlay.v1, with type stubs
    proto/overlay.v1.binpb                             the descriptor set of overlay.v1, for tools such as grpcurl

protoc writes absolute imports that follow the proto package (`from overlay.v1 import ...`); they are rewritten to the
package each copy lives in. The file names inside the descriptors stay `overlay/v1/...`, so that a process that imports
both copies registers identical files once.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from tools.printing import PROTO_ROOT, command

PINNED = "1.76.0"
"""The version of grpcio-tools whose output is committed: newer output refuses older protobuf runtimes at import."""


DESCRIPTOR_SET = Path("proto/overlay.v1.binpb")
"""A google.protobuf.FileDescriptorSet of overlay.v1 and all that it imports, relative to the repository."""

PACKAGE_DOCSTRING = '"""Generated from proto/ by tools/generate_proto.py."""\n'


@dataclass(frozen=True)
class Output:
    """One copy of the generated code."""

    package: str
    """The Python package under which `overlay` lies."""
    folder: Path
    """That package's folder, relative to the repository."""
    protos: tuple[str, ...]
    """Globs below `proto/`."""
    stubs: bool
    """Whether gRPC client stubs are printed too."""


OUTPUTS = (
    Output("sidecar.gen", Path("sidecar/gen"), ("overlay/v1/*.proto", "overlay/wire/v1/*.proto"), stubs=False),
    Output("sidecar_client.gen", Path("clients/python/src/sidecar_client/gen"), ("overlay/v1/*.proto",), stubs=True),
)


def generate(into: Path) -> list[Path]:
    """Prints every output below the empty folder `into`, laid out as in the repository; gives the files.

    Raises RuntimeError when the installed generator is not the pinned one or refuses the protos.
    """
    installed = importlib.metadata.version("grpcio-tools")
    if installed != PINNED:
        raise RuntimeError(
            f"grpcio-tools {installed} is installed; install the pinned one: pip install grpcio-tools=={PINNED}"
        )
    written: list[Path] = []
    for output in OUTPUTS:
        folder = into / output.folder
        folder.mkdir(parents=True, exist_ok=True)
        protos = sorted(
            path.relative_to(PROTO_ROOT).as_posix() for glob in output.protos for path in PROTO_ROOT.glob(glob)
        )
        run_protoc(folder, protos, stubs=output.stubs)
        for path in sorted(folder.rglob("*_pb2*.py*")):
            if path.suffix in (".py", ".pyi"):
                path.write_text(
                    re.sub(r"^from overlay\.", f"from {output.package}.overlay.", path.read_text(), flags=re.MULTILINE)
                )
        for package in sorted(
            {folder} | {parent for proto in protos for parent in parents_between(folder, folder / proto)}
        ):
            (package / "__init__.py").write_text(PACKAGE_DOCSTRING)
        written += [path.relative_to(into) for path in folder.rglob("*") if path.suffix in (".py", ".pyi")]
    return [*sorted(written), describe(into)]


def describe(into: Path) -> Path:
    """Prints the descriptor set below `into`; gives its place there."""
    target = into / DESCRIPTOR_SET
    target.parent.mkdir(parents=True, exist_ok=True)
    protos = sorted(path.relative_to(PROTO_ROOT).as_posix() for path in PROTO_ROOT.glob("overlay/v1/*.proto"))
    arguments = [
        "protoc",
        f"--proto_path={PROTO_ROOT}",
        f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
        "--include_imports",
        f"--descriptor_set_out={target}",
        *protos,
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc refused the protos; what it said is above")
    return DESCRIPTOR_SET


def run_protoc(folder: Path, protos: list[str], *, stubs: bool) -> None:
    """Runs the pinned protoc over `protos` (paths below `proto/`) into `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        descriptors = Path(scratch) / "descriptors.binpb"
        arguments = [
            "protoc",
            f"--proto_path={PROTO_ROOT}",
            f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
            f"--python_out={folder}",
            f"--pyi_out={folder}",
            f"--descriptor_set_out={descriptors}",
            *([f"--grpc_python_out={folder}"] if stubs else []),
            *protos,
        ]
        if protoc.main(arguments) != 0:
            raise RuntimeError("protoc refused the protos; what it said is above")
        if stubs:
            described = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
            for file in described.file:
                stub = folder / file.name.replace(".proto", "_pb2_grpc.py")
                if file.service:
                    stub.with_suffix(".pyi").write_text(stub_types(file))
                else:
                    stub.unlink()


def parents_between(top: Path, below: Path) -> list[Path]:
    """The folders from `below`'s own up to, and without, `top`."""
    return [parent for parent in below.parents if parent.is_relative_to(top) and parent != top]


def stub_types(file: descriptor_pb2.FileDescriptorProto) -> str:
    """The type stub of a file's `_pb2_grpc` module: what protoc prints has no types.

    Over a `grpc.aio` channel the same stub class gives the asyncio multi-callables; the type for that is the `Async`
    one, which exists for type checkers only.
    """
    module = Path(file.name).stem + "_pb2"
    package = file.package
    lines = [
        "# Generated from proto/ by tools/generate_proto.py.",
        "import grpc",
        "import grpc.aio",
        "",
        f"from {package} import {module}",
    ]
    for service in file.service:
        for prefix, channel, kind in (("", "grpc.Channel", "grpc."), ("Async", "grpc.aio.Channel", "grpc.aio.")):
            lines += ["", f"class {service.name}{prefix}Stub:"]
            lines.append(f"    def __init__(self, channel: {channel}) -> None: ...")
            for method in service.method:
                shape = ("Stream" if method.client_streaming else "Unary") + (
                    "Stream" if method.server_streaming else "Unary"
                )
                request = f"{module}.{method.input_type.rsplit('.', 1)[1]}"
                response = f"{module}.{method.output_type.rsplit('.', 1)[1]}"
                lines.append(f"    {method.name}: {kind}{shape}MultiCallable[{request}, {response}]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    command("Python", generate, *(output.folder for output in OUTPUTS))
