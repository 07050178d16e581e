"""Which messages of a sender did not reach their level, and why."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, replace
from typing import Any

from sidecar_client.errors import SidecarError


@dataclass(frozen=True, slots=True)
class Failure:
    """Messages that did not reach the level, by sequence number, inclusive."""

    first: int
    last: int
    error: SidecarError


class SendFailed(SidecarError):
    """Some messages of a sender did not reach their level; `failures` says which and why."""

    def __init__(self, failures: list[Failure]) -> None:
        count = sum(failure.last - failure.first + 1 for failure in failures)
        first = failures[0]
        super().__init__(
            f"{count} message{'s' if count > 1 else ''} failed, the first being number {first.first}: {first.error}",
            code=first.error.code,
            reason=first.error.reason,
        )
        self.failures = failures

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.failures,)


class Failures:
    """What a sender knows of them, however long it lives: runs that fail alike and follow each other are one."""

    def __init__(self) -> None:
        self._named: list[Failure] = []
        """In the order in which they became known."""
        self._sorted: list[Failure] = []
        """By number: they do not overlap."""
        self._raised = 0
        """So many of them were raised."""

    def __len__(self) -> int:
        return len(self._named)

    def add(self, first: int, last: int, error: SidecarError) -> None:
        """These have failed, from the first to the last."""
        if len(self._named) > self._raised:
            former = self._named[-1]
            if former.last + 1 == first and alike(former.error, error):
                self._named[-1] = self._sorted[self._at(first) - 1] = replace(former, last=last)
                return
        failure = Failure(first, last, error)
        self._named.append(failure)
        insort(self._sorted, failure, key=lambda each: each.first)

    def of(self, number: int) -> SidecarError | None:
        """Why a message failed; None where it is not known to have."""
        at = self._at(number)
        if at and number <= self._sorted[at - 1].last:
            return self._sorted[at - 1].error
        return None

    def _at(self, number: int) -> int:
        """How many begin at or before a number."""
        return bisect_right(self._sorted, number, key=lambda each: each.first)

    def raise_new(self) -> None:
        """SendFailed with those that this has not raised before; nothing when there are none."""
        new = self._named[self._raised :]
        if new:
            self._raised = len(self._named)
            raise SendFailed(new)


def alike(one: SidecarError, other: SidecarError) -> bool:
    """Whether two errors say the same."""
    return type(one) is type(other) and (one.reason, one.detail) == (other.reason, other.detail)
