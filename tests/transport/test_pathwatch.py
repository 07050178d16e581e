"""What is made of the answers to probes of a path."""

from __future__ import annotations

from sidecar.transport.pathwatch import ROUNDS, Finding, PathWatch


def rounds(watch: PathWatch, count: int, *, wide: bool, small: bool, waiting: bool = True) -> list[Finding]:
    """So many looks, and the answers that come after each that asked."""
    findings = []
    for _ in range(count):
        findings.append(watch.look(waiting=waiting))
        if findings[-1] is Finding.ASK:
            if wide:
                watch.answered(wide=True)
            if small:
                watch.answered(wide=False)
    return findings


def test_a_connection_that_gets_on_is_not_asked_about() -> None:
    watch = PathWatch()
    for waiting in (False, True, False, True, False):
        assert watch.look(waiting=waiting) is Finding.QUIET


def test_only_small_answers_time_and_again_are_a_narrow_path() -> None:
    watch = PathWatch()
    assert watch.look(waiting=True) is Finding.QUIET
    assert rounds(watch, ROUNDS, wide=False, small=True) == [Finding.ASK] * ROUNDS
    assert watch.look(waiting=True) is Finding.NARROW


def test_a_dead_path_is_no_narrow_one() -> None:
    watch = PathWatch()
    watch.look(waiting=True)
    assert Finding.NARROW not in rounds(watch, 10 * ROUNDS, wide=False, small=False)


def test_one_wide_answer_begins_the_count_anew() -> None:
    watch = PathWatch()
    watch.look(waiting=True)
    for _ in range(3):
        assert Finding.NARROW not in rounds(watch, ROUNDS - 1, wide=False, small=True)
        assert Finding.NARROW not in rounds(watch, 1, wide=True, small=True)
    rounds(watch, ROUNDS, wide=False, small=True)
    assert watch.look(waiting=True) is Finding.NARROW


def test_what_was_begun_is_asked_to_its_end() -> None:
    """The connection may give up waiting, not the question: its packets are lost one by one."""
    watch = PathWatch()
    watch.look(waiting=True)
    watch.look(waiting=True)
    assert rounds(watch, 3, wide=False, small=True, waiting=False) == [Finding.ASK] * 3
    assert rounds(watch, 2, wide=True, small=True, waiting=False) == [Finding.ASK, Finding.QUIET]
