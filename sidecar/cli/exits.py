"""What the exit code of a command says.

| code | name | meaning |
| --- | --- | --- |
| 0 | OK | done |
| 1 | FAILED | the sidecar or a peer said no, for a reason that has no code of its own; it is on stderr |
| 2 | USAGE | the command line, a setting or a file it names is wrong: nothing was done |
| 3 | NO_SIDECAR | no sidecar answers at SIDECAR_ENDPOINT, it went away, or it is draining |
| 4 | TIMEOUT | the time given was not enough |
| 5 | NOT_FOUND | nothing is known by that name: a peer, a contact |
| 6 | UNREACHABLE | the peer, or every contact, could not be linked, refused, or was not who it should be |
| 7 | OUTCOME_UNKNOWN | the message was sent and may have arrived |
| 8 | DENIED | the sidecar wants a token (SIDECAR_TOKEN), and not this one |
| 130 | INTERRUPTED | Ctrl-C |
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; the table above says what they mean."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_SIDECAR = 3
    TIMEOUT = 4
    NOT_FOUND = 5
    UNREACHABLE = 6
    OUTCOME_UNKNOWN = 7
    DENIED = 8
    INTERRUPTED = 130
