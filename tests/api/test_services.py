"""PeerService, BootstrapService and NodeService over real sidecars."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sidecar import __version__
from sidecar.api.services import services
from sidecar_client import PeerChange, PeersSnapshot
from sidecar_client.gen.overlay.v1 import bootstrap_pb2, node_pb2, peer_pb2, role_pb2
from tests.api.conftest import Side, Sides, until
from tests.api.raw import failure, one_waits

Pair = tuple[Side, Side]


def peer_id_of(number: int) -> str:
    """A peer id that nobody has; they sort as their numbers do."""
    digits = "abcdefghijklmnopqrstuvwxyz234567"
    return "a" * 48 + digits[number // 32] + digits[number % 32] + "aa"


# PeerService


async def test_list_peers_pages(sides: Sides) -> None:
    a = await sides.start()
    for number in range(70):
        a.sidecar.node.directory.touch(peer_id_of(number))
    known = {peer_id_of(number) for number in range(70)}
    seen: list[str] = []
    token, pages = "", 0
    while True:
        request = peer_pb2.ListPeersRequest(page_size=30, page_token=token)
        page = await a.client.stubs.peers.ListPeers(request)
        assert len(page.peers) <= 30
        seen += [peer.peer_id for peer in page.peers]
        token, pages = page.next_page_token, pages + 1
        if not token:
            break
    assert pages == 3
    assert seen == sorted(known)
    assert [peer.peer_id for peer in await a.client.peers()] == seen
    assert await a.client.peers(linked_only=True) == []
    default = await a.client.stubs.peers.ListPeers(peer_pb2.ListPeersRequest(page_size=100_000))
    assert len(default.peers) == 70


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (peer_pb2.ListPeersRequest(page_size=-1), "page_size"),
        (peer_pb2.ListPeersRequest(page_token="not one"), "page_token"),
        (peer_pb2.ListPeersRequest(page_token="/////w=="), "page_token"),
    ],
)
async def test_bad_pages(sides: Sides, request_: peer_pb2.ListPeersRequest, field: str) -> None:
    a = await sides.start()
    error = await failure(a.client.stubs.peers.ListPeers(request_))
    assert error.reason == "INVALID_FIELD"
    assert error.fields[0][0] == field


async def test_a_linked_peer_is_shown(pair: Pair) -> None:
    a, b = pair
    await a.client.send(b.peer_id, b"x" * 100)
    peer = await a.client.peer(b.peer_id)
    assert peer.state == peer_pb2.PEER_STATE_LINKED
    assert peer.agent == f"quic-p2p-sidecar/{__version__}"
    assert peer.HasField("rtt")
    assert peer.HasField("linked_at")
    assert (peer.messages_sent, peer.messages_received) == (1, 0)
    assert peer.connections in (1, 2), "its own, and the one dialled back"
    assert (peer.role, peer.checked_by) == (role_pb2.ROLE_NODE, 1)
    assert peer.bytes_sent >= 100
    assert [shown.peer_id for shown in await a.client.peers(linked_only=True)] == [b.peer_id]


async def test_connect_is_idempotent_and_ping_measures(pair: Pair) -> None:
    a, b = pair
    assert (await a.client.connect(b.peer_id)).peer_id == b.peer_id
    assert (await b.client.connect(a.peer_id)).peer_id == a.peer_id
    assert 0 < await a.client.ping(b.peer_id) < 5
    assert len(await a.client.peers(linked_only=True)) == 1


@pytest.mark.parametrize("target", ["", "nonsense", "host", "127.0.0.1:99999", "x@127.0.0.1:1"])
async def test_connect_to_nothing(sides: Sides, target: str) -> None:
    a = await sides.start()
    error = await failure(a.client.connect(target))
    assert error.reason == "INVALID_FIELD"
    assert error.fields[0][0] == "target"


async def test_disconnect(pair: Pair) -> None:
    a, b = pair
    assert await a.client.disconnect(b.peer_id) == 0
    assert (await a.client.peer(b.peer_id)).state == peer_pb2.PEER_STATE_KNOWN
    assert (await failure(a.client.disconnect(b.peer_id))).reason == "PEER_UNKNOWN"
    assert 0 < await a.client.ping(b.peer_id) < 5, "a ping links again"


async def test_a_disconnect_that_is_taken_back_ends_the_link_all_the_same(sides: Sides) -> None:
    """And not halfway: the link would take nothing new, and never be made again."""
    a, b = await sides.pair(channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    waiting = await one_waits(a, b.peer_id)
    leaving = asyncio.create_task(a.client.disconnect(b.peer_id, timeout=0.5))
    peer = a.sidecar.node.links.peers[b.peer_id]
    await until(lambda: peer.leaving is not None)
    leaving.cancel()
    assert (await failure(waiting)).reason == "LINK_CLOSED"
    assert (await a.client.connect(b.contact)).state == peer_pb2.PEER_STATE_LINKED


async def test_watch_peers(sides: Sides) -> None:
    a, b = await sides.start(), await sides.start()
    watch = aiter(a.client.watch_peers())
    assert await anext(watch) == PeersSnapshot(())
    await a.client.connect(b.contact)
    states = []
    while peer_pb2.PEER_STATE_LINKED not in states:
        change = await anext(watch)
        assert isinstance(change, PeerChange)
        assert change.peer.peer_id == b.peer_id
        states.append(change.peer.state)
    again = aiter(a.client.watch_peers())
    snapshot = await anext(again)
    assert isinstance(snapshot, PeersSnapshot)
    assert [peer.peer_id for peer in snapshot.peers] == [b.peer_id]


async def test_watch_peers_resumes_at_its_cursor(sides: Sides) -> None:
    a, b = await sides.start(), await sides.start()
    first: Any = a.client.stubs.peers.WatchPeers(peer_pb2.WatchPeersRequest())
    response = await first.read()
    assert response.snapshot_complete
    first.cancel()
    await a.client.connect(b.contact)
    resumed: Any = a.client.stubs.peers.WatchPeers(peer_pb2.WatchPeersRequest(cursor=response.cursor))
    changes = (await resumed.read()).changes
    assert [change.peer.peer_id for change in changes] == [b.peer_id]
    resumed.cancel()


async def test_a_snapshot_of_many_peers_comes_in_parts(sides: Sides) -> None:
    a = await sides.start()
    for number in range(1000):
        a.sidecar.node.directory.touch(peer_id_of(number))
    call: Any = a.client.stubs.peers.WatchPeers(peer_pb2.WatchPeersRequest())
    peers, parts = 0, 0
    while True:
        response = await call.read()
        peers, parts = peers + len(response.changes), parts + 1
        if response.snapshot_complete:
            break
        assert not response.HasField("cursor")
    assert peers == 1000
    assert parts >= 2
    call.cancel()


# BootstrapService


async def test_contacts(sides: Sides) -> None:
    a = await sides.start(bootstrap=["127.0.0.1:9"])
    added = await a.client.add_contacts("127.0.0.1:7", "127.0.0.1:8", "127.0.0.1:9")
    assert [(contact.address, contact.configured) for contact in added] == [
        ("127.0.0.1:7", False),
        ("127.0.0.1:8", False),
        ("127.0.0.1:9", True),
    ]
    page = await a.client.stubs.bootstrap.ListContacts(bootstrap_pb2.ListContactsRequest(page_size=2))
    assert [contact.address for contact in page.contacts] == ["127.0.0.1:7", "127.0.0.1:8"]
    rest = bootstrap_pb2.ListContactsRequest(page_size=2, page_token=page.next_page_token)
    page = await a.client.stubs.bootstrap.ListContacts(rest)
    assert [contact.address for contact in page.contacts] == ["127.0.0.1:9"]
    assert not page.next_page_token
    await a.client.remove_contact("127.0.0.1:8")
    assert len(await a.client.contacts()) == 2
    assert (await failure(a.client.remove_contact("127.0.0.1:8"))).reason == "CONTACT_UNKNOWN"
    assert (await failure(a.client.remove_contact("127.0.0.1:9"))).reason == "INVALID_FIELD"


@pytest.mark.parametrize("contacts", [[], ["nonsense"], [""], ["127.0.0.1:1"] * 101])
async def test_bad_contacts(sides: Sides, contacts: list[str]) -> None:
    a = await sides.start()
    error = await failure(a.client.add_contacts(*contacts))
    assert error.reason == "INVALID_FIELD"
    assert error.fields[0][0].startswith("contacts")


async def test_bootstrap(sides: Sides) -> None:
    a, b = await sides.start(), await sides.start()
    other = await sides.start(network_id="other")
    results = await a.client.bootstrap([b.contact, other.contact])
    by_peer = {result.address: result.peer_id for result in results if result.peer_id}
    assert by_peer == {b.contact: b.peer_id}
    assert len(await a.client.peers(linked_only=True)) == 1


async def test_bootstrap_without_contacts(sides: Sides) -> None:
    a = await sides.start()
    assert (await failure(a.client.bootstrap())).reason == "BOOTSTRAP_FAILED"
    assert (await failure(a.client.bootstrap(["nonsense"]))).fields[0][0] == "contacts[0]"


# NodeService


async def test_get_node(pair: Pair, front_name: str) -> None:
    a, b = pair
    node = await a.client.node()
    assert node.peer_id == a.peer_id
    assert node.state == node_pb2.NODE_STATE_SERVING
    assert (node.front, node.engine) == (front_name, a.sidecar.node.endpoint.engine.name)
    assert node.version == __version__
    assert node.network_id == "default"
    assert (node.role_setting, bool(node.role_reason)) == (role_pb2.ROLE_AUTO, True)
    assert list(node.listen_addresses) == a.sidecar.node.listen_addresses()
    assert (node.linked_peers, node.known_peers, list(node.not_ready)) == (1, 1, [])
    assert (node.limits.max_message_bytes, node.limits.max_grpc_bytes) == (64 << 20, 16 << 20)
    assert (node.limits.max_header_bytes, node.limits.max_channel_bytes) == (8 << 10, 128)
    assert node.instance != (await b.client.node()).instance


async def test_events(sides: Sides) -> None:
    a, b = await sides.start(role="client"), await sides.start()
    events: Any = a.client.stubs.node.WatchEvents(node_pb2.WatchEventsRequest())
    first = await events.read()
    assert not first.events
    await a.client.connect(b.contact)
    linked, remembered = (await events.read()).events
    assert linked.peer_linked.peer_id == b.peer_id
    assert linked.peer_linked.dialled
    assert remembered.contact_added.contact == b.contact
    assert remembered.contact_added.origin == bootstrap_pb2.CONTACT_ORIGIN_CACHED
    await a.client.disconnect(b.peer_id)
    unlinked = (await events.read()).events[0]
    assert unlinked.peer_unlinked.peer_id == b.peer_id
    assert unlinked.peer_unlinked.reason
    events.cancel()
    again: Any = a.client.stubs.node.WatchEvents(node_pb2.WatchEventsRequest(cursor=first.cursor))
    assert [event.WhichOneof("kind") for event in (await again.read()).events] == [
        "peer_linked",
        "contact_added",
        "peer_unlinked",
    ]
    again.cancel()


async def test_refusal_is_an_event_at_both(sides: Sides) -> None:
    a, b = await sides.start(network_id="one"), await sides.start(network_id="two")
    watches: list[Any] = [side.client.stubs.node.WatchEvents(node_pb2.WatchEventsRequest()) for side in (a, b)]
    for watch in watches:
        await watch.read()
    assert (await failure(a.client.connect(b.contact))).reason == "PEER_REFUSED"
    here, there = [(await watch.read()).events[0] for watch in watches]
    assert (here.peer_refused.by_peer, there.peer_refused.by_peer) == (True, False)


async def test_drain(pair: Pair) -> None:
    a, b = pair
    events: Any = a.client.stubs.node.WatchEvents(node_pb2.WatchEventsRequest())
    await events.read()
    assert await a.client.drain(timeout=5) == 0
    assert a.sidecar.node.stopped.is_set()
    states = []
    while node_pb2.NODE_STATE_STOPPING not in states:
        told = (await events.read()).events
        states += [event.state_changed.state for event in told if event.HasField("state_changed")]
    assert states == [node_pb2.NODE_STATE_DRAINING, node_pb2.NODE_STATE_STOPPING]
    events.cancel()
    assert (await a.client.node()).state == node_pb2.NODE_STATE_STOPPING
    for refused in (a.client.send(b.peer_id, b"x"), a.client.connect(b.peer_id), a.client.bootstrap([b.contact])):
        assert (await failure(refused)).reason == "DRAINING"
    assert (await failure(a.client.receive("c").__aenter__())).reason == "DRAINING"


async def test_drain_of_a_negative_time(sides: Sides) -> None:
    a = await sides.start()
    assert (await failure(a.client.drain(timeout=-1))).fields[0][0] == "timeout"


# around them


async def test_reflection_lists_every_service(sides: Sides) -> None:
    a = await sides.start()
    stub = reflection_pb2_grpc.ServerReflectionStub(a.client.channel)
    requests = [reflection_pb2.ServerReflectionRequest(list_services="")]
    offered = {service.name for service in services(a.sidecar.node, a.sidecar.health, "grpcio")}
    response = await stub.ServerReflectionInfo(iter(requests)).read()
    assert {service.name for service in response.list_services_response.service} == offered
    assert "overlay.v1.MessageService" in offered


async def test_reflection_finds_files_and_says_what_is_unknown(sides: Sides) -> None:
    a = await sides.start()
    stub = reflection_pb2_grpc.ServerReflectionStub(a.client.channel)
    asked = reflection_pb2.ServerReflectionRequest
    extension = reflection_pb2.ExtensionRequest(containing_type="overlay.v1.Peer", extension_number=1)
    requests = [
        asked(host="h", file_containing_symbol="overlay.v1.PeerService.ListPeers"),
        asked(file_by_filename="overlay/v1/peer.proto"),
        asked(file_by_filename="nothing.proto"),
        asked(file_containing_symbol="overlay.v1.Nothing"),
        asked(file_containing_extension=extension),
        asked(all_extension_numbers_of_type="overlay.v1.Peer"),
        asked(),
    ]
    responses = [response async for response in stub.ServerReflectionInfo(iter(requests))]
    assert [response.original_request for response in responses] == requests
    files = [
        {
            descriptor_pb2.FileDescriptorProto.FromString(file).name
            for file in one.file_descriptor_response.file_descriptor_proto
        }
        for one in responses[:2]
    ]
    # With everything it imports, so that a caller can build its types.
    assert files[0] == files[1] >= {"overlay/v1/peer.proto", "google/protobuf/duration.proto"}
    assert responses[0].valid_host == "h"
    not_found, wrong = grpc.StatusCode.NOT_FOUND.value[0], grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert [one.error_response.error_code for one in responses[2:]] == [not_found] * 3 + [0, wrong]
    assert responses[5].all_extension_numbers_response.base_type_name == "overlay.v1.Peer"


async def test_every_method_of_the_protos_is_served(sides: Sides) -> None:
    a = await sides.start()
    offered = {service.name: set(service.methods) for service in services(a.sidecar.node, a.sidecar.health, "grpcio")}
    for file in (bootstrap_pb2, node_pb2, peer_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            assert offered[service.full_name] == set(service.methods_by_name)
    unknown: Any = a.client.channel.unary_unary("/overlay.v1.NodeService/Nothing")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await unknown(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
