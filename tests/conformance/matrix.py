"""What came of every cell, and how it is printed: rows are senders, columns receivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.conformance.drivers import LANGUAGES


@dataclass(frozen=True)
class Cell:
    """One case, played by one language or pair behind one front."""

    front: str
    case: str
    languages: tuple[str, ...]
    failure: str | None


@dataclass
class Matrix:
    """All cells that were played."""

    cells: list[Cell] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    """Languages that were left out, and why."""
    expected: dict[str, str] = field(default_factory=dict)
    """Cases, or a language in one, that cannot pass, and why."""

    def add(self, cell: Cell) -> None:
        """Notes one."""
        self.cells.append(cell)

    def lines(self) -> Iterator[str]:
        """The table."""
        played = {name for cell in self.cells for name in cell.languages}
        names = [name for name in LANGUAGES if name in played]
        fronts = sorted({cell.front for cell in self.cells})
        if any(len(cell.languages) == 2 for cell in self.cells):
            yield "App to app, cases passed (rows send, columns receive):"
            yield from _table(names, {receiver: [(sender, receiver) for sender in names] for receiver in names}, self)
        if any(len(cell.languages) == 1 for cell in self.cells):
            yield "One app beside a sidecar, cases passed by front:"
            yield from _alone(names, fronts, self.cells)
        for what, why in self.expected.items():
            yield f"expected not to pass: {what}: {why}"
        for name, why in self.absent.items():
            yield f"left out: {name}: {why}"


def _table(names: list[str], columns: dict[str, list[tuple[str, str]]], matrix: Matrix) -> Iterator[str]:
    width = max(12, *(len(name) + 2 for name in names))
    yield " " * width + "".join(f"{name:>{width}}" for name in columns)
    for row, sender in enumerate(names):
        words = [_score([cell for cell in matrix.cells if cell.languages == pairs[row]]) for pairs in columns.values()]
        yield f"{sender:<{width}}" + "".join(f"{word:>{width}}" for word in words)


def _alone(names: list[str], fronts: list[str], cells: list[Cell]) -> Iterator[str]:
    width = max(12, *(len(name) + 2 for name in names))
    yield " " * width + "".join(f"{front:>{width}}" for front in fronts)
    for name in names:
        words = [
            _score([cell for cell in cells if cell.languages == (name,) and cell.front == front]) for front in fronts
        ]
        yield f"{name:<{width}}" + "".join(f"{word:>{width}}" for word in words)


def _score(cells: list[Cell]) -> str:
    failed = sum(cell.failure is not None for cell in cells)
    return "-" if not cells else f"{len(cells) - failed}/{len(cells)}" if failed else str(len(cells))
