"""Times that apps give, in seconds: what is none is an error where it is given, and of nothing that comes later."""

from __future__ import annotations

import math
from typing import Final

from google.protobuf.duration_pb2 import Duration

from sidecar_client.errors import InvalidField

LONGEST: Final = 315_576_000_000.0
"""What a Duration holds: ten thousand years."""

UNENDING: Final = 1e9
"""A timeout of more is none: clocks overflow, and gRPC takes it for one that has passed."""


def limit(timeout: float | None) -> float | None:
    """A timeout as gRPC takes it; None for one without end. InvalidField for one that is no number."""
    if timeout is None or timeout > UNENDING:
        return None
    if math.isnan(timeout):
        raise invalid("timeout", timeout)
    return timeout


def duration(name: str, seconds: float) -> Duration:
    """A Duration. InvalidField, naming the argument, for what none can be."""
    if not abs(seconds) <= LONGEST:
        raise invalid(name, seconds)
    whole = int(seconds)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))


def duration_seconds(value: Duration) -> float:
    """The seconds of a Duration."""
    return value.seconds + value.nanos / 1e9


def invalid(name: str, seconds: float) -> InvalidField:
    """The error for a time that is none."""
    words = f"{seconds!r} is no number of seconds that can be told"
    return InvalidField(f"{name}: {words}", fields=((name, words),))
