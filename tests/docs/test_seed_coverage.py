"""docs/seed-coverage.md has every sentence, behaviour and fault, and for each a test that is named after it and runs on
both engines, or why there is none."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.docs.blocks import REPOSITORY
from tests.docs.test_named_tests import NAMED, names_in

PAGE = (REPOSITORY / "docs/seed-coverage.md").read_text()

SENTENCES = 30
"""In the seed's description."""

BEHAVIOURS = {
    "successful_connection": "successful_connection",
    "connect_to_fails": "connect_to_fails",
    "double_handshake_node": "double_handshake_node",
    "double_handshake_client": "double_handshake_client",
    "simultaneous_incoming_and_outgoing": "simultaneous_incoming_and_outgoing",
    "multiple_concurrent_connects_to_the_same_peer": "multiple_concurrent_connects_to_the_same_peer",
    "reuse": "reuse",
    "client": "client",
    "keep-alive": "keep_alive",
    "restart": "restart",
    "single_message": "single_message",
    "many_messages": "many_messages",
    "100 senders of 100 messages, each answered by its digest": "hundred_senders_of_hundred_messages",
    "10 senders of 100 messages of 1 MiB, the same": "ten_senders_of_hundred_mebibyte_messages",
    "no head-of-line blocking": "no_head_of_line_blocking",
    "sent and unsent carry the caller's token": "named_by_its_token",
    "messages queued while connecting": "messages_queued_while_connecting",
    "a malformed frame, an empty body, an oversize length, an unexpected stream": "what_the_page_calls_an_error",
    "bootstrap_to_only_one_node": "bootstrap_to_only_one_node",
    "bootstrap_prioritise_cache": "bootstrap_prioritise_cache",
    "bootstrap_failure": "bootstrap_failure",
    "node_will_attempt_hard_coded_contacts": "node_will_attempt_hard_coded_contacts",
    "client_will_attempt_hard_coded_contacts": "client_will_attempt_hard_coded_contacts",
    "node_will_attempt_cached_peers": "node_will_attempt_cached_peers",
    "failover from a dead configured contact to the cache": "failover_from_a_dead_configured_contact_to_the_cache",
    "cache: the 201st evicts the oldest": "cache_the_201st_evicts_the_oldest",
    "cache: a refreshed entry moves to newest": "cache_a_refreshed_entry_moves_to_newest",
    "cache: configured contacts are not cached": "cache_configured_contacts_are_not_cached",
    "cache: incoming ones are not cached on connect": "cache_incoming_ones_are_not_cached_on_connect",
    "cache: a dialled and verified one is": "cache_a_dialled_and_verified_one_is",
    "cache: entries survive a crash": "cache_entries_survive_a_crash",
    "echo": "echo",
    "reachability": "reachability",
    "external ip, port and both can be configured": "",
}
"""Each row of the matrix, and what the name of its test has in it; nothing for what is not built."""

FAULTS = {
    "client messages before the hello were never delivered",
    "any message consumed a pending echo",
    "a 60 s killer keyed by address could kill a newer attempt",
    "the cache was written every ten entries and not atomically; a corrupt file stopped the start",
    "unbounded queues and 500 MiB from unvalidated peers",
    "panics on unexpected states",
    "lengths declared by the attacker allocated before reading",
    "handshakes run one by one in the accept loop",
    "reachability tested from the same endpoint gave false positives",
    "a stalled connect never resolved",
    "after the client lost its network the node kept a zombie and refused the redial",
}

ENGINE_ARGUMENTS = {"engine_name", "engine", "engines", "pair", "acceptor"}
"""Arguments that run a test once for each engine, or each pairing."""
WITHOUT_ENGINE = ("(no engine in it)", "test_alien_peer.py", "tests/api/")
"""What has no packet in it says so; the others run their engines by parameters or processes of their own."""


def rows(part: str) -> dict[str, str]:
    """First and last cell of each row of a part of the page."""
    text = PAGE.split(f"\n## {part}\n", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:2] == "| "]
    return {line[0]: line[-1].rstrip("| ") for line in cells[2:]}


def behaviours() -> dict[str, str]:
    """All rows of the matrix."""
    parts = ("Connection and identity", "Messages", "Bootstrap", "Reachability and addresses")
    return {name: shown for part in parts for name, shown in rows(part).items()}


def everything() -> dict[str, str]:
    """Every row of the page."""
    return rows("Its sentences") | behaviours() | rows("Faults of its ancestors that are not repeated")


@cache
def arguments_of(path: Path) -> dict[str, set[str]]:
    """The arguments of a file's tests."""
    return {
        node.name: {argument.arg for argument in node.args.args}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_sentence_has_a_row() -> None:
    assert list(rows("Its sentences")) == [f"S{number}" for number in range(1, SENTENCES + 1)]


def test_every_behaviour_has_a_row() -> None:
    assert behaviours().keys() == BEHAVIOURS.keys()


def test_every_fault_has_a_row() -> None:
    assert rows("Faults of its ancestors that are not repeated").keys() == FAULTS


@pytest.mark.parametrize("name", sorted(everything()))
def test_a_row_names_tests_that_are_there_or_says_why_not(name: str) -> None:
    shown = everything()[name]
    named = NAMED.findall(shown)
    assert named or shown.startswith(("later: ", "does not apply: ")), f"{name}: {shown}"
    for file, test in named:
        assert test in names_in(REPOSITORY / file), f"{name} names {test}, which is not in {file}"


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_has_a_test_that_would_catch_it(name: str) -> None:
    assert NAMED.search(everything()[name])


@pytest.mark.parametrize("name", sorted(name for name, wanted in BEHAVIOURS.items() if wanted))
def test_a_behaviours_test_is_named_after_it_and_runs_on_both_engines(name: str) -> None:
    shown = behaviours()[name]
    named = [(file, test) for file, test in NAMED.findall(shown) if BEHAVIOURS[name] in test]
    assert named, f"{name}: no test has `{BEHAVIOURS[name]}` in its name"
    file, test = named[0]
    arguments = arguments_of(REPOSITORY / file)[test]
    exempt = any(mark in shown for mark in WITHOUT_ENGINE)
    assert arguments & ENGINE_ARGUMENTS or exempt, f"{file}::{test} does not run on both engines"
