"""A client for tests that kill it: `vanishing_client.py ADDRESS METHOD hang|flood|close`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import grpc


def requests(how: str) -> Iterator[bytes]:
    if how == "close":
        yield from (str(number).encode() * 50 for number in range(2000))
        return
    yield b"first"
    while how == "flood":
        yield bytes(64 << 10)
    threading.Event().wait()


def main() -> None:
    address, method, how = sys.argv[1:]
    channel = grpc.insecure_channel(address)
    call: Any
    if method == "HotStream":
        call = channel.unary_stream(f"/test.Front/{method}")(b"first")  # type: ignore[arg-type]
    else:
        call = channel.stream_stream(f"/test.Front/{method}")(requests(how))  # type: ignore[arg-type]
    for _ in call:
        pass
    channel.close()


main()
