"""Answers that no sidecar takes, and apps that fail in all the ways there are: it is the requester's error and nobody
else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sidecar_client import AnswerError, AsyncSidecar, IncomingRequest, Replied, Sidecar
from sidecar_client.gen.overlay.v1 import request_pb2
from tests.client.stand_in import Call, StandIn

LONG = 1024
"""Bytes of an error's words that the sidecar takes."""


class Wordless(Exception):
    """One that has no words for itself."""

    def __str__(self) -> str:
        raise RuntimeError


def raising(error: BaseException) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


FAILURES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "no bytes": (lambda: "text", "internal", "TypeError"),
    "too large": (lambda: bytes((16 << 20) + 1), "internal", "16777216"),
    "headers too large": (lambda: Replied(b"", {"n": "v" * 8192}), "internal", "8192"),
    "no text": (lambda: Replied(b"", {"n": "\udc80"}), "internal", "UnicodeEncodeError"),
    "no code": (raising(AnswerError("", "why")), "internal", "why"),
    "a long code": (raising(AnswerError("c" * 129, "why")), "internal", "why"),
    "long words": (raising(AnswerError("c", "é" * LONG)), "c", "é" * (LONG // 2)),
    "words that are no text": (raising(AnswerError("c", "\udc80")), "c", "?"),
    "a bug": (raising(KeyError("k")), "internal", "KeyError: 'k'"),
    "a bug that is no text": (raising(ValueError("\udc80")), "internal", "ValueError: ?"),
    "a bug without words": (raising(Wordless()), "internal", "Wordless"),
    "a cancellation of something else": (raising(asyncio.CancelledError()), "internal", "CancelledError"),
}


def ask(call: Call, number: int, payload: str) -> request_pb2.Answer:
    asked = request_pb2.IncomingRequest(request_id=number, payload=payload.encode())
    call.say(request_pb2.ReplyResponse(requests=[asked]))
    frame: request_pb2.ReplyRequest = call.hear()
    (answer,) = frame.answers.answers
    assert answer.request_id == number
    return answer


def answer_to(asked: IncomingRequest) -> Any:
    return FAILURES[asked.payload.decode()][0]()


def check(call: Call, failures: dict[str, tuple[Callable[[], Any], str, str]]) -> None:
    assert call.hear().HasField("open")
    for number, (name, (_, code, words)) in enumerate(failures.items(), start=1):
        error = ask(call, number, name).error
        assert error.code == code, name
        assert words in error.message, name
        assert len(error.message.encode()) <= LONG, name


def test_an_answer_that_fails_is_the_requesters_error() -> None:
    # An app that wants to leave says so to its main thread; here it would leave a request without an answer.
    failures = FAILURES | {"the end": (raising(SystemExit(1)), "internal", "SystemExit: 1")}

    def answer(asked: IncomingRequest) -> Any:
        return failures[asked.payload.decode()][0]()

    with StandIn() as stand_in, Sidecar(stand_in.endpoint) as sidecar:
        responder = sidecar.responder(answer, "c")
        call = stand_in.call()
        check(call, failures)
        call.end()
        responder.close()


async def test_asyncio_an_answer_that_fails_is_the_requesters_error() -> None:
    async def answer(asked: IncomingRequest) -> Any:
        return answer_to(asked)

    with StandIn() as stand_in:
        async with AsyncSidecar(stand_in.endpoint) as sidecar:
            serving = asyncio.create_task(sidecar.reply(answer, "c"))
            await asyncio.to_thread(lambda: check(stand_in.call(), FAILURES))
            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await serving
