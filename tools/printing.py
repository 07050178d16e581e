"""What every generator of committed code does beside generating it: a place in the repository, and a command."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PROTO_ROOT = REPOSITORY / "proto"

Generate = Callable[[Path], list[Path]]
"""Prints everything below an empty folder, laid out as in the repository; gives the files. Raises RuntimeError."""


def replace_committed(generate: Generate, folders: Sequence[Path]) -> list[Path]:
    """Prints into the repository, and removes from the folders what is no longer printed. What is the same keeps its
    time, for builds go by that."""
    with tempfile.TemporaryDirectory() as scratch:
        written = generate(Path(scratch))
        for folder in folders:
            for path in (REPOSITORY / folder).rglob("*"):
                if path.is_file() and path.suffix != ".pyc" and path.relative_to(REPOSITORY) not in written:
                    path.unlink()
        for path in written:
            target, printed = REPOSITORY / path, (Path(scratch) / path).read_bytes()
            if not target.exists() or target.read_bytes() != printed:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(printed)
    return written


def command(language: str, generate: Generate, *folders: Path) -> None:
    """Prints into the repository, or below the folder given on the command line."""
    parser = argparse.ArgumentParser(description=f"Generate the committed {language} code from proto/.")
    parser.add_argument("--into", type=Path, help="an empty folder to print below instead of the repository")
    into: Path | None = parser.parse_args().into
    try:
        written = generate(into) if into else replace_committed(generate, folders)
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"{len(written)} files of {language} written below {into or REPOSITORY}")
