"""A channel of a link, as the sending side has numbered it."""

from __future__ import annotations

from sidecar.wire.credit import Window


class ChannelOut:
    """A channel as this side numbered it."""

    __slots__ = ("known", "name", "number", "subscribed", "window")

    def __init__(self, number: int, name: str, window: Window) -> None:
        self.number = number
        self.name = name
        self.window = window
        self.known = number == 0
        """The other side has answered CHANNEL_OPEN: streams are not ordered, so nothing may name the channel
        earlier."""
        self.subscribed: bool | None = None
        """Whether an app reads it there; None until the other side has said."""
