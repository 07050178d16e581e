"""A visit: a connection to a third sidecar for one dial-back. It has no WELCOME and makes no link, on either side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidecar.addresses import format_address
from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.overlay.dialback import Dialback
from sidecar.overlay.directory import HostPort
from sidecar.transport.pump import Pump
from sidecar.wire.errors import Close, Untrusted
from sidecar.wire.frames import FrameType, parse_untrusted
from sidecar.wire.hello import Greeting, Introduction, LocalPeer
from sidecar.wire.link import Link
from sidecar.wire.session import Session

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

VISIT_TIMEOUT = 4.0
"""Seconds for the handshake and the answer."""


class Visit:
    """The owner of one session that is no link's."""

    def __init__(self, links: Links, dialback: Dialback, local: LocalPeer) -> None:
        """`local` has the role of a visitor."""
        self._links = links
        self._dialback = dialback
        self._local = local
        self._introduced: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ask(
        self, dialable: Sequence[HostPort], peer_id: str, addresses: Sequence[str], *, challenge: bytes, acceptor: bytes
    ) -> wire_pb2.DialbackResult:
        """Dials the helper's addresses one after the other and asks the first that answers. SidecarError when none
        does."""
        failure = SidecarError(Reason.PEER_UNKNOWN, f"no address of {peer_id} may be dialled from here")
        for address in dialable:
            self._introduced = asyncio.get_running_loop().create_future()
            try:
                session = self._dial(address, peer_id)
            except (ValueError, OSError, RuntimeError) as error:
                failure = SidecarError(Reason.PEER_UNREACHABLE, f"{format_address(address)}: {error}")
                continue
            try:
                async with asyncio.timeout(VISIT_TIMEOUT):
                    await self._introduced
                    return await self._dialback.ask(session, addresses, challenge=challenge, acceptor=acceptor)
            except TimeoutError:
                failure = SidecarError(Reason.PEER_UNREACHABLE, f"{session.remote}: no answer in time")
            except SidecarError as error:
                failure = error
            finally:
                session.close(Close.DONE, "the visit is over")
        raise failure

    def _dial(self, address: HostPort, peer_id: str) -> Session:
        made: list[Session] = []

        def protocol(pump: Pump) -> Session:
            made.append(
                Session(
                    pump, self._local, self, remote=format_address(address), dialled=True,
                    began=asyncio.get_running_loop().time(), timeout=2 * VISIT_TIMEOUT, expected_peer_id=peer_id,
                )
            )  # fmt: skip
            return made[0]

        self._links.dialler.endpoint.dial(address, protocol)
        return made[0]

    # Owner

    def limits(self) -> wire_pb2.Limits:
        """See Owner."""
        return self._links.limits()

    def greet(self, session: Session, peer_id: str) -> Greeting:
        """See Owner: HELLO and PROOF go out behind this."""
        asyncio.get_running_loop().call_soon(self._say_introduced)
        return Greeting(1, 0, wire_pb2.Received(), None)

    def _say_introduced(self) -> None:
        if not self._introduced.done():
            self._introduced.set_result(None)

    def admit(self, session: Session, peer: Introduction) -> tuple[Link, Greeting] | None:
        """See Owner: a helper does not welcome a visitor."""
        raise Untrusted(Close.DONE, "this is a visit")

    def settled(self, session: Session) -> None:
        """See Owner: it never is."""

    def peers_requested(self, session: Session, peer_id: bytes) -> None:
        """See Owner."""

    def peers_told_untrusted(self, session: Session, peers: wire_pb2.Peers) -> None:
        """See Owner."""

    def outcomes_told(self, session: Session, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """See Owner."""

    def role_frame_untrusted(self, session: Session, kind: int, body: bytes) -> None:
        """See Owner."""
        if kind == FrameType.DIALBACK_RESULT:
            self._dialback.answered(session, parse_untrusted(wire_pb2.DialbackResult, body))

    def going_away(self, session: Session, reason: str) -> None:
        """See Owner."""

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """See Owner."""
        self._dialback.ended(session)
        if not self._introduced.done():
            self._introduced.set_exception(
                SidecarError(Reason.PEER_UNREACHABLE, f"{session.remote}: {reason or f'closed with code {code:#x}'}")
            )
