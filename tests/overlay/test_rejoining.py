"""Rejoining: who is remembered, who is dialled first, how many links are kept, and what the network does to that."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from sidecar.addresses import Contact
from sidecar.errors import Reason, SidecarError
from sidecar.identity import Identity
from sidecar.overlay import bootstrap, race, reunion
from sidecar.overlay.bootstrap import FAILURES_TOLD
from sidecar.overlay.events import (
    BootstrapFailed,
    BootstrapSucceeded,
    ContactAdded,
    ContactOrigin,
    ContactRemoved,
    IdentityChanged,
    PeerLinked,
    PeerUnlinked,
)
from sidecar.wire.roles import Role
from tests.overlay.network import Network, Site, Wire, a
from tests.overlay.test_race import nobody, settle, watch

pytestmark = pytest.mark.slow

CACHED = ContactOrigin.CACHED


def remembered(site: Site) -> list[str]:
    """Whom it would dial, newest first."""
    return [node.peer_id for node in site.node.cache.newest_first()]


async def again(network: Network, site: Site, directory: Path, **settings: object) -> Site:
    """The same sidecar after a restart, at another port, told of nobody."""
    return await network.site(identity=site.node.identity, directory=directory, **settings)  # type: ignore[arg-type]


# who is remembered


async def test_cache_a_dialled_and_verified_one_is(network: Network, engine_name: str) -> None:
    first, second = await network.pair(engine_name=engine_name)
    [node] = first.node.cache.newest_first()
    assert node.peer_id == second.peer_id
    assert node.endpoints == (("127.0.0.1", second.port),)
    assert node.certificate == second.node.identity.certificate_der
    assert first.events(ContactAdded) == [ContactAdded(second.contact, CACHED)]


async def test_cache_incoming_ones_are_not_cached_on_connect(network: Network, engine_name: str) -> None:
    """Only once they are dialled back, and that has proved that they are nodes."""
    first = await network.site(engine_name=engine_name, role="client")
    second = await network.site(engine_name=engine_name)
    await first.join(second)
    sent = first.send(second, "x", [b"and no message changes that"])
    await sent.all_delivered()
    assert remembered(second) == []
    assert second.events(ContactAdded) == []


@pytest.mark.parametrize("spelled", ["{peer}@127.0.0.1:{port}", "127.0.0.1:{port}", "localhost:{port}"])
async def test_cache_configured_contacts_are_not_cached(network: Network, engine_name: str, spelled: str) -> None:
    first = await network.site(engine_name=engine_name)
    contact = spelled.format(peer=first.peer_id, port=first.port)
    site = await network.site(engine_name=engine_name, bootstrap=[contact])
    await site.event(a(PeerLinked, peer_id=first.peer_id))
    assert remembered(site) == []
    other = await network.site(engine_name=engine_name)
    await site.join(other)
    assert remembered(site) == [other.peer_id]
    site.node.add_contacts([other.contact])  # from now on it is a contact, too
    await other.node.disconnect(site.peer_id, 5)
    await site.event(a(PeerUnlinked, peer_id=other.peer_id))
    await site.join(other)
    assert remembered(site) == []
    assert site.events(ContactRemoved) == [ContactRemoved(other.contact, CACHED)]


async def test_what_others_tell_of_makes_no_entry(network: Network) -> None:
    middle = await network.site()
    for site in (first := await network.site(), await network.site()):
        await site.join(middle)
    await settle(lambda: len(first.node.directory) == 2)
    assert remembered(first) == [middle.peer_id]


async def test_links_that_last_are_refreshed_with_each_exchange(network: Network) -> None:
    """And those that end are as recent as their end."""
    site = await network.site()
    old, held, new = [await network.site() for _ in range(3)]
    for other in (held, old, new):
        await site.join(other)
    await site.node.disconnect(old.peer_id, 5)
    assert remembered(site) == [old.peer_id, new.peer_id, held.peer_id]
    site.node.links.exchange.refresh()
    assert set(remembered(site)[:2]) == {held.peer_id, new.peer_id}
    await site.node.stop()
    assert set(remembered(site)[:2]) == {held.peer_id, new.peer_id}


# who is dialled


async def test_bootstrap_prioritise_cache(network: Network, engine_name: str, tmp_path: Path) -> None:
    """Cached contacts are tried before configured ones, newest first."""
    others = [await network.site(engine_name=engine_name) for _ in range(3)]
    site = await network.site(engine_name=engine_name, directory=tmp_path)
    for other in others:
        await site.join(other)
    await site.crash()
    configured = await network.site(engine_name=engine_name)
    site = await again(network, site, tmp_path, engine_name=engine_name, bootstrap=["127.1.0.1:9"])
    dialled = watch(site)  # its first round begins with the loop's next turn
    await site.event(a(BootstrapSucceeded))
    ports = [address[1] for _, address in dialled]
    order = [others[2].port, others[1].port, others[0].port, 9]
    assert ports == order[: len(ports)]
    with pytest.raises(SidecarError):
        await site.node.bootstrap(["127.0.0.1:9"])  # those given are dialled instead of all others
    assert [address[1] for _, address in dialled[len(ports) :]] == [9]
    assert configured.node.links.linked == []


async def test_node_will_attempt_cached_peers(network: Network, engine_name: str, tmp_path: Path) -> None:
    """A sidecar that restarts with no contact at all is linked again."""
    other = await network.site(engine_name=engine_name)
    site = await network.site(engine_name=engine_name, directory=tmp_path)
    await site.join(other)
    await site.crash()
    site = await again(network, site, tmp_path, engine_name=engine_name)
    assert site.node.contacts.all() == []
    await site.event(a(BootstrapSucceeded, peer_id=other.peer_id, contact=other.contact))
    assert site.node.counters.bootstrap_last_success is not None
    sent = site.send(other, "x", [b"back"])
    await sent.all_delivered()


async def test_failover_from_a_dead_configured_contact_to_the_cache(
    network: Network, engine_name: str, tmp_path: Path
) -> None:
    other = await network.site(engine_name=engine_name)
    site = await network.site(engine_name=engine_name, directory=tmp_path)
    await site.join(other)
    await site.crash()
    site = await again(network, site, tmp_path, engine_name=engine_name, bootstrap=["127.1.0.1:9"])
    await site.event(a(BootstrapSucceeded, peer_id=other.peer_id))


async def test_failover_from_a_dead_cache_to_the_configured_contact(network: Network, tmp_path: Path) -> None:
    gone = await network.site()
    site = await network.site(directory=tmp_path)
    await site.join(gone)
    await site.crash()
    await gone.crash()
    other = await network.site()
    site = await again(network, site, tmp_path, bootstrap=[other.contact])
    await site.event(a(BootstrapSucceeded, peer_id=other.peer_id))
    assert remembered(site) == [gone.peer_id], "what fails is not forgotten: it may be back tomorrow"


async def test_a_failure_has_the_reason_of_each_contact(network: Network, tmp_path: Path) -> None:
    """As far as an event goes; the rest is counted."""
    site = await network.site(handshake_timeout=0.3)
    contacts = [str(nobody(number)) for number in range(FAILURES_TOLD + 6)]
    with pytest.raises(SidecarError) as raised:
        await site.node.bootstrap(contacts)
    assert raised.value.reason is Reason.BOOTSTRAP_FAILED
    assert set(raised.value.metadata) == set(contacts)
    [event] = site.events(BootstrapFailed)
    assert len(event.failures) == FAILURES_TOLD
    assert event.others == 6
    assert all(reason for _, reason in event.failures)
    assert "and 62 others" in raised.value.detail


# pinned


async def test_another_key_at_a_known_address_is_another(network: Network, engine_name: str, tmp_path: Path) -> None:
    other = await network.site(engine_name=engine_name)
    site = await network.site(engine_name=engine_name, directory=tmp_path)
    await site.join(other)
    await site.crash()
    await other.crash()
    impostor = await network.site(engine_name=engine_name, port=other.port)
    site = await again(network, site, tmp_path, engine_name=engine_name)
    event = await site.event(a(IdentityChanged))
    assert event == IdentityChanged(other.address, other.peer_id, impostor.peer_id)
    await site.event(a(BootstrapFailed))
    assert site.node.links.linked == []
    assert remembered(site) == [other.peer_id]


async def test_a_contact_without_a_peer_id_may_be_another_peer_and_says_so(network: Network) -> None:
    first = await network.site()
    site = await network.site(resume_timeout=0)
    await site.node.connect(first.address)
    await first.crash()
    port = first.port
    second = await network.site(port=port)
    await site.node.disconnect(first.peer_id, 0)
    await site.node.connect(second.address)
    assert site.events(IdentityChanged) == [IdentityChanged(second.address, first.peer_id, second.peer_id)]
    assert remembered(site) == [second.peer_id, first.peer_id]


# how many links


async def test_min_links_are_kept(network: Network, engine_name: str) -> None:
    """One contact is enough to link to three, and a lost one is replaced."""
    hub = await network.site(engine_name=engine_name)
    others = [await network.site(engine_name=engine_name) for _ in range(4)]
    for other in others:
        await other.join(hub)
    site = await network.site(engine_name=engine_name, bootstrap=[hub.contact], min_links=3, resume_timeout=0)
    await site.event(a(PeerLinked), 3)
    assert await settle(lambda: len(site.node.links.linked) == 3) < 5
    linked = {peer.peer_id for peer in site.node.links.linked}
    assert hub.peer_id in linked
    lost = next(other for other in others if other.peer_id in linked)
    await lost.node.stop()
    await site.event(a(PeerUnlinked, peer_id=lost.peer_id))
    assert await settle(lambda: len(site.node.links.linked) == 3) < 10


async def test_whoever_is_disconnected_stays_so(network: Network) -> None:
    """Even where links are missing, until somebody links to it."""
    hub, other = await network.site(), await network.site()
    await other.join(hub)
    site = await network.site(bootstrap=[hub.contact], min_links=2)
    await site.event(a(PeerLinked, peer_id=other.peer_id))
    await site.node.disconnect(other.peer_id, 5)
    assert list(site.node.bootstrapper._more_ways()) == []
    await site.node.connect(other.contact)
    assert not site.node.bootstrapper.is_left_alone(other.peer_id)


# another network


async def test_a_change_of_the_network_ends_every_pause(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(bootstrap, "LONGEST_PAUSE", 3600.0)
    first = await network.site()
    wire = await Wire.to(first)
    wire.cut()
    site = await network.site(bootstrap=[wire.address], handshake_timeout=0.2)
    await site.event(a(BootstrapFailed))
    site.waits()
    wire.mend()
    site.node.surroundings_changed("the test says so")
    await site.event(a(BootstrapSucceeded, peer_id=first.peer_id))
    wire.close()


async def test_a_slow_path_gets_more_time_with_each_round(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """More that do not answer than there are places, and one whose answer takes longer than an attempt may hold a
    place."""
    monkeypatch.setattr(bootstrap, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(race, "OUTSTANDING_MAX", 4)
    slow = await network.site()
    wire = await Wire.to(slow, delay=60)
    site = await network.site(handshake_timeout=2)
    site.node.bootstrapper._patience = 0.1
    for number in range(12):
        who = Identity.ephemeral()
        site.node.cache.connected(who.peer_id, (f"127.1.1.{number + 1}", 9), who.certificate_der)
    site.node.cache.connected(slow.peer_id, ("127.0.0.1", int(wire.address.rsplit(":", 1)[1])), b"certificate")
    site.node.bootstrapper.nudge()
    await site.event(a(BootstrapFailed))
    wire.delay = 0.1
    await site.event(a(BootstrapSucceeded, peer_id=slow.peer_id))
    wire.close()


# islands


async def test_two_islands_that_share_a_contact_merge_when_it_is_back(
    network: Network, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the contact itself was away; tests/lab has the cable between the islands cut."""
    monkeypatch.setattr(reunion, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(reunion, "LONGEST_PAUSE", 1.0)
    contact = await network.site(engine_name=engine_name)
    settings: dict[str, Any] = {"engine_name": engine_name, "bootstrap": [contact.contact], "resume_timeout": 0}
    islands = [[await network.site(**settings) for _ in range(2)] for _ in range(2)]
    for island in islands:
        for site in island:
            await site.event(a(PeerLinked, peer_id=contact.peer_id))
        await island[0].join(island[1])
        for site in island:
            site.waits(1)
    await contact.node.stop()
    for site in itertools.chain(*islands):
        await site.event(a(PeerUnlinked, peer_id=contact.peer_id))
        assert len(site.node.links.linked) == 1
    await network.site(engine_name=engine_name, identity=contact.node.identity, port=contact.port)
    for site in itertools.chain(*islands):
        await site.event(a(PeerLinked, peer_id=contact.peer_id), 2)
    for one, other in itertools.product(*islands):
        assert await settle(lambda one=one, other=other: one.node.directory.get(other.peer_id) is not None) < 5  # type: ignore[misc]
        sent = one.send(other, "x", [b"whole again"])
        await sent.all_delivered()


async def test_a_configured_contact_that_was_not_needed_is_linked_later(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever lost the race at the start, and nobody who is this sidecar itself."""
    monkeypatch.setattr(reunion, "LONGEST_PAUSE", 0.2)
    first, second = await network.site(), await network.site()
    wire = await Wire.to(second, 0.2)
    port = first.port + 1 if first.port < 65_000 else first.port - 1
    own = f"127.0.0.1:{port}"
    site = await network.site(port=port, bootstrap=[first.contact, f"{second.peer_id}@{wire.address}", own])
    await site.event(a(BootstrapSucceeded, peer_id=first.peer_id))
    await site.event(a(PeerLinked, peer_id=second.peer_id))
    assert await settle(lambda: site.node.contacts.found(Contact.parse(own)) == site.peer_id) < 5
    wire.close()


async def test_peers_are_exchanged_on_linking_and_every_five_minutes(
    network: Network, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.overlay import resuming

    assert resuming.EXCHANGE_INTERVAL * resuming.CHECK_INTERVAL == 300
    monkeypatch.setattr(resuming, "CHECK_INTERVAL", 0.01)
    monkeypatch.setattr(resuming, "EXCHANGE_INTERVAL", 5)
    asked: list[bytes] = []
    first, second = await network.site(engine_name=engine_name), await network.site(engine_name=engine_name)
    requested = second.node.links.exchange.requested
    done = asyncio.Event()

    def noted(session: object, peer_id: bytes) -> None:
        asked.append(peer_id)
        if len(asked) == 3:
            done.set()
        requested(session, peer_id)  # type: ignore[arg-type]

    second.node.links.exchange.requested = noted  # type: ignore[method-assign]
    await first.join(second)
    await done.wait()
    assert asked == [b""] * 3


async def test_cache_clients_are_never_in_it(network: Network, engine_name: str) -> None:
    """Neither one that dials, nor a node that becomes one; the client itself remembers the nodes it has dialled."""
    first, second = await network.nodes(engine_name=engine_name)
    assert remembered(first) == [second.peer_id]
    assert remembered(second) == [first.peer_id], "it was dialled back"
    client = await network.site(engine_name=engine_name, role="client")
    await client.join(first)
    assert remembered(client) == [first.peer_id]
    assert client.peer_id not in remembered(first)
    first.node.links.set_role(first.node.links.peers[second.peer_id], Role.CLIENT, 0)
    assert remembered(first) == []


async def test_clients_are_no_way_in(network: Network) -> None:
    """A node with clients alone goes on looking for nodes."""
    node, other = await network.site(), await network.site()
    client = await network.site(role="client")
    await client.join(node)
    node.node.add_contacts([other.contact])
    await node.event(a(BootstrapSucceeded, peer_id=other.peer_id))
