"""What the command line says of roles: the flag, `status`, `reachability`."""

from __future__ import annotations

from sidecar.cli.exits import Exit
from tests.cli.terminal import sidecar
from tests.processes import Sidecars


def test_reachability_tells_who_tried_where_and_what_happened(sidecars: Sidecars) -> None:
    node = sidecars.spawn("node", ephemeral=True)
    client = sidecars.spawn("client", ephemeral=True, role="client")
    alone = sidecar("reachability", beside=node)
    assert alone.code == Exit.UNREACHABLE
    assert "nobody is linked" in alone.out
    sidecar("peers", "add", node.contact, beside=client).done()

    shown = sidecar("reachability", "--json", beside=node).done().json
    (check,) = shown["checks"]
    assert (check["peer_id"], check["result"]) == (client.peer_id, "reached")
    assert check["address"] == node.contact.partition("@")[2]
    assert shown["role"] == "node"
    assert sidecar("reachability", beside=node).done().out.startswith("this sidecar is a node: dialled back by ")

    dead = sidecar("reachability", "127.0.0.1:1", beside=node)
    assert dead.code == Exit.UNREACHABLE
    assert "127.0.0.1:1" in dead.out
    assert "not reached" in dead.out
    assert sidecar("reachability", "127.0.0.1:0", beside=node).code == Exit.USAGE

    words = " ".join(sidecar("status", beside=node).done().out.split())
    assert "role node (set: auto): dialled back by " in words
    words = " ".join(sidecar("status", beside=client).done().out.split())
    assert "role client (set: client): as set" in words
    assert sidecar("send", client.peer_id[:12], "x", beside=node).code == Exit.OK
    sidecar("peers", "rm", node.peer_id, beside=client).done()
    gone = sidecar("send", client.peer_id, "x", beside=node)
    assert gone.code == Exit.UNREACHABLE
    assert "client" in gone.err


def test_a_wrong_role_is_one_clear_line(sidecars: Sidecars) -> None:
    wrong = sidecar("run", "--role", "king")
    assert wrong.code == Exit.USAGE
    assert "--role" in wrong.err
    assert len(wrong.err.strip().splitlines()) == 1
