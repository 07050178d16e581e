"""What becomes of many requests and byte streams at once is one event for each peer."""

from __future__ import annotations

from sidecar.overlay.events import FlowChange, FlowsChanged
from sidecar.wire.flow import Cause, Flow
from tests.overlay.network import Network, Waiter, a

STREAMS = 5


async def test_streams_that_end_with_their_link_are_one_event_at_each_side(network: Network) -> None:
    first, second = await network.pair()
    accepted = Waiter()
    taken: list[Flow] = []

    def came(flow: Flow) -> None:
        taken.append(flow)
        accepted.notice()

    for _ in range(STREAMS + 1):
        second.node.accept_stream("s", frozenset(), came)
    for _ in range(STREAMS + 1):
        first.node.open_stream(second.peer_id, "s", {}, 0)
    await accepted.until(lambda: len(taken) == STREAMS + 1)
    taken.pop().reset(Cause.APP, 7)  # that one is not lost
    opened = list(first.node.links.peers[second.peer_id].link.flows)
    while sum(flow.ended is None for flow in opened) > STREAMS:
        await first.node.ping(second.peer_id)

    await first.node.disconnect(second.peer_id, 5)
    for site, other in ((first, second), (second, first)):
        event = await site.event(a(FlowsChanged, change=FlowChange.LOST))
        assert isinstance(event, FlowsChanged)
        assert (event.peer_id, event.streams, event.requests) == (other.peer_id, STREAMS, 0)
        assert event.detail
        assert len(site.events(FlowsChanged)) == 1
        ends = site.node.counters.flow_ends
        assert (ends["stream", "lost"], ends["stream", "app"]) == (STREAMS, 1)
