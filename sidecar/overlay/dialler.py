"""Dialling: names looked up, addresses raced, and every refusal told with its address."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence

from sidecar.addresses import Contact, format_address
from sidecar.errors import Reason, SidecarError
from sidecar.overlay.directory import HostPort
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.pump import Pump
from sidecar.wire.errors import Close
from sidecar.wire.hello import LocalPeer
from sidecar.wire.owner import Owner
from sidecar.wire.session import Session

STAGGER = 0.25
"""Seconds between the starts of attempts for one peer (RFC 8305 section 5)."""
OUTSTANDING_MAX = 64
PER_HOST_MAX = 8
"""Attempts under way towards one IP address, so that nobody is knocked down with records that name it."""
ADDRESSES_PER_NAME = 4
NOT_NEEDED = "not needed any more"


class Dialler:
    """Makes sessions of addresses."""

    def __init__(
        self, local: LocalPeer, owner: Owner, dialled: Callable[[Session, Pump], None], *, handshake_timeout: float
    ) -> None:
        self.endpoint: Endpoint
        """Set once it is open: it needs the owner of the sessions it accepts first."""
        self.attempts = 0
        self.failures: Counter[Reason] = Counter()
        self._local = local
        self._owner = owner
        self._dialled = dialled
        self._timeout = handshake_timeout
        self.mistaken: Callable[[str, Session], None] = lambda expected, session: None
        """Told which peer was expected where another one answered."""
        self.resolved: Callable[[Contact, list[HostPort]], None] = lambda contact, addresses: None
        """Told where a contact's name leads."""
        self._outcomes: dict[Session, asyncio.Future[Session]] = {}
        self._expected: dict[Session, str] = {}
        self._slots = asyncio.Semaphore(OUTSTANDING_MAX)
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._towards: Counter[str] = Counter()

    # what the owner of sessions tells

    def settled(self, session: Session) -> None:
        """A dialled session is part of its link."""
        self._expected.pop(session, None)
        outcome = self._outcomes.pop(session, None)
        if outcome is not None and not outcome.done():
            outcome.set_result(session)

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """A session is gone; if it was being dialled, that is how the attempt ends."""
        expected = self._expected.pop(session, None)
        if expected is not None and session.peer_id not in (None, expected):
            self.mistaken(expected, session)
        outcome = self._outcomes.pop(session, None)
        if outcome is None or outcome.done():
            return
        if remote and application and code == Close.REPLACED:
            self._follow(outcome, session, _failure(session, code, reason, application, remote))
        else:
            outcome.set_exception(_failure(session, code, reason, application, remote))

    def _follow(self, outcome: asyncio.Future[Session], session: Session, failure: SidecarError) -> None:
        """The peer has welcomed a newer connection of ours: that one decides."""
        for heir, deciding in self._outcomes.items():
            if heir.peer_id == session.peer_id:
                deciding.add_done_callback(lambda decided: _copy(decided, outcome, failure))
                return
        outcome.set_result(session)

    # attempts

    def has_room(self, host: str) -> bool:
        """Whether an attempt towards a host would begin at once, as far as that host goes."""
        return self._towards[host] < PER_HOST_MAX

    async def reach(
        self, addresses: Sequence[HostPort], expected: str | None, *, name: str | None = None,
        made: list[Session] | None = None, answers: bytes = b"",
    ) -> Session:  # fmt: skip
        """Dials the addresses, each a little later than the one before, and gives the first welcomed session; the
        others are closed. `name` is the DNS name they were found under; `made` gets every session; `answers` is the
        nonce of the hello that a reverse connection answers. SidecarError tells why each address failed."""
        made = [] if made is None else made
        tasks: list[asyncio.Task[Session]] = []
        failures: list[SidecarError] = []
        waiting = list(addresses)
        pending: set[asyncio.Task[Session]] = set()
        try:
            while waiting or pending:
                if waiting:
                    task = asyncio.ensure_future(self._dial(waiting.pop(0), expected, name, made, answers))
                    tasks.append(task)
                    pending.add(task)
                done, pending = await asyncio.wait(
                    pending, timeout=STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    error = task.exception()
                    if error is None:
                        return task.result()
                    if not isinstance(error, SidecarError):
                        raise error  # a bug
                    failures.append(error)
        finally:
            for task in tasks:
                task.cancel()
        if not failures:
            raise SidecarError(Reason.PEER_UNKNOWN, f"no address is known for {expected}")
        worst = next((f for f in failures if f.reason != Reason.PEER_UNREACHABLE), failures[0])
        raise SidecarError(worst.reason, "; ".join(failure.detail for failure in failures))

    async def resolve(self, contact: Contact) -> list[HostPort]:
        """The numeric addresses of a contact. SidecarError when its name is not known."""
        if contact.is_numeric:
            return [(contact.host, contact.port)]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                contact.host, contact.port, type=socket.SOCK_DGRAM, proto=socket.IPPROTO_UDP
            )
        except OSError as error:
            raise SidecarError(Reason.PEER_UNREACHABLE, f"{contact.host}: {error.strerror or error}") from error
        addresses = list(dict.fromkeys((str(entry[4][0]), int(entry[4][1])) for entry in found))[:ADDRESSES_PER_NAME]
        self.resolved(contact, addresses)
        return addresses

    async def _dial(
        self, address: HostPort, expected: str | None, name: str | None, made: list[Session], answers: bytes
    ) -> Session:
        shown = format_address(address)
        host = self._hosts.setdefault(address[0], asyncio.Semaphore(PER_HOST_MAX))
        self._towards[address[0]] += 1
        try:
            async with host, self._slots:
                return await self._attempt(address, shown, expected, name, made, answers)
        finally:
            self._towards[address[0]] -= 1
            if not self._towards[address[0]]:
                del self._towards[address[0]], self._hosts[address[0]]

    async def _attempt(
        self, address: HostPort, shown: str, expected: str | None, name: str | None, made: list[Session], answers: bytes
    ) -> Session:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Session] = loop.create_future()

        def protocol(pump: Pump) -> Session:
            session = Session(
                pump, self._local, self._owner, remote=shown, dialled=True, began=loop.time(), timeout=self._timeout,
                expected_peer_id=expected, expected_name=name, answers=answers,
            )  # fmt: skip
            made.append(session)
            self._dialled(session, pump)
            self._outcomes[session] = outcome
            if expected is not None:
                self._expected[session] = expected
            return session

        self.attempts += 1
        first = len(made)
        try:
            self.endpoint.dial(address, protocol)
        except (ValueError, OSError, RuntimeError) as error:
            self.failures[Reason.PEER_UNREACHABLE] += 1
            raise SidecarError(Reason.PEER_UNREACHABLE, f"{shown}: {error}") from error
        try:
            return await outcome
        except SidecarError as error:
            self.failures[error.reason] += 1
            raise
        except asyncio.CancelledError:
            # Once it has said HELLO the other side may have let it take the link over: then it does so here as well.
            session = made[first]
            if self._outcomes.pop(session, None) is not None and not session.introduced:
                session.close(Close.DONE, NOT_NEEDED)
            raise


def _copy(decided: asyncio.Future[Session], outcome: asyncio.Future[Session], failure: SidecarError) -> None:
    if outcome.done():
        return
    if decided.cancelled():  # nobody needs the newer one any more
        outcome.set_exception(failure)
    elif (error := decided.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(decided.result())


def _failure(session: Session, code: int, reason: str, application: bool, remote: bool) -> SidecarError:
    """What the end of a connection that was being dialled means."""
    where = session.remote
    if Close.NOT_DIALABLE in (session.rejected_code, code if remote and application else None):
        return SidecarError(Reason.PEER_NOT_DIALABLE, f"{where} refused: {session.rejected or reason}")
    if session.rejected is not None:
        return SidecarError(Reason.PEER_REFUSED, f"{where} refused: {session.rejected}")
    if session.closing is not None and not remote:
        ours, words = session.closing
        if ours in (Close.IDENTITY, Close.SELF):
            kind = Reason.PEER_IS_SELF if ours is Close.SELF else Reason.IDENTITY_MISMATCH
            return SidecarError(kind, words)
        if ours in (Close.CERTIFICATE, Close.BLOCKED):
            return SidecarError(Reason.PEER_UNTRUSTED, f"{where}: {words}")
        if ours is Close.HANDSHAKE_TIMEOUT:
            return SidecarError(Reason.PEER_UNREACHABLE, f"{where}: no answer in time")
    if remote and application:
        return SidecarError(Reason.PEER_REFUSED, f"{where} refused: {reason}")
    return SidecarError(Reason.PEER_UNREACHABLE, f"{where}: {reason or f'closed with code {code:#x}'}")
