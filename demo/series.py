"""What the demo's apps send each other: numbered items in series, and acknowledgements of them.

An app sends two series to every peer: `messages`, 10,000 short ones, and `file`, 64 MiB in pieces. Every item says
which it is, so that it may come twice and in any order:

    0       1               5               9
    +-------+---------------+---------------+--------...
    | kind  | number        | of how many   | body
    +-------+---------------+---------------+--------...

An acknowledgement is a message of its own, on a channel of its own: a list of ranges of numbers that have come.

    +-------+---------------+---------------+
    | kind  | first         | last          |   repeated
    +-------+---------------+---------------+
"""

from __future__ import annotations

import hashlib
import os
import random
import struct
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

DATA_CHANNEL = "demo"
ACK_CHANNEL = "demo.acks"

MESSAGES, FILE = 1, 2
KINDS = {MESSAGES: "messages", FILE: "file"}

HEADER = struct.Struct(">BII")
RANGE = struct.Struct(">BII")

PIECE_BYTES = 1 << 20
MESSAGE_BYTES = 256


class Bodies(Protocol):
    """The items of a series at the app that sends them."""

    count: int
    total_bytes: int
    digest: str
    """SHA-256 over all bodies in order, in hexadecimal."""

    def body(self, number: int) -> bytes:
        """The body of an item."""
        ...


class ShortMessages:
    """Bodies of some 256 bytes, the same for the same seed."""

    def __init__(self, count: int, seed: str) -> None:
        source = random.Random(seed)
        self._bodies = [source.randbytes(source.randrange(2 * MESSAGE_BYTES)) for _ in range(count)]
        self.count = count
        self.total_bytes = sum(map(len, self._bodies))
        self.digest = hashlib.sha256(b"".join(self._bodies)).hexdigest()

    def body(self, number: int) -> bytes:
        """The body of a message."""
        return self._bodies[number]


class FilePieces:
    """A file, read piece by piece."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self.total_bytes = path.stat().st_size
        self.count = -(-self.total_bytes // PIECE_BYTES)
        with path.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()

    def body(self, number: int) -> bytes:
        """A piece; the last one may be shorter."""
        return os.pread(self._file, PIECE_BYTES, number * PIECE_BYTES)


def item(kind: int, number: int, count: int, body: bytes) -> bytes:
    """The payload that carries an item."""
    return HEADER.pack(kind, number, count) + body


class Unacknowledged:
    """The numbers of a series that the other app has not acknowledged. Threads wait on it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._left = set(range(count))
        self._changed = threading.Condition()

    def acknowledge(self, first: int, last: int) -> None:
        """The other app has these; it may say so more than once."""
        with self._changed:
            before = len(self._left)
            self._left.difference_update(range(first, min(last, self.count - 1) + 1))
            if len(self._left) < before:
                self._changed.notify_all()

    def left(self) -> list[int]:
        """What to send, in order."""
        with self._changed:
            return sorted(self._left)

    def acknowledged(self) -> int:
        """How many the other app has."""
        return self.count - len(self._left)

    def wait_progress(self, timeout: float) -> bool:
        """Waits until nothing is left, and gives True; gives False after `timeout` seconds without a new one."""
        with self._changed:
            before = len(self._left) + 1
            while self._left and len(self._left) < before:
                before = len(self._left)
                self._changed.wait(timeout)
            return not self._left


class Arrived:
    """The items of a series at the app that receives them, kept in a file."""

    def __init__(self, kind: int, count: int, path: Path) -> None:
        self.kind = kind
        self.count = count
        self.received = 0
        self.bytes = 0
        self.repeats = 0
        self._have = bytearray(count)
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._short: dict[int, bytes] = {}

    def take(self, number: int, body: bytes) -> None:
        """Keeps an item, or counts it as a repeat."""
        if self._have[number]:
            self.repeats += 1
            return
        self._have[number] = 1
        self.received += 1
        self.bytes += len(body)
        if self.kind == FILE:
            os.pwrite(self._file, body, number * PIECE_BYTES)
        else:
            self._short[number] = body

    def digest(self) -> str:
        """SHA-256 over what has come, in order, in hexadecimal."""
        if self.kind == FILE:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        return hashlib.sha256(b"".join(self._short[number] for number in sorted(self._short))).hexdigest()


def acknowledgements(items: Iterable[tuple[int, int]]) -> bytes:
    """The payload that acknowledges items, given as (kind, number)."""
    ranges: list[list[int]] = []
    for kind, number in sorted(items):
        if ranges and ranges[-1][0] == kind and number - ranges[-1][2] <= 1:
            ranges[-1][2] = number
        else:
            ranges.append([kind, number, number])
    return b"".join(RANGE.pack(*each) for each in ranges)
