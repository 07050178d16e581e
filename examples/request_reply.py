"""Questions and answers by messages: a question says on which channel its answer is awaited, and by which id.

    python examples/request_reply.py answer
    python examples/request_reply.py ask PEER_ID WORDS...

The answering side answers with the words in capitals. Any number of questions may be under way: the id says which one
an answer is for.
"""

from __future__ import annotations

import secrets
import sys
import time

from sidecar_client import DeadlinePassed, Received, Sidecar, SidecarError

QUESTIONS = "questions"
PATIENCE = 10.0


def answer(sidecar: Sidecar) -> None:
    """Answers for ever."""
    print(f"asking {sidecar.node().peer_id} is possible", flush=True)
    for question in sidecar.receive(QUESTIONS):
        if not isinstance(question, Received):
            continue
        reply = question.payload.decode(errors="replace").upper()
        headers = {"in-reply-to": question.message_id}
        try:
            sidecar.send(question.peer_id, reply.encode(), channel=question.headers["reply-to"], headers=headers)
        except (SidecarError, KeyError) as error:
            print(f"no answer to {question.peer_id[:8]}: {error}", file=sys.stderr, flush=True)


def ask(sidecar: Sidecar, peer: str, questions: list[str]) -> int:
    """Asks all at once and prints the answers as they come; 1 when one is missing at the end."""
    # A channel of this process alone: another one that asks beside the same sidecar must not take its answers.
    mine = f"answers-{secrets.token_hex(8)}"
    waiting: dict[str, str] = {}
    with sidecar.receive(mine, timeout=PATIENCE) as answers:
        try:
            for words in questions:
                question_id = secrets.token_hex(8)
                waiting[question_id] = words
                headers = {"reply-to": mine}
                sidecar.send(peer, words.encode(), channel=QUESTIONS, headers=headers, message_id=question_id)
            for reply in answers:
                if not isinstance(reply, Received):
                    continue
                words = waiting.pop(reply.headers.get("in-reply-to", ""), "")
                if words and reply.peer_id == peer:
                    print(f"{words} -> {reply.payload.decode()}", flush=True)
                if not waiting:
                    return 0
        except DeadlinePassed:
            print(f"no answer within {PATIENCE:g} s to: {', '.join(waiting.values())}", file=sys.stderr)
        except SidecarError as error:
            print(error.detail, file=sys.stderr)
    return 1


def main(words: list[str]) -> int:
    """See the module."""
    with Sidecar() as sidecar:
        match words:
            case ["answer"]:
                while True:  # a sidecar that restarts is found again
                    answer(sidecar)
                    time.sleep(1)
            case ["ask", peer, *questions] if questions:
                return ask(sidecar, peer, questions)
    print("usage: request_reply.py answer | ask PEER_ID WORDS...", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
