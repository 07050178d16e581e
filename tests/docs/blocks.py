"""The blocks of code in README and docs/, each with the name that its test goes by.

    <!-- test: NAME -->
    ```sh
    ...

Blocks in a language that something runs must have a name; `text`, `json` and the like need none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
RUNNABLE = {"sh", "bash", "console", "python", "go"}

BLOCK = re.compile(
    r"(?:^<!-- test: (?P<name>[^\n]+?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", flags=re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """One block."""

    path: Path
    line: int
    name: str | None
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(REPOSITORY)}:{self.line}"


def pages() -> list[Path]:
    """README, CONTRIBUTING, docs/ and deploy/."""
    return [
        REPOSITORY / "README.md",
        REPOSITORY / "CONTRIBUTING.md",
        *sorted(REPOSITORY.glob("docs/**/*.md")),
        REPOSITORY / "deploy" / "README.md",
    ]


def blocks() -> Iterator[Block]:
    """Every block of every page."""
    for path in pages():
        text = path.read_text()
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start("language")) + 1
            yield Block(path, line, match["name"], match["language"], match["code"])


def block(name: str) -> Block:
    """The block of a name that is used once."""
    (found,) = (each for each in blocks() if each.name == name)
    return found
