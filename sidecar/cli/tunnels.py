"""Commands that carry byte streams: TCP connections by way of two sidecars, and pipes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from sidecar.cli.connection import Allow, allowed_peers, peer_and_name, run_async, sidecar
from sidecar.cli.output import complain
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from sidecar_client import AsyncSidecar, AsyncStream, Stream

READ = 256 << 10
WAITING = 4
"""Accept calls that wait at once, so that a burst of connections does not wait for each other."""
PAUSES = (0.1, 0.2, 0.5, 1.0)
"""Seconds before the sidecar is asked again after it went away."""
UNREACHED = 1
"""Reset code: what is exposed does not answer."""

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def _target(text: str) -> Connect:
    if text.startswith("unix:"):
        return lambda: asyncio.open_unix_connection(text.removeprefix("unix:"), limit=READ)
    host, port = _host_port(text)
    return lambda: asyncio.open_connection(host, port, limit=READ)


def _host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"{text!r}: give host:port")
    return host.strip("[]") or "127.0.0.1", int(port)


async def join(stream: AsyncStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries bytes both ways until both have ended. What ends badly on one side ends badly on the other."""
    from sidecar_client import SidecarError

    async def out() -> None:
        while data := await reader.read(READ):
            await stream.write(data)
        await stream.finish()

    async def back() -> None:
        while data := await stream.read(READ):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    ways = [asyncio.ensure_future(out()), asyncio.ensure_future(back())]
    try:
        await asyncio.gather(*ways)
        await stream.close()
    except (OSError, SidecarError) as error:
        if isinstance(error, SidecarError):
            complain(str(error))
        _abort(writer)
        stream.cancel()
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by RST: a plain close would show an orderly end of bytes that are cut short."""
    connection: socket.socket = writer.get_extra_info("socket")
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def expose(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What others call it by.")],
    target: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where it is, or unix:/path.")],
    *,
    allow: Allow = None,
) -> None:
    """Let the apps beside other sidecars reach a server here: see `forward`."""
    connect = _target(target)
    with sidecar(as_json=False) as client:
        peers = allowed_peers(client, allow)

    async def serve(client: AsyncSidecar) -> None:
        serving: set[asyncio.Task[None]] = set()

        async def carry(stream: AsyncStream) -> None:
            try:
                reader, writer = await connect()
            except OSError as error:
                complain(f"{target}: {error.strerror or error}; asked by {stream.peer_id}")
                await stream.reset(UNREACHED, f"{name}: what is exposed does not answer")
                return
            await join(stream, reader, writer)

        async def accept() -> None:
            while True:
                task = asyncio.create_task(carry(await _accepted(client, name, peers)))
                serving.add(task)
                task.add_done_callback(serving.discard)

        await client.node()
        complain(f"exposing {target} as {name!r} to {', '.join(peers) or 'any peer'}")
        await asyncio.gather(*(accept() for _ in range(WAITING)))

    run_async(serve)


async def _accepted(client: AsyncSidecar, name: str, peers: list[str]) -> AsyncStream:
    """The next stream, also from a sidecar that was restarted meanwhile."""
    from sidecar_client import SidecarUnavailable, StreamLost, StreamReset

    attempt = 0
    while True:
        try:
            return await client.accept_stream(name, peer_ids=peers)
        except StreamReset:
            continue  # it came, and went before this app had it
        except (SidecarUnavailable, StreamLost):
            await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            attempt += 1


def forward(
    listen: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where to listen here; port 0 takes a free one.")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="PEER:NAME", help="What a peer exposes.")],
) -> None:
    """Listen here, and carry each connection to a server that is exposed beside another sidecar."""
    host, port = _host_port(listen)
    with sidecar(as_json=False) as client:
        peer_id, name = peer_and_name(client, to)

    async def serve(client: AsyncSidecar) -> None:
        from sidecar_client import SidecarError

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                stream = await client.open_stream(peer_id, name)
            except SidecarError as error:
                complain(str(error))
                _abort(writer)
                return
            await join(stream, reader, writer)

        try:
            server = await asyncio.start_server(carry, host, port, limit=READ)
        except OSError as error:
            raise SettingsError(f"cannot listen at {listen}: {error.strerror}") from None
        for each in server.sockets:
            complain(f"listening at {each.getsockname()[0]}:{each.getsockname()[1]} for {peer_id}:{name}")
        async with server:
            await server.serve_forever()

    run_async(serve)


def pipe(
    to: Annotated[
        str | None,
        typer.Argument(metavar="PEER:NAME", help="Whom to reach, unless --listen.", show_default=False),
    ] = None,
    *,
    listen: Annotated[
        str | None, typer.Option("--listen", metavar="NAME", help="Take the next one of that name.", show_default=False)
    ] = None,
    allow: Allow = None,
) -> None:
    """Connect stdin and stdout to those of a `pipe` beside another sidecar."""
    if (to is None) == (listen is None):
        raise SettingsError("give either PEER:NAME or --listen NAME")
    with sidecar(as_json=False) as client:
        if to is not None:
            peer_id, name = peer_and_name(client, to)
            _pipe(client.open_stream(peer_id, name))
        elif listen is not None:
            _pipe(client.accept_stream(listen, peer_ids=allowed_peers(client, allow)))


def _pipe(stream: Stream) -> None:
    from sidecar_client import SidecarError

    def out() -> None:
        with contextlib.suppress(SidecarError):  # reading tells
            while data := os.read(sys.stdin.fileno(), READ):
                stream.write(data)
            stream.finish()

    threading.Thread(target=out, name="pipe", daemon=True).start()
    try:
        while data := stream.read():
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        stream.await_end()
    finally:
        stream.cancel()
