"""The log: lines on stderr, as text or JSON, from this sidecar and the libraries below it.

What a peer does may be logged each time it happens, because the log itself stays bounded: of one event only so many
lines a while are written, and the next line after that tells how many were not.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Literal, TextIO

import structlog

BURST = 10
"""Lines of one event in `WINDOW`."""

WINDOW = 10.0
"""Seconds."""

MAX_EVENTS = 1000
"""Events remembered. Names of events are fixed texts; a bug that puts figures into them must not cost memory."""

LIBRARIES = ("quic", "aioquic", "qh3", "asyncio", "grpc", "grpc._cython.cygrpc")
"""Loggers whose warnings tell of single connections or calls, which this sidecar reports itself."""

EventDict = MutableMapping[str, Any]


class Sparing(logging.Filter):
    """Lets through `BURST` lines of one event every `WINDOW`, ours (structlog's dictionaries) and the libraries'."""

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


def _one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Keeps control characters in a library's words from making lines and colours of their own."""
    words = event.get("event")
    if isinstance(words, str) and not words.isprintable():
        event["event"] = words.encode("unicode_escape").decode("ascii")
    return event


def configure_logging(
    format: Literal["text", "json"],  # noqa: A002 - named as the setting is
    level: Literal["debug", "info", "warning", "error"],
    stream: TextIO | None = None,
) -> None:
    """Directs structlog and the standard library's logging to `stream`, by default stderr.

    Colours are for a terminal, and not there when NO_COLOR is set (no-color.org).
    """
    stream = sys.stderr if stream is None else stream
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if format == "json":
        render: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ]
    else:
        colors = stream.isatty() and not os.environ.get("NO_COLOR")
        render = [
            _one_line,
            structlog.dev.ConsoleRenderer(
                colors=colors,
                # A peer's words are data: quoted, so that they cannot begin a line of their own.
                repr_native_str=True,
                exception_formatter=structlog.dev.plain_traceback,
                pad_event_to=0,
            ),
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
        )
    )
    handler.addFilter(Sparing())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    if level != "debug":
        for name in LIBRARIES:
            logging.getLogger(name).setLevel(logging.ERROR)
    # When nobody reads stderr any more there is nobody to tell.
    logging.raiseExceptions = False
