"""The channels of the crash test, by what is promised there, and the notes that apps leave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["sent", "delivered", "processed"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A channel of the same name."""

    name: str
    wait: Level
    durable: bool
    priority: Literal["high", "normal", "low"] = "normal"


KINDS = (
    Kind("durable-sent", "sent", durable=True),
    Kind("durable-delivered", "delivered", durable=True),
    Kind("durable-processed", "processed", durable=True, priority="high"),
    Kind("sent", "sent", durable=False),
    Kind("delivered", "delivered", durable=False, priority="low"),
    Kind("processed", "processed", durable=False),
)


class Notes:
    """Lines appended to a file: what is written has left this process, so that its death takes nothing with it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, *words: object) -> None:
        """One line, or several that end where the words say."""
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def read(path: Path) -> Iterator[list[str]]:
    """The lines of a file, as words; a line that was cut off by a death is none."""
    if path.exists():
        for line in path.read_text().split("\n")[:-1]:
            yield line.split(" ")
