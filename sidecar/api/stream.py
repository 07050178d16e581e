"""StreamService: a call is a byte stream."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from sidecar.api.batches import seconds_of, too_large
from sidecar.api.front.base import Hot, HotCall, Service
from sidecar.api.front.requests import decoded
from sidecar.api.reply import check_content, peers_allowed
from sidecar.errors import Reason, SidecarError, invalid_field
from sidecar.gen.overlay.v1 import stream_pb2 as pb
from sidecar.mail.doors import Visit
from sidecar.mail.flow_errors import error_of
from sidecar.node import Node
from sidecar.wire.flow import Cause, Flow

SERVICE: Final = "overlay.v1.StreamService"
DATA_MAX: Final = 1 << 20
"""The most bytes of one frame from an app."""
PIECE: Final = 64 << 10
"""Bytes of a frame to an app."""
DETAIL_MAX: Final = 256
TIMEOUT_MAX: Final = 3600.0


def stream_service(node: Node) -> Service:
    """The service for a front."""
    return Service(SERVICE, {"Open": Hot(partial(OpenCall, node)), "Accept": Hot(partial(AcceptCall, node))})


class StreamCall:
    """What both verbs have in common, once there is a flow."""

    def __init__(self, node: Node, call: HotCall) -> None:
        self._node = node
        self._call = call
        self._flow: Flow | None = None
        self._finished = False
        self._told_accepted = self._told_finished = self._over = False
        self._carried = True

    def _begin(self, flow: Flow) -> None:
        self._flow = flow
        flow.changed = self._changed
        self._changed()

    def _changed(self) -> None:
        flow = self._flow
        assert flow is not None
        if not self.paused:
            self._call.resume()
        self._call.wake()
        if flow.ended is not None and flow.ended.cause is not Cause.DONE and not self._over:
            self._over = True
            self._call.finish(error_of(flow, flow.ended))

    def _frame(self, kind: str | None, data: bytes, reset: pb.StreamReset) -> None:
        """A frame behind the first."""
        flow = self._flow
        if kind == "reset":
            if len(reset.detail.encode()) > DETAIL_MAX:
                raise too_large("reset.detail", len(reset.detail.encode()), DETAIL_MAX, "say less")
            self._over = True
            if flow is not None:
                flow.reset(Cause.APP, reset.code, reset.detail)
            self._call.finish()
        elif kind not in ("data", "finish"):
            raise SidecarError(
                Reason.FRAME_UNEXPECTED, "behind the first, a frame is `data`, `finish` or `reset`, and never empty"
            )
        elif flow is None:
            raise SidecarError(Reason.FRAME_UNEXPECTED, "there is no stream yet to write to: wait for `accepted`")
        elif self._finished:
            raise SidecarError(Reason.FRAME_UNEXPECTED, "nothing may follow `finish` but `reset`")
        elif kind == "finish":
            self._finished = True
            flow.finish()
        elif len(data) > DATA_MAX:
            raise too_large("data", len(data), DATA_MAX, "send it in more frames")
        else:
            flow.write(data)

    def half_closed(self) -> None:
        """Without `finish` before, the app has gone: some servers show a client that vanished like this first."""
        if not self._finished:
            self._over = True
            if self._flow is not None:
                self._flow.reset(Cause.GONE, detail="the other app went away")
            self._call.finish()

    @property
    def paused(self) -> bool:
        """While enough of what the app wrote is on its way."""
        flow = self._flow
        return flow is not None and flow.ended is None and not flow.writable

    def take(self, max_bytes: int) -> Sequence[bytes]:
        """What there is to tell and to read."""
        flow = self._flow
        if flow is None:
            return ()
        out: list[bytes] = []
        if flow.accepted and not self._told_accepted:
            self._told_accepted = True
            accepted = pb.StreamAccepted(peer_id=flow.peer_id, name=flow.name, headers=flow.headers)
            out.append(pb.OpenResponse(accepted=accepted).SerializeToString())
        carried = flow.place is not None or flow.ended is not None or not flow.carried
        if carried is not self._carried:
            self._carried = carried
            state = pb.STREAM_STATE_RESUMED if carried else pb.STREAM_STATE_SUSPENDED
            out.append(pb.OpenResponse(state=state).SerializeToString())
        while flow.readable and max_bytes > 0:
            data = flow.read(PIECE)
            max_bytes -= len(data)
            out.append(pb.OpenResponse(data=data).SerializeToString())
        if flow.at_end and not self._told_finished and self._told_accepted:
            self._told_finished = True
            out.append(pb.OpenResponse(finished=pb.StreamFinished()).SerializeToString())
        if self._told_finished and flow.ended is not None and not self._over:
            self._over = True
            self._call.finish()
        return out

    def ended(self, completed: bool) -> None:
        """An app that went before the end is told of at the other one."""
        flow = self._flow
        if flow is not None:
            flow.changed = lambda: None
            flow.reset(Cause.GONE, detail="the other app went away")


class OpenCall(StreamCall):
    """One Open call."""

    def messages(self, batch: list[bytes]) -> None:
        """Frames: `open`, then data."""
        for encoded in batch:
            frame = decoded(pb.OpenRequest, encoded)
            kind = frame.WhichOneof("frame")
            if self._flow is not None:
                self._frame(kind, frame.data, frame.reset)
            elif kind != "open":
                raise SidecarError(
                    Reason.FRAME_UNEXPECTED, f"the first frame must be `open`, it is `{kind or 'empty'}`"
                )
            else:
                self._open(frame.open)

    def _open(self, opening: pb.StreamOpen) -> None:
        self._call.context.scope.require_open(opening.name)
        headers = dict(opening.headers)
        check_content(headers, b"", "open.")
        timeout = 0.0
        if opening.HasField("accept_timeout"):
            timeout = seconds_of(opening.accept_timeout, "open.accept_timeout", TIMEOUT_MAX)
            if not timeout:
                raise invalid_field("open.accept_timeout", "0 s: give it time, or leave it out")
        self._begin(self._node.open_stream(opening.peer_id, opening.name, headers, timeout))


class AcceptCall(StreamCall):
    """One Accept call."""

    def __init__(self, node: Node, call: HotCall) -> None:
        super().__init__(node, call)
        self._visit: Visit | None = None

    def messages(self, batch: list[bytes]) -> None:
        """Frames: `accept`, then data once a stream has come."""
        for encoded in batch:
            frame = decoded(pb.AcceptRequest, encoded)
            kind = frame.WhichOneof("frame")
            if self._visit is not None:
                self._frame(kind, frame.data, frame.reset)
            elif kind != "accept":
                raise SidecarError(
                    Reason.FRAME_UNEXPECTED, f"the first frame must be `accept`, it is `{kind or 'empty'}`"
                )
            else:
                self._call.context.scope.require_accept(frame.accept.name)
                allowed = peers_allowed(frame.accept.peer_ids, "accept.peer_ids")
                self._visit = self._node.accept_stream(frame.accept.name, allowed, self._begin)

    def ended(self, completed: bool) -> None:
        """See StreamCall; an app that got none waits no longer."""
        if self._visit is not None:
            self._visit.leave()
        super().ended(completed)
