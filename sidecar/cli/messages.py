"""Commands that send and receive messages."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.connection import JsonFlag, PeerArgument, Timeout, find_peer, sidecar
from sidecar.cli.output import complain, complain_json, show_json
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from sidecar_client import Gap, Received

Channel = Annotated[str, typer.Option("--channel", metavar="NAME", help="The channel.", show_default=False)]

HELD = 64
"""Messages that `recv` holds unprinted at most; what it holds when it ends goes to another subscriber."""


class Wait(StrEnum):
    """How far a message must have come."""

    SENT = "sent"
    DELIVERED = "delivered"
    PROCESSED = "processed"


def send(
    peer: PeerArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The message, where no --file is given.", show_default=False)
    ] = None,
    *,
    channel: Channel = "",
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE|-", help="Send what it holds; - is stdin.", show_default=False),
    ] = None,
    wait: Annotated[Wait, typer.Option("--wait", help="Return when it has come so far.")] = Wait.DELIVERED,
    durable: Annotated[bool, typer.Option("--durable", help="Keep it in the journals of both sidecars.")] = False,
    ttl: Annotated[
        float | None,
        typer.Option("--ttl", metavar="SECONDS", min=0.001, help="How long it is kept.", show_default=False),
    ] = None,
    request_id: Annotated[
        str,
        typer.Option("--request-id", metavar="NAME", help="Send once, however often it is called.", show_default=False),
    ] = "",
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Send one message to a peer."""
    payload = payload_of(text, file)
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, peer)
        sent = client.send(
            peer_id, payload, channel=channel, wait=wait.value, durable=durable, ttl=ttl, request_id=request_id,
            timeout=timeout,
        )  # fmt: skip
    if as_json:
        times = {"sent_at": _time(sent.sent_at), "delivered_at": _time(sent.delivered_at)}
        times["processed_at"] = _time(sent.processed_at)
        show_json(
            {"peer_id": peer_id, "message_id": sent.message_id, "level": sent.level, "bytes": len(payload), **times}
        )
    else:
        print(f"{sent.level} {len(payload)} bytes to {peer_id}")


def payload_of(text: str | None, file: str | None) -> bytes:
    """What a command line gives: an argument, a file, or stdin."""
    if (text is None) == (file is None):
        raise SettingsError("give either the message as last argument or --file")
    if text is not None:
        return text.encode("utf-8", "surrogateescape")
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(str(file)).read_bytes()
    except OSError as error:
        raise SettingsError(f"--file {file}: {error.strerror}") from None


def recv(
    *,
    channel: Channel = "",
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", min=1, help="End after so many.", show_default=False)
    ] = None,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Print messages as they come, until Ctrl-C: each payload and a line feed, or JSON with the payload in base64."""
    from sidecar_client import Gap

    left = count
    with (
        sidecar(as_json=as_json) as client,
        client.consume(channel, credits=min(left or HELD, HELD), timeout=timeout) as messages,
    ):
        for message in _from_another_thread(messages):
            if isinstance(message, Gap):
                if as_json:
                    complain_json({"reason": "GAP", "detail": message.detail})
                else:
                    complain(message.detail)
                continue
            _show_message(message, as_json=as_json)
            # Printed first: what this command takes and does not print goes to another subscriber.
            messages.ack(message)
            if left is not None:
                left -= 1
                if left == 0:
                    return


def _from_another_thread(messages: Iterator[Received | Gap]) -> Iterator[Received | Gap]:
    """The same messages. Ctrl-C then finds this thread outside of gRPC, and the subscription can be closed in order."""
    from sidecar_client import SidecarError

    waiting: Queue[Received | Gap | SidecarError | None] = Queue(HELD)

    def read() -> None:
        try:
            for message in messages:
                waiting.put(message)
        except SidecarError as error:
            waiting.put(error)
        finally:
            waiting.put(None)

    Thread(target=read, name="recv", daemon=True).start()
    while (message := waiting.get()) is not None:
        if isinstance(message, SidecarError):
            raise message
        yield message


def _show_message(message: Received, *, as_json: bool) -> None:
    if not as_json:
        sys.stdout.buffer.write(message.payload + b"\n")
        sys.stdout.buffer.flush()
        return
    show_json(
        {
            "peer_id": message.peer_id,
            "channel": message.channel,
            "message_id": message.message_id,
            "headers": message.headers,
            "payload": base64.b64encode(message.payload).decode("ascii"),
            "priority": message.priority,
            "instance": str(message.instance),
            "sequence": message.sequence,
            "bulk": message.bulk,
            "redelivery_count": message.redelivery_count,
            "durable": message.durable,
            "received_at": _time(message.received_at),
        }
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
