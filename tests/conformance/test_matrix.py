"""Every case in every language, and app to app in every pair; `make conformance` prints the matrix."""

from __future__ import annotations

import pytest

from sidecar_client.gen.overlay.v1 import errors_pb2
from tests.conformance.conftest import MATRIX
from tests.conformance.drivers import LANGUAGES, BuildError, Language, built
from tests.conformance.matrix import Cell
from tests.conformance.stage import Case, Cast, Play, cases
from tests.conformance.world import World

FRONTS = ("lean", "grpcio")

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1200)]

CASES = cases()


def test_every_driver_is_built(languages: list[Language]) -> None:
    failed = []
    for name in LANGUAGES:
        if "cannot be built" in MATRIX.absent.get(name, ""):
            with pytest.raises(BuildError) as error:
                built(name)
            failed.append(str(error.value))
    assert not failed, "\n".join(failed)


def crowds(case: Case, front: str, languages: list[Language]) -> list[list[tuple[Language, ...]]]:
    """Who plays, and who does at once: a driver is in one cast at a time. App to app, every ordered pair plays behind
    the front that is the default, and each language with itself behind the other too."""
    if case.cast != "pair":
        return [[(language,) for language in languages]]
    count = len(languages)
    turns = range(count) if front == FRONTS[0] else range(1)
    return [[(languages[i], languages[(i + turn) % count]) for i in range(count)] for turn in turns]


@pytest.mark.parametrize("world", FRONTS, indirect=True)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(world: World, case: Case, languages: list[Language]) -> None:
    if "all" in case.cannot:
        MATRIX.expected[case.name] = case.cannot["all"]
        return
    wrong = []
    for crowd in crowds(case, world.front, languages):
        casts = [Cast(case, world, who) for who in crowd]
        Play(world, case, casts).run()
        for cast in casts:
            names = tuple(language.name for language in cast.languages)
            reason = next((case.cannot[name] for name in names if name in case.cannot), None)
            failure = cast.failure
            if reason is not None:
                MATRIX.expected[f"{case.name} [{cast.label}]"] = reason
                failure = None if failure else f"{case.name} [{cast.label}] passes: take its `cannot` out of cases.yaml"
            MATRIX.add(Cell(world.front, case.name, names, failure))
            if failure is not None:
                wrong.append(failure)
    assert not wrong, "\n\n".join(wrong)


def test_every_reason_is_provoked_or_explained() -> None:
    provoked = {reason for case in CASES for reason in case.reasons}
    published = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name} - {
        "UNSPECIFIED"
    }
    assert provoked == published
