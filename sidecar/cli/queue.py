"""Commands about what the sidecar keeps: durable messages that wait, and dead letters."""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from typing import Annotated

import typer

from sidecar.cli.connection import JsonFlag, Timeout, find_peer, sidecar
from sidecar.cli.output import bytes_text, enum_name, plain, show_json, show_line, show_table
from sidecar.errors import SettingsError

QUEUE_COLUMNS = ("QUEUE", "PEER", "CHANNEL", "MESSAGES", "BYTES", "OLDEST")
LETTER_COLUMNS = ("ID", "PEER", "CHANNEL", "MESSAGES", "BYTES", "DELIVERIES", "TAKEN", "REASON")


class Kind(StrEnum):
    """The queues."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"
    DEAD_INCOMING = "dead_incoming"
    DEAD_OUTGOING = "dead_outgoing"


QueueArgument = Annotated[Kind, typer.Argument(metavar="QUEUE", help="Which: " + ", ".join(Kind) + ".")]
Peer = Annotated[str | None, typer.Option("--peer", metavar="PEER", help="Of one peer.", show_default=False)]
Channel = Annotated[str | None, typer.Option("--channel", metavar="NAME", help="Of one channel.", show_default=False)]
Ids = Annotated[list[int] | None, typer.Option("--id", metavar="ID", help="These alone.", show_default=False)]


def ls(*, timeout: Timeout = None, as_json: JsonFlag = False) -> None:
    """Sum up what is kept, by queue, peer and channel."""
    with sidecar(as_json=as_json) as client:
        kept = client.queues(timeout=timeout)
    if as_json:
        for queue in kept.queues:
            show_json(plain(queue))
        return
    rows = [
        (
            enum_name(queue.DESCRIPTOR.fields_by_name["queue"].enum_type, queue.queue),
            queue.peer_id,
            queue.channel or "-",
            str(queue.messages),
            bytes_text(queue.bytes),
            queue.oldest_at.ToDatetime(tzinfo=UTC).isoformat(timespec="seconds"),
        )
        for queue in kept.queues
    ]
    show_table(QUEUE_COLUMNS, rows)
    print(f"{bytes_text(kept.journal_bytes)} of {bytes_text(kept.journal_bytes_max)} are used")


def show(
    queue: QueueArgument,
    letter_id: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="One letter, with its messages.", show_default=False)
    ] = None,
    *,
    peer: Peer = None,
    channel: Channel = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = 100,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """List the letters of a queue, oldest first, or show one."""
    with sidecar(as_json=as_json) as client:
        if letter_id is not None:
            found = client.letter(queue.value, letter_id, timeout=timeout)
            letters, messages = [found.letter], found.messages
        else:
            peer_id = find_peer(client, peer) if peer is not None else None
            letters = client.letters(queue.value, peer_id=peer_id, channel=channel, limit=limit, timeout=timeout)
            messages = None
    if as_json:
        for letter in letters:
            show_json(plain(letter))
        for message in messages or ():
            show_json(plain_message(message.message_id, dict(message.headers), message.payload))
        return
    rows = [
        (
            str(letter.id),
            letter.peer_id,
            letter.channel or "-",
            str(letter.messages),
            bytes_text(letter.bytes),
            str(letter.deliveries),
            letter.taken_at.ToDatetime(tzinfo=UTC).isoformat(timespec="seconds"),
            enum_name(letter.DESCRIPTOR.fields_by_name["reason"].enum_type, letter.reason) if letter.reason else "-",
        )
        for letter in letters
    ]
    show_table(LETTER_COLUMNS, rows)
    for message in messages or ():
        show_line(f"{message.message_id or '-'}  {dict(message.headers)}  {message.payload!r}")


def plain_message(message_id: str, headers: dict[str, str], payload: bytes) -> dict[str, object]:
    """A message as `recv --json` prints it."""
    import base64

    return {"message_id": message_id, "headers": headers, "payload": base64.b64encode(payload).decode("ascii")}


def purge(
    queue: QueueArgument,
    *,
    peer: Peer = None,
    channel: Channel = None,
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All that the queue holds.")] = False,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Remove letters for good."""
    _require_choice(peer, channel, ids, everything=everything)
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, peer) if peer is not None else None
        gone = client.purge(queue.value, peer_id=peer_id, channel=channel, ids=ids or (), timeout=timeout)
    _tell("purged", gone, as_json=as_json)


def replay(
    queue: QueueArgument,
    *,
    peer: Peer = None,
    channel: Channel = None,
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All that the queue holds.")] = False,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Put dead letters back: what came in is handed out again, what was going out is sent again."""
    _require_choice(peer, channel, ids, everything=everything)
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, peer) if peer is not None else None
        back = client.replay(queue.value, peer_id=peer_id, channel=channel, ids=ids or (), timeout=timeout)
    _tell("replayed", back, as_json=as_json)


def _require_choice(peer: str | None, channel: str | None, ids: list[int] | None, *, everything: bool) -> None:
    if everything == (peer is not None or channel is not None or bool(ids)):
        raise SettingsError("say which: --peer, --channel, --id, or --all")


def _tell(verb: str, count: int, *, as_json: bool) -> None:
    if as_json:
        show_json({verb: count})
    else:
        print(f"{verb} {count} message{'' if count == 1 else 's'}")
