"""A sample that others disturbed is taken again, so often and no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.processes import Failed
from bench.quiet import Quiet
from bench.works import Sample


def shares(*others: float) -> Callable[[], Sample]:
    """Samples during which others took these shares of the machine; asking for more of them is an error."""
    left = iter(others)
    return lambda: {"others": next(left)}


def test_a_quiet_sample_is_taken_once() -> None:
    assert Quiet(again=2, budget=9).take(shares(0.10)) == {"others": 0.10, "tries": 1, "busy": 0.0}


def test_a_disturbed_sample_is_taken_again_until_it_is_quiet() -> None:
    assert Quiet(again=3, budget=9).take(shares(0.5, 0.2, 0.05)) == {"others": 0.05, "tries": 3, "busy": 0.0}


def test_the_quietest_is_kept_and_marked_when_none_is_quiet() -> None:
    assert Quiet(again=2, budget=9).take(shares(0.5, 0.2, 0.4)) == {"others": 0.2, "tries": 3, "busy": 1.0}


def test_a_run_has_so_many_repeats_and_no_more() -> None:
    quiet = Quiet(again=2, budget=3)
    assert quiet.take(shares(0.5, 0.5, 0.5))["tries"] == 3
    assert quiet.take(shares(0.5, 0.5))["tries"] == 2
    assert quiet.take(shares(0.5)) == {"others": 0.5, "tries": 1, "busy": 1.0}


def test_a_failure_is_the_callers() -> None:
    def lost() -> Sample:
        raise Failed("a message was lost")

    with pytest.raises(Failed, match="lost"):
        Quiet(again=2, budget=9).take(lost)
