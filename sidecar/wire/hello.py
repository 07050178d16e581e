"""The handshake: who both sides are, before anything else is said.

dialler                                   acceptor
             TLS handshake
                    <-- HELLO (with the handshake flight)
judges the certificate, then
HELLO, PROOF -->
                                          checks the proof, then
                    <-- WELCOME   or   REJECT and close
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import BadCertificate, Identity, leaf_key_untrusted
from sidecar.trust import Credential, Refused, Trust
from sidecar.wire import VERSION, proof
from sidecar.wire.errors import Close, Untrusted, malformed, not_let_in
from sidecar.wire.frames import FrameType, parse_untrusted
from sidecar.wire.roles import Role, role_untrusted

TEXT_MAX = 128
"""Bytes of a network id, agent or address in a hello."""


@dataclass(frozen=True, slots=True)
class LocalPeer:
    """Who this side is."""

    identity: Identity
    network_id: str
    instance: int
    agent: str
    trust: Trust = field(default_factory=Trust.unverified)
    """Who may be a peer of it."""
    role: Role = Role.CLIENT
    """What it asks to be."""
    labels: Mapping[str, str] = field(default_factory=dict)


LABELS_MAX = 16
LABEL_BYTES = 64
NO_LIMITS = wire_pb2.Limits()
"""Nothing is accepted: before the other side has said what is."""


def shared(limits: wire_pb2.Limits) -> wire_pb2.Limits:
    """The same limits alone, and one for all peers that say the same: those in a HELLO hold on to all of it, for as
    long as the link lasts. Not to be changed."""
    known = wire_pb2.Limits()
    known.CopyFrom(limits)
    known.DiscardUnknownFields()  # a peer's own, of any size
    return _shared(known.SerializeToString())


@lru_cache(maxsize=64)
def _shared(encoded: bytes) -> wire_pb2.Limits:
    return wire_pb2.Limits.FromString(encoded)


@dataclass(slots=True)
class Introduction:
    """What a peer said of itself, proven where it can be."""

    peer_id: str
    instance: int
    epoch: int
    resume_epoch: int
    received: wire_pb2.Received
    agent: str
    labels: Mapping[str, str]
    observed: str
    record: wire_pb2.Record
    told_epoch: int = 0
    """The epoch this side said in its HELLO; 0 on the accepting side, which has not said anything yet."""
    role: Role = Role.CLIENT
    nonce: bytes = b""
    """Of a dialler's hello."""
    answers: bytes = b""
    """On a reverse connection the nonce of the hello it answers."""


@dataclass(slots=True)
class Greeting:
    """What this side says of its state."""

    epoch: int
    resume_epoch: int
    received: wire_pb2.Received
    record: wire_pb2.Record | None


class Handshake:
    """One side of it. It writes nothing: `frames` gives what is to be written."""

    def __init__(
        self, local: LocalPeer, limits: wire_pb2.Limits, greet: Callable[[str], Greeting], *, remote: str,
        dialled: bool, expected_peer_id: str | None, expected_name: str | None = None,
        answers: bytes = b"",
    ) -> None:  # fmt: skip
        """`limits` are what this side accepts; `greet` says what it has to say to the peer it has found, and may raise
        Untrusted; `remote` is where the other side is, host:port; `expected_name` the name that led there; `answers`
        the nonce of the hello that a reverse connection answers."""
        self.peer_id: str | None = None
        """Proven by the acceptor's certificate or the dialler's proof."""
        self.credential: Credential | None = None
        """What the other side was let in for, once it was."""
        self.limits = NO_LIMITS
        """What the other side accepts."""
        self.introduced = False
        """Whether the dialler's HELLO has been said."""
        self.rejected: str | None = None
        """The acceptor's reason for not welcoming this dialler."""
        self.rejected_code = 0
        """The same as a close code."""
        self.nonce = secrets.token_bytes(proof.NONCE_BYTES)
        """This side's."""
        self._answers = answers
        self._local = local
        self._limits = limits
        self._greet: Callable[[str], Greeting] | None = greet
        self._remote = remote
        self._dialled = dialled
        self._expected_peer_id = expected_peer_id
        self._expected_name = expected_name
        self.peer_nonce = b""
        """The other side's."""
        self.acceptor_leaf = b"" if dialled else local.identity.certificate_der
        """The certificate by which the acceptor is judged, DER; empty before it has come."""
        self._hello: wire_pb2.Hello | None = None
        self._hello_body = b""
        self._frames: list[tuple[FrameType, bytes]] = []

    def over(self) -> None:
        """It has come to its end, and what was said for it is not wanted any more: all that is left is who is there."""
        self._hello, self._hello_body, self._greet = None, b"", None

    def frames(self) -> list[tuple[FrameType, bytes]]:
        """What is to be written now."""
        frames, self._frames = self._frames, []
        return frames

    def opening(self) -> bytes:
        """The body of the acceptor's HELLO."""
        return wire_pb2.AcceptorHello(version=VERSION, nonce=self.nonce, limits=self._limits).SerializeToString()

    def welcome(self, greeting: Greeting) -> bytes:
        """The body of the acceptor's WELCOME."""
        return wire_pb2.Welcome(
            network_id=self._local.network_id,
            instance=self._local.instance,
            agent=self._local.agent,
            labels=self._local.labels,
            observed=self._remote,
            record=greeting.record,
            epoch=greeting.epoch,
            resume_epoch=greeting.resume_epoch,
            received=greeting.received,
            role=self._local.role.value,
        ).SerializeToString()

    def judge_untrusted(self, chain: tuple[bytes, ...]) -> None:
        """Dialling side: who has answered, by its certificate. Raises Untrusted when that is not who it should be."""
        try:
            key = leaf_key_untrusted(chain)
        except BadCertificate as error:
            raise Untrusted(Close.IDENTITY, f"certificate of {self._remote}: {error}") from error
        self.peer_id = key.peer_id
        if key.peer_id == self._local.identity.peer_id:
            raise Untrusted(Close.SELF, f"{self._remote} is this sidecar itself")
        if self._expected_peer_id not in (None, key.peer_id):
            raise Untrusted(
                Close.IDENTITY, f"{self._remote} is {key.peer_id}, {self._expected_peer_id} was expected there"
            )
        try:
            self.credential = self._local.trust.acceptor_untrusted(
                key, chain, name=self._expected_name, expected=self._expected_peer_id is not None
            )
        except Refused as refused:
            raise not_let_in(refused) from refused
        self.acceptor_leaf = chain[0]
        self._introduce()

    def on_frame_untrusted(self, kind: int, body: bytes) -> Introduction | None:
        """A frame of the other side; what it has said of itself once that is complete and proven. A HELLO or PROOF that
        comes again, or out of turn, changes nothing."""
        if self._dialled:
            if kind == FrameType.HELLO and not self.peer_nonce:
                hello = parse_untrusted(wire_pb2.AcceptorHello, body)
                self._check_opening_untrusted(hello.version, hello.nonce)
                self.limits = shared(hello.limits)
                self._introduce()
            elif kind == FrameType.WELCOME and self._hello is not None:
                return self._welcomed_untrusted(parse_untrusted(wire_pb2.Welcome, body), self._hello)
        elif kind == FrameType.HELLO and self._hello is None:
            self._introduced_untrusted(parse_untrusted(wire_pb2.Hello, body), body)
        elif kind == FrameType.PROOF and self._hello is not None:
            return self._proven_untrusted(parse_untrusted(wire_pb2.Proof, body), self._hello)
        return None

    def _introduce(self) -> None:
        """Dialling side: HELLO and PROOF, once the acceptor is known and has said HELLO."""
        if not self.peer_nonce or not self.acceptor_leaf or self._hello is not None:
            return
        assert self.peer_id is not None, "the acceptor was judged"
        assert self._greet is not None, "the handshake is not over"
        greeting = self._greet(self.peer_id)
        self._hello = wire_pb2.Hello(
            version=VERSION,
            nonce=self.nonce,
            limits=self._limits,
            network_id=self._local.network_id,
            instance=self._local.instance,
            agent=self._local.agent,
            labels=self._local.labels,
            observed=self._remote,
            record=greeting.record,
            epoch=greeting.epoch,
            resume_epoch=greeting.resume_epoch,
            received=greeting.received,
            role=self._local.role.value,
            answers=self._answers,
        )
        self._hello_body = self._hello.SerializeToString()
        self.introduced = True
        identity = self._local.identity
        signed = proof.transcript(self.acceptor_leaf, self.peer_nonce, self.nonce, self._hello_body)
        shown = wire_pb2.Proof(certificates=identity.certificates, signature=identity.sign(signed))
        self._frames += [(FrameType.HELLO, self._hello_body), (FrameType.PROOF, shown.SerializeToString())]

    def _introduced_untrusted(self, hello: wire_pb2.Hello, body: bytes) -> None:
        self._check_opening_untrusted(hello.version, hello.nonce)
        self._check_words_untrusted(hello)
        self._hello, self._hello_body, self.limits = hello, body, shared(hello.limits)
        self.introduced = True

    def _proven_untrusted(self, shown: wire_pb2.Proof, hello: wire_pb2.Hello) -> Introduction:
        signed = proof.transcript(self.acceptor_leaf, self.nonce, self.peer_nonce, self._hello_body)
        key = proof.verify_untrusted(shown, signed)
        if key.peer_id == self._local.identity.peer_id:
            raise Untrusted(Close.SELF, "the dialler is this sidecar itself")
        self.peer_id = key.peer_id
        try:
            self.credential = self._local.trust.dialler_untrusted(key, shown.certificates)
        except Refused as refused:
            raise not_let_in(refused) from refused
        introduced = _introduction(key.peer_id, hello)
        introduced.nonce, introduced.answers = hello.nonce, hello.answers
        return introduced

    def _welcomed_untrusted(self, welcome: wire_pb2.Welcome, told: wire_pb2.Hello) -> Introduction:
        self._check_words_untrusted(welcome)
        assert self.peer_id is not None, "the acceptor was judged"
        return _introduction(self.peer_id, welcome, told.epoch)

    def _check_opening_untrusted(self, version: int, nonce: bytes) -> None:
        if version != VERSION:
            raise Untrusted(Close.VERSION, f"version {version} is not spoken here, {VERSION} is")
        if len(nonce) != proof.NONCE_BYTES:
            raise malformed(f"nonce of {len(nonce)} bytes")
        self.peer_nonce = nonce

    def _check_words_untrusted(self, said: wire_pb2.Hello | wire_pb2.Welcome) -> None:
        for text in (said.network_id, said.agent, said.observed):
            if len(text.encode()) > TEXT_MAX:
                raise malformed(f"text of {len(text.encode())} bytes in a hello, at most {TEXT_MAX} are allowed")
        if len(said.labels) > LABELS_MAX or any(
            len(key.encode()) + len(value.encode()) > LABEL_BYTES for key, value in said.labels.items()
        ):
            raise malformed(f"more than {LABELS_MAX} labels in a hello, or one of more than {LABEL_BYTES} bytes")
        if said.network_id != self._local.network_id:
            raise Untrusted(Close.NETWORK, f"network id {said.network_id!r} is not the one here")
        if not said.instance or not said.epoch:
            raise malformed("hello without instance or epoch")


def _introduction(peer_id: str, said: wire_pb2.Hello | wire_pb2.Welcome, told_epoch: int = 0) -> Introduction:
    return Introduction(
        peer_id=peer_id,
        instance=said.instance,
        epoch=said.epoch,
        resume_epoch=said.resume_epoch,
        received=said.received,
        agent=said.agent,
        labels=dict(said.labels),
        observed=said.observed,
        record=said.record,
        told_epoch=told_epoch,
        role=role_untrusted(said.role),
    )
