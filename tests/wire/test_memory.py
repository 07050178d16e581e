"""What a link holds that nobody uses: most of a sidecar's links are idle."""

from __future__ import annotations

import tracemalloc

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.inbox import Inbox
from sidecar.wire.flow import FlowMemory
from sidecar.wire.flows import Flows
from sidecar.wire.hello import shared
from sidecar.wire.inbound import Inbound
from sidecar.wire.link import Link
from sidecar.wire.outbound import Outbound
from sidecar.wire.outbox import Outbox
from sidecar.wire.record import check_untrusted
from tests.wire.side import MIB, WINDOWS
from tests.wire.test_record import NOW, made

LINKS = 200
MOST_BYTES = 7 << 10
"""It is 4.6 KiB; when each had all its queues from the start it was 10.1."""


def link(number: int, inbox: Inbox) -> Link:
    """A link as it begins."""
    name = f"peer {number}"
    flows = Flows(name, FlowMemory(MIB), lambda flow: None)
    return Link(name, Outbound(Outbox(MIB)), Inbound(WINDOWS, inbox, name), flows)


def test_an_idle_link_holds_little() -> None:
    inbox = Inbox(MIB, MIB)
    warm = [link(number, inbox) for number in range(LINKS)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        links = [link(number, inbox) for number in range(LINKS)]
        held = (tracemalloc.get_traced_memory()[0] - before) / LINKS
    finally:
        tracemalloc.stop()
    assert len(links) == len(warm)
    assert held < MOST_BYTES


def test_limits_are_held_once_for_all_who_say_the_same() -> None:
    said = [wire_pb2.Hello(limits=WINDOWS.limits(), agent="x" * 100) for _ in range(2)]
    assert shared(said[0].limits) is shared(said[1].limits)
    assert shared(said[0].limits) == said[0].limits
    other = WINDOWS._replace(max_channels=3, durable=True).limits()
    assert shared(other) == other


def test_a_record_is_held_without_what_it_came_in() -> None:
    record = made()
    padded = wire_pb2.Record.FromString(record.SerializeToString() + b"\xfa\x01\x05hello")
    assert len(padded.SerializeToString()) > len(record.SerializeToString())
    found = check_untrusted(padded, "test", NOW)
    assert found is not None
    assert found.encoded.SerializeToString() == record.SerializeToString()
