"""A process that forks children which write a cache until they are killed.

For each number on stdin a child connects to that node, then the next, and prints each number once it is committed. The
parent says "child PID" before and "gone" after. The `n`th node is at port n + 1, under one of 400 keys.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from sidecar.overlay.cache import Cache
from sidecar.overlay.cache_file import CacheFile
from tests.overlay.nodes import identity

KEYS = 400
"""Twice what the cache holds, so that each is forgotten before it comes again."""


def write(directory: Path, first: int) -> None:
    """Never returns."""
    cache = Cache(CacheFile(directory))
    for number in count(first):
        who = identity(number % KEYS)
        cache.connected(who.peer_id, ("127.0.0.1", number + 1), who.certificate_der)
        os.write(1, b"%d\n" % number)


def main() -> None:
    """See the module."""
    for number in range(KEYS):
        identity(number)
    for line in sys.stdin:
        read, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(read, 1)
            write(Path(sys.argv[1]), int(line))
        os.write(1, b"child %d\n" % child)
        os.write(go, b"\0")
        os.waitpid(child, 0)
        os.close(read)
        os.close(go)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
