"""docs/architecture.md tells where everything is, and names nothing that is not."""

from __future__ import annotations

import re

from tests.docs.blocks import REPOSITORY

PAGE = (REPOSITORY / "docs/architecture.md").read_text()
SOURCES = {
    path.relative_to(REPOSITORY).as_posix()
    for path in (REPOSITORY / "sidecar").rglob("*.py")
    if "gen" not in path.parts and path.name != "__init__.py"
}


def named() -> set[str]:
    """Every file the layers' table names, by its path: a name without a folder is in the folder of the one before."""
    table = PAGE.partition("## Layers\n")[2].partition("\n## ")[0]
    found, folder = set(), ""
    for line in table.splitlines():
        if not line.startswith("| "):
            continue
        for name in re.findall(r"`([\w/]+\.py)`", line.split("|")[2]):
            if name.startswith("sidecar/"):
                folder = name.rpartition("/")[0]
            found.add(name if name.startswith("sidecar/") else f"{folder}/{name}")
    return found


def test_every_file_is_in_the_table_of_layers() -> None:
    assert named() == SOURCES


def test_every_path_in_the_page_exists() -> None:
    tails = {path.removeprefix("sidecar/") for path in SOURCES}
    names = {path.rpartition("/")[2] for path in SOURCES}
    for path in re.findall(r"`((?:[\w]+/)*\w+\.py)`", PAGE):
        known = path in SOURCES or path in tails or (REPOSITORY / path).exists()
        assert known or ("/" not in path and path in names) or f"api/{path}" in tails or f"transport/{path}" in tails, (
            path
        )


def test_every_constant_in_the_page_exists() -> None:
    text = "\n".join((REPOSITORY / path).read_text() for path in SOURCES)
    for name in set(re.findall(r"`([A-Z][A-Z_]{4,})`", PAGE)):
        assert re.search(rf"^\s*{name}\b", text, flags=re.MULTILINE), f"{name} is nowhere defined"
