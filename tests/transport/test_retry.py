"""Retry: its tokens, and when strangers are asked for one."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it is re-exported
from aioquic.quic.packet import QuicPacketType, get_retry_integrity_tag, pull_quic_header
from hypothesis import given
from hypothesis import strategies as st

from sidecar.transport.engine import load
from sidecar.transport.engine.base import Address
from sidecar.transport.engine.packet import LongHeader, read_long_untrusted
from sidecar.transport.engine.tokens import SPENT_MAX, Refused, RetryTokens
from sidecar.transport.retry import HOLD, TURNS_OFF, TURNS_ON, Gate, Load
from tests.transport.certificates import key_pair
from tests.transport.conftest import ENGINES, Pair, settings_of
from tests.transport.talker import Party

pytestmark = pytest.mark.slow

HERE: Address = ("192.0.2.1", 4433)
INITIAL = LongHeader(1, True, b"original", b"client's", b"")
Opener = Callable[..., Awaitable[Party]]


@pytest_asyncio.fixture
async def parties() -> AsyncIterator[Opener]:
    """Opens parties and closes them after the test."""
    opened: list[Party] = []

    async def opener(engine: str, **options: object) -> Party:
        party = await Party.open(engine, **options)  # type: ignore[arg-type]
        opened.append(party)
        return party

    yield opener
    for party in opened:
        party.endpoint.close()


def answer_to(packet: bytes) -> LongHeader:
    """The Initial a client sends after a Retry."""
    header = pull_quic_header(Buffer(data=packet))
    return LongHeader(1, True, header.source_cid, b"client's", header.token)


# tokens


def test_a_retry_is_one_clients_take() -> None:
    tokens = RetryTokens()
    packet = tokens.retry(INITIAL, HERE, 50.0)
    header = pull_quic_header(Buffer(data=packet))
    assert header.packet_type is QuicPacketType.RETRY
    assert header.destination_cid == b"client's"
    assert header.integrity_tag == get_retry_integrity_tag(packet[:-16], b"original", 1)
    ticket = tokens.read_untrusted(answer_to(packet), HERE, 55.0)
    assert ticket is not None
    assert ticket.original == b"original"
    assert ticket.given == header.source_cid


@pytest.mark.parametrize("family", [HERE, ("2001:db8::1", 4433, 0, 0)])
@pytest.mark.parametrize("flaw", ["port", "host", "late", "id", "spent"])
def test_a_token_with_any_flaw_is_refused(flaw: str, family: Address) -> None:
    tokens = RetryTokens(lifetime=10)
    packet = tokens.retry(INITIAL, family, 50.0)
    header, address, now = answer_to(packet), family, 60.0
    ticket = tokens.read_untrusted(header, address, now)
    assert ticket is not None
    match flaw:
        case "port":
            address = (family[0], 4434)
        case "host":
            address = ("192.0.2.2" if family is HERE else "2001:db8::2", family[1])
        case "late":
            now = 60.1
        case "id":
            header = header._replace(destination_id=os.urandom(8))
        case "spent":
            tokens.spend(ticket)
    with pytest.raises(Refused):
        tokens.read_untrusted(header, address, now)


@pytest.mark.parametrize("flaw", ["bit", "cut", "other run"])
def test_a_token_that_is_not_ours_is_as_good_as_none(flaw: str) -> None:
    """RFC 9000 section 8.1.3: such a client is one whose address is not validated."""
    tokens = RetryTokens()
    header = answer_to(tokens.retry(INITIAL, HERE, 50.0))
    match flaw:
        case "bit":
            header = header._replace(token=header.token[:-1] + bytes([header.token[-1] ^ 1]))
        case "cut":
            header = header._replace(token=header.token[:20])
        case "other run":
            tokens = RetryTokens()
            tokens.retry(INITIAL, HERE, 50.0)
    assert tokens.read_untrusted(header, HERE, 50.0) is None


@given(st.binary(max_size=200))
def test_forged_tokens_are_worth_nothing(token: bytes) -> None:
    tokens = RetryTokens()
    tokens.retry(INITIAL, HERE, 0.0)
    assert tokens.read_untrusted(LongHeader(1, True, bytes(8), b"", token), HERE, 0.0) is None


def test_keys_rotate() -> None:
    """A key opens for twice its time at most; a token lives as long as it says whichever key sealed it."""
    tokens = RetryTokens(lifetime=10)
    first = answer_to(tokens.retry(INITIAL, HERE, 0.0))
    last = answer_to(tokens.retry(INITIAL, HERE, 9.9))
    second = answer_to(tokens.retry(INITIAL, HERE, 10.0))
    assert len({header.token[0] for header in (first, last, second)}) == 2
    assert tokens.read_untrusted(last, HERE, 19.9) is not None
    assert tokens.read_untrusted(second, HERE, 19.9) is not None
    tokens.retry(INITIAL, HERE, 20.0)
    assert tokens.read_untrusted(last, HERE, 20.0) is None, "its key is gone"
    assert tokens.read_untrusted(second, HERE, 20.0) is not None


def test_memory_of_spent_tokens_is_bounded() -> None:
    """However many connections are made, and none is forgotten before its key."""
    tokens = RetryTokens(lifetime=10)
    headers = []
    for number in range(3 * SPENT_MAX):
        header = answer_to(tokens.retry(INITIAL, HERE, 0.0))
        ticket = tokens.read_untrusted(header, HERE, 0.0)
        assert ticket is not None
        tokens.spend(ticket)
        if number % 1000 == 0:
            headers.append(header)
        assert tokens.remembered <= 2 * SPENT_MAX
    for header in headers:
        try:
            assert tokens.read_untrusted(header, HERE, 0.0) is None, "a spent token held again"
        except Refused:
            continue


# under load


def test_load_turns_on_and_off_by_the_rate_of_unverified_handshakes() -> None:
    load, now = Load(), 100.0
    for _ in range(20):  # as many as may be, all of whom mean it
        for _ in range(int(10 * TURNS_ON)):
            load.begun(now)
            load.verified(now)
        now += 1
    assert not load.look(now)
    for _ in range(int(TURNS_ON) - 1):
        load.begun(now)
    assert not load.look(now)
    load.begun(now)
    assert load.look(now), "so many in an instant"
    assert load.look(now + 1), "it goes off at a lower rate than it came on"
    assert TURNS_ON / 2.718 > TURNS_OFF
    assert load.look(now + HOLD - 0.1), "nor before its time"
    assert not load.look(now + HOLD)


def test_a_steady_flood_keeps_it_on() -> None:
    load, now = Load(), 100.0
    for number in range(5000):
        now += 1 / (1.2 * TURNS_ON)
        load.begun(now)
        if number > 5 * TURNS_ON:
            assert load.look(now)


def initial(number: int, token: bytes = b"") -> LongHeader:
    """Somebody's first packet."""
    return LongHeader(1, True, number.to_bytes(8, "big"), b"theirs", token)


@pytest.mark.parametrize("policy", ["always", "never", "under-load"])
def test_who_is_asked(policy: str) -> None:
    gate = Gate(policy)  # type: ignore[arg-type]
    asked = [isinstance(gate.judge_untrusted(initial(n), HERE, 1.0, crowded=False), bytes) for n in range(200)]
    assert sum(asked) == {"always": 200, "never": 0, "under-load": 201 - TURNS_ON}[policy]
    assert gate.on(1.0) is (policy != "never")
    assert gate.on(60.0) is (policy == "always"), "calm again"
    crowded = gate.judge_untrusted(initial(999), HERE, 60.0, crowded=True)
    assert isinstance(crowded, bytes) is (policy != "never"), "half of the places are for who proves an address"


def test_a_token_holds_when_the_load_is_over() -> None:
    """The engine must know that there was a Retry, or the handshake fails (RFC 9000 section 7.3)."""
    gate = Gate("under-load")
    retry = gate.judge_untrusted(INITIAL, HERE, 1.0, crowded=True)
    assert isinstance(retry, bytes)
    entry = gate.judge_untrusted(answer_to(retry), HERE, 1.1, crowded=False)
    assert not isinstance(entry, bytes)
    assert entry.original == b"original"
    assert entry.given == answer_to(retry).destination_id
    gate.made(entry)
    with pytest.raises(Refused):
        gate.judge_untrusted(answer_to(retry), HERE, 1.2, crowded=False)


# on a socket


class Stranger:
    """A dialler of whom the test sees and sends every datagram itself."""

    def __init__(self, engine: str, address: tuple[str, int]) -> None:
        self.connection = load(engine).dial(settings_of(), None)
        self.address = address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.sent = 0
        self.received = 0
        self.connection.connect(address, 0.0)

    def flight(self, now: float = 0.0) -> list[bytes]:
        """What it would send now."""
        return [data for train in self.connection.transmit(now, 1 << 20) for data in train.datagrams]

    def send(self, *datagrams: bytes) -> None:
        """Sends them."""
        for data in datagrams:
            self.sent += len(data)
            self.socket.sendto(data, self.address)

    async def hear(self) -> bytes:
        """The next datagram that comes."""
        data = await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        self.received += len(data)
        return data

    def heard(self) -> int:
        """Bytes that have come in all."""
        while True:
            try:
                self.received += len(self.socket.recv(65536))
            except BlockingIOError:
                return self.received


async def until(done: Callable[[], bool]) -> None:
    """Waits for a counter, which nothing announces."""
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_token_serves_one_connection_and_its_repeats(engine: str, parties: Opener) -> None:
    """Its Initials may come again; once it is over, nobody's may. Another address gains nothing by it."""
    there = await parties(engine, retry="always", handshake_timeout=0.5)
    counters = there.endpoint.counters
    stranger, thief = Stranger(engine, there.address), Stranger(engine, there.address)
    try:
        stranger.send(stranger.flight()[0])
        retry = await stranger.hear()
        stranger.connection.receive(retry, len(retry), there.address, 0.1)
        first, *_ = stranger.flight(0.1)
        header = read_long_untrusted(first)
        assert header is not None
        assert header.token
        thief.send(first)
        await until(lambda: counters.refused == 1)
        assert there.accepted == []
        stranger.send(first)
        await until(lambda: len(there.accepted) == 1)
        stranger.send(first, first)
        await asyncio.sleep(0)
        (accepted,) = there.accepted
        assert await accepted.gone() == (0, "handshake timeout", False, False)
        await until(lambda: there.endpoint.connections == 0)
        assert counters.refused == 1
        stranger.send(first)
        await until(lambda: counters.refused == 2)
        assert len(there.accepted) == 1
    finally:
        stranger.socket.close()
        thief.socket.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_flood_turns_it_on_and_calm_turns_it_off(
    engine: str, parties: Opener, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spoofed Initials take some places, then none; whoever means it gets in all the while."""
    caplog.set_level(logging.INFO)
    there, here = await parties(engine, retry="under-load"), await parties(engine)
    await here.dial(there.address).joined()
    assert (there.endpoint.retrying, there.endpoint.counters.retries) == (False, 0)
    flood = Stranger(engine, there.address)
    (first, *_) = flood.flight()
    try:
        for number in range(400):
            flood.send(first[:6] + number.to_bytes(8, "big") + first[14:])
        await until(lambda: there.endpoint.counters.retries + len(there.accepted) >= 401)
        assert there.endpoint.retrying
        assert len(there.accepted) <= 2 + TURNS_ON
        await here.dial(there.address).joined()
    finally:
        flood.socket.close()
    later = there.endpoint.now() + 30
    monkeypatch.setattr(there.endpoint, "now", lambda: later)
    assert not there.endpoint._gate.on(later)
    monkeypatch.undo()
    words = [record.getMessage() for record in caplog.records if "Retry" in record.getMessage()]
    assert len(words) == 2, "once on, once off"


# amplification


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("chain", ["short", "long"])
@pytest.mark.parametrize("repeats", [1, 3, 12])
async def test_before_validation_three_times_at_most_goes_out(
    engine: str, chain: str, repeats: int, parties: Opener
) -> None:
    """RFC 9000 section 8.1, by counting bytes on the wire: the flight, its repeats, and the end of the attempt."""
    leaf, key = key_pair()
    more = [key_pair(padding=3000)[0] for _ in range(3)] if chain == "long" else []
    settings = settings_of(certificate_chain=(leaf, *more), private_key_pem=key)
    there = await parties(engine, settings=settings, handshake_timeout=1.2)
    stranger = Stranger(engine, there.address)
    try:
        flight = stranger.flight()
        for _ in range(repeats):
            stranger.send(*flight)
            await asyncio.sleep(0)
        await stranger.hear()
        assert stranger.heard() <= 3 * stranger.sent
        (accepted,) = there.accepted
        await accepted.gone()
        await until(lambda: there.endpoint.connections == 0)
        assert stranger.heard() <= 3 * stranger.sent
    finally:
        stranger.socket.close()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["version", "retry", "alpn", "garbage", "closed"])
async def test_no_answer_to_a_stranger_is_three_times_the_question(engine: str, kind: str, parties: Opener) -> None:
    there = await parties(engine, retry="always" if kind == "retry" else "never", handshake_timeout=0.5)
    stranger = Stranger(engine, there.address)
    if kind == "alpn":
        stranger.connection = load(engine).dial(settings_of(alpn="other/1"), None)
        stranger.connection.connect(there.address, 0.0)
    (first, *_) = stranger.flight()
    if kind == "version":
        first = first[:1] + b"\x1a\x2a\x3a\x4a" + first[5:]
    elif kind == "garbage":
        first = first[:100] + bytes(len(first) - 100)
    try:
        for _ in range(10):
            stranger.send(first)
        if kind != "garbage":
            await stranger.hear()
        if kind == "closed":
            await there.accepted[0].gone()
            for _ in range(10):
                stranger.send(first)
        await until(lambda: there.endpoint.connections == 0)
        assert stranger.heard() <= 3 * stranger.sent
    finally:
        stranger.socket.close()


async def test_a_proven_address_is_answered_whole(pair: Pair, parties: Opener) -> None:
    """After a Retry the limit is gone: a chain beyond it comes without waiting for the dialler."""
    leaf, key = key_pair()
    chain = (leaf, *(key_pair(padding=3000)[0] for _ in range(4)))
    there = await parties(
        pair.acceptor, settings=settings_of(certificate_chain=chain, private_key_pem=key), retry="always"
    )
    here = await parties(pair.dialler)
    dialled = await here.dial(there.address).joined()
    assert dialled.chain == chain
