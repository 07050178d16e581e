"""This sidecar's own role: client until somebody has dialled it back, node as long as somebody can.

Whoever it dials looks by itself and tells what it has found. Whoever dials it is asked for a dial-back. Both are asked
again from time to time, and when its addresses change.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sidecar.addresses import acceptable_untrusted
from sidecar.errors import SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import format_peer_id, parse_peer_id
from sidecar.overlay.dialback import Dialback
from sidecar.overlay.errands import Errands
from sidecar.overlay.events import RoleChanged
from sidecar.overlay.peer import Peer
from sidecar.overlay.visit import Visit
from sidecar.wire import record as records
from sidecar.wire.errors import Untrusted
from sidecar.wire.frames import FrameType
from sidecar.wire.roles import CHALLENGE_BYTES, Role, check_result_untrusted
from sidecar.wire.session import Session

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

_log = logging.getLogger(__name__)

ASKED_MAX = 3
"""Linked peers that are asked for a dial-back before this sidecar believes that it cannot be reached."""
CHECK_INTERVAL = 600
"""Every so many seconds a node looks whether it still is one, and an auto client whether it has become one."""
PAUSE = 1.0
"""Seconds between questions because of newcomers: many may come, and none of them have an answer."""
VISITS_MAX = 8
"""Third sidecars visited at a time because somebody said so."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What a peer says of one address of this sidecar."""

    helper: str
    """Its peer id."""
    address: str
    """Where it dialled; empty when it did not."""
    reachable: bool | None
    """None when it did not dial."""
    detail: str


class Standing:
    """See the module."""

    def __init__(self, links: Links, dialback: Dialback, setting: Role) -> None:
        self.setting = setting
        """What the operator wants it to be."""
        self.role = Role.CLIENT
        self.why = "as set" if setting is Role.CLIENT else "nobody has dialled it back yet"
        self.checked_by = 0
        self._links = links
        self._dialback = dialback
        self._errands = Errands("asking for a dial-back")
        self._asking = False
        self._due = False
        self._asked_at = -math.inf
        self._visits = 0

    def close(self) -> None:
        """Nobody is asked any more."""
        self._errands.cancel()

    # what it is

    def become(self, role: Role, why: str, checked_by: int = 0) -> None:
        """What this sidecar is from now on, and why."""
        changed = role is not self.role
        self.role, self.why, self.checked_by = role, why, checked_by
        if not changed:
            return
        _log.info("this sidecar is a %s: %s", role.name.lower(), why)
        self._links.tell(RoleChanged(role, why))
        self._links.exchange.standing_changed()
        told = wire_pb2.RoleTold(role=role.value, reason=why)
        for peer in self._links.linked:
            peer.sessions[-1].say(FrameType.ROLE_TOLD, told)

    def admitted(self, session: Session, admitted: wire_pb2.Admitted) -> None:
        """A peer that this sidecar has dialled tells what it takes it for."""
        if self.setting is Role.CLIENT or not session.dialled:
            return
        where = f"{session.peer_id} at {session.remote}"
        if admitted.role == wire_pb2.ROLE_NODE:
            others = f" and {admitted.checked_by - 1} more" if admitted.checked_by > 1 else ""
            if self.role is not Role.NODE or admitted.checked_by > self.checked_by:
                self.become(Role.NODE, f"dialled back by {where}{others}", admitted.checked_by)
        elif self.role is Role.NODE:
            self.check()
        else:
            self.why = f"{where} says: {admitted.reason[:500]}"

    def refused(self, session: Session, reason: str) -> None:
        """A peer has refused this sidecar as a node."""
        if self.role is not Role.NODE:
            self.why = f"{session.remote} says: {reason}"

    # asking

    def linked(self, session: Session) -> None:
        """There is another connection: its dialler is asked, the other side asks by itself."""
        if not session.dialled and self.role is not Role.NODE:
            self._due = True
            if asyncio.get_running_loop().time() - self._asked_at >= PAUSE:
                self.check()

    def look_again(self) -> None:
        """Once a second: who has come since the last question is asked, when that has left it a client."""
        if self._due and self.role is not Role.NODE:
            self.check()

    def check(self) -> None:
        """Has linked peers dial this sidecar back, unless they are being asked."""
        if self.setting is not Role.CLIENT and not self._asking and self._links.refusing is None:
            self._asking, self._due = True, False
            self._asked_at = asyncio.get_running_loop().time()
            self._errands.run(self._check())

    async def _check(self) -> None:
        try:
            await self.look(())
        finally:
            self._asking = False

    async def look(self, addresses: Sequence[str]) -> list[Reached]:
        """The same for a caller, who learns what was found; other addresses than those where this sidecar is seen say
        nothing of its role."""
        found = await self.ask(addresses)
        if not addresses and self.setting is not Role.CLIENT:
            self._conclude(found)
        return found

    def _conclude(self, found: Sequence[Reached]) -> None:
        reached = [each for each in found if each.reachable]
        failed = [each for each in found if each.reachable is False]
        if reached:
            if self.role is not Role.NODE or len(reached) > self.checked_by:
                self.become(Role.NODE, f"dialled back by {reached[0].helper} at {reached[0].address}", len(reached))
        elif failed:
            words = "; ".join(f"{each.helper} dialled {each.address}: {each.detail}" for each in failed)
            self.become(Role.CLIENT, f"not reached: {words}")

    async def ask(self, addresses: Sequence[str] = (), most: int = ASKED_MAX) -> list[Reached]:
        """What linked peers say who dial this sidecar back, at most so many and nodes first; each where it
        sees this sidecar, or at the addresses that are given."""
        peers = self._links.linked
        random.shuffle(peers)
        peers.sort(key=lambda peer: peer.role is not Role.NODE)
        return list(await asyncio.gather(*(self._ask(peer, addresses) for peer in peers[:most])))

    async def _ask(self, peer: Peer, addresses: Sequence[str]) -> Reached:
        if not peer.sessions:  # it has gone before this began
            return Reached(peer.peer_id, "", None, "the link has ended")
        session = peer.sessions[-1]
        own = self._links.local.identity
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        result = await self._dialback.ask(session, addresses, challenge=challenge, acceptor=own.peer_id_bytes)
        if result.status != wire_pb2.DIALBACK_STATUS_DIALLED:
            return Reached(peer.peer_id, "", None, result.reason[:500] or "no answer")
        try:
            word = check_result_untrusted(
                result, subject=own.peer_id_bytes, acceptor=own.peer_id_bytes, challenge=challenge
            )
        except Untrusted as error:
            session.close(error.code, error.reason)
            return Reached(peer.peer_id, "", None, error.reason)
        return Reached(peer.peer_id, word.address, word.reachable, result.reason[:500])

    # for acceptors that want another's word

    def check_asked_untrusted(self, session: Session, check: wire_pb2.Check) -> None:
        """An acceptor names a third sidecar, by which this one is to have itself dialled back."""
        if self.setting is Role.CLIENT or self._visits >= VISITS_MAX:
            return
        record = records.check_untrusted(check.helper, self._links.local.network_id, time.time())
        if record is not None and len(check.challenge) == CHALLENGE_BYTES:
            self._visits += 1
            self._errands.run(self._have_checked(session, check, record))

    async def _have_checked(self, session: Session, check: wire_pb2.Check, record: records.PeerRecord) -> None:
        challenge = check.challenge
        try:
            result = await self._visit(session, check, record)
        except SidecarError as error:
            result = wire_pb2.DialbackResult(
                challenge=challenge, status=wire_pb2.DIALBACK_STATUS_REFUSED, reason=error.detail[:500]
            )
        finally:
            self._visits -= 1
        if result.challenge != challenge:  # there was none in time
            result = wire_pb2.DialbackResult(challenge=challenge, status=result.status, reason=result.reason)
        session.say(FrameType.DIALBACK_RESULT, result)

    async def _visit(
        self, session: Session, check: wire_pb2.Check, record: records.PeerRecord
    ) -> wire_pb2.DialbackResult:
        links, challenge = self._links, check.challenge
        acceptor = parse_peer_id(session.peer_id or "")
        peer_id = format_peer_id(record.peer_id)
        addresses = [check.address] if check.address else []
        peer = links.peers.get(peer_id)
        if peer is not None and peer.sessions:
            return await self._dialback.ask(peer.sessions[-1], addresses, challenge=challenge, acceptor=acceptor)
        remote = links.pump(session).remote
        dialable = [each for each in record.addresses if acceptable_untrusted(each, remote)]
        visit = Visit(links, self._dialback, replace(links.local, role=Role.VISITOR))
        return await visit.ask(dialable, peer_id, addresses, challenge=challenge, acceptor=acceptor)
