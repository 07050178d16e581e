"""The log is bounded, one line an event, and the same for this sidecar and its libraries."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from sidecar.log import BURST, MAX_EVENTS, WINDOW, Event, Sparing, configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A stream to log to; the logging of the tests themselves is put back."""
    root = logging.getLogger()
    before = (root.handlers, root.level, logging.raiseExceptions)
    yield io.StringIO()
    root.handlers, logging.raiseExceptions = before[0], before[2]
    root.setLevel(before[1])


def test_text_is_one_line_an_event(stream: io.StringIO) -> None:
    configure_logging("text", "info", stream)
    logging.getLogger("ours").info(Event("peer refused", reason="a\nb \x1b[31m", peers=3))
    logging.getLogger("library").warning("said %s\nINFO forged", "x")
    ours, theirs = stream.getvalue().splitlines()
    assert ours.endswith(r"peer refused peers=3 reason='a\nb \x1b[31m'")
    assert theirs.endswith(r"said x\nINFO forged")
    assert "\x1b" not in stream.getvalue()


def test_json_is_one_object_an_event(stream: io.StringIO) -> None:
    configure_logging("json", "info", stream)
    logging.getLogger("ours").info(Event("peer linked", peer="p", address=("::1", 1)))
    logging.getLogger("library").error("said %d", 1)
    ours, theirs = map(json.loads, stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["peer"]) == ("peer linked", "info", "p")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("said 1", "error")


@pytest.mark.parametrize("form", ["text", "json"])
def test_bugs_show_their_traceback(stream: io.StringIO, form: str) -> None:
    configure_logging("json" if form == "json" else "text", "info", stream)
    try:
        raise KeyError("k")
    except KeyError:
        logging.getLogger("ours").exception(Event("bug"))
    assert "Traceback (most recent call last)" in stream.getvalue()
    assert "KeyError: 'k'" in stream.getvalue()


def test_level_holds_for_us_and_libraries(stream: io.StringIO) -> None:
    configure_logging("text", "warning", stream)
    logging.getLogger("ours").info(Event("not this"))
    logging.getLogger("library").info("nor this")
    logging.getLogger("quic").warning("nor a single connection's end")
    logging.getLogger("ours").warning(Event("but this"))
    assert [line.split("] ")[1] for line in stream.getvalue().splitlines()] == ["but this"]


@pytest.mark.parametrize("ours", [True, False])
def test_repeats_are_left_out_and_counted(ours: bool) -> None:
    now = 100.0
    sparing = Sparing(lambda: now)

    def log(name: str) -> logging.LogRecord | None:
        message = {"event": name, "n": 1} if ours else name
        record = logging.LogRecord("x", logging.WARNING, "x", 1, message, None, None)
        return record if sparing.filter(record) else None

    lines = [log("again") for _ in range(1000)]
    assert [line is not None for line in lines] == [True] * BURST + [False] * (1000 - BURST)
    assert log("another") is not None

    now += WINDOW
    after = log("again")
    assert after is not None
    assert f"left_out{chr(39) + ': ' if ours else '='}{1000 - BURST}" in str(after.msg)
    following = log("again")
    assert following is not None
    assert "left_out" not in str(following.msg)


def test_events_remembered_are_bounded() -> None:
    sparing = Sparing(lambda: 0.0)
    for number in range(MAX_EVENTS * 3):
        assert sparing.filter(logging.LogRecord("x", logging.WARNING, "x", 1, f"event {number}", None, None))
    assert len(sparing._events) == MAX_EVENTS
