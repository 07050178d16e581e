"""The way in: contacts are dialled until one is linked, and again whenever nobody is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidecar.addresses import Contact
from sidecar.errors import Reason, SidecarError
from sidecar.metrics import Counters
from sidecar.overlay.contacts import Contacts
from sidecar.overlay.events import Bootstrapped, Event
from sidecar.overlay.links import Links

_log = logging.getLogger(__name__)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between rounds that failed, or whose link was lost sooner than the longest of them: doubled each time, varied
by a third, for as long as the sidecar runs."""


@dataclass(frozen=True, slots=True)
class ContactResult:
    """How dialling a contact went: a peer, or an error."""

    contact: Contact
    peer_id: str = ""
    error: str = ""


class Bootstrap:
    """Finds the way in."""

    def __init__(self, contacts: Contacts, links: Links, counters: Counters, tell: Callable[[Event], None]) -> None:
        self._contacts = contacts
        self._links = links
        self._counters = counters
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._added = asyncio.Event()

    def start(self) -> None:
        """Begins to look after the way in."""
        self._task = asyncio.get_running_loop().create_task(self._keep())

    def nudge(self) -> None:
        """Links have changed: there may be something to do."""
        self._wanted.set()

    def contacts_added(self) -> None:
        """There are more contacts: they are tried at once if nobody is linked."""
        self._added.set()
        self._wanted.set()

    async def stop(self) -> None:
        """Ceases."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def once(self, contacts: Sequence[Contact] | None = None) -> list[ContactResult]:
        """Dials the contacts, all at once, and returns when the first is linked or all have failed, with what is
        decided by then. SidecarError BOOTSTRAP_FAILED names each contact and its reason."""
        chosen = list(contacts) if contacts else [contact for contact, _ in self._contacts.all()]
        if not chosen:
            raise SidecarError(Reason.BOOTSTRAP_FAILED, "there is no contact to dial: give one, or add one")
        tasks = {asyncio.ensure_future(self._dial(contact)) for contact in chosen}
        results: list[ContactResult] = []
        try:
            pending = tasks
            while pending and not any(result.peer_id for result in results):
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                results += [task.result() for task in done]
        finally:
            for task in tasks:
                task.cancel()
        linked = next((result.peer_id for result in results if result.peer_id), "")
        if linked:
            self._counters.bootstrap_last_success = time.time()
            self._tell(Bootstrapped(linked, ""))
            return results
        failures = {str(result.contact): result.error for result in results}
        words = "; ".join(f"{contact}: {error}" for contact, error in failures.items())
        self._tell(Bootstrapped("", words))
        raise SidecarError(
            Reason.BOOTSTRAP_FAILED, f"no contact could be linked: {words}", metadata=failures, retry_after=1
        )

    async def _dial(self, contact: Contact) -> ContactResult:
        try:
            addresses = await self._links.dialler.resolve(contact)
            peer = await self._links.connect_address(addresses, contact.peer_id, name=contact.name)
        except SidecarError as error:
            return ContactResult(contact, error=error.detail)
        return ContactResult(contact, peer_id=peer.peer_id)

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        pause = 0.0
        while True:
            if not self._needed():
                pause = 0.0
                await self._change()
                continue
            if pause:
                await self._rest(pause * random.uniform(0.67, 1.33))
                if not self._needed():
                    continue
            began = clock()
            try:
                await self.once()
            except SidecarError as error:
                _log.warning("%s; trying again", error.detail)
            else:
                while self._links.linked:
                    await self._change()
                if clock() - began > LONGEST_PAUSE:
                    pause = 0.0
                    continue
            pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)

    def _needed(self) -> bool:
        return not self._links.linked and bool(self._contacts.all()) and self._links.refusing is None

    async def _change(self) -> None:
        self._wanted.clear()
        await self._wanted.wait()

    async def _rest(self, seconds: float) -> None:
        """Waits, but not when contacts are added."""
        self._added.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._added.wait()
