"""One gRPC message on its way in, in the pieces in which it came."""

from __future__ import annotations

from typing import Final

from sidecar.api.front.lean.frames import MESSAGE_HEAD

MANY_PIECES: Final = 256
SMALL_PIECE: Final = 4096
"""So many pieces of less than this on average are joined: an object each would weigh more than the bytes."""

PINNING: Final = 4
"""A piece keeps the whole read alive that it came in, unless it is less than this part of it and is copied."""


class Assembly:
    """The message that a stream is in the middle of. `have` counts its head of five bytes too, 0 is between two."""

    __slots__ = ("have", "size", "compressed", "_head", "_pieces", "_settled")

    def __init__(self) -> None:
        self.have = 0
        self.size = -1
        """Of the message, without its head; -1 while the head is not complete."""
        self.compressed = 0
        self._head = b""
        self._pieces: list[bytes | memoryview] = []
        self._settled = 0
        """So many pieces keep no read alive."""

    def __repr__(self) -> str:
        return f"<Assembly {self.have}/{self.size + MESSAGE_HEAD.size} bytes>"

    @property
    def lacking(self) -> int:
        """Bytes until the head, or else the message, is complete."""
        return MESSAGE_HEAD.size - self.have if self.size < 0 else self.size + MESSAGE_HEAD.size - self.have

    def grow(self, piece: memoryview) -> bool:
        """Takes a piece of a message whose head is known, if more must come after it; whether it did."""
        have = self.have + len(piece)
        if self.size < 0 or have >= self.size + MESSAGE_HEAD.size or not piece:
            return False
        self.have = have
        self._pieces.append(piece)
        return True

    def add(self, piece: memoryview) -> bool:
        """Takes at most `lacking` bytes; whether the message is complete."""
        self.have += len(piece)
        if self.size >= 0:
            if piece:
                self._pieces.append(piece)
        else:
            self._head += piece
            if len(self._head) < MESSAGE_HEAD.size:
                return False
            self.compressed, self.size = MESSAGE_HEAD.unpack(self._head)
        return self.have == self.size + MESSAGE_HEAD.size

    def begin(self, compressed: int, size: int, piece: memoryview) -> None:
        """A message whose head was read already, and a piece that does not complete it."""
        self.compressed, self.size = compressed, size
        self.have = MESSAGE_HEAD.size + len(piece)
        if piece:
            self._pieces.append(piece)

    def take(self) -> bytes:
        """The complete message, copied once."""
        message = b"".join(self._pieces)
        self.clear()
        return message

    def clear(self) -> None:
        """Between messages again."""
        self.have, self.size, self._head, self._settled = 0, -1, b"", 0
        self._pieces = []

    def settle(self, read_bytes: int) -> None:
        """A read of so many bytes is over, in which pieces may have come: it is kept alive where that is worth it."""
        pieces, settled = self._pieces, self._settled
        if len(pieces) > settled:
            fresh = pieces[settled:]
            if sum(map(len, fresh)) * PINNING < read_bytes:
                pieces[settled:] = [b"".join(fresh)]
            if len(pieces) >= MANY_PIECES and self.have < len(pieces) * SMALL_PIECE:
                pieces[:] = [b"".join(pieces)]
            self._settled = len(pieces)
