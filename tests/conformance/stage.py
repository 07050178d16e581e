"""Plays a case: for all its casts at once, step by step.

A step is told to every driver before any is heard, so that drivers play beside each other and a sidecar that is killed
is killed once for all of them. A cast in which something came otherwise than expected leaves the play; its drivers are
ended, and begin anew for the next case.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.drivers import Language
from tests.conformance.expectations import Loader, Mismatch, difference, expect, resolved
from tests.conformance.hands import HANDS
from tests.conformance.player import PlayerError
from tests.conformance.world import World, stranger

CASES = Path(__file__).with_name("cases.yaml")

CASTS = {"alone": ("a",), "mortal": ("m",), "pair": ("a", "b")}
"""Where the drivers of each kind of cast are."""

LONGEST = 60.0
"""Seconds: no call that ends by its deadline is given more than twice that."""


@dataclass(frozen=True)
class Case:
    """A row of cases.yaml."""

    name: str
    cast: str
    steps: list[Mapping[str, Any]]
    reasons: list[str] = field(default_factory=list)
    cannot: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def cases() -> list[Case]:
    """All of them."""
    with CASES.open() as file:
        return [Case(**row) for row in yaml.load(file, Loader)]


class Cast:
    """The drivers of one play of a case, and its names."""

    def __init__(self, case: Case, world: World, languages: tuple[Language, ...]) -> None:
        self.case = case
        self.world = world
        self.languages = languages
        self.players = {
            place: world.player(language, place) for place, language in zip(CASTS[case.cast], languages, strict=True)
        }
        self.heard: dict[str, list[dict[str, Any]]] = {place: [] for place in self.players}
        """What each has said since it was last told a case."""
        self.failure: str | None = None

    @property
    def label(self) -> str:
        """`python`, or `go → python`."""
        return " → ".join(language.name for language in self.languages)

    # what tags stand for

    def own(self, word: str) -> str:
        """See Names."""
        return f"{word} {self.case.name} {self.label}"

    def stranger(self, word: str) -> str:
        """See Names."""
        return stranger(self.own(word))

    def peer(self, place: str) -> str:
        """See Names."""
        return self.world.by_place[place].peer_id

    def contact(self, place: str) -> str:
        """See Names."""
        return self.world.by_place[place].contact

    def fact(self, word: str) -> str:
        """See Names."""
        return self.world.facts[word]

    # what is said

    def tell(self, place: str, line: Mapping[str, Any]) -> None:
        """Tells a driver something."""
        if "case" in line:
            self.heard[place] = []
        self.players[place].tell(line)

    def hear(self, place: str, **patience: float) -> dict[str, Any]:
        """What a driver says next."""
        heard = self.players[place].hear(**patience)
        self.heard[place].append(heard)
        return heard

    def outcome(self, place: str, *, passing: bool = False) -> dict[str, Any]:
        """The last line of a case; with `passing`, over the events before it."""
        while True:
            heard = self.hear(place)
            if not passing or "event" not in heard:
                return heard

    def fail(self, words: str, step: Mapping[str, Any], number: int) -> None:
        """The cast leaves the play."""
        tails = "".join(
            f"\n--- stderr of the driver of {player.language.name} at {place} ---\n{player.tail or '(nothing)'}"
            for place, player in self.players.items()
        )
        shown = {key: str(value) for key, value in step.items() if key not in {"with", "gives"}}
        self.failure = f"{self.case.name} [{self.label}, {self.world.front}], step {number} {shown}: {words}{tails}"
        for player in self.players.values():
            player.kill()


class Play:
    """One case, with its casts."""

    def __init__(self, world: World, case: Case, casts: list[Cast]) -> None:
        self.world = world
        self.case = case
        self.casts = casts
        self.closing = contextlib.ExitStack()
        """What stagehands opened, until the end of the play."""

    @property
    def playing(self) -> list[Cast]:
        """Those that have not failed."""
        return [cast for cast in self.casts if cast.failure is None]

    def run(self) -> None:
        """Plays all steps. What came of it stands in the casts."""
        with self.closing:
            for number, step in enumerate(self.case.steps, 1):
                for phase in self._phases(step):
                    for cast in self.playing:
                        try:
                            phase(cast, resolved(dict(step), cast))
                        except (Mismatch, PlayerError) as error:
                            cast.fail(str(error), step, number)
                if "stage" in step and self.playing:
                    try:
                        HANDS[step["stage"]](self, step)
                    except Exception as error:
                        for cast in self.playing:
                            cast.fail(f"{type(error).__name__}: {error}", step, number)
                        raise

    def _phases(self, step: Mapping[str, Any]) -> list[Any]:
        for verb, phases in PHASES.items():
            if verb in step:
                return phases
        raise AssertionError(f"{self.case.name}: no step is {dict(step)}")


def _begin(cast: Cast, step: Mapping[str, Any]) -> None:
    place = step.get("begin") or step["play"]
    cast.tell(place, {"case": step["case"], "role": step["role"], "params": step.get("with", {})})


def _call(cast: Cast, step: Mapping[str, Any]) -> None:
    given = {key: step[key] for key in ("verb", "token", "timeout") if key in step}
    args = step.get("args", {})
    if "timeout" in args:
        given["timeout"] = args["timeout"]
        args = {key: value for key, value in args.items() if key != "timeout"}
    cast.tell(step["call"], {"case": "call", "role": "app", "params": given | {"args": args}})


def _hear(cast: Cast, step: Mapping[str, Any]) -> None:
    place = step["hear"]
    if "until" in step:
        while True:
            heard = cast.hear(place)
            if "event" not in heard:
                raise Mismatch(f"{step['until']} was to come, and {heard} came instead")
            if "never" in step and difference(step["never"], heard) is None:
                raise Mismatch(f"{step['until']} was to come without a {step['never']}, and {heard} came")
            if difference(step["until"], heard) is None:
                return
    for _ in range(step.get("times", 1)):
        expect(step["event"], cast.hear(place))


def _end(cast: Cast, step: Mapping[str, Any]) -> None:
    place = step.get("end") or step["play"]
    heard = cast.outcome(place, passing=step.get("passing", False))
    if "fails" in step:
        expect({"error": step["fails"]}, heard)
    elif "result" not in heard:
        raise Mismatch(f"a result was to come, and {heard} came")
    else:
        expect(step["gives"], heard["result"])


def _answer(cast: Cast, step: Mapping[str, Any]) -> None:
    heard = cast.outcome(step["call"])
    while step.get("by_deadline") and step["timeout"] < LONGEST and _says_nothing(step["raises"], heard):
        step = {**step, "timeout": 2 * step["timeout"]}
        _call(cast, step)
        heard = cast.outcome(step["call"])
    if "result" not in heard:
        raise Mismatch(f"a result was to come, and {heard} came")
    expect({"raised": step["raises"]} if "raises" in step else {"value": step["gives"]}, heard["result"])


def _says_nothing(expected: Any, heard: Mapping[str, Any]) -> bool:
    """Whether the time was too short: the client's own word came first, or the work had not come far enough."""
    raised = heard.get("result", {}).get("raised", {})
    return raised.get("kind") in {"DeadlinePassed", "OutcomeUnknown"} and difference(expected, raised) is not None


def _continue(cast: Cast, step: Mapping[str, Any]) -> None:
    cast.tell(step["continue"], {"continue": True})


PHASES: dict[str, list[Any]] = {
    "begin": [_begin],
    "play": [_begin, _end],
    "call": [_call, _answer],
    "hear": [_hear],
    "end": [_end],
    "continue": [_continue],
    "stage": [],
}
