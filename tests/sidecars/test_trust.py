"""Trust as apps and operators see it: real sidecars with a CA, over the API and the command line."""

from __future__ import annotations

import os
import shutil
import signal
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sidecar.trust.authority import Authority, utc_now
from sidecar_client import Gap, PeerRefused, PeerUntrusted, Sidecar
from sidecar_client.gen.overlay.v1 import node_pb2, peer_pb2
from sidecar_client.gen.overlay.v1.cursor_pb2 import Cursor
from tests.cli.terminal import sidecar
from tests.processes import SidecarProcess, Sidecars

pytestmark = [pytest.mark.timeout(90), pytest.mark.slow]


class Members:
    """Sidecars with certificates of one CA."""

    def __init__(self, folder: Path, sidecars: Sidecars) -> None:
        self.folder = folder
        self.sidecars = sidecars
        self.authority = Authority.init(folder / "ca", "Test CA", key_type="p256", days=100, now=utc_now(), above=None)
        self.crl = folder / "list.crl"
        self.publish()

    def publish(self) -> None:
        """The list as sidecars have it."""
        fresh = self.folder / "fresh.crl"
        shutil.copyfile(self.authority.directory / "ca.crl", fresh)
        fresh.replace(self.crl)

    def certify(self, name: str, days: int = 30) -> Path:
        """A certificate for the key in a member's state directory, which is made there."""
        state = self.folder / name / "state"
        asked = sidecar("ca", "request", "--state-dir", str(state), "--name", f"{name}.example").done()
        _, chain = self.authority.issue(asked.out.encode(), names=None, days=days, now=utc_now())
        fresh = self.folder / f"{name}.new"
        fresh.write_bytes(chain)
        return fresh.replace(self.folder / f"{name}.crt")

    def spawn(self, name: str, engine: str, bootstrap: Sequence[str] = ()) -> SidecarProcess:
        """A member that runs."""
        return self.sidecars.spawn(
            name, trust="private-ca", ca_bundle=self.authority.directory / "ca.crt", cert=self.certify(name),
            crl=str(self.crl), engine=engine, bootstrap=bootstrap,
        )  # fmt: skip


@pytest.fixture
def members(tmp_path: Path, sidecars: Sidecars) -> Members:
    return Members(tmp_path, sidecars)


def until(happened: Iterator[node_pb2.Event | Gap], kind: str) -> node_pb2.Event:
    """The next event of a kind."""
    return next(event for event in happened if isinstance(event, node_pb2.Event) and event.WhichOneof("kind") == kind)


@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
def test_a_certificate_is_renewed_and_a_peer_revoked_while_links_stay(members: Members, engine: str) -> None:
    alice = members.spawn("alice", engine)
    bob = members.spawn("bob", engine, bootstrap=[alice.contact])
    carol = members.spawn("carol", engine, bootstrap=[alice.contact])
    with Sidecar(alice.endpoint) as app:
        for process in (bob, carol):
            app.connect(process.contact)
        node = app.node()
        assert node.trust == node_pb2.TRUST_MODE_PRIVATE_CA
        assert "alice.example" in node.certificate_names
        before = node.certificate_expires.ToDatetime()
        happened = app.events(Cursor(instance=node.instance))
        members.certify("alice", days=60)
        os.kill(alice.pid, signal.SIGHUP)
        reloaded = until(happened, "trust_reloaded").trust_reloaded
        assert reloaded.error == ""
        assert str(members.crl) in reloaded.files
        assert app.node().certificate_expires.ToDatetime() > before
        assert {peer.peer_id for peer in app.peers(linked_only=True)} == {bob.peer_id, carol.peer_id}
        found = [each.certificate for each in members.authority.find(bob.peer_id)]
        members.authority.revoke(found, now=utc_now(), days=30)
        members.publish()
        os.kill(alice.pid, signal.SIGHUP)
        refused = until(happened, "peer_refused").peer_refused
        assert (refused.peer_id, refused.by_peer) == (bob.peer_id, False)
        assert refused.reason.startswith("certificate revoked: ")
        assert until(happened, "peer_unlinked").peer_unlinked.reason == refused.reason
        assert [peer.peer_id for peer in app.peers(linked_only=True)] == [carol.peer_id]
        with Sidecar(bob.endpoint) as other, pytest.raises(PeerRefused, match="certificate revoked"):
            other.connect(alice.contact)


def test_a_block_by_command_cuts_tells_and_outlasts_a_restart(sidecars: Sidecars) -> None:
    alice, bob = sidecars.spawn("alice"), sidecars.spawn("bob")
    with Sidecar(alice.endpoint) as app:
        app.connect(bob.contact)
    said = sidecar("peers", "block", bob.peer_id[:8], beside=alice).done().out
    assert said == f"blocked {bob.peer_id}\n"
    assert "blocked" in sidecar("peers", "ls", beside=alice).done().out
    alice.stop()
    alice.restart()
    with Sidecar(alice.endpoint) as app:
        assert app.peer(bob.peer_id).state == peer_pb2.PEER_STATE_BLOCKED
        with pytest.raises(PeerUntrusted, match="peer blocked"):
            app.connect(bob.contact)
        with pytest.raises(PeerUntrusted):
            app.send(bob.peer_id, b"no")
    with Sidecar(bob.endpoint) as app, pytest.raises(PeerRefused, match="peer blocked"):
        app.connect(alice.contact)
    assert sidecar("peers", "unblock", bob.peer_id, beside=alice).done().out == f"unblocked {bob.peer_id}\n"
    assert sidecar("peers", "unblock", bob.peer_id, beside=alice).code == 5
    with Sidecar(bob.endpoint) as app:
        app.connect(alice.contact)


def test_an_allow_list_is_told_of_both_ways(sidecars: Sidecars) -> None:
    friend, stranger = sidecars.spawn("friend"), sidecars.spawn("stranger")
    alice = sidecars.spawn("alice", allow=[friend.peer_id])
    with Sidecar(friend.endpoint) as app:
        app.connect(alice.contact)
    with Sidecar(stranger.endpoint) as app, pytest.raises(PeerRefused, match="peer not allowed"):
        app.connect(alice.contact)
    with Sidecar(alice.endpoint) as app, pytest.raises(PeerUntrusted, match="peer not allowed"):
        app.connect(stranger.contact)
    assert "trust is unverified" not in alice.stderr
    assert "trust is unverified" in friend.stderr


def test_what_ends_soon_is_a_metric_and_in_the_log(members: Members) -> None:
    members.spawn("alice", "qh3")
    (alice,) = members.sidecars.started
    with urllib.request.urlopen(f"http://{alice.admin}/metrics", timeout=10) as answer:
        page = answer.read().decode()
    figures = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    ends = float(figures["sidecar_cert_expiry_timestamp_seconds"])
    assert 29 * 86400 < ends - utc_now().timestamp() <= 30 * 86400
    assert float(figures["sidecar_crl_next_update_timestamp_seconds"]) > utc_now().timestamp()
    assert figures['sidecar_trust_reloads_total{result="ok"}'] == "0.0"
    status = sidecar("status", beside=alice).done().out
    assert "trust      private-ca, as alice.example" in status
