"""Commands that ask and answer."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.connection import Allow, JsonFlag, PeerArgument, Timeout, allowed_peers, find_peer, run_async, sidecar
from sidecar.cli.messages import Channel, payload_of
from sidecar.cli.output import complain, show_json
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from sidecar_client import AsyncSidecar, IncomingRequest

WORDS = 512
"""Bytes of a failed command's stderr that the requester gets."""


def request(
    peer: PeerArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The request, where no --file is given.", show_default=False)
    ] = None,
    *,
    channel: Channel = "",
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE|-", help="Send what it holds; - is stdin.", show_default=False),
    ] = None,
    timeout: Timeout = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask an app beside a peer, and print its reply."""
    import base64

    payload = payload_of(text, file)
    with sidecar(as_json=as_json) as client:
        reply = client.request(find_peer(client, peer), payload, channel=channel, timeout=timeout)
    if as_json:
        show_json({"headers": dict(reply.headers), "payload": base64.b64encode(reply.payload).decode("ascii")})
    else:
        sys.stdout.buffer.write(reply.payload)
        sys.stdout.buffer.flush()


def reply(
    *,
    command: Annotated[
        str, typer.Option("--exec", metavar="CMD", help="Gets the payload on stdin; its stdout is the reply.")
    ],
    channel: Channel = "",
    at_once: Annotated[int, typer.Option("--at-once", metavar="N", min=1, help="Commands at a time.")] = 4,
    allow: Allow = None,
) -> None:
    """Answer requests with a command, without a shell. It finds who asks in SIDECAR_PEER_ID; an exit code other than 0
    fails the request."""
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise SettingsError(f"--exec {command!r}: {error}") from None
    if not arguments:
        raise SettingsError("--exec names no command")
    with sidecar(as_json=False) as client:
        peers = allowed_peers(client, allow)

    async def serve(client: AsyncSidecar) -> None:
        await client.node()
        complain(f"answering on channel {channel!r} with {arguments[0]} to {', '.join(peers) or 'any peer'}")
        await client.reply(lambda asked: _run(arguments, asked), channel, credits=at_once, peer_ids=peers)

    run_async(serve)


async def _run(arguments: list[str], asked: IncomingRequest) -> bytes:
    from sidecar_client import AnswerError

    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "SIDECAR_PEER_ID": asked.peer_id, "SIDECAR_CHANNEL": asked.channel}
    environment.pop("SIDECAR_TOKEN", None)
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        )
    except OSError as error:
        raise AnswerError("exec", f"{arguments[0]}: {error.strerror}") from error
    try:
        out, err = await process.communicate(asked.payload)
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        words = err[-WORDS:].decode(errors="replace").strip()
        raise AnswerError(f"exit-{process.returncode}", words or f"{arguments[0]} ended with {process.returncode}")
    return out
