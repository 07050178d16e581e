"""An app that keeps a sidecar busy, for what several peers share.

python traffic.py ENDPOINT; commands are lines of JSON on stdin, answers lines of JSON on stdout:

    push   sends messages of `size` bytes to `peer` and `channel` as fast as they are taken, by `senders` at once, from
           now on; `stop` ends all of them
    drain  reads `channels` from now on
    count  bytes that have come, by channel
    ask    sends a message of 256 bytes every `pause` seconds to each of `peers`, for `seconds`, each to DELIVERED; the
           seconds that each took
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sidecar_client import Sender, Sidecar, SidecarError

SMALL = bytes(256)


class Traffic:
    """The app."""

    def __init__(self, endpoint: str) -> None:
        self.client = Sidecar(endpoint)
        self.came: Counter[str] = Counter()
        self.senders: list[Sender] = []
        self.stopped = threading.Event()

    def push(self, peer: str, channel: str, size: int, senders: int, priority: str = "normal") -> None:
        """See the module."""
        self.stopped.clear()
        for _ in range(senders):
            out = self.client.sender(peer, channel=channel, priority=priority)  # type: ignore[arg-type]
            self.senders.append(out)
            threading.Thread(target=self._push, args=(out, bytes(size)), daemon=True).start()

    def _push(self, out: Sender, payload: bytes) -> None:
        with contextlib.suppress(SidecarError):
            while not self.stopped.is_set():
                out.send(payload)

    def stop(self) -> None:
        """See the module."""
        self.stopped.set()
        for out in self.senders:
            out.cancel()
        self.senders.clear()

    def drain(self, channels: list[str]) -> None:
        """See the module."""
        for channel in channels:
            threading.Thread(target=self._drain, args=(channel,), daemon=True).start()

    def _drain(self, channel: str) -> None:
        with self.client.receive(channel) as messages:
            for message in messages:
                self.came[channel] += len(getattr(message, "payload", b""))

    def count(self) -> dict[str, int]:
        """See the module."""
        return dict(self.came)

    def ask(self, peers: list[str], channel: str, pause: float, seconds: float) -> list[float]:
        """See the module."""
        until = time.monotonic() + seconds

        def one(peer: str) -> list[float]:
            took = []
            while (began := time.monotonic()) < until:
                self.client.send(peer, SMALL, channel=channel, timeout=60)
                took.append(time.monotonic() - began)
                time.sleep(pause)
            return took

        with ThreadPoolExecutor(len(peers)) as pool:
            return [span for took in pool.map(one, peers) for span in took]


def main() -> None:
    """Obeys until stdin ends."""
    app = Traffic(sys.argv[1])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        number, do = command.pop("id"), command.pop("do")
        try:
            answer = {"id": number, "result": getattr(app, do)(**command)}
        except SidecarError as error:
            answer = {"id": number, "error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
