"""The one check that committed code is what its generator prints, for every language."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def assert_committed(printed: Path, *places: Path) -> None:
    """What lies below `printed`, laid out as in the repository, is to the byte what is committed at the places, which
    are relative to it: folders with all that is in them, or files."""
    found = {path.relative_to(printed) for path in printed.rglob("*") if path.is_file()}
    committed = {
        path.relative_to(REPOSITORY)
        for place in places
        for path in ((REPOSITORY / place).rglob("*") if (REPOSITORY / place).is_dir() else [REPOSITORY / place])
        if path.is_file() and path.suffix != ".pyc"
    }
    assert found, "the generator printed nothing"
    assert found == committed, "run `make proto`"
    for path in sorted(found):
        assert (REPOSITORY / path).read_bytes() == (printed / path).read_bytes(), f"{path}: run `make proto`"
