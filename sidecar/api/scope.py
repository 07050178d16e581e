"""Scopes: what the app behind a token may do, so that several apps share a sidecar and none reads another's channel.

    send, receive       channels, of messages, datagrams and requests
    open, accept        names of byte streams
    admin               every verb that is about the sidecar and not about one app

A pattern is a name, or the beginning of names and `*`. Without a file of apps there is one token, or none, and it may
do everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidecar.errors import Reason, SidecarError

LOOKING: Final = frozenset(
    {
        "/overlay.v1.NodeService/GetNode",
        "/overlay.v1.PeerService/GetPeer",
        "/overlay.v1.PeerService/ListPeers",
        "/overlay.v1.PeerService/WatchPeers",
        "/overlay.v1.PeerService/Ping",
        "/overlay.v1.BootstrapService/ListContacts",
    }
)
"""Verbs that tell nothing of other apps and change nothing: any token will do."""

NAMED: Final = frozenset(
    {
        "/overlay.v1.MessageService/Send",
        "/overlay.v1.MessageService/SendStream",
        "/overlay.v1.MessageService/Receive",
        "/overlay.v1.MessageService/Consume",
        "/overlay.v1.MessageService/Request",
        "/overlay.v1.MessageService/Reply",
        "/overlay.v1.MessageService/Broadcast",
        "/overlay.v1.MessageService/SendDatagram",
        "/overlay.v1.MessageService/ReceiveDatagrams",
        "/overlay.v1.StreamService/Open",
        "/overlay.v1.StreamService/Accept",
    }
)
"""Verbs whose requests name a channel or a stream: the servicer asks the scope once it knows which."""

OPEN_PREFIXES: Final = ("/grpc.health.v1.Health/", "/grpc.reflection.")
"""Services that are not of this API, and change nothing."""


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return "*" in patterns or any(
        name.startswith(each[:-1]) if each.endswith("*") else name == each for each in patterns
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """What one app may do. Every `require` raises SidecarError SCOPE_DENIED."""

    app: str
    """Its name, for the errors and the log."""
    send: tuple[str, ...] = ()
    receive: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    admin: bool = False

    def require_method(self, method: str) -> None:
        """The verb as such; what is on neither list above is for admins."""
        if not (self.admin or method in NAMED or method in LOOKING or method.startswith(OPEN_PREFIXES)):
            raise self._denied(f"may not call {method}", "admin")

    def require_send(self, channel: str) -> None:
        """Sending to a channel, or asking there."""
        if not _matches(channel, self.send):
            raise self._denied(f"may not send to channel {channel!r}", "send")

    def require_receive(self, channel: str) -> None:
        """Receiving from a channel, or answering there."""
        if not _matches(channel, self.receive):
            raise self._denied(f"may not receive from channel {channel!r}", "receive")

    def require_open(self, name: str) -> None:
        """Opening a byte stream."""
        if not _matches(name, self.open):
            raise self._denied(f"may not open streams named {name!r}", "open")

    def require_accept(self, name: str) -> None:
        """Accepting byte streams."""
        if not _matches(name, self.accept):
            raise self._denied(f"may not accept streams named {name!r}", "accept")

    def _denied(self, what: str, needs: str) -> SidecarError:
        return SidecarError(
            Reason.SCOPE_DENIED,
            f"app {self.app!r} {what}: its entry in the file of apps lacks `{needs}` for it",
            metadata={"app": self.app, "needs": needs},
        )


EVERYTHING: Final = Scope("any", ("*",), ("*",), ("*",), ("*",), admin=True)
"""The scope of a sidecar's one token, and of calls where none is asked."""


@dataclass(frozen=True, slots=True)
class App:
    """An entry of the file of apps."""

    token: bytes
    scope: Scope
