"""What the receiving half of a link lets its channels have: room for messages, out of one budget."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.arrival import Inbox
from sidecar.wire.credit import Allowance
from sidecar.wire.errors import Close, Untrusted, malformed

CHANNEL_NAME_MAX = 128
MESSAGES_LEAST = 64
"""Messages a channel that an app reads may always have unread."""
RELIEVED_AT_ONCE = 4
"""Channels short of window that are seen to, in turn, whenever an app takes something: with many, seeing to all of them
each time would cost more than the messages do."""


class Windows(NamedTuple):
    """What a receiving half grants."""

    max_message_bytes: int
    """Payload bytes of the largest message."""
    link_bytes: int
    """The budget of the link, which its channels share."""
    link_messages: int
    channel_bytes: int
    """The most one channel gets of it."""
    channel_messages: int
    first_channel_bytes: int
    """What channel 0 begins with, and the least that a channel has which an app reads; larger messages need a
    reservation. At least IN_LINE_MAX."""
    unread_channel_bytes: int
    """The most a channel gets that no app reads."""
    max_channels: int
    durable: bool = False
    """Whether there is a journal."""

    def limits(self) -> wire_pb2.Limits:
        """What the other side is told of them in HELLO."""
        return wire_pb2.Limits(
            max_message_bytes=self.max_message_bytes,
            link_bytes=self.link_bytes,
            link_messages=self.link_messages,
            channel_bytes=self.first_channel_bytes,
            channel_messages=self.channel_messages,
            max_channels=self.max_channels,
            kept=True,
            durable=self.durable,
        )


class ChannelIn(NamedTuple):
    """A channel as the other side numbered it."""

    name: str
    allowance: Allowance


class Budget:
    """See the module. Of one epoch; `expected` is what the inbox still expects by the one before."""

    __slots__ = (
        "_due", "_granted_bytes", "_granted_messages", "_inbox", "_numbers", "_read", "_short", "_windows", "channels",
        "expected", "link",
    )  # fmt: skip

    def __init__(self, windows: Windows, inbox: Inbox, expected: int = 0) -> None:
        self._windows = windows
        self._inbox = inbox
        self.link = Allowance(windows.link_bytes, windows.link_messages)
        first = Allowance(windows.first_channel_bytes, windows.channel_messages)
        self.channels: dict[int, ChannelIn] = {0: ChannelIn("", first)}
        self._numbers = {"": 0}
        self._granted_bytes = windows.first_channel_bytes
        self._granted_messages = windows.channel_messages
        """Sums of what the channels were granted."""
        self._read: dict[int, None] = {}
        """Channels that an app has read: each has the first window at least, whatever others hold."""
        self._short: dict[int, None] = {}
        """Channels whose window is below what it should be, for lack of budget."""
        self._due: dict[int, None] = {}
        """Channels whose credit is to be told."""
        self.expected = expected
        """Bytes that were granted, beyond the first window and those that readers have in any case, and have not
        come."""

    def open_untrusted(self, number: int, name: str) -> None:
        """A channel gets its number."""
        if number in self.channels and self.channels[number].name == name:
            self._due[number] = None  # it came again on another connection; so may the answer
            return
        if number != len(self.channels) or number > self._windows.max_channels or name in self._numbers:
            raise malformed(f"opens channel {number} as {name!r}, {len(self.channels) - 1} are open")
        if not 0 < len(name.encode()) <= CHANNEL_NAME_MAX:
            raise malformed(f"channel name of {len(name.encode())} bytes, at most {CHANNEL_NAME_MAX} are allowed")
        self.channels[number] = ChannelIn(name, Allowance())
        self._numbers[name] = number
        self._regrant(number)
        self._due[number] = None

    def accept_untrusted(self, channel: ChannelIn, size: int, count: int) -> None:
        """Counts messages that came on a channel."""
        fits_link = self.link.accept(size, count)
        if not channel.allowance.accept(size, count) or not fits_link:
            raise Untrusted(Close.CREDIT, f"more messages on channel {channel.name!r} than its credit allows")
        self.expect()

    def expect(self) -> None:
        """Tells the inbox how much may still come."""
        expected = self._granted_bytes - max(self.link.received_bytes, self._windows.first_channel_bytes)
        expected = max(0, expected - len(self._read) * self._windows.first_channel_bytes)
        if expected != self.expected:
            self._inbox.expect(expected - self.expected)
            self.expected = expected

    def release(self, number: int, size: int, count: int) -> None:
        """Messages of a channel do not take room here any more: it is the sender's again."""
        self.channels[number].allowance.take(size, count)
        self.link.take(size, count)
        self._regrant(number)
        for short in list(islice(self._short, RELIEVED_AT_ONCE)):
            self._regrant(short)

    def relieve(self) -> None:
        """The inbox has more room again: channels that got less than they should are seen to."""
        for number in list(self._short):
            self._regrant(number)

    def subscription_changed(self, name: str) -> None:
        """An app has begun or ceased to read a channel, which the other side is told."""
        number = self._numbers.get(name)
        if number is not None:
            self._regrant(number)
            self._due[number] = None

    def _regrant(self, number: int) -> None:
        """Raises a channel's window when that is worth a frame. A channel may have at most half of what the link,
        and the inbox as a whole, have left, so that however many are left unread there is always some for one more
        (dynamic thresholds, after Choudhury and Hahne 1998). One that an app reads has the first window at least,
        whatever others hold: what may be sent on it at all fits that, and is soon read. One that nobody reads has an
        even share of the link at least, as long as the inbox has it: what others were granted and do not use never
        comes back."""
        windows = self._windows
        channel = self.channels[number]
        allowance = channel.allowance
        left_bytes = windows.link_bytes - self._granted_bytes + self.link.taken_bytes + allowance.promised_bytes
        left_messages = (
            windows.link_messages - self._granted_messages + self.link.taken_messages + allowance.promised_messages
        )
        self._short.pop(number, None)  # to come back as the last
        least = windows.first_channel_bytes
        want = windows.unread_channel_bytes
        left = self._inbox.left(channel.name) // 2
        if self._inbox.subscribed(channel.name):
            want, size, messages = max(windows.channel_bytes, least), least, MESSAGES_LEAST
            if number:  # whose first window is counted already
                self._read[number] = None
        else:
            size = max(0, min(windows.link_bytes // windows.max_channels, left))
            messages = max(1, windows.link_messages // windows.max_channels)
        size = max(size, min(want, left_bytes // 2, left))
        messages = max(messages, min(windows.channel_messages, left_messages // 2))
        self._granted_bytes -= allowance.granted_bytes
        self._granted_messages -= allowance.granted_messages
        granted = allowance.grant(size, messages, least)
        self._granted_bytes += allowance.granted_bytes
        self._granted_messages += allowance.granted_messages
        if granted:
            self._due[number] = None
            self.expect()
        if size < want or messages < windows.channel_messages:
            self._short[number] = None

    def tell_all(self) -> None:
        """All credit is to be told again."""
        self._due |= dict.fromkeys(self.channels)

    @property
    def due(self) -> bool:
        """Whether there is credit to tell."""
        return bool(self._due)

    def credit(self, reserved: list[int]) -> wire_pb2.Credit:
        """What to grant now, with the large messages whose reservation is granted."""
        channels = []
        for number in sorted(self._due):
            channel = self.channels[number]
            channels.append(
                wire_pb2.ChannelCredit(
                    channel=number,
                    bytes=channel.allowance.granted_bytes,
                    messages=channel.allowance.granted_messages,
                    subscribed=self._inbox.subscribed(channel.name),
                )
            )
        self._due.clear()
        # The link's window follows its channels': told together, it is never the narrower.
        link = self.link
        link.granted_bytes = max(link.granted_bytes, link.taken_bytes + self._windows.link_bytes, self._granted_bytes)
        link.granted_messages = max(
            link.granted_messages, link.taken_messages + self._windows.link_messages, self._granted_messages
        )
        return wire_pb2.Credit(
            link_bytes=link.granted_bytes, link_messages=link.granted_messages, channels=channels, reserved=reserved
        )
