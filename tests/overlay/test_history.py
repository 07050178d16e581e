"""Histories: watches that go on where they were cut off, or are told that they cannot."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.overlay.history import History


def history(size: int = 4, items: int = 0) -> History[int]:
    made: History[int] = History(77, size)
    for number in range(1, items + 1):
        made.append(number)
    return made


def test_after_a_cursor() -> None:
    made = history(items=3)
    assert made.after(77, 0) == [1, 2, 3]
    assert made.after(77, 2) == [3]
    assert made.after(77, 3) == []


def test_the_oldest_cursor_that_holds() -> None:
    made = history(items=10)
    assert made.after(77, 6) == [7, 8, 9, 10]


@pytest.mark.parametrize(("instance", "revision"), [(77, 5), (78, 10), (77, 11), (0, 0)])
def test_cursors_that_do_not(instance: int, revision: int) -> None:
    """Too old, of another run, of the future, of none."""
    made = history(items=10)
    with pytest.raises(SidecarError) as raised:
        made.after(instance, revision)
    assert raised.value.reason is Reason.CURSOR_EXPIRED
    assert raised.value.metadata == {"instance": "77", "oldest_revision": "6"}


async def test_waiting() -> None:
    made = history()
    waiters = [asyncio.ensure_future(made.wait(revision)) for revision in (0, 0, 1)]
    await asyncio.sleep(0)
    made.append(1)
    await asyncio.gather(*waiters[:2])
    assert not waiters[2].done()
    made.append(2)
    await waiters[2]
    await made.wait(0)
