"""What becomes of requests and byte streams: counted, and told as events where an app or operator wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sidecar.metrics import Counters, FlowEnding, FlowKindName, FlowStep
from sidecar.overlay.events import Event, FlowChange, FlowsChanged
from sidecar.wire.flow import Cause, Flow, FlowTurn
from sidecar.wire.flow_frames import FlowKind

KINDS: dict[FlowKind, FlowKindName] = {FlowKind.REQUEST: "request", FlowKind.STREAM: "stream"}
STEPS: dict[FlowTurn, FlowStep] = {
    FlowTurn.ACCEPTED: "accepted",
    FlowTurn.SUSPENDED: "suspended",
    FlowTurn.RESUMED: "resumed",
}
CHANGES = {FlowTurn.SUSPENDED: FlowChange.SUSPENDED, FlowTurn.RESUMED: FlowChange.RESUMED}
ENDINGS: dict[Cause, FlowEnding] = {
    Cause.DONE: "done",
    Cause.APP: "app",
    Cause.CANCELLED: "cancelled",
    Cause.NO_SUBSCRIBER: "no_subscriber",
    Cause.NOT_ALLOWED: "not_allowed",
    Cause.LIMIT: "limit",
    Cause.GONE: "gone",
    Cause.LOST: "lost",
    Cause.UNKNOWN: "lost",
    Cause.DEADLINE: "deadline",
    Cause.UNSUPPORTED: "unsupported",
}
"""Of both ends of a flow: who began it is in the step `opened` or `came`."""


class FlowNews:
    """Hears of every flow. A connection may carry a thousand: what happens to them in one turn is one event for each
    peer and change."""

    def __init__(self, counters: Counters, tell: Callable[[Event], None]) -> None:
        self._counters = counters
        self._tell = tell
        self._changed: dict[tuple[str, FlowChange], FlowsChanged] = {}

    def begun(self, flow: Flow) -> None:
        """An app here has opened it, or it has come for one."""
        self._counters.flow_steps[KINDS[flow.kind], "opened" if flow.opener else "came"] += 1

    def turned(self, flow: Flow, turn: FlowTurn) -> None:
        """See FlowMemory.turned."""
        kind = KINDS[flow.kind]
        if turn is not FlowTurn.ENDED:
            self._counters.flow_steps[kind, STEPS[turn]] += 1
            if turn in CHANGES:
                self._note(flow, CHANGES[turn], "")
            return
        assert flow.ended is not None
        ending = ENDINGS[flow.ended.cause]
        self._counters.flow_ends[kind, ending] += 1
        if ending == "lost" and flow.carried:
            self._note(flow, FlowChange.LOST, flow.ended.detail)

    def _note(self, flow: Flow, change: FlowChange, detail: str) -> None:
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell_changes)
        before = self._changed.get((flow.peer_id, change)) or FlowsChanged(flow.peer_id, change, 0, 0, detail)
        self._changed[flow.peer_id, change] = before.with_one(stream=flow.kind is FlowKind.STREAM)

    def _tell_changes(self) -> None:
        changed, self._changed = self._changed, {}
        for (peer_id, change), event in changed.items():
            lost = changed.get((peer_id, FlowChange.LOST))
            if change is FlowChange.SUSPENDED and lost is not None:  # those that were lost at once wait for nothing
                event = event.without(lost)  # noqa: PLW2901
            if event.streams or event.requests:
                self._tell(event)
