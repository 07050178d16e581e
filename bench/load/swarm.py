"""Many peers in one process, for what a sidecar costs per link: a sidecar's transport and wire protocol, with a
key for each link, and nothing above them.

python swarm.py ENGINE KEYS [MODE CA]; commands are lines of JSON on stdin, answers lines of JSON on stdout:

With MODE, a trust mode with CAs, every peer has a certificate of the CA in that directory and judges by the mode.

    shake  links and closes for `seconds`, `depth` links under way at once, each by the next key, and for each sends
           `spoofed` of the forged first packets
    forge  makes `count` first packets, and sockets at addresses all over 127.0.0.0/8 to send them from
    hold   makes `count` links and keeps them
    say    sends a message by `count` of those, one after the other, each to its DELIVERED
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.addresses import Contact
from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.mail.inbox import Inbox
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine import load
from sidecar.transport.engine.base import EngineSettings
from sidecar.transport.pump import Pump
from sidecar.trust import Access, Trust, TrustMode
from sidecar.trust.authorities import Authorities
from sidecar.trust.authority import Authority, utc_now
from sidecar.trust.path import Anchors
from sidecar.trust.revocation import Revocations
from sidecar.wire import ALPN
from sidecar.wire.batch import large_entry
from sidecar.wire.budget import Windows
from sidecar.wire.errors import Close
from sidecar.wire.flow import Cause, FlowMemory
from sidecar.wire.flows import Flows
from sidecar.wire.hello import Greeting, Introduction, LocalPeer
from sidecar.wire.inbound import Inbound
from sidecar.wire.link import Link
from sidecar.wire.outbound import Outbound
from sidecar.wire.outbox import Outbox
from sidecar.wire.run import Run
from sidecar.wire.session import Session

HANDSHAKE_SECONDS = 5.0
NETWORK = "bench"
FORGERS = 500
"""So many that none of them, and no /24, comes to a limit of its own."""
WINDOWS = Windows(
    max_message_bytes=1 << 20, link_bytes=1 << 20, link_messages=1024, channel_bytes=1 << 20, channel_messages=1024,
    first_channel_bytes=1 << 18, unread_channel_bytes=1 << 16, max_channels=16,
)  # fmt: skip


class LinkFailed(Exception):
    """A link was not made, or was lost."""


class Delivered:
    """Waits for one message's DELIVERED."""

    def __init__(self, outcome: asyncio.Future[None]) -> None:
        self.outcome = outcome

    def sent(self, first: int, count: int) -> None:
        """Not enough."""

    def delivered(self, first: int, count: int) -> None:
        """Done."""
        self.outcome.set_result(None)

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """It was not."""
        self.outcome.set_exception(LinkFailed(f"a message by an idle link: {reason}: {detail}"))


class Swarm:
    """The owner of every session."""

    def __init__(self, keys: int, trust: Trust, authority: Authority | None) -> None:
        self.locals = [LocalPeer(_identity(authority), NETWORK, number + 1, "bench", trust) for number in range(keys)]
        self.endpoint: Endpoint
        self.links: dict[Session, Link] = {}
        self.outcomes: dict[Session, asyncio.Future[Session]] = {}
        self.inbox = Inbox(1 << 20, 1 << 20)
        self.held: set[Session] = set()
        self.lost: list[str] = []
        self.next = 0
        self.forged: list[bytes] = []
        self.forgers: list[socket.socket] = []
        self.sent = 0

    async def open(self, engine: str) -> None:
        acceptor = self.locals[0].identity
        settings = EngineSettings(ALPN, (acceptor.certificate_der,), acceptor.private_key_pem)
        self.endpoint = await Endpoint.open(("127.0.0.1", 0), load(engine), settings, self._refuse)

    def _refuse(self, pump: Pump) -> Session:
        raise LinkFailed("nobody dials a swarm")

    async def link(self, contact: Contact) -> Session:
        """One link, by the next key."""
        local = self.locals[self.next % len(self.locals)]
        self.next += 1
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Session] = loop.create_future()

        def protocol(pump: Pump) -> Session:
            session = Session(
                pump, local, self, remote=f"{contact.host}:{contact.port}", dialled=True, began=loop.time(),
                timeout=HANDSHAKE_SECONDS, expected_peer_id=contact.peer_id,
            )  # fmt: skip
            self.outcomes[session] = outcome
            return session

        self.endpoint.dial((contact.host, contact.port), protocol)
        return await outcome

    def forge(self, contact: Contact, count: int) -> dict[str, float]:
        """First packets of handshakes that nobody means: their answers go to addresses that say nothing more."""
        settings = self.endpoint.settings
        for _ in range(count):
            connection = self.endpoint.engine.dial(settings, None)
            connection.connect((contact.host, contact.port), 0.0)
            self.forged.append(connection.transmit(0.0, 1 << 16)[0].datagrams[0])
        for number in range(FORGERS):
            forger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            forger.setblocking(False)
            forger.bind((f"127.{1 + number % 250}.{number // 250}.7", 0))
            self.forgers.append(forger)
        return {"forged": len(self.forged)}

    def _spoof(self, contact: Contact, count: int) -> None:
        for _ in range(count):
            self.sent += 1
            data = self.forged[self.sent % len(self.forged)]
            with contextlib.suppress(BlockingIOError):
                self.forgers[self.sent % FORGERS].sendto(data, (contact.host, contact.port))

    async def shake(self, contact: Contact, seconds: float, depth: int, spoofed: int = 0) -> dict[str, float]:
        """Links and closes, over and over."""
        count = 0
        begin, spent = time.monotonic(), time.process_time()

        async def worker() -> None:
            nonlocal count
            while time.monotonic() - begin < seconds:
                self._spoof(contact, spoofed)
                session = await self.link(contact)
                session.close(Close.DONE, "measured")
                count += 1

        async with asyncio.TaskGroup() as workers:
            for _ in range(depth):
                workers.create_task(worker())
        elapsed = time.monotonic() - begin
        return {"count": count, "seconds": elapsed, "cpu_seconds": time.process_time() - spent}

    async def hold(self, contact: Contact, count: int) -> dict[str, float]:
        """Links that stay."""
        begin = time.monotonic()
        for start in range(0, count, 16):
            made = await asyncio.gather(*(self.link(contact) for _ in range(min(16, count - start))))
            self.held.update(made)
        return {"held": len(self.held), "seconds": time.monotonic() - begin}

    async def say(self, count: int) -> dict[str, float]:
        """How long a message takes by a link that nobody has used for a while: one each, spread over all of them."""
        sessions = list(self.held)[:: max(1, len(self.held) // count)][:count]
        entry = b"".join(large_entry("", {}, [bytes(256)]))
        took: list[float] = []
        for session in sessions:
            delivered = Delivered(asyncio.get_running_loop().create_future())
            link, begin = self.links[session], time.perf_counter()
            link.outbound.outbox.put("", 1, Run([entry], 1, delivered, 1))
            link.wake()
            await asyncio.wait_for(delivered.outcome, HANDSHAKE_SECONDS)
            took.append((time.perf_counter() - begin) * 1e6)
        took.sort()
        return {"p50_us": took[len(took) // 2], "p99_us": took[len(took) * 99 // 100]}

    # Owner

    def limits(self) -> wire_pb2.Limits:
        return wire_pb2.Limits(
            max_message_bytes=WINDOWS.max_message_bytes, link_bytes=WINDOWS.link_bytes,
            link_messages=WINDOWS.link_messages, channel_bytes=WINDOWS.first_channel_bytes,
            channel_messages=WINDOWS.channel_messages, max_channels=WINDOWS.max_channels,
        )  # fmt: skip

    def greet(self, session: Session, peer_id: str) -> Greeting:
        flows = Flows(peer_id, FlowMemory(1 << 20), lambda flow: flow.reset(Cause.NO_SUBSCRIBER))
        inbound = Inbound(WINDOWS, self.inbox, peer_id)
        link = self.links[session] = Link(peer_id, Outbound(Outbox(1 << 16)), inbound, flows)
        return Greeting(link.epoch, link.peer_epoch, link.inbound.received(), None)

    def admit(self, session: Session, peer: Introduction) -> tuple[Link, Greeting]:
        link = self.links[session]
        link.meet_untrusted(peer.instance, peer.epoch, peer.resume_epoch, peer.received)
        return link, Greeting(link.epoch, link.peer_epoch, link.inbound.received(), None)

    def settled(self, session: Session) -> None:
        self.outcomes.pop(session).set_result(session)

    def peers_requested(self, session: Session, peer_id: bytes) -> None:
        session.tell_peers(wire_pb2.Peers())

    def peers_told_untrusted(self, session: Session, peers: wire_pb2.Peers) -> None:
        """Nobody here wants to know."""

    def outcomes_told(self, session: Session, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """Nobody here sends what is kept."""

    def role_frame_untrusted(self, session: Session, kind: int, body: bytes) -> None:
        """See Owner: roles are not part of it here."""

    def going_away(self, session: Session, reason: str) -> None:
        self.lost.append(f"going away: {reason}")

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        self.links.pop(session, None)
        outcome = self.outcomes.pop(session, None)
        why = session.rejected or reason or f"code {code:#x}"
        if outcome is not None:
            outcome.set_exception(LinkFailed(f"no link beside {len(self.held)} held ones: {why}"))
        elif session in self.held:
            self.held.discard(session)
            self.lost.append(why)


def _identity(authority: Authority | None) -> Identity:
    """A new peer, with a certificate where there is a CA."""
    identity = Identity.ephemeral("p256" if authority is not None else "ed25519")
    if authority is not None:
        _, chain = authority.issue(identity.certificate_request([]), names=[], days=1, now=utc_now())
        identity.renew([each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(chain)])
    return identity


def _trusting(words: list[str]) -> tuple[Trust, Authority | None]:
    """The judge, and the CA that issues, which the arguments name."""
    if not words or words[0] == "unverified":
        return Trust.unverified(), None
    authority = Authority(Path(words[1]))
    mode: TrustMode = "public-ca" if words[0] == "public-ca" else "private-ca"
    trusted = Authorities(Anchors([authority.chain[-1]]), Revocations(), public=mode == "public-ca")
    return Trust(mode, Access(), trusted, time.time), authority


async def main() -> None:
    swarm = Swarm(int(sys.argv[2]), *_trusting(sys.argv[3:]))
    await swarm.open(sys.argv[1])
    print(json.dumps({"ready": True}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        work: dict[str, Any] = json.loads(line)
        reply: dict[str, Any] = {"id": work["id"]}
        try:
            contact = Contact.parse(work["contact"])
            if work["do"] == "shake":
                reply["result"] = await swarm.shake(contact, work["seconds"], work["depth"], work.get("spoofed", 0))
            elif work["do"] == "forge":
                reply["result"] = swarm.forge(contact, work["count"])
            elif work["do"] == "say":
                reply["result"] = await swarm.say(work["count"])
            else:
                reply["result"] = await swarm.hold(contact, work["count"])
        except* LinkFailed as failed:
            reply["error"] = str(failed.exceptions[0])
        if swarm.lost:
            reply["error"] = f"{len(swarm.lost)} links were lost: {swarm.lost[0]}"
        print(json.dumps(reply), flush=True)
    swarm.endpoint.close(Close.DONE, "measured")


if __name__ == "__main__":
    asyncio.run(main())
