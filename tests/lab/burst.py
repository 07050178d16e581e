"""The two ends of the burst test, each a process in a namespace of its own.

    python -m tests.lab.burst receive ENGINE HOST PORT
    python -m tests.lab.burst send ENGINE HOST PORT TRICKLE QUIET BURST

The sender trickles for TRICKLE seconds, so that acknowledgements come while the application is the limit, is quiet for
QUIET seconds, and then sends BURST bytes at once. It prints one word before each step and waits for a line before the
burst.
"""

from __future__ import annotations

import asyncio
import sys

from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine import load
from sidecar.transport.pump import Pump
from tests.transport.conftest import settings_of
from tests.transport.talker import Talker

TRICKLE_BYTES = 16 << 10
TRICKLE_PAUSE = 0.005


class Receiver(Talker):
    """Says when a stream is whole."""

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        super().stream_data(stream_id, data, fin, now)
        if fin:
            del self.received[stream_id]
            self.pump.send(self.pump.open_stream(), b"whole", fin=True)


async def receive(engine: str, host: str, port: int) -> None:
    """Serves one connection to its end."""
    accepted: asyncio.Future[Talker] = asyncio.get_running_loop().create_future()

    def accept(pump: Pump) -> Talker:
        made = Receiver(pump)
        accepted.set_result(made)
        return made

    endpoint = await Endpoint.open((host, port), load(engine), settings_of(), accept)
    print("serving", flush=True)
    await (await accepted).gone()
    endpoint.close()


async def send(engine: str, host: str, port: int, trickle: float, quiet: float, burst: int) -> None:
    """Trickles, is quiet, bursts."""
    settings = settings_of(max_datagram=1452)
    endpoint = await Endpoint.open(("0.0.0.0", 0), load(engine), settings, Talker)
    made: list[Talker] = []

    def protocol(pump: Pump) -> Talker:
        made.append(Talker(pump))
        return made[0]

    endpoint.dial((host, port), protocol)
    talker = await made[0].joined()
    loop = asyncio.get_running_loop()
    end = loop.time() + trickle
    said = 0

    def answered(but: int = 0) -> bool:
        return len(talker.finished) >= said - but

    while loop.time() < end:
        talker.say(bytes(TRICKLE_BYTES))
        said += 1
        await asyncio.sleep(TRICKLE_PAUSE)
        await talker.until(lambda: answered(but=40))
    await talker.until(answered)
    await asyncio.sleep(quiet)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    talker.say(bytes(burst))
    said += 1
    await talker.until(answered)
    print("sent", flush=True)
    talker.pump.close(0, "")
    await talker.gone()
    endpoint.close()


if __name__ == "__main__":
    role, engine, host, port, *rest = sys.argv[1:]
    if role == "receive":
        asyncio.run(receive(engine, host, int(port)))
    else:
        asyncio.run(send(engine, host, int(port), float(rest[0]), float(rest[1]), int(rest[2])))
