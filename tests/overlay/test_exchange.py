"""Finding peers: who is told of whom, and what is not believed."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.overlay.events import PeerLinked, PeerRefused, PeerUnlinked
from sidecar.overlay.peer import PeerState
from sidecar.overlay.resuming import EXCHANGE_INTERVAL
from sidecar.wire import record as records
from tests.overlay.network import Network, Site, Wire, a

NETWORK = "test"


def record_of(identity: Identity, *addresses: str, network_id: str = NETWORK, age: float = 0.0) -> wire_pb2.Record:
    """A signed record, made so many seconds ago."""
    return records.make(identity.spki, identity.sign, list(addresses), network_id, time.time() - age)


def tell(site: Site, other: Site, *told: wire_pb2.Record) -> None:
    """A site tells another records."""
    site.node.links.peers[other.peer_id].sessions[-1].tell_peers(wire_pb2.Peers(records=told))


async def told(site: Site, other: Site) -> None:
    """Returns once all that was told so far has been read."""
    await site.node.ping(other.peer_id)


async def knows(site: Site, other: Site) -> None:
    """Returns once a site knows where another is."""
    changes = site.node.peer_changes
    while True:
        info = site.node.find_peer(other.peer_id)
        if info is not None and info.addresses:
            return
        await changes.wait(changes.revision)


async def test_peers_of_a_peer(network: Network, engine_name: str) -> None:
    """B and C know only A: they learn of each other, and send by id without being told anything."""
    site_a, site_b, site_c = [await network.site(engine_name=engine_name) for _ in range(3)]
    await site_b.join(site_a)
    await site_c.join(site_a)
    readers = site_b.read(), site_c.read()
    there, back = site_c.send(site_b, "", [b"from C"]), site_b.send(site_c, "", [b"from B"])
    await there.all_delivered()
    await back.all_delivered()
    assert readers[0].messages == [(site_c.peer_id, b"from C")]
    assert readers[1].messages == [(site_b.peer_id, b"from B")]
    for site, other in ((site_b, site_c), (site_c, site_b)):
        assert sum(event.peer_id == other.peer_id for event in site.events(PeerLinked)) == 1


async def test_others_are_told_of_a_newcomer_and_dial_it_only_when_they_want_it(network: Network) -> None:
    site_a, site_b, site_c = [await network.site() for _ in range(3)]
    await site_b.join(site_a)
    await site_c.join(site_a)
    await knows(site_b, site_c)
    await knows(site_c, site_b)
    assert site_b.node.get_peer(site_c.peer_id).state is PeerState.KNOWN
    assert site_b.node.get_peer(site_c.peer_id).addresses == [site_c.address]
    assert [info.peer_id for info in site_b.node.list_peers("", 10)] == sorted([site_a.peer_id, site_c.peer_id])
    assert [info.peer_id for info in site_b.node.list_peers("", 10, linked_only=True)] == [site_a.peer_id]
    info = await site_b.node.connect(site_c.peer_id)
    assert info.state is PeerState.LINKED


async def test_found_on_demand(network: Network) -> None:
    """What was not told is asked for."""
    site_a, site_b, site_c = [await network.site() for _ in range(3)]
    await site_b.join(site_a)
    await site_c.join(site_a)
    await knows(site_a, site_b)
    await knows(site_c, site_b)
    site_c.node.links.directory.forget(site_b.peer_id)
    assert site_c.node.find_peer(site_b.peer_id) is None
    reader = site_b.read()
    await site_c.send(site_b, "", [b"found"]).all_delivered()
    assert reader.payloads == [b"found"]


async def test_a_peer_nobody_can_find(network: Network) -> None:
    site_a, site_b = await network.pair()
    absent = Identity.ephemeral().peer_id
    with pytest.raises(SidecarError) as raised:
        await site_b.node.connect(absent)
    assert raised.value.reason is Reason.PEER_UNKNOWN
    assert absent in raised.value.detail
    with pytest.raises(SidecarError) as raised:
        site_b.node.get_peer(absent)
    assert raised.value.reason is Reason.PEER_UNKNOWN
    for site in (site_a, site_b):
        assert len(site.node.links.directory) == 1


async def test_a_forged_record_costs_the_connection(network: Network, engine_name: str) -> None:
    """Signed by another key than it shows."""
    first, second = await network.pair(engine_name=engine_name)
    subject, forger = Identity.ephemeral(), Identity.ephemeral()
    forged = record_of(subject, "192.0.2.1:7400")
    forged.signature = forger.sign(records.CONTEXT + forged.body)
    tell(first, second, forged)
    event = await second.event(a(PeerRefused, peer_id=first.peer_id, by_peer=False))
    assert isinstance(event, PeerRefused)
    assert "signature" in event.reason
    assert second.node.find_peer(subject.peer_id) is None
    await first.event(a(PeerRefused, peer_id=second.peer_id, by_peer=True))


@pytest.mark.parametrize("what", ["too many", "oversized", "too many addresses", "an address that is none"])
async def test_malformed_peers_cost_the_connection(network: Network, what: str) -> None:
    first, second = await network.pair()
    subject = Identity.ephemeral()
    good = record_of(subject, "192.0.2.1:7400")
    match what:
        case "too many":
            records_told = [good] * 65
        case "oversized":
            records_told = [
                wire_pb2.Record(body=good.body + b"\x82\x7d\x80\x10" + bytes(2048), signature=good.signature)
            ]
        case "too many addresses":
            body = wire_pb2.RecordBody.FromString(good.body)
            body.addresses.extend(["192.0.2.1:7400"] * 8)
            encoded = body.SerializeToString()
            records_told = [wire_pb2.Record(body=encoded, signature=subject.sign(records.CONTEXT + encoded))]
        case _:
            records_told = [record_of(subject, "localhost:7400")]
    tell(first, second, *records_told)
    await second.event(a(PeerRefused, peer_id=first.peer_id, by_peer=False))
    assert second.node.find_peer(subject.peer_id) is None
    reader = second.read()
    await first.send(second, "", [b"resumed"]).all_delivered()
    assert reader.payloads == [b"resumed"]


async def test_records_that_are_passed_over(network: Network) -> None:
    """Expired, of another network, of a far future, one's own, older than what is known: no harm, no use."""
    first, second = await network.pair()
    subject = Identity.ephemeral()
    tell(first, second, record_of(subject, "192.0.2.1:7400", age=records.LIFETIME + 10))
    tell(first, second, record_of(subject, "192.0.2.1:7400", network_id="another"))
    tell(first, second, record_of(subject, "192.0.2.1:7400", age=-records.LIFETIME))
    tell(first, second, record_of(second.node.identity, "192.0.2.1:7400"))
    await told(first, second)
    assert second.node.find_peer(subject.peer_id) is None
    assert second.node.find_peer(second.peer_id) is None
    tell(first, second, record_of(subject, "192.0.2.2:7400"))
    tell(first, second, record_of(subject, "192.0.2.1:7400", age=60))
    await told(first, second)
    assert second.node.get_peer(subject.peer_id).addresses == ["192.0.2.2:7400"]
    assert len(second.node.links.peers[first.peer_id].sessions) == 1


async def test_addresses_of_other_places_are_not_dialled(network: Network) -> None:
    """A link over loopback may tell loopback addresses and global ones, nothing of a site or of no host."""
    first, second = await network.pair()
    subject = Identity.ephemeral()
    tell(
        first,
        second,
        record_of(
            subject, "10.0.0.1:7400", "192.168.1.1:7400", "169.254.0.1:7400", "224.0.0.1:7400", "0.0.0.0:7400",
            "[::1]:7400", "127.0.0.9:7400", "192.0.2.1:7400",
        ),
    )  # fmt: skip
    await told(first, second)
    assert second.node.get_peer(subject.peer_id).addresses == ["127.0.0.9:7400", "192.0.2.1:7400"]


async def test_loopback_told_from_elsewhere(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = await network.pair()
    monkeypatch.setattr(second.node.links, "pump", lambda session: SimpleNamespace(remote=("203.0.113.5", 7400)))
    subject = Identity.ephemeral()
    tell(first, second, record_of(subject, "127.0.0.1:22", "192.0.2.1:7400"))
    await told(first, second)
    assert second.node.get_peer(subject.peer_id).addresses == ["192.0.2.1:7400"]


async def test_one_peer_is_one_voice_on_where_this_sidecar_is(network: Network) -> None:
    """However often it comes and whatever address it says it has dialled."""
    site = await network.site()
    for each in [await network.site() for _ in range(2)]:
        await each.join(site)
    liar = Identity.ephemeral()
    for number in range(1, 10):
        wire = await Wire.to(site)
        each = await network.site(identity=liar)
        await each.node.connect(wire.address)
        await each.node.stop()
        await site.event(a(PeerUnlinked, peer_id=liar.peer_id), number)
        wire.close()
    assert site.node.links.exchange.observed == [site.address, wire.address]


async def test_a_record_does_not_move_a_link(network: Network) -> None:
    """Where a peer was reached counts before what is told."""
    site_a, site_b, site_c = [await network.site() for _ in range(3)]
    await site_b.join(site_a)
    await site_c.join(site_a)
    tell(site_c, site_a, record_of(site_b.node.identity, "192.0.2.77:7400", age=-5))
    await told(site_c, site_a)
    assert site_a.node.get_peer(site_b.peer_id).addresses[0] == site_b.address


async def test_a_flood_of_records_is_not_checked(network: Network) -> None:
    """Signatures cost time: beyond a few hundred they are passed over for now."""
    first, second = await network.pair()
    flood = [record_of(Identity.ephemeral(), "192.0.2.1:7400") for _ in range(300)]
    for start in range(0, 300, 50):
        tell(first, second, *flood[start : start + 50])
    await told(first, second)
    known = len(second.node.links.directory)
    assert 200 <= known < 290
    assert len(second.node.links.peers[first.peer_id].sessions) == 1


async def test_records_are_told_again_before_they_expire(network: Network) -> None:
    """A link may last longer than a record."""
    first, second = await network.pair()
    directory = second.node.links.directory
    while (known := directory.get(first.peer_id)) is None or known.record is None:
        await told(first, second)
    links = first.node.links
    links.exchange.close()  # the news of a new address are not what is looked for
    before = known.record.sequence
    links.exchange._own_at -= 2 * 3600
    links.resuming._checks = EXCHANGE_INTERVAL - 1
    links.resuming._look()
    await told(first, second)
    assert known.record.sequence > before
