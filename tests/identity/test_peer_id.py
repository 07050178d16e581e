"""Peer ids have exactly one spelling."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.identity import format_peer_id, parse_peer_id, peer_id_of


def test_peer_id_is_the_base32_sha256_of_the_key() -> None:
    # SHA-256 of nothing, by RFC 6234's example e3b0c442..., in base32 by hand of coreutils.
    assert peer_id_of(b"") == "4oymiquy7qobjgx36tejs35zeqt24qpemsnzgtfeswmrw6csxbkq"


@given(st.binary(min_size=32, max_size=32))
def test_peer_ids_round_trip(digest: bytes) -> None:
    text = format_peer_id(digest)
    assert len(text) == 52
    assert parse_peer_id(text) == digest


@given(st.binary(max_size=200))
def test_peer_id_of_any_key_parses(spki: bytes) -> None:
    assert parse_peer_id(peer_id_of(spki)) == hashlib.sha256(spki).digest()


@given(st.text(max_size=60) | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=52, max_size=52))
def test_what_parses_is_spelled_as_printed(text: str) -> None:
    try:
        digest = parse_peer_id(text)
    except ValueError:
        return
    assert format_peer_id(digest) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "52 characters, not 0"),
        ("a" * 51, "52 characters, not 51"),
        ("a" * 52 + "====", "52 characters, not 56"),
        ("A" * 52, "only the characters a-z and 2-7"),
        ("a" * 51 + "1", "only the characters a-z and 2-7"),
        ("a" * 51 + "\n", "only the characters a-z and 2-7"),
        ("a" * 51 + "b", "no peer id ends in 'b'"),
        ("ａ" * 52, "only the characters a-z and 2-7"),
    ],
)
def test_other_spellings_are_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_peer_id(text)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_only_32_bytes_are_a_peer_id(size: int) -> None:
    with pytest.raises(ValueError, match=f"32 bytes, not {size}"):
        format_peer_id(bytes(size))
