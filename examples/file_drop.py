"""A file drop: files sent to a peer land in its folder, whole and checked, or not at all.

    python examples/file_drop.py receive FOLDER
    python examples/file_drop.py send PEER_ID FILE...

A file goes as messages of a mebibyte, each of which says where in the file it belongs, so that neither side holds a
whole file in memory. The receiver acknowledges a part when it is on disk.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from sidecar_client import Received, Sidecar, SidecarError

CHANNEL = "files"
PART_BYTES = 1 << 20


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def send(sidecar: Sidecar, peer: str, path: Path) -> None:
    """Sends one file; SidecarError when it did not arrive."""
    size, digest = path.stat().st_size, digest_of(path)
    with path.open("rb") as file, sidecar.sender(peer, channel=CHANNEL) as out:
        for offset in range(0, max(size, 1), PART_BYTES):
            headers = {"name": path.name, "offset": str(offset), "size": str(size), "sha256": digest}
            out.send(file.read(PART_BYTES), headers=headers)
        out.flush()


class Folder:
    """Where files land."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._missing: dict[tuple[str, str, str], int] = {}

    def take(self, message: Received) -> None:
        """Writes one part; says so when the file is complete."""
        headers = message.headers
        # The name comes from somebody else: nothing of it but the last part may choose where on this disk it goes.
        name = Path(headers["name"]).name or "unnamed"
        digest = headers["sha256"]
        size, offset = int(headers["size"]), int(headers["offset"])
        series = (message.peer_id, name, digest)
        part = self.path / f".{hashlib.sha256(repr(series).encode()).hexdigest()[:16]}.part"
        part.touch()
        with part.open("r+b") as file:
            file.seek(offset)
            file.write(message.payload)
        missing = self._missing.get(series, size) - len(message.payload)
        self._missing[series] = missing
        if missing > 0:
            return
        del self._missing[series]
        if digest_of(part) == digest:
            part.replace(self.path / name)
            print(f"{name}: {size} bytes from {message.peer_id[:8]}", flush=True)
        else:
            part.unlink()
            print(f"{name}: damaged, dropped", flush=True)


def main(words: list[str]) -> int:
    """See the module."""
    match words:
        case ["receive", folder]:
            place = Folder(Path(folder))
            place.path.mkdir(parents=True, exist_ok=True)
            with Sidecar() as sidecar, sidecar.consume(CHANNEL, credits=16) as parts:
                print(f"files for {sidecar.node().peer_id} land in {folder}", flush=True)
                for part in parts:
                    if isinstance(part, Received):
                        place.take(part)
                        parts.ack(part)
        case ["send", peer, *files] if files:
            with Sidecar() as sidecar:
                for file in map(Path, files):
                    try:
                        send(sidecar, peer, file)
                    except SidecarError as error:
                        print(f"{file.name} did not arrive: {error.detail}", file=sys.stderr)
                        return 1
                    print(f"{file.name} is there", flush=True)
        case _:
            print("usage: file_drop.py receive FOLDER | send PEER_ID FILE...", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
