"""Who may be a peer at all, in every trust mode: the allow list of the settings, and the block list of the operator.

The block list is a file of its own in the state directory, a peer id a line, replaced whole: it outlasts restarts, and
a database that is damaged does not let in whom it kept out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sidecar.errors import Reason, SettingsError, SidecarError
from sidecar.identity import parse_peer_id
from sidecar.trust.refusal import Refusal, Refused

BLOCK_FILE = "blocked"
"""The block list's file in the state directory."""

BLOCKED_MAX = 10_000


class Access:
    """Both lists. A block goes over an allowance."""

    def __init__(self, allowed: Iterable[str] = (), directory: Path | None = None) -> None:
        """`allowed` are peer ids and, where certificates prove names, DNS names; none of them allows everybody. Without
        a directory blocks last as long as the process. SettingsError when the block list cannot be read."""
        entries = frozenset(allowed)
        self.allowed_ids = frozenset(each for each in entries if is_peer_id(each))
        self.allowed_names = entries - self.allowed_ids
        self._path = None if directory is None else directory / BLOCK_FILE
        self.blocked = set() if self._path is None else _read(self._path)

    def judge(self, peer_id: str) -> None:
        """What the peer id alone decides. Raises Refused."""
        if peer_id in self.blocked:
            raise Refused(Refusal.BLOCKED, "it is on the block list here")
        if self.allowed_ids and not self.allowed_names and peer_id not in self.allowed_ids:
            raise Refused(Refusal.NOT_ALLOWED, "it is not on the allow list here")

    def judge_named(self, peer_id: str, names: Iterable[str]) -> None:
        """The same with the names that the peer has proven."""
        self.judge(peer_id)
        if self.allowed_names and peer_id not in self.allowed_ids and self.allowed_names.isdisjoint(names):
            raise Refused(Refusal.NOT_ALLOWED, "neither its peer id nor a name of it is on the allow list here")

    def block(self, peer_id: str) -> bool:
        """Puts a peer on the block list; on disk when this returns. False when it was there."""
        if peer_id in self.blocked:
            return False
        if len(self.blocked) >= BLOCKED_MAX:
            raise SidecarError(
                Reason.LIMIT_REACHED,
                f"{BLOCKED_MAX} peers are blocked: unblock some, or use an allow list",
                metadata={"limit": str(BLOCKED_MAX)},
            )
        self._replace(self.blocked | {peer_id})
        return True

    def unblock(self, peer_id: str) -> bool:
        """Takes a peer off it. False when it was not there."""
        if peer_id not in self.blocked:
            return False
        self._replace(self.blocked - {peer_id})
        return True

    def _replace(self, blocked: set[str]) -> None:
        if self._path is not None:
            try:
                _write(self._path, blocked)
            except OSError as error:
                raise SidecarError(
                    Reason.INTERNAL, f"the block list {self._path} cannot be written: {error.strerror}"
                ) from error
        self.blocked = blocked


def is_peer_id(text: str) -> bool:
    """Whether a text is a peer id."""
    try:
        parse_peer_id(text)
    except ValueError:
        return False
    return True


def _read(path: Path) -> set[str]:
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"cannot read the block list {path}: {error}; mend it, or remove it to block nobody"
        ) from None
    for number, line in enumerate(lines, 1):
        if not is_peer_id(line):
            raise SettingsError(
                f"line {number} of the block list {path} is no peer id; mend it, or remove it to block nobody"
            )
    return set(lines)


def _write(path: Path, blocked: set[str]) -> None:
    """The file is the former or the new one, whenever the machine stops."""
    import tempfile  # loaded by who writes: it brings half a megabyte

    with tempfile.NamedTemporaryFile("w", prefix=f".{path.name}.", dir=path.parent, delete=False) as file:
        try:
            file.writelines(f"{peer_id}\n" for peer_id in sorted(blocked))
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
