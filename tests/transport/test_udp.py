"""The socket: trains, their fallback, and errors that cost one datagram."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.transport import pump as pumps
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine import load
from sidecar.transport.engine.base import Train
from sidecar.transport.pump import Pump
from sidecar.transport.udp import UdpSocket, shown
from tests.transport.conftest import ENGINES, settings_of
from tests.transport.talker import Party, Talker

SO_NO_CHECK = 11
"""Without checksums the kernel refuses to cut trains, as it does for devices that cannot compute them."""


@pytest.fixture(params=[True, False], ids=["offload", "plain"])
def two(request: pytest.FixtureRequest) -> Iterator[tuple[UdpSocket, UdpSocket]]:
    """Two sockets on loopback."""
    made = [UdpSocket.open(("127.0.0.1", 0), offload=request.param) for _ in range(2)]
    yield made[0], made[1]
    for one in made:
        one.close()


def read_all(there: UdpSocket) -> list[bytes]:
    """The datagrams that are waiting."""
    datagrams = []
    while (got := there.receive()) is not None:
        data, segment, _ = got
        datagrams += [data[start : start + segment] for start in range(0, len(data), segment)]
    return datagrams


def test_trains_arrive_whole_and_in_order(two: tuple[UdpSocket, UdpSocket]) -> None:
    here, there = two
    cars = [random.Random(number).randbytes(1200) for number in range(20)] + [b"the last, shorter"]
    assert here.send(Train(there.address, 1200, cars)) == 21
    assert read_all(there) == cars
    assert here.traffic.datagrams_out == there.traffic.datagrams_in == 21
    assert here.traffic.bytes_out == there.traffic.bytes_in == sum(map(len, cars))


def test_a_train_goes_on_where_it_stopped(two: tuple[UdpSocket, UdpSocket]) -> None:
    here, there = two
    cars = [bytes([number]) * 100 for number in range(10)]
    assert here.send(Train(there.address, 100, cars), start=7) == 10
    assert read_all(there) == cars[7:]


def test_datagrams_of_one_byte_and_none(two: tuple[UdpSocket, UdpSocket]) -> None:
    here, there = two
    here.send(Train(there.address, 1, [b"x"]))
    here.send(Train(there.address, 0, [b""]))
    assert there.receive() == (b"x", 1, here.address)
    assert there.receive() == (b"", 1, here.address)
    assert there.receive() is None


def test_a_kernel_that_cannot_cut_trains_gets_single_datagrams_from_then_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    here, there = UdpSocket.open(("127.0.0.1", 0)), UdpSocket.open(("127.0.0.1", 0))
    assert here.send_offload is True
    here._socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    cars = [bytes([number]) * 1200 for number in range(5)]
    for _ in range(3):
        assert here.send(Train(there.address, 1200, cars)) == 5
        assert read_all(there) == cars
    assert [here.send_offload] == [False]
    assert here.traffic.unsendable == 0
    assert len([record for record in caplog.records if "UDP_SEGMENT" in record.getMessage()]) == 1
    here.close()
    there.close()


def in_a_narrow_namespace(*arguments: str, mtu: int = 1300) -> None:
    """Runs this module with a loopback that carries so many bytes and no other route."""
    inside = f"ip link set lo mtu {mtu} up && exec {sys.executable} -m tests.transport.test_udp {' '.join(arguments)}"
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        ["unshare", "--net", "sh", "-c", inside], cwd=root, check=False, capture_output=True, text=True, timeout=150
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "done\n"


@pytest.mark.requires("netns")
def test_errors_cost_the_datagram_they_are_about() -> None:
    in_a_narrow_namespace("errors")


@pytest.mark.requires("netns")
@pytest.mark.parametrize("acceptor", ENGINES)
@pytest.mark.parametrize("dialler", ENGINES)
def test_a_narrow_path_is_dialled_again_with_small_datagrams(dialler: str, acceptor: str) -> None:
    in_a_narrow_namespace(dialler, acceptor)


@pytest.mark.requires("netns")
@pytest.mark.parametrize(("mtu", "width"), [(65_536, 65_487), (9_000, 8_952), (1_500, 1_452), (1_300, 1_200)])
@pytest.mark.parametrize("acceptor", ENGINES)
@pytest.mark.parametrize("dialler", ENGINES)
def test_the_widest_datagrams_that_pass_are_found(dialler: str, acceptor: str, mtu: int, width: int) -> None:
    in_a_narrow_namespace(dialler, acceptor, str(width), mtu=mtu)


def no_narrower() -> None:
    """From now on a dial without an answer takes no narrower datagrams: on a busy machine a second is no sign that none
    comes. This process has one test."""
    pumps.FALL_BACK_AFTER = pumps.NARROWER_AFTER = 3600.0


async def dial_wide(dialler: str, acceptor: str, width: int) -> None:
    """The first dial finds the width, where a blind one would go on with 1,200 bytes, the next one knows it, and both
    sides take it."""
    wanted = settings_of(max_datagram=65_487)
    here, there = await Party.open(dialler, settings=wanted), await Party.open(acceptor, settings=wanted)
    for known in (False, True):
        if known or width == 65_487:
            no_narrower()
        talker = await here.dial(there.address).joined()
        assert talker.pump.fell_back is (not known and width != 65_487)
        accepted = await there.accepted[-1].joined()
        body = random.Random(1).randbytes(1_000_000)
        # aioquic's packets say their length in 14 bits, so its first one proves no more.
        proved = min(width, 16_383) if dialler == "aioquic" else width
        assert talker.pump._connection.settings.max_datagram == width  # type: ignore[attr-defined]
        assert accepted.pump._connection.settings.max_datagram == proved  # type: ignore[attr-defined]
        for send, receive in ((talker, accepted), (accepted, talker)):
            assert await receive.body(send.say(body)) == body
        talker.pump.close(0, "")
        await talker.gone()
    here.endpoint.close()
    there.endpoint.close()
    sys.stdout.write("done\n")


async def dial_narrow(dialler: str, acceptor: str) -> None:
    """The first dial takes a second attempt, the next one does not, and bodies pass both ways."""
    wide = settings_of(max_datagram=1452)
    here, there = await Party.open(dialler, settings=wide), await Party.open(acceptor, settings=wide)
    for fell_back in (True, False):
        if not fell_back:
            no_narrower()
        talker = await here.dial(there.address).joined()
        assert talker.pump.fell_back is fell_back
        accepted = await there.accepted[-1].joined()
        body = random.Random(1).randbytes(100_000)
        assert await accepted.body(talker.say(body)) == body
        assert await talker.body(accepted.say(body)) == body
        talker.pump.close(0, "")
        await talker.gone()
    here.endpoint.close()
    there.endpoint.close()
    sys.stdout.write("done\n")


def narrow() -> None:
    """Too large, no route, nobody there: each is counted, and trains stay."""
    here, there = UdpSocket.open(("127.0.0.1", 0)), UdpSocket.open(("127.0.0.1", 0))
    assert here.send(Train(there.address, 1452, [bytes(1452)] * 3)) == 3
    assert here.traffic.unsendable == 3
    assert here.send(Train(("203.0.113.9", 4433), 1200, [bytes(1200)] * 2)) == 2
    assert here.traffic.unsendable == 5
    gone = UdpSocket.open(("127.0.0.1", 0))
    address = gone.address
    gone.close()
    for _ in range(3):
        here.send(Train(address, 1200, [bytes(1200)]))
    assert here.receive() is None
    assert here.send(Train(there.address, 1200, [bytes(1200)] * 4)) == 4
    assert read_all(there) == [bytes(1200)] * 4
    assert here.send_offload, "a narrow path is no reason to give up trains"
    sys.stdout.write("done\n")


def test_datagrams_that_found_no_room_are_counted() -> None:
    here, there = UdpSocket.open(("127.0.0.1", 0)), UdpSocket.open(("127.0.0.1", 0))
    there._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
    for _ in range(100):
        here.send(Train(there.address, 1200, [bytes(1200)]))
    read_all(there)
    here.send(Train(there.address, 3, [b"one"]))
    read_all(there)
    assert there.traffic.dropped == 100 - (there.traffic.datagrams_in - 1) > 0
    here.close()
    there.close()


def test_buffers_are_what_the_system_gives() -> None:
    here = UdpSocket.open(("127.0.0.1", 0))
    assert here.receive_buffer == here._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 0
    assert here.send_buffer == here._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > 0
    here.close()


@pytest.mark.requires("ipv6")
def test_addresses_as_the_socket_and_as_people_write_them() -> None:
    both, four = UdpSocket.open(("::", 0)), UdpSocket.open(("0.0.0.0", 0))
    assert both.resolve(("192.0.2.1", 7)) == ("::ffff:192.0.2.1", 7, 0, 0)
    assert both.resolve(("2001:db8::1", 7)) == ("2001:db8::1", 7, 0, 0)
    assert four.resolve(("192.0.2.1", 7)) == ("192.0.2.1", 7)
    assert shown(("::ffff:192.0.2.1", 7, 0, 0)) == ("192.0.2.1", 7)
    assert shown(("2001:db8::1", 7, 0, 0)) == ("2001:db8::1", 7)
    assert shown(("fe80::1", 7, 0, 3)) == ("fe80::1%3", 7)
    assert shown(("192.0.2.1", 7)) == ("192.0.2.1", 7)
    both.close()
    four.close()


class Hesitant(UdpSocket):
    """Now and then is full in the middle of a train, as a socket on a slow device is."""

    stops = 0

    def send(self, train: Train, start: int = 0) -> int:
        if random.Random(self.stops).random() < 0.5:
            self.stops += 1
            some = start + (len(train.datagrams) - start) // 2
            super().send(Train(train.address, train.size, train.datagrams[:some]), start)
            return some
        self.stops += 1
        return super().send(train, start)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_full_socket_keeps_the_train_and_goes_on(engine: str) -> None:
    there = await Party.open(engine)
    here = Endpoint(
        Hesitant.open(("127.0.0.1", 0)),
        load(engine),
        settings_of(),
        Talker,
        retry="never",
        handshake_timeout=5,
        keep_alive=10,
        handshake_limit=10,
        subnet_handshake_limit=10,
    )
    made: list[Talker] = []

    def protocol(pump: Pump) -> Talker:
        made.append(Talker(pump))
        return made[-1]

    for _ in range(3):
        here.dial(there.address, protocol)
    for talker in made:
        await talker.joined()
    bodies = [random.Random(number).randbytes(1_000_000) for number in range(3)]
    streams = [talker.say(body) for talker, body in zip(made, bodies, strict=True)]
    for accepted in there.accepted:
        await accepted.joined()
    (stream,) = set(streams)
    arrived = [await accepted.body(stream) for accepted in there.accepted]
    assert sorted(arrived) == sorted(bodies)
    assert made[0].pump.statistics().packets_lost == 0
    here.close()
    there.endpoint.close()


if __name__ == "__main__":
    if sys.argv[1] == "errors":
        narrow()
    elif len(sys.argv) > 3:
        asyncio.run(dial_wide(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    else:
        asyncio.run(dial_narrow(sys.argv[1], sys.argv[2]))
