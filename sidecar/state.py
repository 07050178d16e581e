"""The state directory: what a sidecar keeps across restarts, held by one sidecar at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from sidecar.errors import SettingsError

SYSTEM_DIRECTORY = Path("/var/lib/sidecar")
"""Where a service keeps its state."""

LOCK_FILE = "lock"


def default_directory() -> Path:
    """`/var/lib/sidecar` where this user may write to it or, being root, make it; else the user's own directory."""
    if os.access(SYSTEM_DIRECTORY, os.W_OK | os.X_OK) or os.geteuid() == 0:
        return SYSTEM_DIRECTORY
    from platformdirs import user_state_path

    return user_state_path("sidecar", appauthor=False)


class StateDirectory:
    """A state directory of this process's own, from `__init__` to `close`."""

    def __init__(self, path: Path) -> None:
        """Makes the directory (mode 0700) where it is missing, and locks it.

        Raises SettingsError when it cannot be made or written, when everyone may write to it, and, naming the holder,
        when another sidecar has it.
        """
        self.path = path
        make_directory(path)
        self._lock = _lock(path)

    def close(self) -> None:
        """Leaves the directory to the next one. The lock's file stays: removing it could take it from under another."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def make_directory(path: Path) -> None:
    """Makes a state directory where it is missing. Raises SettingsError as `StateDirectory` does."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except FileExistsError:
        raise SettingsError(f"the state directory {path} is not a directory; name another with --state-dir") from None
    except OSError as error:
        raise SettingsError(
            f"cannot make the state directory {path}: {error.strerror}; name another with --state-dir, or use "
            "--ephemeral"
        ) from None
    # A mounted volume often has a mode of its own; what may not be is that others could put a key there.
    if stat.S_IMODE(status.st_mode) & 0o002:
        raise SettingsError(f"everyone may write to the state directory {path}; chmod it to 0700")


def result_code(error: Exception) -> int | None:
    """SQLite's result code in an error of one of the databases in here, without its extension
    (sqlite.org/rescode.html); None for an error that SQLite did not report: Python's own, or the system's."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _lock(path: Path) -> int:
    """The descriptor that holds the lock. The kernel frees it with the process, however that ends."""
    try:
        descriptor = _open_lock(path / LOCK_FILE)
    except OSError as error:
        raise SettingsError(
            f"cannot write to the state directory {path}: {error.strerror}; give it to this user, name another with "
            "--state-dir, or use --ephemeral"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise SettingsError(
            f"state directory {path} is in use by pid {holder}: stop that sidecar, or give this one its own --state-dir"
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise SettingsError(
            f"cannot lock the state directory {path}: {error.strerror}; use a local file system"
        ) from None
    with contextlib.suppress(OSError):  # a disk that takes nothing: the lock holds, it only names nobody
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _open_lock(file: Path) -> int:
    """The lock's file; on a disk that cannot be written the one that is there will do, for what is locked is the file
    and not what is in it."""
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
