"""The race: contacts are dialled a moment apart until enough are linked, and whoever comes too late is let go."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sidecar.addresses import Contact
from sidecar.errors import SidecarError
from sidecar.overlay.dialler import OUTSTANDING_MAX
from sidecar.overlay.links import Links
from sidecar.wire.session import Session

STAGGER = 0.005
"""Seconds between the starts of two attempts."""
CATCH_UP = 4 * STAGGER
"""Where the loop is late, attempts that were due meanwhile start at once, so many seconds' worth of them at most."""
PATIENCE = 0.3
"""Seconds after which an attempt leaves the race if others wait for its place. A path may be longer than that: who runs
one race after another doubles it."""
LOOK_AGAIN = 0.05
"""Seconds until a race that waits for places which others have looks again: nothing tells it of their attempts."""


@dataclass(frozen=True, slots=True)
class ContactResult:
    """How dialling a contact went: a peer, or an error."""

    contact: Contact
    peer_id: str = ""
    error: str = ""


@dataclass(slots=True)
class _Attempt:
    contact: Contact
    began: float
    task: asyncio.Task[str]
    made: list[Session] = field(default_factory=list)


class Race:
    """One race. `linked` is told of each contact that is linked, at once."""

    def __init__(
        self, links: Links, wanted: int, linked: Callable[[ContactResult], None], *, patience: float = PATIENCE
    ) -> None:
        self.results: list[ContactResult] = []
        """What is decided so far."""
        self._links = links
        self._wanted = wanted
        self._linked = linked
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._running: list[_Attempt] = []
        self._winners: list[str] = []
        self._decided = asyncio.Event()

    async def run(self, contacts: Iterable[Contact]) -> list[ContactResult]:
        """Dials them in this order. Returns once as many peers are linked as are wanted, or every attempt has ended;
        what is still being dialled then is closed."""
        waiting = deque(contacts)
        starts_at = self._loop.time()
        try:
            while len(self._winners) < self._wanted and (waiting or self._running):
                self._decided.clear()
                now = self._loop.time()
                due = starts_at if waiting else None
                if waiting and now >= starts_at:
                    if self._start(waiting, now):
                        due = starts_at = max(starts_at, now - CATCH_UP) + STAGGER
                    else:
                        due = self._make_room(waiting, now)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._decided.wait()
                self._collect()
        finally:
            self._let_go()
        return self.results

    def _start(self, waiting: deque[Contact], now: float) -> bool:
        """Starts the first contact whose place is free; whether there was any."""
        if len(self._running) >= OUTSTANDING_MAX:
            return False
        for index, contact in enumerate(waiting):
            if self._links.dialler.has_room(contact.host):
                del waiting[index]
                made: list[Session] = []
                task = self._loop.create_task(self._meet(contact, made))
                task.add_done_callback(lambda _: self._decided.set())
                self._running.append(_Attempt(contact, now, task, made))
                return True
        return False

    def _make_room(self, waiting: Iterable[Contact], now: float) -> float:
        """None of those that wait has a place: attempts that have had their time leave, if one of them could have
        theirs. When to look again."""
        hosts = {contact.host for contact in waiting}
        full = len(self._running) >= OUTSTANDING_MAX
        for attempt in list(self._running):
            if not full and attempt.contact.host not in hosts:
                continue
            ends = attempt.began + self._patience
            if now < ends:
                return ends
            self._leave(attempt)
            words = f"no answer in {self._patience * 1000:.0f} ms, and others were waiting"
            self.results.append(ContactResult(attempt.contact, error=words))
            self._running.remove(attempt)
        return now + LOOK_AGAIN

    async def _meet(self, contact: Contact, made: list[Session]) -> str:
        addresses = await self._links.dialler.resolve(contact)
        peer = await self._links.meet(addresses, contact.peer_id, name=contact.name, made=made)
        return peer.peer_id

    def _collect(self) -> None:
        for attempt in [each for each in self._running if each.task.done()]:
            if len(self._winners) == self._wanted:  # linked in the same turn of the loop as the last that was wanted
                return
            self._running.remove(attempt)
            error = attempt.task.exception()
            if error is None:
                result = ContactResult(attempt.contact, peer_id=attempt.task.result())
                self.results.append(result)
                if result.peer_id not in self._winners:
                    self._winners.append(result.peer_id)
                    self._linked(result)
            elif isinstance(error, SidecarError):
                self.results.append(ContactResult(attempt.contact, error=error.detail))
            else:
                raise error  # a bug

    def _leave(self, attempt: _Attempt) -> None:
        attempt.task.cancel()
        for session in attempt.made:
            if session.peer_id not in self._winners:
                self._links.let_go(session)

    def _let_go(self) -> None:
        for attempt in self._running:
            self._leave(attempt)
        self._running.clear()
