"""WatchEvents: what was not sent is named, and a watch goes on where it was cut off, or says that it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar import node as node_module
from sidecar_client.gen.overlay.v1 import errors_pb2, message_pb2, node_pb2
from tests.api.conftest import Side, Sides
from tests.api.raw import failure
from tests.api.test_services import peer_id_of


def watch(side: Side, **request: Any) -> Any:
    """A watch of a side's events."""
    return side.client.stubs.node.WatchEvents(node_pb2.WatchEventsRequest(**request))


async def lost(events: Any, count: int) -> list[node_pb2.MessagesLost]:
    """The events of lost messages, once they tell of so many messages."""
    told: list[node_pb2.MessagesLost] = []
    while sum(each.count for each in told) < count:
        told += [event.messages_lost for event in (await events.read()).events if event.HasField("messages_lost")]
    return told


async def test_a_message_that_was_not_sent_is_named_by_its_token(sides: Sides) -> None:
    a = await sides.start()
    events = watch(a)
    await events.read()
    absent = peer_id_of(1)
    request = message_pb2.SendRequest(
        peer_id=absent, channel="orders", token="order 17", message=message_pb2.Message(payload=b"x")
    )
    assert (await failure(a.client.stubs.messages.Send(request))).reason == "PEER_UNKNOWN"
    (told,) = await lost(events, 1)
    assert (told.peer_id, told.channel, told.count) == (absent, "orders", 1)
    assert told.reason == errors_pb2.ERROR_REASON_PEER_UNKNOWN
    assert [(each.token, each.first_sequence, each.last_sequence) for each in told.unsent] == [("order 17", 1, 1)]
    events.cancel()


async def test_messages_of_a_stream_that_were_not_sent_are_named_by_their_numbers(sides: Sides) -> None:
    a = await sides.start()
    events = watch(a)
    await events.read()
    absent = peer_id_of(1)
    call: Any = a.client.stubs.messages.SendStream()
    await call.write(message_pb2.SendStreamRequest(open=message_pb2.SendStreamOpen(peer_id=absent, channel="x")))
    await call.write(message_pb2.SendStreamRequest(messages=[message_pb2.Message(payload=b"x")] * 30))
    await call.done_writing()
    async for _ in call:
        pass
    told = await lost(events, 30)
    named = sorted((each.first_sequence, each.last_sequence) for part in told for each in part.unsent)
    assert named[0][0] == 1
    assert named[-1][1] == 30
    assert sum(last - first + 1 for first, last in named) == 30
    events.cancel()


async def test_a_watch_goes_on_after_its_cursor(sides: Sides) -> None:
    """Each event once, however it is cut."""
    a, b = await sides.start(role="client"), await sides.start()
    events = watch(a)
    cursor = (await events.read()).cursor
    events.cancel()
    for _ in range(3):
        await a.client.connect(b.contact)
        await a.client.disconnect(b.peer_id)
    seen: list[str] = []
    while sum(kind in {"peer_linked", "peer_unlinked"} for kind in seen) < 6:
        events = watch(a, cursor=cursor)
        response = await events.read()
        events.cancel()
        kinds = [event.WhichOneof("kind") for event in response.events]
        seen += [kind for kind in kinds if kind in {"peer_linked", "peer_unlinked"}]
        assert response.cursor.revision == cursor.revision + len(response.events)
        cursor = response.cursor
    assert set(seen) <= {"peer_linked", "peer_unlinked", "contact_added", "role_changed"}
    assert [kind for kind in seen if kind.startswith("peer")] == ["peer_linked", "peer_unlinked"] * 3


async def test_a_watch_that_cannot_go_on_says_so(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it missed is forgotten, and it is told where what is remembered begins."""
    monkeypatch.setattr(node_module, "EVENTS_KEPT", 4)
    a, b = await sides.start(), await sides.start()
    events = watch(a)
    first = (await events.read()).cursor
    events.cancel()
    for _ in range(4):
        await a.client.connect(b.contact)
        await a.client.disconnect(b.peer_id)
    error = await failure(watch(a, cursor=first).read())
    assert error.reason == "CURSOR_EXPIRED"
    oldest = int(error.metadata["oldest_revision"])
    again = watch(a, cursor={"instance": int(error.metadata["instance"]), "revision": oldest})
    assert len((await again.read()).events) == 4
    again.cancel()
