"""What happened, in order, with a number each, so that a watch can go on where it was cut off."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import Generic, TypeVar

from sidecar.errors import Reason, SidecarError

Item = TypeVar("Item")


class History(Generic[Item]):
    """The last `size` items. Revisions count from 1; a cursor is the revision of the last item seen."""

    def __init__(self, instance: int, size: int) -> None:
        self.instance = instance
        self.revision = 0
        self._items: deque[Item] = deque(maxlen=size)
        self._changed = asyncio.Event()

    def append(self, item: Item) -> None:
        """Something happened."""
        self._items.append(item)
        self.revision += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def after(self, instance: int, revision: int) -> list[Item]:
        """The items after a cursor. SidecarError CURSOR_EXPIRED when it is of another run or older than what is
        kept."""
        oldest = self.revision - len(self._items)
        if instance != self.instance or not oldest <= revision <= self.revision:
            raise SidecarError(
                Reason.CURSOR_EXPIRED,
                "the cursor is of another run of the sidecar or too old: begin the watch anew without one",
                metadata={"instance": str(self.instance), "oldest_revision": str(oldest)},
            )
        return list(islice(self._items, revision - oldest, None))

    async def wait(self, revision: int) -> None:
        """Returns once there is something after `revision`."""
        while self.revision <= revision:
            await self._changed.wait()
