"""Errands: a bug in what nobody waits for is told at once, and only that."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.overlay.errands import Errands


async def stumble() -> None:
    """A bug."""
    raise RuntimeError("over a stone")


async def wait() -> None:
    """For ever."""
    await asyncio.Event().wait()


async def ended(errands: Errands) -> None:
    """Until all are."""
    while len(errands):  # noqa: ASYNC110  nobody waits for them: that is what they are
        await asyncio.sleep(0)


async def test_a_bug_is_logged_when_it_shows(caplog: pytest.LogCaptureFixture) -> None:
    errands = Errands("a walk")
    errands.run(stumble())
    await ended(errands)
    (record,) = caplog.records
    assert record.getMessage() == "a walk failed by a bug"
    assert "over a stone" in (record.exc_text or "")


async def test_what_is_cancelled_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    errands = Errands("a walk")
    errands.run(wait())
    errands.keep(asyncio.create_task(wait()))
    await asyncio.sleep(0)
    assert len(errands) == 2
    errands.cancel()
    await ended(errands)
    assert not caplog.records
