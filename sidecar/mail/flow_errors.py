"""What an app learns of how its request or byte stream ended."""

from __future__ import annotations

from sidecar.errors import Reason, SidecarError
from sidecar.wire.flow import Cause, Flow, FlowEnd
from sidecar.wire.flow_frames import FlowKind


def error_of(flow: Flow, end: FlowEnd) -> SidecarError | None:
    """The error of a flow that ended so; None where nothing is wrong."""
    where = f"{flow.name!r} at {flow.peer_id}" if flow.opener else f"{flow.name!r} from {flow.peer_id}"
    request = flow.kind is FlowKind.REQUEST
    words = f"{where}: {end.detail or end.cause.name.lower()}"
    match end.cause:
        case Cause.DONE:
            return None
        case Cause.APP:
            return SidecarError(Reason.STREAM_RESET, words, metadata={"code": str(end.code)})
        case Cause.NO_SUBSCRIBER:
            return SidecarError(Reason.NO_SUBSCRIBER, words)
        case Cause.NOT_ALLOWED:
            return SidecarError(Reason.PEER_NOT_ALLOWED, words)
        case Cause.LIMIT | Cause.UNSUPPORTED:
            return SidecarError(Reason.LIMIT_REACHED, words)
        case Cause.CANCELLED:
            return SidecarError(Reason.CANCELLED, words)
        case Cause.DEADLINE:
            return SidecarError(Reason.DEADLINE, words)
        case Cause.GONE:
            if request:
                return SidecarError(Reason.OUTCOME_UNKNOWN, f"{where}: the app that had the request went away")
            return SidecarError(Reason.STREAM_RESET, f"{where}: the other app went away", metadata={"code": ""})
        case Cause.LOST | Cause.UNKNOWN:
            if end.reason is not None and not flow.carried:
                return SidecarError(end.reason, words)
            return SidecarError(Reason.OUTCOME_UNKNOWN if request else Reason.STREAM_LOST, words)
