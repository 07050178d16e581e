"""`cp`: a file to a directory beside another sidecar, taken up where it stood when either end was restarted.

Over a byte stream whose headers say what comes: `file`, `size`, `sha256`. The receiver writes the offset it has as 8
bytes, the sender goes on from there, the receiver writes one byte when the whole has the digest. What is not whole yet
is beside its place under a name of its own, `.FILE.DIGEST.part`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.connection import Allow, allowed_peers, peer_and_name, sidecar
from sidecar.cli.output import complain, show_line
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from sidecar_client import Sidecar, Stream

NAME = "cp"
READ = 256 << 10
PAUSE = 0.5
OFFSET_BYTES = 8
REFUSED = 2
"""Reset code: the receiver will not have it."""
FILE_NAME = re.compile(r"[^./\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*")
"""No hidden file, nothing elsewhere, and no commands to the terminal of whoever lists the files."""
FILE_NAME_BYTES = 128
DIGEST = re.compile(r"[0-9a-f]{64}")
SIZE = re.compile(r"[0-9]{1,18}")


def cp(
    source: Annotated[str | None, typer.Argument(metavar="FILE", help="What to send.", show_default=False)] = None,
    to: Annotated[
        str | None, typer.Argument(metavar="PEER:[NAME]", help="To whom, and under which name.", show_default=False)
    ] = None,
    *,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="Receive files here instead.", show_default=False)
    ] = None,
    patience: Annotated[
        float, typer.Option("--patience", metavar="SECONDS", min=0, help="Give up after so long without progress.")
    ] = 60.0,
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", min=1, help="End after so many files.", show_default=False)
    ] = None,
    allow: Allow = None,
) -> None:
    """Send a file to a `cp --into DIR` beside another sidecar. When either end is restarted it goes on where it was."""
    if into is not None:
        if source is not None:
            raise SettingsError("give either FILE PEER: or --into DIR")
        if not into.is_dir():
            raise SettingsError(f"--into {into} is no directory")
        _receive(into, allow, count)
        return
    if source is None or to is None:
        raise SettingsError("give FILE and PEER:, or --into DIR")
    path = Path(source)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise SettingsError(f"{source}: {error.strerror}") from None
    with sidecar(as_json=False) as client:
        peer_id, name = peer_and_name(client, to)
        _send(client, peer_id, path, {"file": name or path.name, "size": str(size), "sha256": digest}, patience)
    print(f"{digest}  {name or path.name}")


def _send(client: Sidecar, peer_id: str, path: Path, headers: dict[str, str], patience: float) -> None:
    from sidecar_client import NoSubscriber, PeerError, SidecarUnavailable, StreamLost, StreamReset

    size = int(headers["size"])
    gives_up_at = time.monotonic() + patience
    reached = -1
    shown = sys.stderr.isatty()
    with typer.progressbar(length=size, label=path.name, file=sys.stderr if shown else open(os.devnull, "w")) as bar:  # noqa: PTH123
        while True:
            try:
                with client.open_stream(peer_id, NAME, headers=headers, accept_timeout=5) as stream:
                    for position in _send_once(stream, path, size):
                        bar.update(position - bar.pos)
                        if position > reached:
                            reached, gives_up_at = position, time.monotonic() + patience
                    return
            except (StreamLost, StreamReset, SidecarUnavailable, NoSubscriber, PeerError) as error:
                refused = isinstance(error, StreamReset) and error.metadata.get("code") == str(REFUSED)
                if refused or time.monotonic() > gives_up_at:
                    raise
                _pause(client)


def _pause(client: Sidecar) -> None:
    """Half a second, or as long as the sidecar takes to be there again."""
    from sidecar_client import SidecarError

    time.sleep(PAUSE)
    with contextlib.suppress(SidecarError):  # the next attempt tells
        client.wait_ready(1.0)


def _send_once(stream: Stream, path: Path, size: int) -> Iterable[int]:
    position = int.from_bytes(_exactly(stream, OFFSET_BYTES), "big")
    with path.open("rb") as file:
        file.seek(position)
        while position < size and (data := file.read(min(READ, size - position))):
            stream.write(data)
            position += len(data)
            yield position
    stream.finish()
    _exactly(stream, 1)
    yield size


def _exactly(stream: Stream, count: int) -> bytes:
    from sidecar_client import StreamLost

    data = b""
    while len(data) < count:
        part = stream.read(count - len(data))
        if not part:
            raise StreamLost("the receiver ended the stream")
        data += part
    return data


def _receive(into: Path, allow: list[str] | None, count: int | None) -> None:
    from sidecar_client import SidecarError, SidecarUnavailable, StreamLost, StreamReset

    left = count
    with sidecar(as_json=False) as client:
        peers = allowed_peers(client, allow)
        complain(f"receiving into {into} from {', '.join(peers) or 'any peer'}")
        while left is None or left > 0:
            try:
                stream = client.accept_stream(NAME, peer_ids=peers)
            except (SidecarUnavailable, StreamLost, StreamReset):
                _pause(client)
                continue
            try:
                told = _take(stream, into)
            except SidecarError as error:
                complain(f"from {stream.peer_id}: {error}; it goes on when it comes again")
                stream.cancel()
                continue
            if told is not None:
                show_line(f"{told}  from {stream.peer_id}")
                left = None if left is None else left - 1


def _take(stream: Stream, into: Path) -> str | None:
    """Receives one file; what it was, None when it was refused."""
    name, digest, size = (
        stream.headers.get("file", ""),
        stream.headers.get("sha256", ""),
        stream.headers.get("size", ""),
    )
    if not FILE_NAME.fullmatch(name) or len(name.encode()) > FILE_NAME_BYTES:
        stream.reset(REFUSED, "that is no name for a file here")
        return None
    if not DIGEST.fullmatch(digest) or not SIZE.fullmatch(size):
        stream.reset(REFUSED, "size or digest is missing")
        return None
    part = into / f".{name}.{digest[:16]}.part"
    try:
        with closing(part.open("ab")) as file:
            offset = file.tell()
            stream.write(offset.to_bytes(OFFSET_BYTES, "big"))
            while data := stream.read():
                offset += len(data)
                if offset > int(size):
                    stream.reset(REFUSED, "more came than was announced")
                    return None
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            part.unlink()  # nothing of it can be trusted: it begins anew
            stream.reset(1, "the digest is another")
            return None
        part.replace(into / name)
    except OSError as error:
        stream.reset(REFUSED, f"it cannot be written: {error.strerror}")
        return None
    stream.write(b"\x01")
    stream.close()
    return f"{digest}  {name}"
