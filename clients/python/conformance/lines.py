"""What a driver and its runner say to each other: a line of JSON each."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from sidecar_client import Gap, Received, SidecarError

Params = dict[str, Any]
Result = dict[str, Any]


def say(**line: Any) -> None:
    """One line for the runner."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def await_continue() -> None:
    """Returns once the runner says to go on."""
    if json.loads(sys.stdin.readline()) != {"continue": True}:
        raise ValueError("the runner was to say continue")


def pattern(size: int) -> bytes:
    """The payload of so many bytes."""
    period = bytes((i * 31 + size) % 256 for i in range(256))
    return (period * (size // 256 + 1))[:size]


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def text64(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def told(error: SidecarError) -> dict[str, Any]:
    """An error as the runner knows it."""
    line: dict[str, Any] = {
        "kind": type(error).__name__,
        "reason": error.reason,
        "detail": error.detail,
        "fields": [name for name, _ in error.fields],
        "retry_after": error.retry_after,
    }
    if "code" in error.metadata:
        code = error.metadata["code"]
        line["code"] = int(code) if type(error).__name__ == "StreamReset" else code
    return line


def plain(prefix: str, name: str) -> str:
    """The name of an enum's value without its prefix."""
    return name.removeprefix(prefix)


def chosen(params: Params, *names: str) -> Params:
    """Those of the parameters that are given."""
    return {name: params[name] for name in names if params.get(name) is not None}


def messages_of(subscription: Iterable[Received | Gap]) -> Iterator[Received]:
    """What comes, gaps left out."""
    return (message for message in subscription if isinstance(message, Received))


class UnknownCaseError(Exception):
    """The runner names what this driver does not know."""
