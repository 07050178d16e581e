"""The log: lines on stderr, as text or JSON, from this sidecar and the libraries below it.

What a peer does may be logged each time it happens, because the log itself stays bounded: of one event only so many
lines a while are written, and the next line after that tells how many were not.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, TextIO

BURST = 10
"""Lines of one event in `WINDOW`."""

WINDOW = 10.0
"""Seconds."""

MAX_EVENTS = 1000
"""Events remembered. Names of events are fixed texts; a bug that puts figures into them must not cost memory."""

LIBRARIES = ("quic", "aioquic", "qh3", "asyncio", "grpc", "grpc._cython.cygrpc")
"""Loggers whose warnings tell of single connections or calls, which this sidecar reports itself."""


class Sparing(logging.Filter):
    """Lets through `BURST` lines of one event every `WINDOW`, ours (`Event`s) and the libraries'."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._events: dict[str, tuple[float, int]] = {}
        """By event: when its window began, and how many lines came in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be written; adds what was left out before it."""
        line = record.msg
        name = str(line.get("event") if isinstance(line, dict) else line)[:200]
        now = self._now()
        began, count = self._events.get(name, (now, 0))
        if now - began >= WINDOW:
            left_out = count - BURST
            if left_out > 0:
                record.msg = (
                    line | {"left_out": left_out} if isinstance(line, dict) else f"{line} (left_out={left_out})"
                )
            began, count = now, 0
        if name not in self._events and len(self._events) >= MAX_EVENTS:
            self._events.pop(next(iter(self._events)))
        self._events[name] = (began, count + 1)
        return count < BURST


class Event(dict[str, Any]):
    """An event with its fields, as the message of a line: `log.info(Event("peer linked", peer=...))`."""

    def __init__(self, event: str, **fields: Any) -> None:
        super().__init__(fields)
        self["event"] = event


class TextFormatter(logging.Formatter):
    """`TIME [level    ] event field=value ...`, and a bug's traceback below it."""

    def __init__(self, *, colors: bool) -> None:
        super().__init__()
        self._colors = colors

    def format(self, record: logging.LogRecord) -> str:
        """The line. What a peer or library said is data: it begins no line and no colour of its own."""
        fields = _fields(record)
        event = _printable(str(fields.pop("event")))
        level = f"{record.levelname.lower():<9}"
        if self._colors:
            level = f"{_COLORS.get(record.levelno, '')}{level}{_RESET}"
            event = f"{_BOLD}{event}{_RESET}"
        words = [f"{name}={_value(fields[name])}" for name in sorted(fields)]
        line = " ".join([f"{_time(record)} [{level}]", event, *words])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One object a line, with `event`, `level` and `timestamp`, and a bug's traceback in `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        line = _fields(record) | {"level": record.levelname.lower(), "timestamp": _time(record)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


_RESET, _BOLD = "\x1b[0m", "\x1b[1m"
_COLORS = {
    logging.DEBUG: "\x1b[36m",
    logging.INFO: "\x1b[32m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[31m",
}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    if isinstance(record.msg, dict):
        return dict(record.msg)
    return {"event": record.getMessage()}


def _time(record: logging.LogRecord) -> str:
    """ISO 8601, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.created % 1 * 1e6):06d}Z"


def _printable(words: str) -> str:
    return words if words.isprintable() else words.encode("unicode_escape").decode("ascii")


def _value(value: Any) -> str:
    """Text without blanks stands as it is, everything else as Python writes it."""
    if isinstance(value, str) and value.isprintable() and not set(value) & set(" \t=\r\n\"'"):
        return value
    return repr(value)


def configure_logging(
    format: Literal["text", "json"],  # noqa: A002 - named as the setting is
    level: Literal["debug", "info", "warning", "error"],
    stream: TextIO | None = None,
) -> None:
    """Directs the standard library's logging to `stream`, by default stderr.

    Colours are for a terminal, and not there when NO_COLOR is set (no-color.org).
    """
    stream = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(stream)
    if format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter(colors=stream.isatty() and not os.environ.get("NO_COLOR")))
    handler.addFilter(Sparing())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    if level != "debug":
        for name in LIBRARIES:
            logging.getLogger(name).setLevel(logging.ERROR)
    # When nobody reads stderr any more there is nobody to tell.
    logging.raiseExceptions = False
