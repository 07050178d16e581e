"""The three lists of packages agree: lower bounds, the pinned development environment, what the image holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = {"quic-p2p-sidecar", "quic-p2p-sidecar-client"}


def lock(name: str) -> dict[str, str]:
    """The versions pinned in a lock file, by canonical name."""
    pins: dict[str, str] = {}
    for line in (REPOSITORY / name).read_text().splitlines():
        if not line.startswith("#"):
            package, _, version = line.partition("==")
            pins[canonicalize_name(package)] = version
    return pins


def project(path: str = "pyproject.toml") -> dict[str, object]:
    """The [project] table."""
    table = tomllib.loads((REPOSITORY / path).read_text())["project"]
    assert isinstance(table, dict)
    return table


def requirements(path: str, *extras: str) -> list[Requirement]:
    """The dependencies and those of the extras, ours left out."""
    table = tomllib.loads((REPOSITORY / path).read_text())["project"]
    lines = table["dependencies"] + [line for extra in extras for line in table["optional-dependencies"][extra]]
    return [each for each in map(Requirement, lines) if canonicalize_name(each.name) not in OURS]


@pytest.mark.parametrize(
    ("lock_file", "project_file", "extras"),
    [
        ("requirements-dev.lock", "pyproject.toml", ("fast", "dev")),
        ("requirements-dev.lock", "clients/python/pyproject.toml", ()),
        ("requirements.lock", "pyproject.toml", ("fast",)),
        ("requirements.lock", "clients/python/pyproject.toml", ()),
    ],
)
def test_lock_satisfies_project(lock_file: str, project_file: str, extras: tuple[str, ...]) -> None:
    pins = lock(lock_file)
    for requirement in requirements(project_file, *extras):
        pinned = pins.get(canonicalize_name(requirement.name))
        assert pinned is not None, f"{lock_file} lacks {requirement.name}"
        assert requirement.specifier.contains(pinned), (
            f"{lock_file} pins {requirement.name} {pinned}, not {requirement}"
        )


def test_image_holds_a_part_of_the_development_environment() -> None:
    development = lock("requirements-dev.lock")
    assert lock("requirements.lock").items() <= development.items()


def test_client_has_two_dependencies() -> None:
    assert {each.name for each in requirements("clients/python/pyproject.toml")} == {"grpcio", "protobuf"}


def test_versions_agree() -> None:
    from sidecar import __version__

    assert project("clients/python/pyproject.toml")["version"] == __version__
