"""Stateless resets: whoever talks to a sidecar that has restarted learns it at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine import load
from sidecar.transport.engine.base import EngineSettings
from sidecar.transport.engine.reset import LEAST_BYTES, USUAL_BYTES, reset_key, reset_token, stateless_reset
from sidecar.transport.resets import RATE, Resets
from tests.transport.conftest import Pair, settings_of
from tests.transport.talker import Party, Talker

Opener = Callable[..., Awaitable[Party]]

KEY = reset_key(b"a private key", 7400)


async def again(engine: str, before: Party, settings: EngineSettings) -> Party:
    """The same identity on the same port, knowing nothing: as after kill -9."""
    address = before.address
    before.endpoint._pumps.clear()
    before.endpoint.close()
    party = Party()

    def accept(pump: object) -> Talker:
        made = Talker(pump)  # type: ignore[arg-type]
        party.accepted.append(made)
        return made

    party.endpoint = await Endpoint.open(address, load(engine), settings, accept)
    return party


async def test_a_restarted_acceptor_says_so_at_once(pair: Pair) -> None:
    """The dialler's connection ends with the first packet it sends, be it a ping."""
    own = settings_of(idle_timeout=60)
    here = await Party.open(pair.dialler, settings=settings_of(idle_timeout=60), keep_alive=0.2)
    there = await Party.open(pair.acceptor, settings=own)
    dialled = [await here.dial(there.address).joined() for _ in range(3)]
    dialled[0].say(b"hello")
    await there.accepted[0].until(lambda: bool(there.accepted[0].finished))
    anew = await again(pair.acceptor, there, own)
    async with asyncio.timeout(3):
        for talker in dialled:
            assert await talker.gone() == (0, "stateless reset", False, True)
    assert anew.endpoint.counters.resets >= 3
    await here.dial(anew.address).joined()
    assert not here.endpoint._resets._expected.keys() - {here_pump.reset_token for here_pump in here.endpoint._pumps}
    here.endpoint.close()
    anew.endpoint.close()


async def test_another_key_on_the_port_ends_nothing(pair: Pair) -> None:
    """Only the identity that was there can say that it is not there any more."""
    here = await Party.open(pair.dialler, settings=settings_of(idle_timeout=1), keep_alive=0.1)
    there = await Party.open(pair.acceptor, settings=settings_of(idle_timeout=1))
    dialled = await here.dial(there.address).joined()
    anew = await again(pair.acceptor, there, settings_of())
    assert await dialled.gone() == (0, "idle timeout", False, False)
    assert anew.endpoint.counters.resets > 0
    here.endpoint.close()
    anew.endpoint.close()


@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
async def test_strangers_cannot_end_a_connection(engine: str) -> None:
    """Not by guessing, nor by asking for the token of a connection that is alive."""
    here, there = await Party.open(engine), await Party.open(engine)
    dialled = await here.dial(there.address).joined()
    own_id = next(iter(there.accepted[0].pump.connection_ids))
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.bind(("127.0.0.1", 0))
        for _ in range(50):
            stranger.sendto(b"\x40" + own_id + bytes(40), there.address)
        stranger.sendto(b"\x40" + b"nobody's" + bytes(40), there.address)
        answer = await loop.sock_recv(stranger, 2000)
        assert answer[-16:] == reset_token(there.endpoint._resets.key, b"nobody's")
        with pytest.raises(BlockingIOError):
            stranger.recv(2000)
        stranger.sendto(answer, here.address)
    stream = dialled.say(b"still there")
    assert await there.accepted[0].body(stream) == b"still there"
    here.endpoint.close()
    there.endpoint.close()


def test_a_reset_is_smaller_than_what_it_answers() -> None:
    """So that two sides that both know nothing fall silent."""
    size, exchanged = 1452, 0
    while (reset := stateless_reset(KEY, b"12345678", size)) is not None:
        assert LEAST_BYTES <= len(reset) < size
        assert len(reset) <= USUAL_BYTES
        assert reset[0] >> 6 == 1
        size, exchanged = len(reset), exchanged + 1
    assert exchanged <= 4


def test_tokens_are_made_again_and_are_the_ports_own() -> None:
    assert reset_token(KEY, b"id") == reset_token(reset_key(b"a private key", 7400), b"id")
    assert reset_token(KEY, b"id") != reset_token(reset_key(b"a private key", 7401), b"id")
    assert reset_token(KEY, b"id") != reset_token(reset_key(b"another key", 7400), b"id")


def test_a_flood_of_unknown_packets_is_not_answered_one_by_one() -> None:
    resets = Resets(b"a private key", 7400)
    packet = b"\x40" + bytes(100)
    answers = [resets.answer_untrusted(packet, len(packet), 100.0) for _ in range(1000)]
    assert sum(answer is not None for answer in answers) == RATE
    assert resets.answer_untrusted(packet, len(packet), 100.5) is not None
