"""Handshakes of both engines with both, without sockets, under virtual time."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from sidecar.transport.engine import load
from sidecar.transport.engine.base import ConnectionIdAdded, ConnectionIdRetired, KeysReady, PeerShown, StreamData
from sidecar.transport.engine.packet import read_long_untrusted
from sidecar.transport.engine.tokens import RetryTokens
from tests.transport.certificates import KeyKind, key_pair
from tests.transport.conftest import ENGINES, Pair, settings_of
from tests.transport.network import Network


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_shows_the_acceptors_certificate(pair: Pair, network: Network, kind: KeyKind) -> None:
    accepting = settings_of(kind)
    line, accepted = pair.joined(network, accepting=accepting)
    assert line.chain == accepting.certificate_chain
    assert accepted.chain == ()
    assert line.closed is None
    assert accepted.closed is None


def test_shows_the_whole_chain_in_order(pair: Pair, network: Network) -> None:
    leaf, key = key_pair()
    chain = (leaf, key_pair()[0], key_pair("p256")[0])
    line, _ = pair.joined(network, accepting=replace(settings_of(), certificate_chain=chain, private_key_pem=key))
    assert line.chain == chain


def test_a_chain_beyond_the_amplification_limit_arrives(pair: Pair, network: Network) -> None:
    # RFC 9000 section 8.1: the acceptor may answer three times what it received until the address is proven.
    leaf, key = key_pair()
    chain = (leaf, *(key_pair(padding=3000)[0] for _ in range(4)))
    line, _ = pair.joined(network, accepting=replace(settings_of(), certificate_chain=chain, private_key_pem=key))
    assert line.chain == chain


def test_takes_one_round_trip(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network)
    start = network.now
    line = client.dial(server)
    network.run_until(lambda: line.chain is not None)
    assert network.now - start == pytest.approx(2 * network.delay, abs=0.002)


def test_the_acceptor_may_write_with_its_handshake_flight(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network)
    start = network.now
    line = client.dial(server)
    network.run_until(lambda: bool(server.lines) and server.lines[0].keys_ready_at is not None)
    accepted = server.lines[0]
    assert network.now - start == pytest.approx(network.delay, abs=0.002)
    kinds = [type(event) for event in accepted.events]
    assert KeysReady in kinds
    assert PeerShown not in kinds
    stream = accepted.streams.open_stream()
    accepted.streams.send(stream, b"early")
    accepted.drive()
    network.run_until(lambda: stream in line.received)
    assert bytes(line.received[stream]) == b"early"
    assert network.now - start == pytest.approx(2 * network.delay, abs=0.002)
    kinds = [type(event) for event in line.events]
    assert kinds.index(PeerShown) < kinds.index(StreamData)


def test_first_packets_prove_how_much_the_path_carries(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network, dialling=settings_of(max_datagram=1452))
    first: list[int] = []

    def measure(source: object, target: object, data: bytes) -> bytes:
        if source == client.address and data[0] & 0xB0 == 0x80 and not server.lines:
            first.append(len(data))
        return data

    network.filter = measure
    line = client.dial(server)
    network.run_until(lambda: line.chain is not None)
    assert set(first) == {1452}


def test_survives_loss_reordering_and_duplication(pair: Pair) -> None:
    for seed in range(8):
        network = Network(loss=0.2, reorder=0.3, duplicate=0.2, seed=seed)
        line, accepted = pair.joined(network)
        stream = line.streams.open_stream()
        line.streams.send(stream, b"after the handshake", fin=True)
        line.drive()
        network.run_until(lambda end=accepted, which=stream: which in end.finished)  # type: ignore[misc]
        assert bytes(accepted.received[stream]) == b"after the handshake"


def test_tells_every_connection_id(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network)
    seen: list[tuple[str, bytes]] = []

    def watch(source: object, target: object, data: bytes) -> bytes:
        if not data[0] & 0x80:
            seen.append((str(target), data[1:9]))
        return data

    network.filter = watch
    line = client.dial(server)
    assert isinstance(line.events[0], ConnectionIdAdded), "a dialling side's own first id"
    network.run_until(lambda: line.chain is not None and server.lines[0].chain is not None)
    accepted = server.lines[0]
    network.run_for(1)
    for end, address in ((line, client.address), (accepted, server.address)):
        added = {event.connection_id for event in end.events if isinstance(event, ConnectionIdAdded)}
        assert {cid for target, cid in seen if target == str(address)} <= added
        assert len(added) > 1
        assert not [event for event in end.events if isinstance(event, ConnectionIdRetired)]
    assert len(server.lines) == 1


@pytest.mark.parametrize("side", ["dialler", "acceptor"])
def test_another_alpn_is_refused(pair: Pair, network: Network, side: str) -> None:
    other = settings_of(alpn="other/1")
    client, server = pair.hosts(network, **{"dialling": other} if side == "dialler" else {"accepting": other})
    line = client.dial(server)
    network.run_until(lambda: line.closed is not None)
    assert line.chain is None
    assert line.closed is not None
    assert line.closed.code == 0x100 + 120, "no_application_protocol (RFC 9001 section 8.1)"
    assert line.closed.remote
    assert not line.closed.application
    assert server.lines[0].chain is None


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_certificate_whose_key_is_not_held_is_refused(pair: Pair, network: Network, kind: KeyKind) -> None:
    # CertificateVerify (RFC 8446 section 4.4.3) is what proves an acceptor's identity where no chain is checked.
    stolen, _ = key_pair(kind)
    _, own_key = key_pair(kind)
    tampered = replace(settings_of(), certificate_chain=(stolen,), private_key_pem=own_key)
    client, server = pair.hosts(network, accepting=tampered)
    line = client.dial(server)
    network.run_until(lambda: line.closed is not None)
    assert line.chain is None
    assert line.closed is not None
    assert not line.closed.remote
    assert line.closed.code == 0x100 + 51, "decrypt_error"
    assert server.lines[0].chain is None


def test_retry_proves_the_address_first(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network, tokens=RetryTokens())
    start = network.now
    line = client.dial(server)
    network.run_until(lambda: line.chain is not None and bool(server.lines) and server.lines[0].chain is not None)
    assert server.retries >= 1
    assert len(server.lines) == 1
    assert network.now - start >= 4 * network.delay


@pytest.mark.parametrize("misuse", ["none", "another address", "expired", "another connection"])
def test_a_retry_token_holds_for_one_address_one_connection_and_a_while(
    pair: Pair, network: Network, misuse: str
) -> None:
    client, server = pair.hosts(network, tokens=RetryTokens(lifetime=10))
    thief = network.host(load(pair.dialler), settings_of())
    kept: list[bytes] = []

    def keep_what_has_a_token(source: object, target: object, data: bytes) -> bytes | None:
        header = read_long_untrusted(data)
        if source == client.address and header is not None and header.token:
            kept.append(data)
            return None
        return data

    network.filter = keep_what_has_a_token
    client.dial(server)
    network.run_until(lambda: bool(kept))
    network.filter = lambda source, target, data: data
    client.lines.clear()
    source, data = client.address, kept[0]
    if misuse == "another address":
        source = thief.address
    elif misuse == "expired":
        network.run_for(11)
    elif misuse == "another connection":
        data = data[:6] + bytes(8) + data[14:]
    network.carry(source, server.address, data)
    network.run_for(0.1)
    assert len(server.lines) == (1 if misuse == "none" else 0)


def test_a_version_nobody_speaks_is_answered_and_ends_the_dialler(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network)

    def renamed(source: object, target: object, data: bytes) -> bytes:
        if source == client.address and data[0] & 0x80:
            return data[:1] + b"\x1a\x2a\x3a\x4a" + data[5:]
        return data

    network.filter = renamed
    line = client.dial(server)
    network.run_for(0.5)
    # The answer lists version 1, which the dialler had asked for: it must ignore that (RFC 9000 section 6.2).
    assert line.closed is None
    assert server.lines == []


def test_no_version_in_common_ends_the_dialler(pair: Pair, network: Network) -> None:
    client, server = pair.hosts(network)

    def other_version(source: object, target: object, data: bytes) -> bytes:
        if source == client.address and data[0] & 0x80:
            return data[:1] + b"\x1a\x2a\x3a\x4a" + data[5:]
        return data[:-4] + b"\x5a\x6a\x7a\x8a" if source == server.address else data

    network.filter = other_version
    line = client.dial(server)
    network.run_until(lambda: line.closed is not None, limit=2)
    assert line.closed is not None
    assert not line.closed.application


def test_load_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [load(name).name for name in ENGINES] == list(ENGINES)
    assert load("auto").name == "qh3"
    with pytest.raises(ValueError, match="'quinn': give one of auto, aioquic, qh3"):
        load("quinn")
    monkeypatch.setitem(sys.modules, "qh3", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert load("auto").name == "aioquic"
    with pytest.raises(ImportError, match=r"install quic-p2p-sidecar\[fast\]"):
        load("qh3")
