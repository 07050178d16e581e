"""One HTTP/1.1 connection, by h11 on asyncio's streams, for requests without bodies."""

from __future__ import annotations

import asyncio

import h11

from sidecar.admin.exchange import READ_BYTES, Request, Response

MAX_HEAD_BYTES = 8 << 10
"""Request line and headers."""

REQUEST_TIMEOUT = 5.0
"""Seconds for a request's head to arrive, and for a response to be taken."""

IDLE_TIMEOUT = 75.0
"""Seconds a connection may wait for its next request: longer than the usual scrape interval."""

LINGER_TIMEOUT = 1.0
LINGER_BYTES = 64 << 10
"""What is still read from a refused request."""


class HttpConnection:
    """Requests one after another, each answered before the next is read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._patience = REQUEST_TIMEOUT

    async def request(self) -> Request | None:
        """The next request; None when none will come.

        Raises TimeoutError when it is late, and h11.RemoteProtocolError, with a status in `error_status_hint`, when it
        is no HTTP, too large, or has a body.
        """
        if self._http.our_state is h11.MUST_CLOSE:
            return None
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        clock = asyncio.get_running_loop().time
        deadline, begun = clock() + self._patience, False
        found: h11.Request | None = None
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                async with asyncio.timeout_at(deadline):
                    self._http.receive_data(await self._reader.read(READ_BYTES))
                if not begun:
                    # It may come late, but once it has begun it has to hurry.
                    deadline, begun = clock() + REQUEST_TIMEOUT, True
            elif isinstance(event, h11.Request):
                found = event
            elif isinstance(event, h11.EndOfMessage) and found is not None:
                self._patience = IDLE_TIMEOUT
                path, _, _ = found.target.decode("latin-1").partition("?")
                accept = dict(found.headers).get(b"accept", b"")
                return Request(found.method.decode("ascii"), path, accept.decode("latin-1"))
            elif isinstance(event, h11.Data):
                raise h11.RemoteProtocolError("a request to this endpoint has no body", error_status_hint=413)
            else:
                return None

    async def respond(self, response: Response, *, without_body: bool = False) -> None:
        """Writes a response; for HEAD `without_body`. Raises TimeoutError when it is not taken."""
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", "no-store"),
        ]
        if response.allow is not None:
            headers.append(("Allow", response.allow))
        reason = response.status.phrase.encode("ascii")
        events: list[h11.Event] = [h11.Response(status_code=response.status, headers=headers, reason=reason)]
        if not without_body:
            events.append(h11.Data(data=response.body))
        events.append(h11.EndOfMessage())
        self._writer.write(b"".join(filter(None, map(self._http.send, events))))
        async with asyncio.timeout(REQUEST_TIMEOUT):
            await self._writer.drain()

    async def refuse(self, response: Response) -> None:
        """Writes a response to what was no request, and ends.

        Reads on a little first: closing with bytes unread sends a reset, which may overtake the response.
        """
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        await self.respond(response)
        self._writer.write_eof()
        left = LINGER_BYTES
        async with asyncio.timeout(LINGER_TIMEOUT):
            while left > 0 and (data := await self._reader.read(READ_BYTES)):
                left -= len(data)
