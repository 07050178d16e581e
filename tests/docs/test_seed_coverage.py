"""docs/seed-coverage.md has every behaviour, and for each a test (which `test_named_tests.py` looks up) or why there is
none."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import REPOSITORY
from tests.docs.test_named_tests import NAMED

PAGE = (REPOSITORY / "docs/seed-coverage.md").read_text()
ROWS = dict(re.findall(r"^\| (?!---|promise|behaviour|fault)([^|]+?) \| ([^|]+?) \|$", PAGE, flags=re.MULTILINE))

BEHAVIOURS = {
    "successful_connection",
    "connect_to_fails",
    "double_handshake_node",
    "double_handshake_client",
    "simultaneous_incoming_and_outgoing",
    "multiple_concurrent_connects_to_the_same_peer",
    "reuse",
    "client",
    "keep-alive",
    "restart",
    "single_message",
    "many_messages",
    "100 senders of 100 messages",
    "10 senders of 100 messages of 1 MiB",
    "no head-of-line blocking",
    "sent and unsent carry the caller's token",
    "messages queued while connecting",
    "a malformed frame",
    "bootstrap_to_only_one_node",
    "bootstrap_prioritise_cache",
    "bootstrap_failure",
    "node_will_attempt_hard_coded_contacts",
    "client_will_attempt_hard_coded_contacts",
    "node_will_attempt_cached_peers",
    "cache: eviction",
    "echo",
    "reachability",
    "external address configured",
}
"""What the rows must begin with, or name."""


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_it_has_a_row(behaviour: str) -> None:
    assert any(behaviour in name for name in ROWS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_says_where_or_why(name: str) -> None:
    shown = ROWS[name]
    assert NAMED.search(shown) or shown.startswith(("later: ", "does not apply: ")), f"{name}: {shown}"
