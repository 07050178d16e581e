"""Plays cases through the client for threads: `python -m conformance`."""

from __future__ import annotations

import json
import sys

from conformance.cases import CASES
from conformance.lines import Params, UnknownCaseError, say, told
from sidecar_client import Sidecar, SidecarError


def play(sidecar: Sidecar, command: Params) -> None:
    """Plays one role of one case."""
    case = CASES.get((command["case"], command["role"]))
    try:
        if case is None:
            raise UnknownCaseError(f"{command['role']} of {command['case']}")
        result = case(sidecar, command.get("params", {}))
    except SidecarError as error:
        say(error=told(error))
    except UnknownCaseError as error:
        say(error={"kind": "UnknownCase", "reason": "", "detail": str(error), "fields": [], "retry_after": None})
    else:
        say(result=result)


def main() -> None:
    """Until the input ends."""
    with Sidecar() as sidecar:
        while line := sys.stdin.readline():
            play(sidecar, json.loads(line))


if __name__ == "__main__":
    main()
