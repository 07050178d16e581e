"""Imports run downward, and foreign libraries stay behind their seams."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

FLOORS = [
    {"errors", "gen"},
    {"identity"},
    {"trust"},
    {"addresses", "credentials", "log", "settings", "metrics", "model", "ready", "setting_types", "state", "turn"},
    {"wire"},
    {"transport"},
    {"mail"},
    {"overlay"},
    {"node"},
    {"report"},
    {"api", "admin"},
    {"app"},
    {"cli"},
    {"__main__"},
]
"""The lowest first. A module may import from its own package and from the floors below."""

LOOSE_FLOOR = 3
"""Up to here the modules of one floor may import each other: they are single files."""

FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}

SEAMS = {
    "aioquic": ("sidecar/transport/engine/",),
    "qh3": ("sidecar/transport/engine/",),
    "grpc": ("sidecar/api/", "sidecar/cli/"),
    "grpc_health": ("sidecar/api/", "sidecar/cli/"),
    "grpc_reflection": ("sidecar/api/",),
    "grpc_status": ("sidecar/api/", "sidecar/cli/"),
    "sidecar_client": ("sidecar/cli/",),
    "typer": ("sidecar/cli/", "sidecar/__main__.py"),
}
"""Foreign packages, and the only places that may import them."""


def sources() -> list[Path]:
    """Every module of the sidecar that is written by hand."""
    return [path for path in sorted((REPOSITORY / "sidecar").rglob("*.py")) if "gen" not in path.parts]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """The line and full name of every module imported, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            if module == "sidecar":
                yield from ((node.lineno, f"sidecar.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports(path: Path) -> None:
    place = path.relative_to(REPOSITORY).as_posix()
    own = path.relative_to(REPOSITORY / "sidecar").parts[0].removesuffix(".py")
    wrong: list[str] = []
    for line, module in imports(path):
        top, *rest = module.split(".")
        if top == "sidecar":
            target = rest[0] if rest else "__init__"
            if target not in {own, "__version__", "__init__"} and own != "__init__":
                assert own in FLOOR_OF, f"sidecar/{own} stands on no floor: give it one in this test"
                assert target in FLOOR_OF, f"sidecar/{target} stands on no floor: give it one in this test"
                if FLOOR_OF[target] == FLOOR_OF[own] > LOOSE_FLOOR:
                    wrong.append(f"{place}:{line}: {own} imports {module}, which stands beside it")
                elif FLOOR_OF[target] > FLOOR_OF[own]:
                    wrong.append(f"{place}:{line}: {own} imports {module}, which is above it")
        elif not place.startswith(SEAMS.get(top, ("sidecar/",))):
            wrong.append(f"{place}:{line}: imports {module}; only {', '.join(SEAMS[top])} may")
    assert not wrong, "\n".join(wrong)


def test_client_knows_no_sidecar() -> None:
    for path in sorted((REPOSITORY / "clients/python/src").rglob("*.py")):
        if "gen" not in path.parts:
            tops = {module.split(".")[0] for _, module in imports(path)}
            assert "sidecar" not in tops, f"{path} imports the sidecar"
