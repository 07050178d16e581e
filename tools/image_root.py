"""The root of the image: an interpreter, what of its library a sidecar may load, the packages, and the shared libraries
that these need. No shell, no package manager, nothing that nobody runs.

    python tools/image_root.py /opt/sidecar /root-of-image

Run by the base image's Python in the build stage, with the virtual environment to take over. Every file keeps its
place, so that the environment works there as it did here. Bytecode is written here, once, beside no source (the root is
read-only later, and nobody edits there); our own package keeps its source, for tracebacks.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from py_compile import PycInvalidationMode

USER = 65532
"""Who runs it, and the group that shares the socket."""

LEFT_OUT_OF_LIBRARY = (
    "config-*",
    "ctypes/test",
    "curses",
    "distutils",
    "doctest.py",
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "msilib",
    "pydoc.py",
    "pydoc_data",
    "site-packages",
    "sqlite3/test",
    "test",
    "tkinter",
    "turtle.py",
    "turtledemo",
    "unittest",
    "venv",
    "xmlrpc",
    # Modules in C that bring libraries of their own, and codecs of the far East.
    *(
        f"lib-dynload/{name}.*"
        for name in ("_codecs_*", "_crypt", "_curses*", "_dbm", "_gdbm", "_test*", "_tkinter", "_xx*", "audioop", "nis")
    ),
    *(f"lib-dynload/{name}.*" for name in ("ossaudiodev", "readline", "spwd", "xxlimited*")),
)
"""Of the standard library: for developers, desktops and tests."""

LEFT_OUT_OF_PACKAGES = (
    # typer's colours and boxes, which our commands switch off.
    "markdown_it",
    "mdurl",
    "pygments",
    "rich",
    # HTTP/3's header compression, for a part of aioquic that no sidecar loads.
    "pylsqpack",
    # googleapis-common-protos, of which google.rpc is used.
    *(f"google/{name}" for name in ("api", "cloud", "gapic", "logging", "longrunning", "type")),
    "grpc/_cython/_credentials",
)
"""Of site-packages. What is in the image beside these is in `make sbom`."""

NEVER_READ = frozenset({".pyi", ".pyx", ".pxd", ".c", ".h", ".proto"})


def main() -> None:
    """Makes the root and prints what it came to."""
    environment, root = Path(sys.argv[1]), Path(sys.argv[2])
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    packages = next(environment.glob("lib/python3*/site-packages"))

    copy_tree(library, root, LEFT_OUT_OF_LIBRARY)
    copy_tree(environment, root, [f"{packages.relative_to(environment)}/{name}" for name in LEFT_OUT_OF_PACKAGES])
    only_bytecode(root, inside(root, library))
    only_bytecode(root, inside(root, packages), sources=("sidecar",))
    copy_file(interpreter, root)
    for command in inside(root, environment).glob("bin/*"):
        if command.name != "sidecar":
            command.unlink()
    (inside(root, environment) / "bin/python").symlink_to(interpreter)

    binaries = [interpreter, *(outside(root, path) for path in root.rglob("*.so*") if path.is_file())]
    for needed in closure(binaries):
        copy_file(needed, root)
    if Path("/etc/ld.so.cache").exists():
        copy_file(Path("/etc/ld.so.cache"), root)
    make_places(root)
    size = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())
    print(f"{root}: {size / 1e6:.1f} MB")


def inside(root: Path, path: Path) -> Path:
    """Where a file of this machine is in the image."""
    return root / path.relative_to("/")


def outside(root: Path, path: Path) -> Path:
    """The other way round."""
    return Path("/") / path.relative_to(root)


def copy_tree(tree: Path, root: Path, left_out: Iterable[str]) -> None:
    """Copies a directory, links as links, but for what matches and what nobody reads."""
    patterns = list(left_out)

    def ignored(folder: str, names: list[str]) -> set[str]:
        place = Path(folder).relative_to(tree)
        return {
            name
            for name in names
            if name == "__pycache__"
            or Path(name).suffix in NEVER_READ
            or any((place / name).match(pattern) and len(place.parts) == pattern.count("/") for pattern in patterns)
        }

    shutil.copytree(tree, inside(root, tree), symlinks=True, ignore=ignored)


def only_bytecode(root: Path, tree: Path, sources: Iterable[str] = ()) -> None:
    """Compiles every module of a directory in the root, and takes the source away but for packages named in `sources`,
    whose modules have theirs in __pycache__. Tracebacks name the places they will have."""
    compiler = partial(
        compileall.compile_dir,
        stripdir=str(root),
        prependdir="/",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    kept = [tree / name for name in sources]
    for path in kept:
        compiled = compiler(path, quiet=1)
        assert compiled, path
    # What was taken along and cannot be compiled (templates) is nothing that is imported.
    compiler(tree, quiet=2, legacy=True, rx=Within(kept))
    for path in tree.rglob("*.py"):
        if not any(path.is_relative_to(each) for each in kept) and path.with_suffix(".pyc").exists():
            path.unlink()


class Within:
    """What compileall asks whether to skip a path: those below some directories."""

    def __init__(self, directories: Iterable[Path]) -> None:
        self._directories = list(directories)

    def search(self, path: str) -> bool:
        """Whether to skip it."""
        return any(Path(path).is_relative_to(each) for each in self._directories)


def closure(binaries: Iterable[Path]) -> set[Path]:
    """The shared libraries that they need, and those that these need, under the names by which they are found."""
    needed: set[Path] = set()
    for binary in binaries:
        told = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
        missing = re.search(r"(\S+) => not found", told)
        if missing is not None:
            sys.exit(f"{binary} needs {missing[1]}, which is not here")
        needed.update(Path(path) for path in re.findall(r"(?:=> )?(/\S+) \(0x", told))
    return needed


def copy_file(path: Path, root: Path) -> None:
    """Copies one file, what a link points to in its place."""
    target = inside(root, path)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path.resolve(), target)


def make_places(root: Path) -> None:
    """The user, and the directories that volumes are laid over: these take owner and mode of what is below them."""
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(f"sidecar:x:{USER}:{USER}::/var/lib/sidecar:/sbin/nologin\n")
    (root / "etc/group").write_text(f"sidecar:x:{USER}:\n")
    for place, mode in (("var/lib/sidecar", 0o700), ("run/sidecar", 0o750)):
        (root / place).mkdir(parents=True)
        (root / place).chmod(mode)
        os.chown(root / place, USER, USER)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)


if __name__ == "__main__":
    main()
