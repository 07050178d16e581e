"""What is said of a value that does not fit, whatever a field is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from sidecar.model import BeforeValidator, Field, Model, PlainSerializer, ValidationError


class Sum:
    """A class of one's own."""

    def __init__(self, text: str) -> None:
        self.parts = [int(part) for part in text.split("+")]

    def __str__(self) -> str:
        return "+".join(map(str, self.parts))


def double(values: dict[str, Any]) -> int:
    return 2 * int(values["count"])


class Thing(Model):
    """Every kind of field there is."""

    on: bool = False
    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(allow_inf_nan=False)] = 0.5
    name: str = "thing"
    folder: Path | None = None
    kind: Literal["one", "two", "three"] = "one"
    words: Annotated[tuple[str, ...], Field(min_length=1)] = ("a",)
    total: Annotated[Sum, BeforeValidator(Sum), PlainSerializer(str)] = Field(default_factory=lambda: Sum("1+2"))
    twice: int = Field(default_factory=double)

    def agree(self) -> None:
        if self.on and self.count == 9:
            raise ValueError("nine is never on")


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("on", "Yes", True),
        ("on", 0, False),
        ("on", True, True),
        ("count", "7", 7),
        ("count", 7.0, 7),
        ("share", 1, 1.0),
        ("share", "1e3", 1000.0),
        ("folder", "/x", Path("/x")),
        ("folder", None, None),
        ("kind", "three", "three"),
        ("words", ["a", "b"], ("a", "b")),
    ],
)
def test_taken(name: str, given: Any, taken: Any) -> None:
    thing = Thing(**{name: given})
    assert getattr(thing, name) == taken
    assert type(getattr(thing, name)) is type(taken)


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("on", "maybe", "should be a valid boolean, not 'maybe'"),
        ("on", 2, "should be a valid boolean, not 2"),
        ("on", [], "should be a valid boolean, not []"),
        ("count", "7.5", "should be a valid integer, not '7.5'"),
        ("count", 7.5, "should be a valid integer, not 7.5"),
        ("count", {}, "should be a valid integer, not {}"),
        ("count", "0", "should be greater than or equal to 1, not '0'"),
        ("count", 10, "should be less than or equal to 9, not 10"),
        ("share", "half", "should be a valid number, not 'half'"),
        ("share", float("inf"), "should be a finite number, not inf"),
        ("name", 1, "should be a valid string, not 1"),
        ("folder", 1, "should be a path, not 1"),
        ("kind", "four", "should be 'one', 'two' or 'three', not 'four'"),
        ("kind", 1, "should be 'one', 'two' or 'three', not 1"),
        ("words", "a", "should be a list, not 'a'"),
        ("words", [], "should have at least 1 item"),
        ("words", ["a", 1], "should be a valid string, not 1"),
        ("total", "x", "invalid literal for int() with base 10: 'x'"),
        ("nothing", 1, "there is no such field"),
    ],
)
def test_refused(name: str, given: Any, why: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Thing(**{name: given})
    assert [(each.name, each.what) for each in raised.value.complaints] == [(name, why)]


def test_everything_wrong_is_told_once() -> None:
    with pytest.raises(ValidationError) as raised:
        Thing(count="x", kind="y")
    # `twice` follows from `count`, `agree` from all: neither is asked.
    assert [each.name for each in raised.value.complaints] == ["count", "kind"]
    assert str(raised.value) == (
        "count: should be a valid integer, not 'x'; kind: should be 'one', 'two' or 'three', not 'y'"
    )


def test_fields_that_do_not_agree() -> None:
    with pytest.raises(ValidationError, match=r"^nine is never on$"):
        Thing(on=True, count=9)


def test_defaults_follow_and_instances_stay() -> None:
    thing = Thing(count=4)
    assert (thing.twice, str(thing.total), thing.words) == (8, "1+2", ("a",))
    with pytest.raises(AttributeError, match="immutable"):
        thing.count = 5
    assert thing.count == 4
    assert repr(Thing(name="x")).startswith("Thing(on=False, count=1, share=0.5, name='x', folder=None")


def test_written_in_types_of_json() -> None:
    dumped = Thing(folder="/x", words=["a", "b"]).model_dump()
    assert (dumped["folder"], dumped["words"], dumped["total"], dumped["on"]) == ("/x", ["a", "b"], "1+2", False)
    assert Thing().model_dump()["folder"] is None


def test_annotations_that_mean_nothing_here_are_a_bug() -> None:
    class Wrong(Model):
        field: int | str = 0

    with pytest.raises(TypeError, match="one type, or that and None"):
        Wrong(field=1)
