"""Credit: how much of messages may be unread. Totals count from the epoch's beginning, as in RFC 9000 section 4.

A window counts a message once, when it is first sent or first accepted, whatever is repeated on another connection;
so both ends agree without counting connections.
"""

from __future__ import annotations


class Window:
    """The sender's side: what the receiver has granted and what of it is used."""

    __slots__ = ("granted_bytes", "granted_messages", "used_bytes", "used_messages")

    def __init__(self, size: int = 0, messages: int = 0) -> None:
        self.granted_bytes = size
        self.granted_messages = messages
        self.used_bytes = 0
        self.used_messages = 0

    def extend(self, size: int, messages: int) -> None:
        """Takes new totals. Totals never fall: CREDIT may come late on another connection."""
        self.granted_bytes = max(self.granted_bytes, size)
        self.granted_messages = max(self.granted_messages, messages)

    def use(self, size: int, messages: int) -> None:
        """Counts messages that are sent."""
        self.used_bytes += size
        self.used_messages += messages

    def fits(self, size: int, messages: int) -> bool:
        """Whether so much may be sent now."""
        return self.used_bytes + size <= self.granted_bytes and self.used_messages + messages <= self.granted_messages

    @property
    def room_bytes(self) -> int:
        """Bytes that may be sent now."""
        return self.granted_bytes - self.used_bytes

    @property
    def room_messages(self) -> int:
        """Messages that may be sent now."""
        return self.granted_messages - self.used_messages


class Allowance:
    """The receiver's side: what was granted, what came, and what of that was taken by an app."""

    __slots__ = ("granted_bytes", "granted_messages", "received_bytes", "received_messages", "taken_bytes",
                 "taken_messages")  # fmt: skip

    def __init__(self, size: int = 0, messages: int = 0) -> None:
        self.granted_bytes = size
        self.granted_messages = messages
        self.received_bytes = 0
        self.received_messages = 0
        self.taken_bytes = 0
        self.taken_messages = 0

    def accept(self, size: int, messages: int) -> bool:
        """Counts messages that came; false when they are more than was granted."""
        self.received_bytes += size
        self.received_messages += messages
        return self.received_bytes <= self.granted_bytes and self.received_messages <= self.granted_messages

    def take(self, size: int, messages: int) -> None:
        """Counts messages that an app took."""
        self.taken_bytes += size
        self.taken_messages += messages

    @property
    def promised_bytes(self) -> int:
        """Bytes that are held unread or may still come."""
        return self.granted_bytes - self.taken_bytes

    @property
    def promised_messages(self) -> int:
        """The same in messages."""
        return self.granted_messages - self.taken_messages

    def grant(self, size: int, messages: int, least: int = 0) -> bool:
        """Raises the totals to windows of `size` and `messages` from what was taken, when that is worth a frame: half a
        window or more, or less than `least` bytes were left. True when it did."""
        more_bytes = size - self.promised_bytes
        more_messages = messages - self.promised_messages
        if more_bytes * 2 < size and more_messages * 2 < messages and self.promised_bytes >= least:
            return False
        if more_bytes <= 0 and more_messages <= 0:
            return False
        self.granted_bytes += max(0, more_bytes)
        self.granted_messages += max(0, more_messages)
        return True
