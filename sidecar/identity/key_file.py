"""The file of a private key: written whole or not at all, read only when nobody else could have read or changed it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sidecar.errors import SettingsError

MAX_KEY_BYTES = 16 << 10
"""No key of ours comes near; a larger file is something else."""


def read(path: Path) -> bytes | None:
    """What a private key's file holds; None when there is no such file.

    Raises SettingsError when it is no regular file, belongs to another user, may be read or written by others, is empty
    or larger than `MAX_KEY_BYTES`, or cannot be read.
    """
    try:
        # O_NONBLOCK, because opening a FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        if path.is_symlink():
            raise SettingsError(f"{path} is a symbolic link to nothing; mend or remove it") from None
        return None
    except OSError as error:
        raise SettingsError(f"cannot read the private key {path}: {error.strerror}; give it to this user") from None
    try:
        _judge(path, os.fstat(descriptor))
        content = os.read(descriptor, MAX_KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if not content:
        raise SettingsError(f"{path} is empty; restore it from a backup, or remove it to become a new peer")
    if len(content) > MAX_KEY_BYTES:
        raise SettingsError(f"{path} is larger than {MAX_KEY_BYTES} bytes: that is no private key; remove it")
    return content


def create(path: Path, content: bytes) -> bool:
    """Makes the file with mode 0600, on disk when this returns; False when there is one already, which stays as it is.

    Raises SettingsError when it cannot be written.
    """
    import tempfile  # loaded by who writes: it brings half a megabyte

    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            # Unlike a rename, a link never replaces what another process put there meanwhile.
            os.link(file.name, path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError:
        return False
    except OSError as error:
        raise SettingsError(
            f"cannot write the private key {path}: {error.strerror}; make its directory writable"
        ) from None
    return True


def _judge(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(f"{path} is not a regular file; remove it")
    if status.st_uid != os.geteuid():
        raise SettingsError(
            f"{path} belongs to user {status.st_uid}, not to {os.geteuid()} who runs this; chown it or run as its owner"
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise SettingsError(
            f"{path} has mode {mode:04o}, so others may read or change the private key; chmod it to 0600"
        )
