"""Dial-backs for others, and by others: DIALBACK and DIALBACK_RESULT, with the limits of AutoNAT v2.

Who asks is dialled at its own IP address only, which its connection has proven; at another one only after it has paid
for that with more bytes than a dial costs its target. So nobody is made to knock on a stranger's door for less than it
costs to knock oneself.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidecar.addresses import HostPort, acceptable_untrusted, format_address, parse_address
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import parse_peer_id
from sidecar.overlay.errands import Errands
from sidecar.overlay.prober import Prober
from sidecar.wire.errors import malformed
from sidecar.wire.frames import FrameType
from sidecar.wire.roles import ADDRESSES_MAX, CHALLENGE_BYTES, sign_result
from sidecar.wire.session import Session

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

PER_MINUTE = 60
PER_PEER = 12
"""Dial-backs for others in a minute, in all and for one peer."""
PRICE = (30_000, 100_000)
"""Bytes, at random between these, that another IP address than the asker's own costs."""
PAYMENT_BYTES = 32 << 10
"""Padding in one DIALBACK."""
ANSWER_TIMEOUT = 8.0
"""Seconds that a helper has for its answer."""

NO_ANSWER = wire_pb2.DialbackResult(status=wire_pb2.DIALBACK_STATUS_REFUSED, reason="no answer in time")
ASKED_ALREADY = wire_pb2.DialbackResult(status=wire_pb2.DIALBACK_STATUS_REFUSED, reason="asked with this challenge")


class Budget:
    """So many in a minute."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque()

    def has_room(self, now: float) -> bool:
        """Whether there may be one more."""
        while self._times and now - self._times[0] >= 60:
            self._times.popleft()
        return len(self._times) < self._most

    def use(self, now: float) -> None:
        """There is one more."""
        self._times.append(now)

    @property
    def empty(self) -> bool:
        """Whether none was used of late."""
        return not self._times


class _Sale:
    """What an asker has been told to pay, and has paid."""

    def __init__(self, challenge: bytes, address: str) -> None:
        self.challenge = challenge
        self.address = address
        self.owed = random.randint(*PRICE)


class Dialback:
    """See the module."""

    def __init__(self, links: Links, prober: Prober) -> None:
        self._links = links
        self._prober = prober
        self._all = Budget(PER_MINUTE)
        self._peers: dict[str, Budget] = {}
        self._busy: set[Session] = set()
        self._sales: dict[Session, _Sale] = {}
        self._asked: dict[tuple[Session, bytes], asyncio.Future[wire_pb2.DialbackResult]] = {}
        self._errands = Errands("a dial-back for a peer")

    def close(self) -> None:
        """Nobody is dialled back any more."""
        self._errands.cancel()

    # for others

    def asked_untrusted(self, session: Session, dialback: wire_pb2.Dialback) -> None:
        """A peer asks to be dialled back."""
        if len(dialback.challenge) != CHALLENGE_BYTES or len(dialback.acceptor) != 32:
            raise malformed("dial-back without a challenge or an acceptor")
        if len(dialback.addresses) > ADDRESSES_MAX:
            raise malformed(f"dial-back at {len(dialback.addresses)} addresses")
        try:
            addresses = [parse_address(text) for text in dialback.addresses]
        except ValueError as error:
            raise malformed(f"dial-back: {error}") from error
        reason = self._refusal(session)
        if reason:
            self._answer(session, dialback.challenge, wire_pb2.DIALBACK_STATUS_REFUSED, reason)
            return
        remote = self._links.pump(session).remote
        chosen = next((each for each in addresses or [remote] if each[0] == remote[0] and each[1]), None)
        if chosen is None:
            chosen = next((each for each in addresses if acceptable_untrusted(each, remote)), None)
            if chosen is None:
                self._answer(session, dialback.challenge, wire_pb2.DIALBACK_STATUS_REFUSED, "no address to dial")
                return
            if not self._paid(session, dialback, format_address(chosen)):
                return
        self._sales.pop(session, None)
        now = asyncio.get_running_loop().time()
        self._all.use(now)
        self._peers.setdefault(session.peer_id or "", Budget(PER_PEER)).use(now)
        self._busy.add(session)
        self._errands.run(self._dial(session, chosen, dialback))

    def _refusal(self, session: Session) -> str:
        now = asyncio.get_running_loop().time()
        for peer_id, budget in list(self._peers.items()):
            if budget.has_room(now) and budget.empty:
                del self._peers[peer_id]
        mine = self._peers.get(session.peer_id or "")
        if session in self._busy:
            return "one dial-back at a time"
        if mine is not None and not mine.has_room(now):
            return f"more than {PER_PEER} dial-backs a minute"
        if not self._all.has_room(now):
            return "too many dial-backs, try later"
        return ""

    def _paid(self, session: Session, dialback: wire_pb2.Dialback, address: str) -> bool:
        """Whether the asker has paid for this address; told the price if it has not."""
        sale = self._sales.get(session)
        if sale is None or (sale.challenge, sale.address) != (dialback.challenge, address):
            sale = self._sales[session] = _Sale(dialback.challenge, address)
            self._answer(session, dialback.challenge, wire_pb2.DIALBACK_STATUS_PRICE, "", sale.owed)
            return False
        sale.owed -= len(dialback.padding)
        return sale.owed <= 0

    async def _dial(self, session: Session, address: HostPort, dialback: wire_pb2.Dialback) -> None:
        assert session.peer_id is not None, "only peers that are known are answered"
        try:
            (tried,) = await self._prober.probe([address], session.peer_id, dialback.challenge)
        finally:
            self._busy.discard(session)
        session.say(
            FrameType.DIALBACK_RESULT,
            sign_result(
                self._links.local.identity, subject=parse_peer_id(session.peer_id), acceptor=dialback.acceptor,
                challenge=dialback.challenge, address=tried.address, reason=tried.error,
            ),
        )  # fmt: skip

    @staticmethod
    def _answer(
        session: Session, challenge: bytes, status: wire_pb2.DialbackStatus, reason: str, price: int = 0
    ) -> None:
        session.say(
            FrameType.DIALBACK_RESULT,
            wire_pb2.DialbackResult(challenge=challenge, status=status, reason=reason, price=price),
        )

    # by others

    def expects(self, nonce: bytes) -> bool:
        """Whether a probe with this challenge was asked for."""
        return any(challenge == nonce for _, challenge in self._asked)

    async def ask(
        self, session: Session, addresses: Sequence[str], *, challenge: bytes, acceptor: bytes
    ) -> wire_pb2.DialbackResult:
        """Has this sidecar dialled back by the other side of a connection, and pays what that costs. A helper that
        does not answer is as one that refuses; so is one that is asked the same already, which an acceptor may have
        this sidecar do."""
        if (session, challenge) in self._asked:
            return ASKED_ALREADY
        wanted = list(addresses)[:ADDRESSES_MAX]
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                result = await self._ask(session, wanted, challenge, acceptor, 0)
                owed = min(result.price, PRICE[1]) if result.status == wire_pb2.DIALBACK_STATUS_PRICE else 0
                while owed > 0:
                    padding = min(owed, PAYMENT_BYTES)
                    owed -= padding
                    if owed > 0:
                        self._say(session, wanted, challenge, acceptor, padding)
                    else:
                        result = await self._ask(session, wanted, challenge, acceptor, padding)
                return result
        except TimeoutError:
            return NO_ANSWER

    async def _ask(
        self, session: Session, addresses: list[str], challenge: bytes, acceptor: bytes, padding: int
    ) -> wire_pb2.DialbackResult:
        answer: asyncio.Future[wire_pb2.DialbackResult] = asyncio.get_running_loop().create_future()
        self._asked[session, challenge] = answer
        try:
            self._say(session, addresses, challenge, acceptor, padding)
            return await answer
        finally:
            del self._asked[session, challenge]

    @staticmethod
    def _say(session: Session, addresses: list[str], challenge: bytes, acceptor: bytes, padding: int) -> None:
        session.say(
            FrameType.DIALBACK,
            wire_pb2.Dialback(challenge=challenge, acceptor=acceptor, addresses=addresses, padding=bytes(padding)),
        )

    def answered(self, session: Session, result: wire_pb2.DialbackResult) -> bool:
        """A result has come; whether it was asked for."""
        answer = self._asked.get((session, result.challenge))
        if answer is None or answer.done():
            return False
        answer.set_result(result)
        return True

    def ended(self, session: Session) -> None:
        """A connection is gone: nobody is asked on it any more."""
        self._sales.pop(session, None)
        for (asked, _), answer in self._asked.items():
            if asked is session and not answer.done():
                answer.set_result(NO_ANSWER)
