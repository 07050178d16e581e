"""What waits here for apps is shared between peers: one may have as many places as are left, alone half of them and
beside another that does the same a third, so that whatever one leaves waiting another's find room (dynamic thresholds,
after Choudhury and Hahne 1998, as in the outbox)."""

from __future__ import annotations

from collections.abc import Iterable


def has_room(most: int, waiting: int, own: Iterable[bool]) -> bool:
    """Whether one more may wait where `waiting` of `most` do; `own` says of each whether it is the same peer's."""
    left = most - waiting
    return left > waiting or sum(own) < left
