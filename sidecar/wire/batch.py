"""Batches of messages as they pass through: encoded, checked, and never rebuilt.

A batch is what protobuf makes of `repeated Message messages = 1`, so batches are joined by joining bytes:

    batch   = *entry
    entry   = 0x0A length message              length: protobuf varint
    message = [0x0A length message_id] *(0x12 length header) [0x1A length payload]     in any order
    header  = [0x0A length key] [0x12 length value]                                     in any order

`check_untrusted` proves that bytes are exactly this, at both ends: where an app's bytes enter the sender's sidecar
and where the network's enter the receiver's. After it, `split` and `ends` may trust them.
"""

from __future__ import annotations

from dataclasses import dataclass

MESSAGE_ID_MAX = 128
HEADERS_MAX = 8 << 10
"""Bytes of message id and headers of one message together."""
PAYLOAD_IN_LINE_MAX = 64 << 10
ENTRY_OVERHEAD_MAX = HEADERS_MAX + 1024
"""More than any entry has beside its payload: framing, message id and headers."""
IN_LINE_MAX = PAYLOAD_IN_LINE_MAX + ENTRY_OVERHEAD_MAX
"""Entries up to this size share a stream with others; larger ones get their own (bulk)."""

COLUMN_MIN = 8
"""Entries of one shape that are worth being compared together."""


@dataclass(frozen=True, slots=True)
class BadBatch(ValueError):
    """The bytes are not a batch of valid messages: `index` counts messages from 0; `limit` and `size` tell which
    limit was passed, when one was."""

    index: int
    what: str
    limit: int = 0
    size: int = 0

    def __str__(self) -> str:
        return f"messages[{self.index}]: {self.what}"


def _varint_untrusted(data: bytes, position: int, end: int, index: int) -> tuple[int, int]:
    """A protobuf length of at most 5 bytes within `end`."""
    value = shift = 0
    while position < end and shift < 35:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise BadBatch(index, "a length is cut off or too long")


def check_untrusted(data: bytes, max_payload: int) -> list[int]:
    """Proves that `data` is a batch of valid messages of at most `max_payload` bytes of payload each.

    Returns where each entry ends, so its length is the number of messages. Raises BadBatch.
    """
    ends: list[int] = []
    position = 0
    total = len(data)
    while position < total:
        if data[position] != 0x0A:
            raise BadBatch(len(ends), f"the bytes are no `messages` entry (tag {data[position]:#04x})")
        body, start = position, 0
        size, start = _varint_untrusted(data, position + 1, total, len(ends))
        end = start + size
        if end > total:
            raise BadBatch(len(ends), "the entry is cut off")
        payload_only = _check_message_untrusted(data, start, end, max_payload, len(ends))
        ends.append(end)
        if payload_only:
            # Entries of the same shape begin with the same bytes, and those bytes fix the whole shape: comparing them
            # proves the next entry at a fraction of the cost of reading it.
            end = _same_shape(data, data[body:payload_only], end - body, end, ends)
        position = end
    return ends


def _same_shape(data: bytes, head: bytes, step: int, end: int, ends: list[int]) -> int:
    """Adds the ends of the entries from `end` on that begin with `head`, each of `step` bytes; where the last one ends.

    As many as were proved before are proved at a time, each byte of the head at all of them in one go: so a change of
    shape wastes no more than what went well, whoever made the batch.
    """
    total = len(data)
    alike = 1
    while end + step <= total:
        many = min(alike, (total - end) // step)
        if many < COLUMN_MIN:
            many = 1
            if not data.startswith(head, end):
                break
        elif not all(data[end + at : end + step * many : step].count(byte) == many for at, byte in enumerate(head)):
            while data.startswith(head, end):
                end += step
                ends.append(end)
            break
        ends.extend(range(end + step, end + step * many + 1, step))
        end += step * many
        alike += many
    return end


def _check_message_untrusted(data: bytes, position: int, end: int, max_payload: int, index: int) -> int:
    """Checks one message; returns where its payload begins if the message is nothing but a payload, else 0."""
    first = position
    beside = 0
    seen_id = seen_payload = False
    only = 0
    while position < end:
        tag = data[position]
        begin = position
        size, position = _varint_untrusted(data, position + 1, end, index)
        stop = position + size
        if stop > end:
            raise BadBatch(index, "a field is cut off")
        if tag == 0x1A and not seen_payload:
            if size > max_payload:
                raise BadBatch(index, f"payload of {size} bytes, at most {max_payload} are allowed", max_payload, size)
            seen_payload = True
            if begin == first and stop == end:
                only = position
        elif tag == 0x0A and not seen_id:
            if size > MESSAGE_ID_MAX:
                raise BadBatch(index, f"message_id of {size} bytes, at most {MESSAGE_ID_MAX} are allowed",
                               MESSAGE_ID_MAX, size)  # fmt: skip
            _check_text_untrusted(data, position, stop, index, "message_id")
            seen_id = True
            beside += stop - begin
        elif tag == 0x12:
            beside += stop - begin
            if beside <= HEADERS_MAX:
                _check_header_untrusted(data, position, stop, index)
        else:
            raise BadBatch(index, f"a field that Message does not have, or has once, is there (tag {tag:#04x})")
        position = stop
    if beside > HEADERS_MAX:
        raise BadBatch(index, f"message_id and headers of {beside} bytes, at most {HEADERS_MAX} are allowed",
                       HEADERS_MAX, beside)  # fmt: skip
    return only


def _check_header_untrusted(data: bytes, position: int, end: int, index: int) -> None:
    seen = 0
    while position < end:
        tag = data[position]
        size, position = _varint_untrusted(data, position + 1, end, index)
        stop = position + size
        if stop > end:
            raise BadBatch(index, "a header is cut off")
        if tag not in (0x0A, 0x12) or seen & tag:
            raise BadBatch(index, f"a header has a field it should not (tag {tag:#04x})")
        seen |= tag & 0x18  # the bit that tells 0x0A from 0x12
        _check_text_untrusted(data, position, stop, index, "headers")
        position = stop


def _check_text_untrusted(data: bytes, start: int, stop: int, index: int, field: str) -> None:
    text = data[start:stop]
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise BadBatch(index, f"{field} is not UTF-8") from error


def ends(data: bytes) -> list[int]:
    """Where each entry of a checked batch ends."""
    found: list[int] = []
    position, total = 0, len(data)
    while position < total:
        size, start = _varint_untrusted(data, position + 1, total, len(found))
        position = start + size
        found.append(position)
    return found


def message_ids(data: bytes) -> list[str]:
    """The id of each entry of a checked batch, empty where it has none."""
    found: list[str] = []
    position, total = 0, len(data)
    while position < total:
        size, start = _varint_untrusted(data, position + 1, total, len(found))
        position = end = start + size
        message_id = ""
        while start < end:
            tag = data[start]
            size, start = _varint_untrusted(data, start + 1, end, len(found))
            if tag == 0x0A:
                message_id = data[start : start + size].decode()
                break
            start += size
        found.append(message_id)
    return found


def message_size(data: bytes) -> int:
    """Bytes of the first entry of a checked batch."""
    size, start = _varint_untrusted(data, 1, len(data), 0)
    return start + size


def length_prefix(size: int) -> bytes:
    """A protobuf length."""
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out)


def large_entry(message_id: str, headers: dict[str, str], parts: list[bytes]) -> list[bytes]:
    """The entry of one message whose payload comes in parts, as parts: nothing is joined."""
    beside = bytearray()
    if message_id:
        raw = message_id.encode()
        beside += b"\x0a" + length_prefix(len(raw)) + raw
    for key, value in headers.items():
        raw_key, raw_value = key.encode(), value.encode()
        header = b"\x0a" + length_prefix(len(raw_key)) + raw_key + b"\x12" + length_prefix(len(raw_value)) + raw_value
        beside += b"\x12" + length_prefix(len(header)) + header
    payload = sum(len(part) for part in parts)
    beside += b"\x1a" + length_prefix(payload)
    return [b"\x0a" + length_prefix(len(beside) + payload) + bytes(beside), *parts]
