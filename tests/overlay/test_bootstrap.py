"""The way in: contacts that are dialled, kept, and tried again."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from sidecar.addresses import Contact
from sidecar.errors import Reason, SettingsError, SidecarError
from sidecar.identity import Identity
from sidecar.overlay import bootstrap
from sidecar.overlay.contacts import ADDED_MAX, DATABASE, Contacts
from sidecar.overlay.events import BootstrapFailed, BootstrapSucceeded, Event, PeerLinked, PeerUnlinked
from sidecar.wire.errors import Close
from tests.overlay.network import Network, Wire, a, turns

DEAD = "127.0.0.1:1"


async def test_node_will_attempt_hard_coded_contacts(network: Network, engine_name: str) -> None:
    """node_will_attempt_hard_coded_contacts."""
    first = await network.site(engine_name=engine_name)
    second = await network.site(engine_name=engine_name, bootstrap=[first.contact])
    await second.event(a(BootstrapSucceeded, peer_id=first.peer_id))
    await first.event(a(PeerLinked, peer_id=second.peer_id))
    assert second.node.counters.bootstrap_last_success is not None


async def test_client_will_attempt_hard_coded_contacts(network: Network, engine_name: str) -> None:
    """client_will_attempt_hard_coded_contacts."""
    first = await network.site(engine_name=engine_name)
    second = await network.site(engine_name=engine_name, role="client", bootstrap=[first.contact])
    await second.event(a(BootstrapSucceeded, peer_id=first.peer_id))
    await first.event(a(PeerLinked, peer_id=second.peer_id))
    assert first.node.get_peer(second.peer_id).connections == 1


async def test_bootstrap_by_address_or_by_name(network: Network) -> None:
    first, second = await network.site(), await network.site()
    results = await second.node.bootstrap([f"localhost:{first.port}"])
    assert [result.peer_id for result in results if result.peer_id] == [first.peer_id]


async def test_the_first_contact_wins(network: Network) -> None:
    """Dead ones do not delay it: all are dialled at once."""
    first, second = await network.site(), await network.site(handshake_timeout=30)
    results = await second.node.bootstrap([DEAD, first.address, "127.0.0.1:2"])
    assert [result.peer_id for result in results if result.peer_id] == [first.peer_id]
    assert len(results) == 1


async def test_bootstrap_failure(network: Network, engine_name: str) -> None:
    """Dead contacts give a failure with the reason for each; an event too."""
    stranger = await network.site(engine_name=engine_name, network_id="another")
    site = await network.site(engine_name=engine_name)
    contacts = [stranger.address, f"{Identity.ephemeral().peer_id}@{stranger.address}", "nowhere.invalid:7400"]

    async def failure(contacts: list[str]) -> dict[str, str]:
        with pytest.raises(SidecarError) as raised:
            await site.node.bootstrap(contacts)
        error = raised.value
        assert error.reason is Reason.BOOTSTRAP_FAILED
        assert set(error.metadata) == set(contacts)
        assert error.retry_after
        event = site.events(BootstrapFailed)[-1]
        assert dict(event.failures) == error.metadata
        assert event.others == 0
        return error.metadata

    reasons = await failure(contacts)
    assert "network id" in reasons[stranger.address]
    assert "was expected" in reasons[contacts[1]]
    assert "nowhere.invalid" in reasons["nowhere.invalid:7400"]
    site.waits(0.3)
    assert "127.0.0.1:1" in (await failure([DEAD, "nowhere.invalid:7400"]))[DEAD]


async def test_bootstrap_without_any_contact(network: Network) -> None:
    site = await network.site()
    with pytest.raises(SidecarError) as raised:
        await site.node.bootstrap([])
    assert raised.value.reason is Reason.BOOTSTRAP_FAILED
    assert "no contact" in raised.value.detail


async def test_bootstrap_with_a_contact_that_is_none(network: Network) -> None:
    site = await network.site()
    with pytest.raises(SidecarError) as raised:
        await site.node.bootstrap([DEAD, "what is this"])
    assert raised.value.reason is Reason.INVALID_FIELD
    assert raised.value.fields[0][0] == "contacts[1]"


async def test_bootstrap_to_oneself_fails(network: Network) -> None:
    site = await network.site()
    with pytest.raises(SidecarError) as raised:
        await site.node.bootstrap([site.address])
    assert "itself" in raised.value.metadata[site.address]


async def test_bootstrap_to_several_links_each_at_most_once(network: Network) -> None:
    """Answers come at all distances; the first ends the bootstrap, and no peer is linked twice."""
    contacts = [await network.site() for _ in range(4)]
    site = await network.site()
    results = await site.node.bootstrap([each.address for each in contacts])
    assert any(result.peer_id for result in results)
    for each in contacts:
        assert sum(event.peer_id == each.peer_id for event in site.events(PeerLinked)) <= 1
    assert len(site.events(BootstrapSucceeded)) == 1


async def test_it_is_tried_again_until_somebody_is_there(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "FIRST_PAUSE", 0.05)
    first = await network.site()
    wire = await Wire.to(first)
    wire.cut()
    site = await network.site(bootstrap=[wire.address], handshake_timeout=0.2)
    await site.event(a(BootstrapFailed), 2)
    site.waits()
    wire.mend()
    await site.event(a(BootstrapSucceeded, peer_id=first.peer_id))
    wire.close()


async def test_pauses_grow_and_do_not_end(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(bootstrap, "LONGEST_PAUSE", 0.32)
    site = await network.site(bootstrap=[DEAD], handshake_timeout=0.01)
    clock = asyncio.get_running_loop().time
    times = []
    for number in range(1, 8):
        await site.event(a(BootstrapFailed), number)
        times.append(clock())
    assert times[6] - times[0] > 0.67 * (0.01 + 0.02 + 0.04 + 0.08 + 0.16 + 0.32)
    assert times[6] - times[5] > 0.67 * 0.32


async def test_a_contact_that_lets_everybody_go_at_once_is_not_dialled_without_a_pause(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "FIRST_PAUSE", 0.05)
    first = await network.site()
    tell = first.node.links.tell

    def drop(event: Event) -> None:
        tell(event)
        if isinstance(event, PeerLinked):
            peer = first.node.links.peers[event.peer_id]
            asyncio.get_running_loop().call_soon(peer.sessions[-1].close, Close.DONE, "goodbye")

    first.node.links.tell = drop
    first.node.links.resuming._dial = lambda peer: None  # type: ignore[method-assign]
    clock = asyncio.get_running_loop().time
    began = clock()
    site = await network.site(bootstrap=[first.address], role="client")
    await site.event(a(PeerUnlinked, peer_id=first.peer_id), 4)
    assert clock() - began > 0.67 * (0.05 + 0.1 + 0.2)


async def test_a_contact_added_is_dialled_at_once(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the pause after a failure, however long that is."""
    monkeypatch.setattr(bootstrap, "FIRST_PAUSE", 3600.0)
    first = await network.site()
    site = await network.site(bootstrap=[DEAD], handshake_timeout=0.2)
    await site.event(a(BootstrapFailed))
    await turns(3)
    site.waits()
    site.node.add_contacts([first.address])
    await site.event(a(BootstrapSucceeded, peer_id=first.peer_id))


async def test_nobody_left_means_bootstrap_again(network: Network) -> None:
    first = await network.site()
    site = await network.site(bootstrap=[first.contact])
    await site.event(a(BootstrapSucceeded, peer_id=first.peer_id))
    await first.event(a(PeerLinked, peer_id=site.peer_id))
    await first.node.disconnect(site.peer_id, 5)
    await site.event(a(PeerUnlinked, peer_id=first.peer_id))
    await site.event(a(BootstrapSucceeded, peer_id=first.peer_id), 2)


async def test_a_peer_lost_at_once_does_not_stop_the_search(network: Network) -> None:
    """A link that ends before the dial's caller has looked is a failure like others."""
    first = await network.site()
    site = await network.site()
    tell = site.node.links.tell

    def drop(event: Event) -> None:
        tell(event)
        if isinstance(event, PeerLinked) and len(site.events(PeerLinked)) == 1:
            peer = site.node.links.peers[first.peer_id]
            asyncio.get_running_loop().call_soon(asyncio.ensure_future, site.node.links.leave(peer, "at once", 0))

    site.node.links.tell = drop
    site.node.add_contacts([first.address])
    await site.event(a(PeerLinked, peer_id=first.peer_id), 2)


async def test_strangers_who_leave_make_nobody_be_sought_again(network: Network) -> None:
    site = await network.site()
    bootstrapper = site.node.bootstrapper
    bootstrapper.leave_alone("whose link was ended here")
    for number in range(2 * bootstrap.LEFT_MAX):
        site.node.links.parted(f"stranger {number}")
    assert bootstrapper.is_left_alone("whose link was ended here")
    assert len(bootstrapper._left) == bootstrap.LEFT_MAX


# contacts


def contacts_of(directory: Path | None, *configured: str) -> Contacts:
    return Contacts([Contact.parse(text) for text in configured], directory)


def listed(contacts: Contacts) -> list[tuple[str, bool]]:
    return [(str(contact), configured) for contact, configured in contacts.all()]


def test_contacts_outlast_a_restart(tmp_path: Path) -> None:
    contacts = contacts_of(tmp_path, "192.0.2.1:1")
    contacts.add([Contact.parse("192.0.2.2:2"), Contact.parse("192.0.2.1:1")])
    contacts.close()
    contacts = contacts_of(tmp_path)
    assert listed(contacts) == [("192.0.2.2:2", False)]
    contacts.remove(Contact.parse("192.0.2.2:2"))
    contacts.close()
    contacts = contacts_of(tmp_path)
    assert listed(contacts) == []
    contacts.close()


def test_contacts_that_find_no_room_are_added_all_or_none(tmp_path: Path) -> None:
    contacts = contacts_of(tmp_path)
    (pages,) = contacts._database.execute("PRAGMA page_count").fetchone()
    contacts._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SidecarError, match="disk is full"):
        contacts.add([Contact(f"192.0.2.{n % 250}", 1 + n) for n in range(ADDED_MAX)])
    assert listed(contacts) == []
    contacts.close()
    contacts = contacts_of(tmp_path)
    assert listed(contacts) == []
    contacts.close()


def test_contacts_survive_kill_at_any_time(tmp_path: Path) -> None:
    """A copy of the files at any instant is a database with what was added before."""
    contacts = contacts_of(tmp_path)
    for number in range(1, 6):
        contacts.add([Contact.parse(f"192.0.2.{number}:1")])
        copy = tmp_path / f"copy{number}"
        copy.mkdir()
        for name in os.listdir(tmp_path):  # noqa: PTH208
            if name.startswith(DATABASE):
                (copy / name).write_bytes((tmp_path / name).read_bytes())
        after = contacts_of(copy)
        assert len(listed(after)) == number
        after.close()
    contacts.close()


def test_configured_contacts_cannot_be_removed(tmp_path: Path) -> None:
    contacts = contacts_of(tmp_path, "192.0.2.1:1")
    with pytest.raises(SidecarError) as raised:
        contacts.remove(Contact.parse("192.0.2.1:1"))
    assert raised.value.reason is Reason.INVALID_FIELD
    with pytest.raises(SidecarError) as raised:
        contacts.remove(Contact.parse("192.0.2.9:1"))
    assert raised.value.reason is Reason.CONTACT_UNKNOWN
    contacts.close()


def test_contacts_are_bounded() -> None:
    contacts = contacts_of(None)
    contacts.add([Contact(f"192.0.2.{n % 250}", 1 + n) for n in range(ADDED_MAX)])
    with pytest.raises(SidecarError) as raised:
        contacts.add([Contact("192.0.2.251", 1)])
    assert raised.value.reason is Reason.LIMIT_REACHED
    contacts.add([Contact("192.0.2.0", 1)])
    assert len(contacts.all()) == ADDED_MAX
    contacts.close()


def test_the_same_contact_twice_in_one_call_counts_once() -> None:
    contacts = contacts_of(None)
    contacts.add([Contact(f"192.0.2.{n % 250}", 1 + n) for n in range(ADDED_MAX - 1)])
    contacts.add([Contact("192.0.2.251", 1)] * 2)
    assert len(contacts.all()) == ADDED_MAX
    contacts.close()


@pytest.mark.parametrize("damage", ["garbage", "truncated", "a row that is no contact", "another schema", "newer"])
def test_a_damaged_database(tmp_path: Path, damage: str) -> None:
    """One line that names the file and says what to do."""
    path = tmp_path / DATABASE
    contacts = contacts_of(tmp_path)
    contacts.add([Contact("192.0.2.1", number) for number in range(1, 900)])
    contacts.close()
    match damage:
        case "garbage":
            path.write_bytes(b"this is no database" * 1000)
        case "truncated":
            path.write_bytes(path.read_bytes()[:5000])
        case "a row that is no contact":
            with sqlite3.connect(path) as database:
                database.execute("INSERT INTO contacts VALUES ('nonsense')")
            database.close()
        case "another schema":
            with sqlite3.connect(path) as database:
                database.execute("DROP TABLE contacts")
                database.execute("CREATE TABLE contacts (something INTEGER)")
            database.close()
        case _:
            with sqlite3.connect(path) as database:
                database.execute("PRAGMA user_version = 99")
            database.close()
    with pytest.raises(SettingsError) as raised:
        contacts_of(tmp_path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert ("newer version" if damage == "newer" else "move it away") in str(raised.value)


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / DATABASE).mkdir()
    with pytest.raises(SettingsError) as raised:
        contacts_of(tmp_path)
    assert str(tmp_path / DATABASE) in str(raised.value)
