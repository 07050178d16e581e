"""What a handler has to do before it returns is done in order, once, and whatever one of it does."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

from sidecar.turn import turn_of


async def test_calls_follow_the_handler_and_what_they_ask_for_the_loop() -> None:
    loop = asyncio.get_running_loop()
    turn, told = turn_of(loop), list[str]()
    assert turn_of(loop) is turn

    def first() -> None:
        told.append("first")
        turn.soon(lambda: told.append("asked for by first"))

    turn.begin()
    turn.soon(first)
    turn.soon(lambda: told.append("second"))
    told.append("handler")
    turn.end()
    assert told == ["handler", "first", "second"]
    turn.soon(lambda: told.append("outside"))
    await asyncio.sleep(0)
    assert told == ["handler", "first", "second", "asked for by first", "outside"]


async def test_a_handler_may_let_others_begin() -> None:
    turn, told = turn_of(asyncio.get_running_loop()), list[str]()
    turn.begin()
    turn.soon(lambda: told.append("first"))
    turn.pause()
    told.append("handler")
    turn.soon(lambda: told.append("second"))
    assert told == ["first", "handler"]
    turn.end()
    assert told == ["first", "handler", "second"]
    turn.pause()  # no handler runs
    turn.soon(lambda: told.append("outside"))
    assert told[3:] == []
    await asyncio.sleep(0)
    assert told[3:] == ["outside"]


async def test_one_that_fails_costs_no_other() -> None:
    loop = asyncio.get_running_loop()
    turn, told, failures = turn_of(loop), list[str](), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: failures.append(context))
    turn.begin()
    turn.soon(lambda: 1 // 0)  # type: ignore[arg-type]
    turn.soon(lambda: told.append("next"))
    turn.end()
    assert told == ["next"]
    assert [type(failure["exception"]) for failure in failures] == [ZeroDivisionError]


def test_a_loop_that_is_gone_has_none() -> None:
    loop = asyncio.new_event_loop()
    turn_of(loop).soon(lambda: None)
    gone = weakref.ref(loop)
    loop.close()
    del loop
    gc.collect()
    assert gone() is None
