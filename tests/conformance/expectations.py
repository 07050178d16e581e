"""What cases.yaml writes: its tags, and whether what came is what was expected."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import yaml

PERIOD = 256


def pattern(size: int) -> bytes:
    """The payload of so many bytes (README.md)."""
    period = bytes((i * 31 + size) % 256 for i in range(PERIOD))
    return (period * (size // PERIOD + 1))[:size]


def digest(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def text64(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def pipelined(count: int, size: int) -> str:
    """The digest of all payloads of the case `pipelined`, joined."""
    joined = hashlib.sha256()
    for number in range(1, count + 1):
        joined.update(number.to_bytes(8) + pattern(size)[8:])
    return joined.hexdigest()


class Names(Protocol):
    """What the tags of a play stand for."""

    def own(self, word: str) -> str:
        """A name of this play's own: a channel, a message id."""

    def stranger(self, word: str) -> str:
        """A peer id of this play's own, of a sidecar that there is not."""

    def peer(self, place: str) -> str:
        """The peer id of a sidecar."""

    def contact(self, place: str) -> str:
        """Where it may be dialled."""

    def fact(self, word: str) -> str:
        """Something the world knows."""


@dataclass(frozen=True)
class Tag:
    """A value that is known when the case is played: `!peer b`."""

    name: str
    value: Any

    def __str__(self) -> str:
        return f"!{self.name} {self.value}"


EXPECTING = frozenset({"any", "text", "number", "between", "set", "holds", "subset"})
"""Tags that stand only where something is expected."""

TAGS = EXPECTING | {
    "own", "stranger", "peer", "contact", "fact", "at", "long", "b64", "pattern", "digest", "pipelined", "sha",
}  # fmt: skip


class Loader(yaml.SafeLoader):
    """YAML with the tags."""


def _construct(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Tag:
    if name not in TAGS:
        raise yaml.constructor.ConstructorError(None, None, f"there is no tag !{name}", node.start_mark)
    value: Any
    match node:
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = yaml.safe_load(str(node.value)) if node.value else None
    return Tag(name, value)


yaml.add_multi_constructor("!", _construct, Loader)


def resolved(value: Any, names: Names) -> Any:
    """The value with what its tags stand for; those of expectations stay."""
    match value:
        case Tag(name, inner):
            return _of(name, resolved(inner, names), names)
        case Mapping():
            return {resolved(key, names): resolved(each, names) for key, each in value.items()}
        case list():
            return [resolved(each, names) for each in value]
        case _:
            return value


def _of(name: str, value: Any, names: Names) -> Any:
    match name:
        case "own":
            return names.own(str(value))
        case "stranger":
            return names.stranger(str(value))
        case "peer":
            return names.peer(str(value))
        case "contact":
            return names.contact(str(value))
        case "fact":
            return names.fact(str(value))
        case "at":
            return f"{value[0]}@{value[1].rpartition('@')[2]}"
        case "long":
            return "x" * int(value)
        case "b64":
            return text64(str(value).encode())
        case "pattern":
            return text64(pattern(int(value)))
        case "digest":
            return digest(pattern(int(value)))
        case "sha":
            return digest(str(value).encode())
        case "pipelined":
            return pipelined(int(value["count"]), int(value["size"]))
        case _:
            return Tag(name, value)


def difference(expected: Any, came: Any, where: str = "") -> str | None:
    """What is wrong with what came, and where; None for nothing. A mapping may have more keys than are expected."""
    match expected:
        case Tag(name, value):
            return _differs(name, value, came, where)
        case Mapping():
            if not isinstance(came, Mapping):
                return _words(where, expected, came)
            for key, each in expected.items():
                if key not in came:
                    return f"{where}.{key} is missing" if where else f"`{key}` is missing"
                if found := difference(each, came[key], f"{where}.{key}" if where else str(key)):
                    return found
            return None
        case list():
            if not isinstance(came, list) or len(came) != len(expected):
                return _words(where, expected, came)
            for index, (each, one) in enumerate(zip(expected, came, strict=True)):
                if found := difference(each, one, f"{where}[{index}]"):
                    return found
            return None
        case float() | int() if not isinstance(expected, bool):
            return None if not isinstance(came, bool) and expected == came else _words(where, expected, came)
        case _:
            return None if type(expected) is type(came) and expected == came else _words(where, expected, came)


def _differs(name: str, value: Any, came: Any, where: str) -> str | None:
    number = isinstance(came, int | float) and not isinstance(came, bool)
    match name:
        case "any":
            fits = True
        case "text":
            fits = isinstance(came, str) and bool(came)
        case "number":
            fits = number
        case "between":
            fits = number and value[0] <= came <= value[1]
        case "set":
            fits = isinstance(came, list) and _sorted(came) == _sorted(value)
        case "holds":
            fits = isinstance(came, list) and all(any(difference(one, each) is None for each in came) for one in value)
        case _:
            fits = isinstance(came, list) and all(each in value for each in came)
    return None if fits else _words(where, Tag(name, value), came)


def _sorted(values: list[Any]) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in values)


def _words(where: str, expected: Any, came: Any) -> str:
    shown = json.dumps(came, ensure_ascii=False)
    if len(shown) > 600:
        shown = f"{shown[:600]}... ({len(shown)} characters)"
    return f"{where or 'it'} was to be {_shown(expected)}, and {shown} came"


def _shown(expected: Any) -> str:
    text = json.dumps(expected, ensure_ascii=False, default=str)
    return text if len(text) <= 600 else f"{text[:600]}..."


class Mismatch(Exception):
    """Something came otherwise than expected; says what."""


def expect(expected: Any, came: Any) -> None:
    """Mismatch unless it is what was expected."""
    if found := difference(expected, came):
        raise Mismatch(f"{found}; all of it: {str(came)[:800]}")
