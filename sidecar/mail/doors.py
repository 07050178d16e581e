"""Doors: where byte streams that come in wait, by name, for apps that accept them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sidecar.mail.shares import has_room
from sidecar.wire.flow import Cause, Flow

WAITING_MAX = 128
"""Streams that may wait at one door, shared between peers as in `shares`."""


class Visit:
    """An app that waits at a door for one stream; `flow` is it once it is there."""

    def __init__(self, doors: Doors, name: str, peers: frozenset[str], came: Callable[[Flow], None]) -> None:
        self.name = name
        self.came = came
        self._doors = doors
        self._peers = peers

    def allows(self, peer_id: str) -> bool:
        """Whether it takes streams of a peer."""
        return not self._peers or peer_id in self._peers

    def leave(self) -> None:
        """It waits no longer."""
        self._doors.leave(self)


class Doors:
    """Every door of this sidecar."""

    def __init__(self) -> None:
        self._visits: dict[str, deque[Visit]] = {}
        self._waiting: dict[str, deque[Flow]] = {}

    @property
    def waiting(self) -> int:
        """Streams that wait for an app."""
        return sum(map(len, self._waiting.values()))

    def accept(self, name: str, peers: frozenset[str], came: Callable[[Flow], None]) -> Visit:
        """An app takes one stream by a name, of some peers or of any; `came` is called once, now or later, unless it
        leaves."""
        visit = Visit(self, name, peers, came)
        self._visits.setdefault(name, deque()).append(visit)
        for flow in list(self._waiting.get(name, ())):
            self._forget(flow)
            self.came(flow)
            if visit not in self._visits.get(name, ()):
                break
        return visit

    def leave(self, visit: Visit) -> None:
        """An app waits no longer."""
        visits = self._visits.get(visit.name)
        if visits is not None and visit in visits:
            visits.remove(visit)
            if not visits:
                del self._visits[visit.name]

    def came(self, flow: Flow) -> None:
        """A stream has come in: to the app that waits longest, of those that take it."""
        visits = self._visits.get(flow.name, ())
        for visit in visits:
            if visit.allows(flow.peer_id):
                visit.leave()
                flow.accept()
                visit.came(flow)
                return
        waiting = self._waiting.setdefault(flow.name, deque())
        if visits:
            self._refuse(flow, Cause.NOT_ALLOWED, "the app there does not take streams of this peer")
        elif not has_room(WAITING_MAX, len(waiting), (one.peer_id == flow.peer_id for one in waiting)):
            self._refuse(flow, Cause.LIMIT, f"{len(waiting)} streams wait for an app that accepts {flow.name!r}")
        else:
            waiting.append(flow)
            flow.changed = lambda: self._look(flow)
            return
        if not waiting:
            del self._waiting[flow.name]

    def _refuse(self, flow: Flow, cause: Cause, detail: str) -> None:
        flow.reset(cause, detail=detail)

    def _look(self, flow: Flow) -> None:
        if flow.ended is not None:
            self._forget(flow)

    def _forget(self, flow: Flow) -> None:
        flow.changed = lambda: None
        waiting = self._waiting.get(flow.name)
        if waiting is not None and flow in waiting:
            waiting.remove(flow)
            if not waiting:
                del self._waiting[flow.name]
