"""Settings of trust that do not fit together: one line that says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.identity import Identity
from sidecar.settings import Settings, SettingsError

PEER = Identity.ephemeral().peer_id
CERT = {"cert": "a.crt"}
PRIVATE = {"trust": "private-ca", "ca_bundle": "ca.crt"} | CERT
PUBLIC = {"trust": "public-ca"} | CERT


def load(flags: dict[str, Any]) -> Settings:
    return Settings.load(flags, {})


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"allow": [PEER]},
        PRIVATE,
        PRIVATE | {"crl": ["a.crl", "b.crl"], "allow": [PEER, "b.example"]},
        PRIVATE | {"ephemeral": True, "key": "key.pem"},
        PRIVATE | {"bootstrap": ["192.0.2.1:7400"]},
        PUBLIC,
        PUBLIC | {"bootstrap": ["a.example:7400", f"{PEER}@192.0.2.1:7400"]},
    ],
)
def test_what_fits(flags: dict[str, Any]) -> None:
    load(flags)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"trust": "any"}, "--trust: should be 'unverified', 'private-ca' or 'public-ca', not 'any'"),
        ({"ca_bundle": "ca.crt"}, "--ca-bundle says who is trusted, and --trust unverified trusts any key"),
        ({"cert": "a.crt"}, "--cert says who is trusted, and --trust unverified trusts any key"),
        ({"key": "a.key"}, "--key says who is trusted"),
        ({"crl": ["a.crl"]}, "--crl says who is trusted"),
        ({"allow": ["b.example"]}, "--allow b.example is a name, and names are proven by certificates only"),
        ({"trust": "private-ca"} | CERT, "--trust private-ca needs --ca-bundle"),
        ({"trust": "private-ca", "ca_bundle": "ca.crt"}, "--trust private-ca needs --cert"),
        ({"trust": "public-ca"}, "--trust public-ca needs --cert"),
        (PRIVATE | {"ephemeral": True}, "--ephemeral makes a key that no certificate is for"),
        (PUBLIC | {"bootstrap": ["192.0.2.1:7400"]}, "--bootstrap 192.0.2.1:7400: --trust public-ca takes whoever"),
        ({"allow": ["a b"]}, "--allow: 'a b' is neither a peer id nor a DNS name"),
        ({"allow": [PEER[:-1] + "1"]}, "a peer id has only the characters"),
    ],
)
def test_what_does_not_fit_is_one_line(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(flags)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_names_are_taken_in_lower_case() -> None:
    assert load(PRIVATE | {"allow": ["B.Example", PEER]}).allow == ("b.example", PEER)
