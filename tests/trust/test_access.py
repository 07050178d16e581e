"""The allow list and the block list, in every mode, and the file that outlasts restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.errors import Reason, SettingsError, SidecarError
from sidecar.identity import Identity
from sidecar.overlay.events import PeerRefused, PeerUnlinked
from sidecar.overlay.peer import PeerState
from sidecar.trust import Access, Refusal, Refused, Trust, TrustMode
from sidecar.trust.access import BLOCK_FILE
from tests.overlay.network import Network, a
from tests.trust import table
from tests.trust.trusts import trust_of

A, B = (Identity.ephemeral().peer_id for _ in range(2))
MODES = ["private-ca", "public-ca", "unverified"]


def refusal(access: Access, peer_id: str, *names: str) -> Refusal | None:
    try:
        access.judge_named(peer_id, names)
    except Refused as refused:
        return refused.why
    return None


def test_nobody_listed_is_everybody() -> None:
    assert refusal(Access(), A) is None


def test_the_allow_list_takes_ids_and_names() -> None:
    access = Access([A, "b.example"])
    assert refusal(access, A) is None
    assert refusal(access, B, "b.example") is None
    assert refusal(access, B, "x.b.example") is Refusal.NOT_ALLOWED
    assert refusal(Access([A]), B) is Refusal.NOT_ALLOWED


def test_a_block_goes_over_an_allowance(tmp_path: Path) -> None:
    access = Access([A], tmp_path)
    assert access.block(A)
    assert not access.block(A)
    assert refusal(access, A) is Refusal.BLOCKED
    assert access.unblock(A)
    assert not access.unblock(A)
    assert refusal(access, A) is None


def test_blocks_outlast_restarts(tmp_path: Path) -> None:
    first = Access((), tmp_path)
    first.block(A)
    first.block(B)
    first.unblock(B)
    assert Access((), tmp_path).blocked == {A}
    assert (tmp_path / BLOCK_FILE).read_text() == f"{A}\n"
    assert [each.name for each in tmp_path.iterdir()] == [BLOCK_FILE]


@pytest.mark.parametrize("damage", ["", "\n", A[:-1], f"{A}\n{B[:20]}", f"{A} \n", "\xff"])
def test_a_damaged_list_lets_nobody_in_by_mistake(tmp_path: Path, damage: str) -> None:
    """It is an error at the start, not an empty list; only an empty file is one."""
    (tmp_path / BLOCK_FILE).write_bytes(damage.encode("latin-1"))
    if not damage:
        assert Access((), tmp_path).blocked == set()
        return
    with pytest.raises(SettingsError, match="block list"):
        Access((), tmp_path)


def test_a_block_that_cannot_be_written_is_not_in_force(tmp_path: Path) -> None:
    access = Access((), tmp_path / "gone")
    with pytest.raises(SidecarError) as raised:
        access.block(A)
    assert raised.value.reason is Reason.INTERNAL
    assert access.blocked == set()


@pytest.mark.parametrize("mode", MODES)
async def test_block_cuts_at_once_and_keeps_out(network: Network, engine_name: str, mode: TrustMode) -> None:
    here = await network.site(engine_name=engine_name, identity=table.ROOT.member(70), trust=trust_of(mode))
    there = await network.site(engine_name=engine_name, identity=table.ROOT.member(71))
    await there.join(here)
    here.node.block_peer(there.peer_id)
    assert here.node.get_peer(there.peer_id).state is PeerState.BLOCKED
    assert there.peer_id not in here.node.links.peers
    ended = await there.event(a(PeerUnlinked, peer_id=here.peer_id))
    assert isinstance(ended, PeerUnlinked)
    assert ended.reason.startswith(Refusal.BLOCKED)
    await here.event(a(PeerUnlinked, peer_id=there.peer_id))
    # Neither side makes a link again.
    with pytest.raises(SidecarError, match=Refusal.BLOCKED) as raised:
        await there.node.connect(here.contact)
    assert raised.value.reason is Reason.PEER_REFUSED
    refused = here.events(PeerRefused)
    assert {each.peer_id for each in refused} == {there.peer_id}
    with pytest.raises(SidecarError) as raised:
        await here.node.connect(there.contact)
    assert raised.value.reason is Reason.PEER_UNTRUSTED
    sending = here.send(there, "x", [b"one"])
    await sending.all_settled()
    assert set(sending.failures) == {Reason.PEER_UNTRUSTED}
    assert [info.peer_id for info in here.node.list_peers("", 10)] == [there.peer_id]
    # And it may come back.
    here.node.unblock_peer(there.peer_id)
    await there.join(here)


async def test_what_waits_for_a_blocked_peer_is_reported(network: Network) -> None:
    here, there = await network.pair()
    sending = here.send(there, "unread", [bytes(60_000)] * 100)
    here.node.block_peer(there.peer_id)
    await sending.all_settled()
    assert set(sending.failures) <= {Reason.PEER_UNTRUSTED, Reason.OUTCOME_UNKNOWN}
    assert sending.failures[Reason.PEER_UNTRUSTED] > 0


@pytest.mark.parametrize("mode", MODES)
async def test_the_allow_list_holds_on_both_sides(network: Network, engine_name: str, mode: TrustMode) -> None:
    friend, stranger = table.ROOT.member(72), table.ROOT.member(73)
    access = Access([friend.peer_id])
    here = await network.site(
        engine_name=engine_name, identity=table.ROOT.member(74), trust=trust_of(mode, access=access)
    )
    other = await network.site(engine_name=engine_name, identity=stranger)
    with pytest.raises(SidecarError, match=Refusal.NOT_ALLOWED):
        await other.node.connect(here.contact)
    with pytest.raises(SidecarError, match=Refusal.NOT_ALLOWED):
        await here.node.connect(other.contact)
    await (await network.site(engine_name=engine_name, identity=friend)).join(here)


@pytest.mark.parametrize("mode", ["private-ca", "public-ca"])
async def test_the_allow_list_takes_a_proven_name(network: Network, mode: TrustMode) -> None:
    access = Access(["friend.example"])
    trust = trust_of(mode, access=access)
    here = await network.site(identity=table.ROOT.member(75), trust=trust)
    friend = await network.site(identity=table.ROOT.member(76, names=["friend.example"]))
    other = await network.site(identity=table.ROOT.member(77, names=["other.example"]))
    await friend.join(here)
    with pytest.raises(SidecarError, match=Refusal.NOT_ALLOWED):
        await other.node.connect(here.contact)


async def test_public_ca_refuses_contacts_without_name_or_peer_id(network: Network) -> None:
    here = await network.site(identity=table.ROOT.member(78), trust=trust_of("public-ca"))
    for ask in (
        lambda: here.node.connect("127.0.0.1:9"),
        lambda: here.node.bootstrap(["127.0.0.1:9"]),
    ):
        with pytest.raises(SidecarError, match="neither a DNS name nor a peer id") as raised:
            await ask()
        assert raised.value.reason is Reason.INVALID_FIELD
    with pytest.raises(SidecarError, match="neither a DNS name nor a peer id"):
        here.node.add_contacts(["127.0.0.1:9"])
    assert here.node.links.dialler.attempts == 0


async def test_a_blocked_peer_is_no_way_back(network: Network) -> None:
    here, there = await network.pair()
    here.node.cache.connected(there.peer_id, ("127.0.0.1", there.port), there.node.identity.certificate_der)
    here.node.block_peer(there.peer_id)
    assert here.node.cache.get(there.peer_id) is None
    attempts = here.node.links.dialler.attempts
    with pytest.raises(SidecarError, match=Refusal.BLOCKED):
        await here.node.links.meet([("127.0.0.1", there.port)], there.peer_id)
    assert here.node.links.dialler.attempts == attempts


async def test_public_ca_dials_nobody_it_could_not_tell(network: Network) -> None:
    here = await network.site(identity=table.ROOT.member(79), trust=trust_of("public-ca"))
    with pytest.raises(SidecarError, match="neither a DNS name nor a peer id"):
        await here.node.links.meet([("127.0.0.1", 9)], None)
    assert here.node.links.dialler.attempts == 0


def test_trust_without_a_ca_asks_for_nothing() -> None:
    assert Trust.unverified().mode == "unverified"
