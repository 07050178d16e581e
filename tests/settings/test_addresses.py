"""Contacts and addresses: what is taken, how it prints, and what a peer may make us dial."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.addresses import (
    Contact,
    HostPort,
    Scope,
    SocketAddress,
    acceptable_untrusted,
    format_address,
    parse_address,
    scope_of,
)
from sidecar.identity import format_peer_id

PEER = format_peer_id(bytes(range(32)))

ports = st.integers(1, 65535)
labels = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
hosts = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str) | names
peer_ids = st.none() | st.binary(min_size=32, max_size=32).map(format_peer_id)


@given(hosts, ports, peer_ids)
@example("::ffff:192.0.2.1", 1, None)
@example("fe80::1%eth0", 7400, PEER)
def test_contacts_round_trip(host: str, port: int, peer_id: str | None) -> None:
    bracketed = f"[{host}]" if ":" in host else host
    contact = Contact.parse(f"{bracketed}:{port}" if peer_id is None else f"{peer_id}@{bracketed}:{port}")
    assert (contact.port, contact.peer_id) == (port, peer_id)
    assert Contact.parse(str(contact)) == contact


@given(st.text(max_size=100))
def test_any_text_is_a_contact_or_a_value_error(text: str) -> None:
    try:
        contact = Contact.parse(text)
    except ValueError:
        return
    assert Contact.parse(str(contact)) == contact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1:7400", Contact("192.0.2.1", 7400)),
        ("[2001:DB8:0::1]:7400", Contact("2001:db8::1", 7400)),
        ("[::ffff:192.0.2.1]:7400", Contact("192.0.2.1", 7400)),
        ("Peer.Example.:7400", Contact("peer.example", 7400)),
        ("sidecar_a:7400", Contact("sidecar_a", 7400)),
        (f"{PEER}@localhost:1", Contact("localhost", 1, PEER)),
    ],
)
def test_contact_is_read_into_one_form(text: str, expected: Contact) -> None:
    assert Contact.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write host:port"),
        ("peer.example", "write host:port"),
        (":7400", "write host:port"),
        ("[2001:db8::1]", "write host:port"),
        ("2001:db8::1:7400", "in brackets"),
        ("[192.0.2.1]:7400", "only an IPv6 address stands in brackets"),
        ("[::g]:7400", "'::g' is not an IPv6 address"),
        ("192.0.2.1:0", "port 0 cannot be dialled"),
        ("192.0.2.1:65536", "'65536' is not a port"),
        ("192.0.2.1:+1", "is not a port"),
        ("192.0.2.1: 1", "is not a port"),
        ("192.0.2.1:٣", "is not a port"),
        ("192.0.2.256:1", "'192.0.2.256' is not an IPv4 address"),
        ("1.2.3:1", "is not an IPv4 address"),
        ("a..b:1", "neither an IP address nor a DNS name"),
        ("-a:1", "neither an IP address nor a DNS name"),
        ("a b:1", "neither an IP address nor a DNS name"),
        ("bücher.example:1", "xn--"),
        ("x" * 64 + ":1", "neither an IP address nor a DNS name"),
        (".".join(["abcdefg"] * 32) + ":1", "neither an IP address nor a DNS name"),
        ("@192.0.2.1:1", "before the @ stands no peer id"),
        (f"{PEER[:-1]}@192.0.2.1:1", "52 characters, not 51"),
        (f"{PEER}@", "write host:port"),
        ("https://peer.example:1", "in brackets"),
    ],
)
def test_bad_contact_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Contact.parse(text)
    assert why in str(refusal.value)
    assert repr(text) in str(refusal.value)


def test_contact_knows_whether_a_name_must_be_looked_up() -> None:
    assert Contact("192.0.2.1", 1).is_numeric
    assert Contact("::1", 1).is_numeric
    assert not Contact("peer.example", 1).is_numeric


@given(st.ip_addresses(), st.integers(0, 65535))
def test_addresses_round_trip(ip: object, port: int) -> None:
    text = format_address((str(ip), port))
    assert format_address(parse_address(text)) == text


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (("192.0.2.1", 7400), "192.0.2.1:7400"),
        (("2001:db8::1", 7400, 0, 0), "[2001:db8::1]:7400"),
        (("::ffff:192.0.2.1", 7400, 0, 0), "192.0.2.1:7400"),
        (("fe80::1%eth0", 7400, 0, 2), "[fe80::1%eth0]:7400"),
        (("::", 0), "[::]:0"),
    ],
)
def test_socket_addresses_print(address: SocketAddress, text: str) -> None:
    assert format_address(address) == text


@pytest.mark.parametrize(
    "text", ["localhost:1", "1.2.3.4", "[::1]", "[fe80::1%eth0]:1", "::1:1", "1.2.3.4:x", "1.2.3.4:-1"]
)
def test_only_numeric_addresses_parse(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("0.0.0.0", Scope.UNUSABLE),
        ("0.1.2.3", Scope.UNUSABLE),
        ("224.0.0.1", Scope.UNUSABLE),
        ("255.255.255.255", Scope.UNUSABLE),
        ("::", Scope.UNUSABLE),
        ("::127.0.0.1", Scope.UNUSABLE),
        ("ff02::1", Scope.UNUSABLE),
        ("127.0.0.1", Scope.LOOPBACK),
        ("127.255.255.254", Scope.LOOPBACK),
        ("::1", Scope.LOOPBACK),
        ("::ffff:127.0.0.1", Scope.LOOPBACK),
        ("64:ff9b::7f00:1", Scope.LOOPBACK),
        ("2002:7f00:1::", Scope.LOOPBACK),
        ("169.254.169.254", Scope.LINK_LOCAL),
        ("fe80::1", Scope.LINK_LOCAL),
        ("10.0.0.1", Scope.PRIVATE),
        ("100.64.0.1", Scope.PRIVATE),
        ("172.31.255.255", Scope.PRIVATE),
        ("172.32.0.0", Scope.GLOBAL),
        ("192.168.1.1", Scope.PRIVATE),
        ("::ffff:192.168.1.1", Scope.PRIVATE),
        ("fd00::1", Scope.PRIVATE),
        ("8.8.8.8", Scope.GLOBAL),
        ("2600::1", Scope.GLOBAL),
        ("203.0.113.1", Scope.GLOBAL),
    ],
)
def test_scope(host: str, scope: Scope) -> None:
    assert scope_of(host) is scope


GLOBAL = ("198.51.100.7", 7400)


@pytest.mark.parametrize(
    ("told", "link_remote", "verdict"),
    [
        (("203.0.113.1", 7400), GLOBAL, True),
        (("2600::1", 7400), GLOBAL, True),
        (("203.0.113.1", 7400), ("127.0.0.1", 1), True),
        (("203.0.113.1", 0), GLOBAL, False),
        (("203.0.113.1", 65536), GLOBAL, False),
        (("peer.example", 7400), GLOBAL, False),
        (("127.0.0.1", 7400), GLOBAL, False),
        (("::1", 7400), GLOBAL, False),
        (("::ffff:127.0.0.1", 7400), GLOBAL, False),
        (("64:ff9b::7f00:1", 7400), GLOBAL, False),
        (("127.0.0.1", 7400), ("192.168.1.1", 1), False),
        (("127.0.0.1", 7400), ("127.0.0.9", 1), True),
        (("127.0.0.1", 7400), ("::ffff:127.0.0.1", 1, 0, 0), True),
        (("::1", 7400), ("::1", 1, 0, 0), True),
        (("10.1.2.3", 7400), GLOBAL, False),
        (("10.1.2.3", 7400), ("192.168.1.1", 1), False),
        (("10.1.2.3", 7400), ("10.200.0.1", 1), True),
        (("192.168.1.2", 7400), ("192.168.9.9", 1), True),
        (("fd00::2", 7400), ("fd12::1", 1, 0, 0), True),
        (("fd00::2", 7400), ("10.0.0.1", 1), False),
        (("169.254.169.254", 80), GLOBAL, False),
        (("169.254.169.254", 80), ("10.0.0.1", 1), False),
        (("fe80::2", 7400), ("fe80::1%eth0", 1, 0, 2), True),
        (("fe80::2%eth0", 7400), ("fe80::1%eth0", 1, 0, 2), False),
        (("224.0.0.1", 7400), ("224.0.0.1", 1), False),
        (("0.0.0.0", 7400), ("127.0.0.1", 1), False),
        (("255.255.255.255", 7400), GLOBAL, False),
        (("::", 7400), ("::1", 1, 0, 0), False),
    ],
)
def test_what_a_peer_may_make_us_dial(told: HostPort, link_remote: SocketAddress, verdict: bool) -> None:
    assert acceptable_untrusted(told, link_remote) is verdict


@given(st.text(max_size=40), st.integers(-10, 100000))
def test_any_told_address_has_a_verdict(host: str, port: int) -> None:
    assert acceptable_untrusted((host, port), GLOBAL) in {True, False}
