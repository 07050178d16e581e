"""What an app answers, as the sidecar takes it: one that it refused would end the call, and all other answers."""

from __future__ import annotations

import traceback
from typing import Final

from sidecar_client.gen.overlay.v1 import request_pb2
from sidecar_client.messages import AnswerError, IncomingRequest, Replied

PAYLOAD_BYTES: Final = 16 << 20
"""The most of a reply's payload."""

HEADER_BYTES: Final = 8 << 10
"""The most of a reply's headers, names and values together."""

CODE_BYTES: Final = 128
"""The most of an error's code, which has one at least."""

WORDS_BYTES: Final = 1024
"""The most of an error's words; what is longer is cut."""


def taken(asked: request_pb2.IncomingRequest) -> IncomingRequest:
    """A request as the app sees it."""
    left = asked.time_left.ToNanoseconds() / 1e9 if asked.HasField("time_left") else None
    return IncomingRequest(asked.peer_id, asked.channel, asked.payload, dict(asked.headers), left)


def answered(number: int, reply: bytes | Replied) -> request_pb2.Answer:
    """An app's reply. ValueError, or TypeError, for one that cannot be told."""
    told = reply if isinstance(reply, Replied) else Replied(reply)
    answer = request_pb2.Answer(request_id=number, payload=told.payload, headers=told.headers)
    if len(answer.payload) > PAYLOAD_BYTES:
        raise ValueError(f"a reply has at most {PAYLOAD_BYTES} bytes, this one {len(answer.payload)}")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in answer.headers.items())
    if size > HEADER_BYTES:
        raise ValueError(f"the headers of a reply have at most {HEADER_BYTES} bytes, these {size}")
    return answer


def failed(number: int, error: BaseException) -> request_pb2.Answer:
    """What an app raised: its own word where it has one, else the code `internal`."""
    if isinstance(error, AnswerError) and 0 < len(as_utf8(str(error.code))) <= CODE_BYTES:
        code, words = str(error.code), str(error.message)
    else:
        # It has words for errors that have none themselves, too.
        code, words = "internal", traceback.format_exception_only(error)[-1].strip()
    told = request_pb2.AnswerError(
        code=as_utf8(code).decode(), message=as_utf8(words)[:WORDS_BYTES].decode(errors="ignore")
    )
    return request_pb2.Answer(request_id=number, error=told)


def as_utf8(words: str) -> bytes:
    """The text in UTF-8, with question marks for what it has no bytes for: halves of surrogate pairs."""
    return words.encode(errors="replace")
