"""`sidecar queue` against a real sidecar, and durable messages from the command line."""

from __future__ import annotations

from sidecar.cli.exits import Exit
from sidecar.identity import Identity
from tests.cli.terminal import sidecar
from tests.processes import Sidecars


def test_what_is_kept_is_seen_and_emptied(sidecars: Sidecars) -> None:
    one = sidecars.spawn("one")
    peer = Identity.ephemeral().peer_id
    for number in range(3):
        words = ("--channel", f"c{number}", "--durable", "--wait", "sent", "--request-id", f"r{number}", "text")
        sent = sidecar("send", peer, *words, beside=one).done().out
        assert "sent 4 bytes" in sent
    listed = sidecar("queue", "ls", "--json", beside=one).done().lines
    assert [(queue["queue"], queue["channel"], queue["messages"]) for queue in listed] == [
        ("outgoing", f"c{number}", 1) for number in range(3)
    ]
    assert "outgoing" in sidecar("queue", "ls", beside=one).done().out
    shown = sidecar("queue", "show", "outgoing", "--channel", "c1", "--json", beside=one).done().lines
    letter = shown[0]
    assert (letter["peer_id"], letter["messages"], len(shown)) == (peer, 1, 1)
    whole = sidecar("queue", "show", "outgoing", str(letter["id"]), beside=one).done().out
    assert "b'text'" in whole
    assert "purged 1 message" in sidecar("queue", "purge", "outgoing", "--id", str(letter["id"]), beside=one).done().out
    assert "purged 2 messages" in sidecar("queue", "purge", "outgoing", "--all", beside=one).done().out
    assert sidecar("queue", "ls", "--json", beside=one).done().out == ""


def test_what_is_wrong_is_refused(sidecars: Sidecars) -> None:
    one = sidecars.spawn("one")
    assert "--all" in sidecar("queue", "purge", "outgoing", beside=one).refused()
    assert sidecar("queue", "show", "dead_incoming", "7", beside=one).code == Exit.NOT_FOUND
    assert "dead letters" in sidecar("queue", "replay", "outgoing", "--all", beside=one).err
