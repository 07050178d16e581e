"""What a method raised, as the status that its caller gets, whichever server carries it."""

from __future__ import annotations

import logging

from sidecar.api.status import ForeignStatus, Status, status_of
from sidecar.errors import Reason, SidecarError

logger = logging.getLogger(__name__)


counted: dict[Reason, int] = dict.fromkeys(Reason, 0)
"""Calls of this process that ended with an error, by reason, whichever server and listener carried them."""


def status_for(path: str, error: Exception) -> Status:
    """The status of whatever a method raised; a bug is logged with its traceback where it is new."""
    match error:
        case SidecarError():
            counted[error.reason] += 1
            return status_of(error)
        case ForeignStatus():
            return error.status
        case _:
            log_bug(path, error)
            counted[Reason.INTERNAL] += 1
            return status_of(SidecarError(Reason.INTERNAL, "the sidecar failed; its log has the details"))


_logged_bugs: set[tuple[str, type[Exception], int]] = set()


def log_bug(path: str, error: Exception) -> None:
    """Logs each bug once by method, kind and line: a client may provoke it a million times."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    bug = (path, type(error), trace.tb_lineno if trace is not None else 0)
    if bug not in _logged_bugs:
        _logged_bugs.add(bug)
        logger.error(
            "%s failed by a bug of the sidecar; later failures of this kind are not logged", path, exc_info=error
        )
