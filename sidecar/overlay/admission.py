"""Admission: whoever has dialled this sidecar and asks to be a node is dialled back before it is taken for one.

A probe from here comes first, then the signed word of a third sidecar where one is linked. What was found is told to
the newcomer; a node has the link's second connection dialled, from the main socket.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.addresses import HostPort, acceptable_untrusted, format_address, parse_address
from sidecar.errors import SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import format_peer_id, parse_peer_id
from sidecar.overlay.errands import Errands
from sidecar.overlay.peer import Peer, PeerState
from sidecar.overlay.prober import Prober
from sidecar.wire import record as records
from sidecar.wire.errors import Close, Untrusted, malformed
from sidecar.wire.frames import FrameType
from sidecar.wire.hello import Introduction
from sidecar.wire.roles import ADDRESSES_MAX, CHALLENGE_BYTES, Role, check_result_untrusted
from sidecar.wire.session import Session

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

_log = logging.getLogger(__name__)

HELPERS_MAX = 3
"""Third sidecars that are named to a newcomer, one after the other, until one has an answer."""
HELPERS_SEEN = 32
"""Nodes among which they are looked for: of nearly every node there is a record."""
HELPER_TIMEOUT = 5.0
"""Seconds for each: a handshake with it, its probe, and the way back."""
CHECKS_MAX = 128
"""Newcomers that are checked at a time; others stay clients, or are told to come again."""
REVERSE_PAUSES = (0.0, 1.0, 4.0)
"""Seconds before each attempt to dial the second connection of a link; a node that none of them reaches is one no
longer."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check has found."""

    role: Role
    checked_by: int
    reason: str = ""
    address: HostPort | None = None
    """Where the peer has answered."""


class Admission:
    """See the module."""

    def __init__(self, links: Links, prober: Prober) -> None:
        self._links = links
        self._prober = prober
        self._checking: dict[Session, bytes] = {}
        """By connection: the challenge that is out."""
        self._results: dict[bytes, asyncio.Future[wire_pb2.DialbackResult]] = {}
        self._errands = Errands("a newcomer's check")

    def close(self) -> None:
        """Nobody is checked any more."""
        self._errands.cancel()

    # newcomers

    def wanted(self, session: Session, introduced: Introduction) -> bool:
        """Whether a dialler must be dialled back before it is let in."""
        return introduced.role is Role.NODE and not self._is_node(introduced)

    def _is_node(self, introduced: Introduction) -> bool:
        """Whether it is known to be one: it was checked in this run of it, or this side has dialled it."""
        peer = self._links.peers.get(introduced.peer_id)
        if peer is None:
            return False
        if introduced.answers:  # it would have been refused if it answered none
            return True
        return peer.role is Role.NODE and peer.link.peer_instance == introduced.instance

    def hold(self, session: Session, introduced: Introduction) -> None:
        """The dialler waits for WELCOME, or for being refused. Untrusted when too many do."""
        if len(self._errands) >= CHECKS_MAX:
            raise Untrusted(Close.BUSY, f"{CHECKS_MAX} newcomers are being dialled back, come again")
        told: tuple[HostPort, ...] = ()
        if introduced.record.body:
            record = records.check_untrusted(introduced.record, self._links.local.network_id, time.time())
            told = record.addresses if record is not None else ()
        self._errands.run(self._hold(session, introduced, told))

    async def _hold(self, session: Session, introduced: Introduction, told: tuple[HostPort, ...]) -> None:
        if session not in self._links.sessions:
            return
        verdict = await self._check(session, introduced.peer_id, introduced.nonce, told)
        if session.closing is not None:
            return
        if verdict.role is not Role.NODE:
            session.close(Close.UNREACHABLE, f"you ask to be a node and cannot be dialled back: {verdict.reason}")
            return
        self._links.let_in(session, introduced)
        peer = self._links.peers.get(introduced.peer_id)
        if peer is not None and session in peer.sessions:
            self._decided(peer, session, verdict)

    def linked(self, session: Session, peer: Peer, introduced: Introduction) -> None:
        """A connection is part of its link: who the peer is taken for, and whether that is to be found out."""
        if not session.dialled and introduced.role is Role.CLIENT:
            self._links.set_role(peer, Role.CLIENT, 0)
        elif (session.dialled and not peer.called) or (not session.dialled and self._is_node(introduced)):
            self._links.set_role(peer, Role.NODE, max(peer.checked_by, 1))
        peer.called = peer.called or not session.dialled
        if peer.role is None and not session.dialled and len(self._errands) < CHECKS_MAX:
            self._errands.run(self._look_at(session, peer, introduced))

    async def _look_at(self, session: Session, peer: Peer, introduced: Introduction) -> None:
        """A newcomer that is in as a client: whether it is a node."""
        if session not in peer.sessions:  # it has gone before this began
            return
        known = self._links.directory.get(peer.peer_id)
        told = known.record.addresses if known is not None and known.record is not None else ()
        verdict = await self._check(session, peer.peer_id, introduced.nonce, told)
        if session in peer.sessions:
            self._decided(peer, session, verdict)

    def _decided(self, peer: Peer, session: Session, verdict: Verdict) -> None:
        self._links.set_role(peer, verdict.role, verdict.checked_by)
        if verdict.address is not None:
            self._links.directory.reached(peer.peer_id, verdict.address)
            self.restore(peer)
        session.say(
            FrameType.ADMITTED,
            wire_pb2.Admitted(role=verdict.role.value, checked_by=verdict.checked_by, reason=verdict.reason),
        )

    # the check

    async def _check(self, session: Session, peer_id: str, nonce: bytes, told: Sequence[HostPort]) -> Verdict:
        addresses = self._addresses(session, told)
        tried = await self._prober.probe(addresses, peer_id, nonce)
        if tried[0].error:
            words = "; ".join(f"{each.address}: {each.error}" for each in tried)
            return Verdict(Role.CLIENT, 0, f"dialled from another socket, {words}")
        found = parse_address(tried[0].address)
        for helper in self._helpers(peer_id):
            verdict = await self._ask(session, peer_id, helper, found)
            if verdict is not None:
                return verdict
            if session.closing is not None:
                break
        return Verdict(Role.NODE, 1, "", found)

    def _addresses(self, session: Session, told: Sequence[HostPort]) -> list[HostPort]:
        """Where a newcomer is tried: at the IP address that its connection has proven, at the port it came from and
        those it tells."""
        remote = self._links.pump(session).remote
        mine = [each for each in told if each[0] == remote[0] and acceptable_untrusted(each, remote)]
        return list(dict.fromkeys((remote, *mine)))[:ADDRESSES_MAX]

    def _helpers(self, peer_id: str) -> list[Peer]:
        """Whom a newcomer may be sent to: nodes linked here whose record can be given, at random."""
        found = []
        for peer in self._links.nodes.some(HELPERS_SEEN, but=peer_id):
            known = self._links.directory.get(peer.peer_id)
            if known is not None and known.record is not None:
                found.append(peer)
        return found[:HELPERS_MAX]

    async def _ask(self, session: Session, peer_id: str, helper: Peer, found: HostPort) -> Verdict | None:
        """What a third sidecar says of the newcomer; None when it says nothing."""
        known = self._links.directory.get(helper.peer_id)
        if known is None or known.record is None:
            return None
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        answer: asyncio.Future[wire_pb2.DialbackResult] = asyncio.get_running_loop().create_future()
        self._checking[session], self._results[challenge] = challenge, answer
        try:
            session.say(
                FrameType.CHECK,
                wire_pb2.Check(challenge=challenge, helper=known.record.encoded, address=format_address(found)),
            )
            async with asyncio.timeout(HELPER_TIMEOUT):
                result = await answer
        except TimeoutError:
            return None
        finally:
            self._checking.pop(session, None)
            del self._results[challenge]
        if result.status != wire_pb2.DIALBACK_STATUS_DIALLED:
            return None
        try:
            word = check_result_untrusted(
                result, subject=parse_peer_id(peer_id), acceptor=self._links.local.identity.peer_id_bytes,
                challenge=challenge,
            )  # fmt: skip
            if format_peer_id(word.helper) != helper.peer_id:
                raise malformed("dial-back result of another sidecar than the one that was named")
        except Untrusted as error:
            session.close(error.code, error.reason)
            return None
        if word.reachable:
            return Verdict(Role.NODE, 2, "", found)
        return Verdict(
            Role.CLIENT, 1, f"{format_address(found)} answers here, but {helper.peer_id} did not reach {word.address}"
        )

    def answered(self, session: Session, result: wire_pb2.DialbackResult) -> None:
        """A newcomer hands over what it was given by the third sidecar."""
        if self._checking.get(session) == result.challenge:
            answer = self._results[result.challenge]
            if not answer.done():
                answer.set_result(result)

    def ended(self, session: Session) -> None:
        """A connection is gone, and its check with it."""
        challenge = self._checking.get(session)
        if challenge is not None and not self._results[challenge].done():
            self._results[challenge].set_result(wire_pb2.DialbackResult())

    def refresh(self) -> None:
        """Nodes that only this side has dialled are checked by another, now that there may be one."""
        for peer in self._links.nodes:
            theirs = next((session for session in peer.sessions if not session.dialled), None)
            if peer.checked_by == 1 and theirs is not None and len(self._errands) < CHECKS_MAX:
                self._errands.run(self._check_again(theirs, peer))

    async def _check_again(self, session: Session, peer: Peer) -> None:
        found = self._links.pump(session).remote
        for helper in self._helpers(peer.peer_id):
            verdict = await self._ask(session, peer.peer_id, helper, found)
            if session not in peer.sessions:
                return
            if verdict is not None:
                self._decided(peer, session, verdict)
                return

    # the second connection

    def restore(self, peer: Peer) -> None:
        """Dials a node's connection that is missing."""
        if peer.reversing is None and self._lacks(peer):
            peer.reversing = asyncio.get_running_loop().create_task(self._reverse(peer))
            self._errands.keep(peer.reversing)

    async def _reverse(self, peer: Peer) -> None:
        error: SidecarError | None = None
        try:
            for pause in REVERSE_PAUSES:
                await asyncio.sleep(pause)
                if not self._lacks(peer):
                    return
                theirs = peer.sessions[-1]
                addresses = self._links.directory.touch(peer.peer_id).addresses()
                try:
                    await self._links.dialler.reach(addresses, peer.peer_id, answers=theirs.peer_nonce)
                except SidecarError as failure:
                    error = failure
                else:
                    return
        finally:
            peer.reversing = None
        if error is not None and self._lacks(peer):
            _log.info("%s is a node no longer: %s", peer.peer_id, error.detail)
            self._links.set_role(peer, Role.CLIENT, 0)
            for session in peer.sessions:
                session.say(
                    FrameType.ADMITTED,
                    wire_pb2.Admitted(role=wire_pb2.ROLE_CLIENT, reason=f"the second connection: {error.detail}"),
                )

    @staticmethod
    def _lacks(peer: Peer) -> bool:
        return (
            peer.state is PeerState.LINKED
            and peer.leaving is None
            and peer.role is Role.NODE
            and not any(session.dialled for session in peer.sessions)
        )
