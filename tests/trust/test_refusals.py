"""The table on real endpoints: what is refused reaches no app and leaves no trace, and both sides are told why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.identity import Identity
from sidecar.overlay.events import PeerLinked, PeerRefused
from sidecar.trust import Refusal, TrustMode
from tests.overlay.network import Network, Site, a
from tests.trust import table
from tests.trust.pki import CLIENT, der, key
from tests.trust.trusts import trust_of

pytestmark = pytest.mark.slow

WORDS = {Refusal.TOO_LONG: "at most 5 are taken", Refusal.KEY: "RSA key of 1024 bits"}
"""Reasons that are found before the mode is asked have other words; the others begin with their own."""

CHANNEL = "inbox"

ANY_KEY = {"self-signed", "expired", "good, with an RSA key", "good, with an Ed25519 key", "a CA's own certificate"}


@dataclass
class Judge:
    """A site with a trust mode, and what has reached it."""

    site: Site
    mode: TrustMode

    def nothing_came(self, stranger: Site) -> None:
        """Of a stranger that was refused."""
        node = self.site.node
        assert node.directory.get(stranger.peer_id) is None
        assert stranger.peer_id not in node.links.peers
        assert not self.site.events(PeerLinked)


async def judge(network: Network, engine_name: str, mode: TrustMode) -> Judge:
    """A site that trusts the table's root and is trusted by nobody in particular."""
    identity = table.ROOT.member(60, names=["judge.peers.example"])
    return Judge(await network.site(engine_name=engine_name, identity=identity, trust=trust_of(mode)), mode)


async def dialled(judged: Judge, stranger: Site, *, name: str | None = table.NAME) -> None:
    """The judge dials a stranger by name; SidecarError when one of them refuses."""
    host, _, port = stranger.address.partition(":")
    await judged.site.node.links.connect_address([(host, int(port))], None, name=name)


def words_of(verdict: Refusal) -> str:
    return WORDS.get(verdict, str(verdict))


def rows(mode: TrustMode) -> list[table.Row]:
    """Those of the table; where any key is taken, what it shows makes a difference for few of them."""
    return [row for row in table.rows() if mode != "unverified" or row.unverified[0] or row.title in ANY_KEY]


@pytest.mark.parametrize("mode", ["private-ca", "public-ca", "unverified"])
async def test_as_dialler(network: Network, engine_name: str, mode: TrustMode) -> None:
    """A stranger dials: the acceptor judges its proof."""
    for row in rows(mode):
        judged = await judge(network, engine_name, mode)
        reading = judged.site.read(CHANNEL)
        stranger = await network.site(engine_name=engine_name, identity=row.identity)
        verdict = row.verdict(mode, "dialler")
        if verdict is table.OK:
            await stranger.join(judged.site)
            await stranger.send(judged.site, CHANNEL, [b"in"]).all_delivered()
            assert await reading.has(1) == [b"in"], row.title
            await end(network)
            continue
        with pytest.raises(SidecarError) as raised:
            await stranger.node.connect(judged.site.contact)
        assert raised.value.reason is Reason.PEER_REFUSED, row.title
        assert words_of(verdict) in raised.value.detail, row.title
        here = await judged.site.event(a(PeerRefused, by_peer=False))
        there = await stranger.event(a(PeerRefused, by_peer=True, peer_id=judged.site.peer_id))
        assert isinstance(here, PeerRefused)
        assert isinstance(there, PeerRefused)
        assert words_of(verdict) in here.reason
        assert there.reason == here.reason, row.title
        judged.nothing_came(stranger)
        assert reading.count == 0
        assert judged.site.node.counters.auth_failures == 1
        await end(network)


@pytest.mark.parametrize("mode", ["private-ca", "public-ca", "unverified"])
async def test_as_acceptor(network: Network, engine_name: str, mode: TrustMode) -> None:
    """A stranger answers: the dialler judges its TLS certificate, and has said nothing of itself when it refuses."""
    for row in rows(mode):
        judged = await judge(network, engine_name, mode)
        stranger = await network.site(engine_name=engine_name, identity=row.identity)
        verdict = row.verdict(mode, "acceptor")
        if verdict is table.OK:
            await dialled(judged, stranger)
            assert judged.site.events(PeerLinked), row.title
            await end(network)
            continue
        with pytest.raises(SidecarError) as raised:
            await dialled(judged, stranger)
        assert words_of(verdict) in raised.value.detail, row.title
        here = await judged.site.event(a(PeerRefused, by_peer=False))
        there = await stranger.event(a(PeerRefused, by_peer=True, peer_id=""))
        assert isinstance(here, PeerRefused)
        assert isinstance(there, PeerRefused)
        assert words_of(verdict) in here.reason
        assert there.reason == here.reason, row.title
        judged.nothing_came(stranger)
        assert stranger.node.directory.get(judged.site.peer_id) is None, "it was told nothing"
        await end(network)


async def end(network: Network) -> None:
    """Ends the sites of one row."""
    await network.close()
    network.sites.clear()


class Impostor(Identity):
    """Shows somebody's certificates and signs with a key of its own."""

    def sign(self, data: bytes) -> bytes:
        return Identity(key(number=61)).sign(data)


@pytest.mark.parametrize("mode", ["private-ca", "public-ca", "unverified"])
async def test_proof_by_another_key(network: Network, engine_name: str, mode: TrustMode) -> None:
    """The certificates are good and another's: the signature over this handshake is not by their key."""
    judged = await judge(network, engine_name, mode)
    good = table.rows()[0]
    stranger = await network.site(engine_name=engine_name, identity=Impostor(good.key, good.chain))
    with pytest.raises(SidecarError, match="the signature is not by the shown key") as raised:
        await stranger.node.connect(judged.site.contact)
    assert raised.value.reason is Reason.PEER_REFUSED
    here = await judged.site.event(a(PeerRefused, by_peer=False, peer_id=""))
    there = await stranger.event(a(PeerRefused, by_peer=True))
    assert isinstance(here, PeerRefused)
    assert isinstance(there, PeerRefused)
    assert here.reason == there.reason
    judged.nothing_came(stranger)


async def test_a_node_has_to_be_let_in_both_ways(network: Network, engine_name: str) -> None:
    """A certificate for clients only makes no node: whoever dials it back may not let it in."""
    judged = await judge(network, engine_name, "private-ca")
    owner = key(number=63)
    identity = Identity(owner, [der(table.ROOT.issue(owner, usages=[CLIENT]))])
    node = await network.site(engine_name=engine_name, identity=identity, role="node")
    with pytest.raises(SidecarError, match=Refusal.USAGE) as raised:
        await node.node.connect(judged.site.contact)
    assert raised.value.reason is Reason.PEER_REFUSED


async def test_many_strangers_do_not_keep_a_member_out(network: Network, engine_name: str) -> None:
    judged = await judge(network, engine_name, "private-ca")
    strangers = [await network.site(engine_name=engine_name) for _ in range(8)]
    refused = [asyncio.ensure_future(stranger.node.connect(judged.site.contact)) for stranger in strangers]
    member = await network.site(engine_name=engine_name, identity=table.ROOT.member(62))
    await member.join(judged.site)
    for each in refused:
        with pytest.raises(SidecarError, match=Refusal.SELF_SIGNED):
            await each
    assert [peer.peer_id for peer in judged.site.node.links.linked] == [member.peer_id]
