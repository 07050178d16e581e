"""A client behind nodes."""

from __future__ import annotations

from tests.examples.app import App
from tests.processes import Sidecars


def test_client_behind_nodes(sidecars: Sidecars) -> None:
    """It is reached by the node it has dialled, and is never dialled."""
    node = sidecars.spawn("node", ephemeral=True)
    client = sidecars.spawn("client", ephemeral=True, role="client", bootstrap=[node.contact])
    with App("client_behind_nodes.py", "serve", beside=node) as serving:
        assert serving.line() == f"serving as {node.peer_id}"
        with App("client_behind_nodes.py", "client", node.peer_id, beside=client) as app:
            assert app.line() == "hello, one who dials"
            assert app.ends() == 0
        assert serving.line() == "served one who dials, a client"
