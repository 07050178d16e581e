"""What the runner makes of cases.yaml, without a driver."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.conformance.drivers import LANGUAGES
from tests.conformance.expectations import Loader, Mismatch, Tag, difference, digest, expect, pattern, resolved
from tests.conformance.hands import HANDS
from tests.conformance.stage import CASTS, PHASES, cases
from tests.conftest import NEEDS


class Names:
    """Every name is itself."""

    def own(self, word: str) -> str:
        return f"own {word}"

    def stranger(self, word: str) -> str:
        return f"stranger {word}"

    def peer(self, place: str) -> str:
        return f"peer {place}"

    def contact(self, place: str) -> str:
        return f"peer {place}@127.0.0.1:1"

    def fact(self, word: str) -> str:
        return f"fact {word}"


def read(text: str) -> Any:
    return resolved(yaml.load(text, Loader), Names())


def test_tags_stand_for_what_is_known_when_it_is_played() -> None:
    assert read("{peer_id: !peer b, channel: !own c}") == {"peer_id": "peer b", "channel": "own c"}
    assert read("!at [!stranger x, !contact a]") == "stranger x@127.0.0.1:1"
    assert read("{!peer b : [!b64 hi, !pattern 1]}") == {"peer b": ["aGk=", "AQ=="]}
    assert read("!digest 300") == digest(pattern(300))
    assert read("[!any , !number ]") == [Tag("any", None), Tag("number", None)]
    with pytest.raises(yaml.constructor.ConstructorError, match="there is no tag !per"):
        read("!per b")


def test_pattern_has_every_value() -> None:
    assert set(pattern(256)) == set(range(256))
    assert pattern(1000)[999] == (999 * 31 + 1000) % 256
    assert pattern(0) == b""


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ("{a: 1}", {"a": 1, "b": 2}),
        ("[1, {a: x}]", [1, {"a": "x", "more": None}]),
        ("1", 1.0),
        ("!between [0, 2]", 1.5),
        ("!set [a, b]", ["b", "a"]),
        ("!holds [{a: 1}]", [{"a": 2}, {"a": 1, "b": 1}]),
        ("!text ", "x"),
        ("null", None),
        ("!any ", None),
    ],
)
def test_what_is_as_expected(expected: str, came: Any) -> None:
    assert difference(read(expected), came) is None


@pytest.mark.parametrize(
    ("expected", "came", "words"),
    [
        ("{a: {b: 1}}", {"a": {"b": 2}}, "a.b was to be 1, and 2 came"),
        ("{a: 1}", {}, "`a` is missing"),
        ("[1, 2]", [1, 3], r"\[1\] was to be 2, and 3 came"),
        ("[1, 2]", [1], r"it was to be \[1, 2\], and \[1\] came"),
        ("1", True, "it was to be 1, and true came"),
        ("0", None, "it was to be 0, and null came"),
        ("!number ", "1", '!number None", and "1" came'),
        ("!set [a, b]", ["a", "a"], "came"),
        ("!holds [a]", ["b"], "came"),
        ("!text ", "", "came"),
    ],
)
def test_what_is_not(expected: str, came: Any, words: str) -> None:
    with pytest.raises(Mismatch, match=words):
        expect(read(expected), came)


def test_the_list_can_be_played() -> None:
    found = cases()
    assert len({case.name for case in found}) == len(found)
    used = set()
    for case in found:
        assert case.cast in CASTS, case.name
        assert case.steps or "all" in case.cannot, case.name
        assert set(case.cannot) <= {"all", *LANGUAGES}, case.name
        for step in case.steps:
            (verb,) = set(step) & set(PHASES)
            if verb == "stage":
                used.add(step["stage"])
            else:
                assert step[verb] in CASTS[case.cast], (case.name, step)
    assert used == set(HANDS), "a hand that no case needs, or a case that needs one more"


class Driver:
    """A cast whose driver raises these, one call after the other."""

    def __init__(self, *raised: dict[str, Any]) -> None:
        self.raised = list(raised)
        self.timeouts: list[float] = []

    def tell(self, place: str, line: dict[str, Any]) -> None:
        self.timeouts.append(line["params"]["timeout"])

    def outcome(self, place: str) -> dict[str, Any]:
        return {"result": {"raised": self.raised.pop(0)}}


OWN_WORD = {"kind": "DeadlinePassed", "reason": ""}
LOST = {"kind": "OutcomeUnknown", "reason": "OUTCOME_UNKNOWN"}
TYPED = {"kind": "NoSubscriber", "reason": "NO_SUBSCRIBER"}


def play(driver: Any, **step: Any) -> None:
    for phase in PHASES["call"]:
        phase(driver, {"call": "a", "verb": "send", "timeout": 1, "raises": TYPED} | step)


def test_what_is_said_by_a_deadline_is_waited_for_with_twice_the_time() -> None:
    driver = Driver(OWN_WORD, LOST, TYPED)
    play(driver, by_deadline=True)
    assert driver.timeouts == [1, 2, 4]


@pytest.mark.parametrize(
    ("raised", "by_deadline", "calls"), [([OWN_WORD], False, 1), ([OWN_WORD] * 7, True, 7), ([LOST], False, 1)]
)
def test_what_never_comes_is_not_waited_for_longer(raised: list[Any], by_deadline: bool, calls: int) -> None:
    driver = Driver(*raised)
    with pytest.raises(Mismatch, match=r"raised\.kind"):
        play(driver, by_deadline=by_deadline)
    assert len(driver.timeouts) == calls


def test_every_toolchain_is_known() -> None:
    assert {need for language in LANGUAGES.values() for need in language.needs} <= set(NEEDS)
