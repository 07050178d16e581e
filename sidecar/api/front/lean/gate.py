"""One listener's rules: which methods are behind it, who may call them, and who is connected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sidecar.api.auth import check_token
from sidecar.api.front.base import CallContext, Method, answer_by
from sidecar.api.front.lean.headers import Head
from sidecar.api.front.lean.memory import MessageMemory
from sidecar.api.scope import App
from sidecar.api.status import Code, ForeignStatus
from sidecar.errors import Reason, SidecarError

if TYPE_CHECKING:
    from sidecar.api.front.lean.connection import Connection

CONNECTIONS_MAX: Final = 1000
"""Connections of one listener at once; further ones are closed as they come."""


@dataclass(slots=True, eq=False)
class Gate:
    """What the connections of one listener share."""

    methods: Mapping[str, Method]
    """By path."""
    token: bytes | None
    apps: tuple[App, ...]
    memory: MessageMemory
    refused: Callable[[], None]
    loop: asyncio.AbstractEventLoop
    connections: set[Connection] = field(default_factory=set)
    handshakes: set[asyncio.Task[None]] = field(default_factory=set)
    """Of TLS, under way: clients that are no connections yet."""

    @property
    def guarded(self) -> bool:
        """Whether callers have to show a token."""
        return self.token is not None or bool(self.apps)

    def admit(self, connection: Connection) -> bool:
        """Whether there is room for one more connection."""
        if len(self.connections) >= CONNECTIONS_MAX:
            return False
        self.connections.add(connection)
        return True

    def call(self, head: Head, timeout: float | None) -> tuple[Method, CallContext]:
        """The method of a call that may go on, and what it may know. SidecarError or ForeignStatus for one that may
        not."""
        if head.error is not None:
            raise head.error
        try:
            scope = check_token(self.token, head.path, head.pairs, self.apps)
        except SidecarError:
            self.refused()
            raise
        method = self.methods.get(head.path)
        if method is None:
            raise ForeignStatus(Code.UNIMPLEMENTED, f"there is no method {head.path[:200]!r} here")
        if timeout == 0:
            raise SidecarError(Reason.DEADLINE, f"{head.path} came with no time left")
        if timeout is None:
            return method, CallContext(head.path, head.metadata, None, None, scope)
        now = self.loop.time()
        deadline = now + timeout
        return method, CallContext(head.path, head.metadata, deadline, answer_by(deadline, now), scope)
