"""An app for tests that end it: `vanishing_app.py ADDRESS receive|consume|send|burst [PEER]`."""

from __future__ import annotations

import itertools
import os
import sys

from sidecar_client import Received, Sidecar


def main() -> None:
    address, how, *rest = sys.argv[1:]
    sidecar = Sidecar(address)
    if how in {"receive", "consume"}:
        inbox = sidecar.receive("c") if how == "receive" else sidecar.consume("c", credits=1)
        print("subscribed", flush=True)
        for message in inbox:
            assert isinstance(message, Received)
            print(message.payload.decode(), flush=True)
    elif how == "send":
        with sidecar.sender(rest[0], channel="c") as out:
            for number in itertools.count():
                out.send(str(number).encode())
    else:
        with sidecar.sender(rest[0], channel="c") as out:
            for number in range(500):
                out.send(str(number).encode())
        # No orderly end of the interpreter, of the channel, or of anything else.
        os._exit(0)


main()
