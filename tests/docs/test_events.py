"""docs/api.md tells of every event, and of no other."""

from __future__ import annotations

import re

from sidecar.gen.overlay.v1 import node_pb2
from tests.docs.blocks import REPOSITORY


def test_every_event_is_in_the_table() -> None:
    page = (REPOSITORY / "docs/api.md").read_text()
    table = page.split("| event | tells |")[1].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    kinds = node_pb2.Event.DESCRIPTOR.oneofs_by_name["kind"].fields
    assert sorted(re.findall(r"`(\w+)`", " ".join(first_cells))) == sorted(kind.name for kind in kinds)
