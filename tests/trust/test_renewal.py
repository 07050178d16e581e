"""Files of trust that change while a sidecar runs: links stay, save those of peers that no longer may be there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography import x509

from sidecar.errors import SettingsError, SidecarError
from sidecar.identity import Identity
from sidecar.overlay.events import PeerUnlinked, TrustExpiring, TrustReloaded
from sidecar.overlay.renewal import REMIND_INTERVAL, Renewal
from sidecar.report import gauges
from sidecar.trust import Access, Refusal, Trust
from sidecar.trust.files import TrustFiles
from tests.overlay.network import Network, Site, a
from tests.trust.pki import CA, DAY, NOW, Key, der, key, key_pem, pem, write

ROOT, SECOND = CA("Renewal root", number=140), CA("Second root", number=141)


class Folder:
    """A sidecar's files."""

    def __init__(self, path: Path, owner: Key, *, ca: CA = ROOT, crl: bool = False, days: float = 30) -> None:
        path.mkdir()
        self.path = path
        self.owner = owner
        self.key = write(path / "key.pem", key_pem(owner))
        self.bundle = write(path / "ca.pem", pem(ca.certificate))
        self.cert = path / "cert.pem"
        self.certify(ca.issue(owner, ends=NOW + days * DAY), *ca.chain)
        self.crl = write(path / "ca.crl", ca.crl([])) if crl else None
        self.files = TrustFiles("private-ca", self.bundle, self.cert, self.key, () if self.crl is None else (self.crl,))

    def certify(self, *chain: x509.Certificate | bytes) -> None:
        write(self.cert, pem(*chain))


async def member(network: Network, folder: Folder, *, clock: Iterable[float] = (), engine_name: str = "auto") -> Site:
    """A node that looks after a folder's files; a test lets it look."""
    times = iter(clock)
    identity = folder.files.identity()
    assert identity is not None
    loaded = folder.files.load(identity, NOW.timestamp())
    identity.renew(loaded.certificates)
    trust = Trust("private-ca", Access(), loaded.authorities, NOW.timestamp)
    site = await network.site(identity=identity, trust=trust, engine_name=engine_name)
    site.node.keep_renewed(folder.files, loaded)
    assert site.node.renewal is not None
    site.node.renewal._clock = lambda: next(times, NOW.timestamp())
    return site


def look(site: Site) -> Renewal:
    """As the timer and SIGHUP do."""
    assert site.node.renewal is not None
    site.node.renewal.check()
    return site.node.renewal


async def test_a_renewed_certificate_is_shown_and_no_link_is_lost(
    network: Network, engine_name: str, tmp_path: Path
) -> None:
    mine = Folder(tmp_path / "a", key(number=80))
    site = await member(network, mine, engine_name=engine_name)
    other = await member(network, Folder(tmp_path / "b", key(number=81)), engine_name=engine_name)
    await other.join(site)
    fresh = ROOT.issue(mine.owner, ends=NOW + 60 * DAY)
    mine.certify(fresh)
    assert look(site).ends == fresh.not_valid_after_utc.timestamp()
    assert site.events(TrustReloaded) == [TrustReloaded(tuple(map(str, mine.files.paths)), "")]
    assert not site.events(PeerUnlinked)
    await other.send(site, "x", [b"still here"]).all_delivered()
    # Whoever dials now is shown the new one, and whoever is dialled too.
    late = await member(network, Folder(tmp_path / "c", key(number=82)), engine_name=engine_name)
    await late.join(site)
    (session,) = late.node.links.peers[site.peer_id].sessions
    assert session.credential is not None
    assert session.credential.chain[0].der == der(fresh)
    last = await member(network, Folder(tmp_path / "d", key(number=83)), engine_name=engine_name)
    await site.join(last)
    (session,) = last.node.links.peers[site.peer_id].sessions
    assert session.credential is not None
    assert session.credential.chain[0].der == der(fresh)


async def test_another_key_is_refused_and_the_former_stays(network: Network, tmp_path: Path) -> None:
    mine = Folder(tmp_path / "a", key(number=80))
    site = await member(network, mine)
    before = site.node.identity.certificates
    mine.certify(ROOT.issue(key(number=84)))
    look(site)
    write(mine.key, key_pem(key(number=84)))
    look(site)
    first, second = site.events(TrustReloaded)
    assert "is for another key than" in first.error
    assert "holds another key than the one in use" in second.error
    assert site.node.identity.certificates == before
    assert site.node.counters.trust_reloads == {"ok": 0, "refused": 2}
    # Told once for each change, tried again at each look.
    look(site)
    assert len(site.events(TrustReloaded)) == 2
    write(mine.key, key_pem(mine.owner))
    mine.certify(ROOT.issue(mine.owner))
    look(site)
    assert site.events(TrustReloaded)[-1].error == ""
    assert site.node.counters.trust_reloads == {"ok": 1, "refused": 2}


async def test_a_revocation_cuts_and_keeps_out(network: Network, engine_name: str, tmp_path: Path) -> None:
    mine = Folder(tmp_path / "a", key(number=80), crl=True)
    site = await member(network, mine, engine_name=engine_name)
    bad, good = Folder(tmp_path / "b", key(number=81)), Folder(tmp_path / "c", key(number=82))
    bad_site = await member(network, bad, engine_name=engine_name)
    good_site = await member(network, good, engine_name=engine_name)
    await bad_site.join(site)
    await good_site.join(site)
    (revoked,) = x509.load_pem_x509_certificates(bad.cert.read_bytes())
    assert mine.crl is not None
    write(mine.crl, ROOT.crl([revoked]))
    look(site)
    ended = await bad_site.event(a(PeerUnlinked, peer_id=site.peer_id))
    assert isinstance(ended, PeerUnlinked)
    assert ended.reason.startswith(Refusal.REVOKED)
    with pytest.raises(SidecarError, match=Refusal.REVOKED):
        await bad_site.node.connect(site.contact)
    assert [peer.peer_id for peer in site.node.links.linked] == [good_site.peer_id]
    # A new certificate for the same key lets it in again.
    bad.certify(ROOT.issue(bad.owner))
    look(bad_site)
    await bad_site.join(site)


async def test_a_ca_that_is_trusted_no_more_ends_its_peers_links(network: Network, tmp_path: Path) -> None:
    mine = Folder(tmp_path / "a", key(number=80), ca=SECOND)
    write(mine.bundle, pem(ROOT.certificate, SECOND.certificate))
    site = await member(network, mine)
    theirs = Folder(tmp_path / "b", key(number=81))
    write(theirs.bundle, pem(ROOT.certificate, SECOND.certificate))
    other = await member(network, theirs)
    await other.join(site)
    write(mine.bundle, pem(SECOND.certificate))
    look(site)
    ended = await other.event(a(PeerUnlinked, peer_id=site.peer_id))
    assert isinstance(ended, PeerUnlinked)
    assert ended.reason.startswith(Refusal.UNKNOWN_ISSUER)


async def test_what_ends_soon_is_told_once_a_day(network: Network, tmp_path: Path) -> None:
    mine = Folder(tmp_path / "a", key(number=80), days=30)
    now = NOW.timestamp()
    day = DAY.total_seconds()
    times = [now, now + 19 * day, now + 21 * day, now + 21 * day + 60, now + 21 * day + REMIND_INTERVAL, now + 31 * day]
    site = await member(network, mine, clock=times)
    told = []
    for _ in times:
        look(site)
        told.append(len(site.events(TrustExpiring)))
    assert told == [0, 0, 1, 1, 2, 3], "a third of 31 days is left after 20.7"
    (first, *_) = site.events(TrustExpiring)
    assert (first.file, first.subject, first.ends) == (str(mine.cert), "CN=a peer", now + 30 * day)
    assert gauges(site.node).certificate_ends == now + 30 * day


async def test_a_list_past_its_update_is_told_and_obeyed(network: Network, tmp_path: Path) -> None:
    mine = Folder(tmp_path / "a", key(number=80), crl=True)
    bad = Folder(tmp_path / "b", key(number=81))
    (revoked,) = x509.load_pem_x509_certificates(bad.cert.read_bytes())
    assert mine.crl is not None
    write(mine.crl, ROOT.crl([revoked], next_update=NOW - DAY))
    site = await member(network, mine)
    look(site)
    (told,) = site.events(TrustExpiring)
    assert (told.file, told.subject) == (str(mine.crl), "CN=Renewal root")
    assert gauges(site.node).revocations_due == (NOW - DAY).timestamp()
    other = await member(network, bad)
    with pytest.raises(SidecarError, match=Refusal.REVOKED):
        await other.node.connect(site.contact)


def test_an_expired_certificate_ends_no_link(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a", key(number=80), days=1)
    identity = folder.files.identity()
    assert identity is not None
    loaded = folder.files.load(identity, NOW.timestamp())
    clock = [NOW.timestamp()]
    trust = Trust("private-ca", Access(), loaded.authorities, lambda: clock[0])
    from sidecar.identity import leaf_key_untrusted

    shown = trust.dialler_untrusted(leaf_key_untrusted(loaded.certificates), loaded.certificates)
    clock[0] += 2 * DAY.total_seconds()
    assert trust.still(shown) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("bundle", "holds no certificates in PEM"),
        ("cert", "holds no certificates in PEM"),
        ("key", "does not hold a PKCS8 private key"),
        ("crl", "holds no revocation list"),
        ("open key", "chmod it to 0600"),
        ("no file", "cannot read --cert"),
        ("leaf in the bundle", "is no CA: give the CA's certificate"),
        ("another key", "is for another key than"),
        ("another CA", "would be refused by peers with the same CAs: unknown issuer"),
        ("expired", "would be refused by peers with the same CAs: certificate expired"),
        ("list of another", "is not signed by CN=Renewal root"),
        ("a part of a list", "critical extension"),
        ("delta", "critical extension"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, wrong: str, words: str) -> None:
    folder = Folder(tmp_path / "a", key(number=80), crl=True)
    assert folder.crl is not None
    match wrong:
        case "bundle" | "cert" | "key" | "crl":
            write({"bundle": folder.bundle, "cert": folder.cert, "key": folder.key, "crl": folder.crl}[wrong], b"x")
        case "open key":
            folder.key.chmod(0o604)
        case "no file":
            folder.cert.unlink()
        case "leaf in the bundle":
            write(folder.bundle, pem(ROOT.certificate, ROOT.issue()))
        case "another key":
            folder.certify(ROOT.issue(key(number=84)))
        case "another CA":
            folder.certify(SECOND.issue(folder.owner))
        case "expired":
            folder.certify(ROOT.issue(folder.owner, ends=NOW - DAY / 2))
        case "list of another":
            write(folder.crl, ROOT.crl([], signer=SECOND.key))
        case "a part of a list":
            scope = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
            write(folder.crl, ROOT.crl([], extra=scope))
        case "delta":
            write(folder.crl, ROOT.crl([], extra=x509.DeltaCRLIndicator(1)))
    with pytest.raises(SettingsError) as raised:
        folder.files.load(folder.files.identity() or Identity.ephemeral(), NOW.timestamp())
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
