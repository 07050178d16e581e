"""What commands print: results on stdout, for people or as JSON, and everything else on stderr. Never colours."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message


def show_json(value: Any) -> None:
    """One line of JSON, written through at once: streams of them are NDJSON."""
    print(_json(value), flush=True)


def show_line(text: str) -> None:
    """One line for people, written through at once."""
    print(_harmless(text), flush=True)


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they must be."""
    table = [head, *([_harmless(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def complain(text: str) -> None:
    """A line on stderr."""
    print(f"sidecar: {_harmless(text)}", file=sys.stderr, flush=True)


def complain_json(error: Mapping[str, Any]) -> None:
    """The same as JSON, where JSON was asked for."""
    print(_json({"error": error}), file=sys.stderr, flush=True)


def _harmless(text: str) -> str:
    """A text in which peers may have had their say (reasons, names, channels), without a terminal's commands."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def _json(value: Any) -> str:
    """On one line, readable in every script: JSON's own escapes leave C1 and marks of direction as they are."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def plain(message: Message) -> dict[str, Any]:
    """A protobuf message as JSON people write by hand.

    Times are in ISO 8601, durations in seconds, enum values go by their short names, what is not set is null or empty.
    Whole numbers are numbers, save for random ones of 64 bits, which JSON's readers would round: those are text.
    """
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.is_repeated:
        return [_value(item, field) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(value, field)


def _value(value: Any, field: Any) -> Any:
    if field.enum_type is not None:
        return enum_name(field.enum_type, value)
    if field.message_type is None:
        return str(value) if field.type == field.TYPE_FIXED64 else value
    match field.message_type.full_name:
        case "google.protobuf.Timestamp":
            return value.ToDatetime(tzinfo=UTC).isoformat()
        case "google.protobuf.Duration":
            return value.seconds + value.nanos / 1e9
        case _:
            return plain(value)


def enum_name(enum: Any, number: int) -> str:
    """`linked` for PEER_STATE_LINKED; reasons keep their capitals, as errors print them."""
    named = enum.values_by_number.get(number)
    if named is None:
        return str(number)
    words = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in enum.name).lstrip("_")
    short = str(named.name).removeprefix(f"{words}_")
    return short if enum.name == "ErrorReason" else short.lower()


def bytes_text(size: int) -> str:
    """`12.3 MiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def time_text(seconds: float) -> str:
    """`1.23 ms`."""
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
