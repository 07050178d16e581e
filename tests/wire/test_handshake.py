"""HELLO, PROOF and WELCOME, right and wrong: what is wrong costs the connection, with the code that says why."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.wire.errors import Close, Untrusted
from sidecar.wire.frames import FRAME_MAX, FrameType, encode
from tests.wire.pipe import Pipes
from tests.wire.side import Side, identity
from tests.wire.stranger import Stranger


def dialling(pipes: Pipes) -> tuple[Side, Stranger]:
    """A side, and a stranger that dials it and has had its HELLO."""
    victim = pipes.side()
    stranger = Stranger(pipes, victim)
    stranger.run()
    return victim, stranger


def closed(side: Side, code: Close, reason: str) -> None:
    """The one connection of the side was closed by it."""
    (end,) = side.ends
    assert (end.code, end.application, end.remote) == (code, True, False)
    assert end.session.closing is not None
    assert reason in end.session.closing[1]
    assert end.reason == end.session.closing[1][:128]


def test_both_know_each_other_after_it() -> None:
    pipes = Pipes()
    a, b = pipes.side(), pipes.side()
    dialled, accepted = pipes.dial(a, b)
    pipes.run()
    assert (dialled.peer_id, accepted.peer_id) == (b.peer_id, a.peer_id)
    assert (dialled.agent, accepted.agent) == ("test/1", "test/1")
    assert a.link(b).peer_epoch == b.link(a).epoch
    assert b.link(a).peer_epoch == a.link(b).epoch
    assert a.link(b).peer_instance == b.local.instance
    assert dialled.limits == b.limits()
    assert accepted.limits == a.limits()
    assert dialled.deadline() is accepted.deadline() is None
    assert repr(dialled) == f"Session(to {b.peer_id[:8]} at 10.0.0.2:1)"


def test_a_stranger_learns_nothing_before_it_has_proven_itself() -> None:
    victim, stranger = dialling(Pipes())
    ((kind, body),) = stranger.frames
    assert kind == FrameType.HELLO
    hello = wire_pb2.AcceptorHello.FromString(body)
    assert hello.version == 1
    assert len(hello.nonce) == 32
    assert hello.limits == victim.limits()
    assert {field.name for field, _ in hello.ListFields()} == {"version", "nonce", "limits"}
    stranger.introduce()
    assert len(stranger.said(FrameType.WELCOME)) == 1
    assert victim.peer(stranger.identity.peer_id).sessions == [stranger.session]


HELLOS: list[tuple[str, dict[str, Any], Close, str]] = [
    ("another version", {"version": 2}, Close.VERSION, "version 2 is not spoken here, 1 is"),
    ("no version", {"version": 0}, Close.VERSION, "version 0"),
    ("another network", {"network_id": "other"}, Close.NETWORK, "network id 'other' is not the one here"),
    ("short nonce", {"nonce": b"n" * 31}, Close.MALFORMED, "nonce of 31 bytes"),
    ("no nonce", {"nonce": b""}, Close.MALFORMED, "nonce of 0 bytes"),
    ("no instance", {"instance": 0}, Close.MALFORMED, "without instance or epoch"),
    ("no epoch", {"epoch": 0}, Close.MALFORMED, "without instance or epoch"),
    ("long network", {"network_id": "x" * 129}, Close.MALFORMED, "text of 129 bytes"),
    ("long agent", {"agent": "\u20ac" * 43}, Close.MALFORMED, "text of 129 bytes"),
    ("long address", {"observed": "1" * 1000}, Close.MALFORMED, "text of 1000 bytes"),
    ("long label", {"labels": {"k": "v" * 64}}, Close.MALFORMED, "labels in a hello"),
    ("many labels", {"labels": {str(number): "" for number in range(17)}}, Close.MALFORMED, "more than 16 labels"),
]


@pytest.mark.parametrize(("changes", "code", "reason"), [row[1:] for row in HELLOS], ids=[row[0] for row in HELLOS])
def test_a_wrong_hello(changes: dict[str, Any], code: Close, reason: str) -> None:
    victim, stranger = dialling(Pipes())
    stranger.introduce(**changes)
    closed(victim, code, reason)
    (rejected,) = stranger.said(FrameType.REJECT) or [b""]
    if rejected:
        assert wire_pb2.Reject.FromString(rejected).code == code
    assert stranger.closed_with is not None
    assert not victim.peers


def test_a_huge_hello_is_refused_before_it_has_come() -> None:
    victim, stranger = dialling(Pipes())
    stranger.write(encode(FrameType.HELLO, bytes(FRAME_MAX + 1))[:6])
    stranger.run()
    closed(victim, Close.MALFORMED, f"control frame of {FRAME_MAX + 1} bytes, at most {FRAME_MAX} are allowed")


@pytest.mark.parametrize("declared", [FRAME_MAX + 1, (1 << 30) - 1, 1 << 61, (1 << 62) - 1])
def test_a_declared_length_is_refused_at_once(declared: int) -> None:
    victim, stranger = dialling(Pipes())
    stranger.write(b"\x00" + (declared | 3 << 62).to_bytes(8, "big"))
    stranger.run()
    closed(victim, Close.MALFORMED, f"control frame of {declared} bytes")


@pytest.mark.parametrize("body", [b"\xff", b"\x08", b"\x12\x05ab", b"\x22\x02\xc3\x28", bytes(64 << 10)])
def test_a_hello_that_is_no_protobuf(body: bytes) -> None:
    victim, stranger = dialling(Pipes())
    stranger.frame(FrameType.HELLO, body)
    stranger.run()
    closed(victim, Close.MALFORMED, "Hello cannot be decoded")


def test_a_second_hello_changes_nothing() -> None:
    """Neither before the proof, nor after WELCOME; the proof is over the first."""
    victim, stranger = dialling(Pipes())
    first, second = stranger.hello(), stranger.hello(instance=99, epoch=98, network_id="other")
    stranger.frame(FrameType.HELLO, first)
    stranger.frame(FrameType.HELLO, second)
    stranger.frame(FrameType.PROOF, stranger.proof(first))
    stranger.frame(FrameType.HELLO, second)
    stranger.frame(FrameType.PROOF, stranger.proof(second))
    stranger.run()
    assert stranger.closed_with is None
    assert victim.peer(stranger.identity.peer_id).link.peer_instance == 7


def test_a_proof_of_the_second_hello_is_none() -> None:
    victim, stranger = dialling(Pipes())
    first, second = stranger.hello(), stranger.hello(instance=99)
    stranger.frame(FrameType.HELLO, first)
    stranger.frame(FrameType.HELLO, second)
    stranger.frame(FrameType.PROOF, stranger.proof(second))
    stranger.run()
    closed(victim, Close.PROOF, "the signature is not by the shown key over this handshake")


def test_a_proof_without_a_hello_changes_nothing() -> None:
    victim, stranger = dialling(Pipes())
    stranger.frame(FrameType.PROOF, stranger.proof(stranger.hello()))
    stranger.run()
    assert not victim.ends
    assert not victim.peers
    stranger.introduce()
    assert stranger.said(FrameType.WELCOME)


def other_acceptor() -> bytes:
    return identity(41).certificate_der


PROOFS: list[tuple[str, dict[str, Any]]] = [
    ("another key", {"by": Identity.ephemeral()}),
    ("another acceptor's certificate", {"acceptor_leaf": other_acceptor()}),
    ("another acceptor's nonce", {"acceptor_nonce": b"x" * 32}),
    ("another nonce of its own", {"dialler_nonce": b"x" * 32}),
    ("swapped nonces", {"acceptor_nonce": b"n" * 32}),
    ("another hello", {"hello_body": b"x"}),
]


@pytest.mark.parametrize("changes", [row[1] for row in PROOFS], ids=[row[0] for row in PROOFS])
def test_a_wrong_proof(changes: dict[str, Any]) -> None:
    victim, stranger = dialling(Pipes())
    hello = stranger.hello()
    stranger.frame(FrameType.HELLO, hello)
    stranger.frame(FrameType.PROOF, stranger.proof(hello, **changes))
    stranger.run()
    closed(victim, Close.PROOF, "the signature is not by the shown key over this handshake")
    assert not victim.peers


CHAINS: list[tuple[str, list[bytes], str]] = [
    ("none", [], "no certificate"),
    ("too many", [other_acceptor()] * 6, "6 certificates"),
    ("too big", [other_acceptor(), bytes(16 << 10)], "bytes of certificates"),
    ("garbage", [b"garbage"], "the leaf is no certificate"),
    ("another's", [other_acceptor()], "the signature is not by the shown key"),
]


@pytest.mark.parametrize(("chain", "reason"), [row[1:] for row in CHAINS], ids=[row[0] for row in CHAINS])
def test_a_wrong_chain(chain: list[bytes], reason: str) -> None:
    victim, stranger = dialling(Pipes())
    hello = stranger.hello()
    shown = stranger.proof(hello)
    del shown.certificates[:]
    shown.certificates.extend(chain)
    stranger.frame(FrameType.HELLO, hello)
    stranger.frame(FrameType.PROOF, shown)
    stranger.run()
    closed(victim, Close.PROOF, reason)


@pytest.mark.parametrize("signature", [b"", b"x", bytes(64), bytes(1000), b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_a_signature_that_is_none(signature: bytes) -> None:
    victim, stranger = dialling(Pipes())
    hello = stranger.hello()
    shown = stranger.proof(hello)
    shown.signature = signature
    stranger.frame(FrameType.HELLO, hello)
    stranger.frame(FrameType.PROOF, shown)
    stranger.run()
    closed(victim, Close.PROOF, "the signature is not by the shown key")


def test_a_replayed_handshake_proves_nothing() -> None:
    """All that one connection carried, on another to the same acceptor."""
    pipes = Pipes()
    victim, stranger = dialling(pipes)
    hello = stranger.hello()
    shown = stranger.proof(hello)
    for _ in range(2):
        stranger.frame(FrameType.HELLO, hello)
        stranger.frame(FrameType.PROOF, shown)
        stranger.run()
        if victim.ends:
            break
        stranger = Stranger(pipes, victim)
        stranger.run()
    closed(victim, Close.PROOF, "the signature is not by the shown key")


def test_a_proof_is_of_no_use_to_the_acceptor_it_was_made_for() -> None:
    """An acceptor passes on what a dialler proved to it, with the other acceptor's nonce."""
    pipes = Pipes()
    honest, target = pipes.side(), pipes.side()
    middle = Stranger(pipes, honest, dials=False)
    forward = Stranger(pipes, target)
    forward.run()
    nonce = wire_pb2.AcceptorHello.FromString(forward.said(FrameType.HELLO)[0])
    middle.frame(FrameType.HELLO, nonce)
    middle.run()
    for kind in (FrameType.HELLO, FrameType.PROOF):
        forward.frame(kind, middle.said(kind)[0])
    forward.run()
    closed(target, Close.PROOF, "the signature is not by the shown key")


def test_a_sidecar_that_dials_itself_notices() -> None:
    pipes = Pipes()
    side = pipes.side()
    near, far = pipes.ends_of_new(side.identity.certificate_der)
    pipes.seat(side, near)
    pipes.seat(side, far)
    pipes.run()
    assert {(end.code, end.remote) for end in side.ends} == {(Close.SELF, False), (Close.SELF, True)}


def test_an_acceptor_that_notices_first() -> None:
    victim, stranger = dialling(Pipes())
    stranger.identity = victim.identity
    stranger.introduce()
    closed(victim, Close.SELF, "the dialler is this sidecar itself")


def test_whoever_answers_must_be_the_expected_peer() -> None:
    pipes = Pipes()
    a, b = pipes.side(), pipes.side()
    near, far = pipes.ends_of_new(b.identity.certificate_der)
    pipes.seat(a, near, expected=identity(50).peer_id)
    pipes.seat(b, far)
    pipes.run()
    closed(a, Close.IDENTITY, f"is {b.peer_id}, {identity(50).peer_id} was expected there")
    assert b.ends[0].remote
    assert b.ends[0].session.peer_id is None, "nothing was said to it"


def test_a_certificate_without_a_key_it_can_take() -> None:
    pipes = Pipes()
    a, b = pipes.side(), pipes.side()
    near, far = pipes.ends_of_new(b"garbage")
    pipes.seat(a, near)
    pipes.seat(b, far)
    pipes.run()
    closed(a, Close.IDENTITY, "the leaf is no certificate")


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"network_id": "other"}, Close.NETWORK, "network id 'other'"),
        ({"instance": 0}, Close.MALFORMED, "without instance or epoch"),
        ({"epoch": 0}, Close.MALFORMED, "without instance or epoch"),
        ({"agent": "x" * 200}, Close.MALFORMED, "text of 200 bytes"),
        ({"version": 9}, Close.VERSION, "version 9"),
    ],
)
def test_a_wrong_acceptor(changes: dict[str, Any], code: Close, reason: str) -> None:
    pipes = Pipes()
    victim = pipes.side()
    Stranger(pipes, victim, dials=False).accept(**changes)
    closed(victim, code, reason)


def test_a_welcome_that_nobody_waits_for_changes_nothing() -> None:
    """Before the acceptor's HELLO, from a dialler, and a second time."""
    pipes = Pipes()
    victim = pipes.side()
    acceptor = Stranger(pipes, victim, dials=False)
    acceptor.welcome(epoch=5)
    assert not victim.peers
    acceptor.accept()
    acceptor.welcome(epoch=5, network_id="other")
    assert victim.peer(acceptor.identity.peer_id).link.peer_epoch == 9
    dialler = Stranger(pipes, victim, number=42)
    dialler.welcome()
    assert identity(42).peer_id not in victim.peers
    assert not victim.ends


def test_a_rejected_dialler_knows_why() -> None:
    pipes = Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim, dials=False)
    stranger.accept(say_welcome=False)
    stranger.frame(FrameType.REJECT, wire_pb2.Reject(code=Close.BUSY, reason="no room" * 100))
    stranger.run()
    assert stranger.session.rejected == ("no room" * 100)[:128]
    closed(victim, Close.DONE, "rejected")


@pytest.mark.parametrize("refuses", ["dialler", "acceptor"])
@pytest.mark.parametrize("seed", range(4))
def test_an_owner_may_refuse(refuses: str, seed: int) -> None:
    pipes = Pipes(seed)
    a, b = pipes.side(), pipes.side()
    (a if refuses == "dialler" else b).refusing = Untrusted(Close.STOPPING, "going to bed")
    pipes.dial(a, b)
    pipes.run()
    assert [(end.code, end.reason) for side in (a, b) for end in side.ends] == [
        (Close.STOPPING, "going to bed")
    ] * 2 or (a.ends[0].session.rejected == "going to bed")


def test_a_refusal_in_the_handshake_itself() -> None:
    """HELLO may be there before the certificate is: the owner is asked at that moment."""
    pipes = Pipes()
    a, b = pipes.side(), pipes.side()
    a.refusing = Untrusted(Close.STOPPING, "going to bed")
    near, far = pipes.ends_of_new(b.identity.certificate_der)
    session = pipes.seat(a, near)
    pipes.seat(b, far)
    hello = wire_pb2.AcceptorHello(version=1, nonce=bytes(32))
    session.stream_data(3, b"\x00" + encode(FrameType.HELLO, hello.SerializeToString()), False, 100.0)
    session.established((b.identity.certificate_der,), 100.0)
    pipes.run()
    assert a.ends[0].code == Close.STOPPING


@pytest.mark.parametrize("dials", [True, False])
def test_it_has_a_deadline(dials: bool) -> None:
    pipes = Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim, dials=dials)
    stranger.run()
    assert stranger.session.deadline() == 105.0
    pipes.now = 104.9
    stranger.session.fill(104.9)
    assert not victim.ends
    stranger.session.fill(105.0)
    stranger.run()
    closed(victim, Close.HANDSHAKE_TIMEOUT, "no WELCOME in time")
    assert stranger.session.deadline() is None


@pytest.mark.parametrize("seed", range(5))
def test_simultaneous_connections_both_ways_are_one_link(seed: int) -> None:
    pipes = Pipes(seed)
    a, b = pipes.side(), pipes.side()
    readers = [a.read(), b.read()]
    books = [a.send(b, [b"%d" % number for number in range(100)]), b.send(a, [bytes(90_000), b"x"])]
    pipes.dial(a, b)
    pipes.dial(b, a)
    pipes.run()
    assert all(book.delivered_all for book in books)
    assert [len(reader.payloads) for reader in readers] == [2, 100]
    for near, far in ((a, b), (b, a)):
        assert len(near.peers) == 1
        assert sorted(session.dialled for session in near.peer(far.peer_id).sessions) == [False, True]
        assert not near.ends


@pytest.mark.parametrize("seed", range(8))
def test_each_side_answers_at_once_though_they_write_on_different_connections(seed: int) -> None:
    """ACK and CREDIT go out on the connection that a side writes on, whichever brought what they answer; and credit
    that came on one lets the other go on."""
    pipes = Pipes(seed)
    a, b = pipes.side(), pipes.side()
    pipes.dial(a, b)
    pipes.dial(b, a)
    pipes.run()
    for near, far in ((a, b), (b, a)):  # each writes on the one it has dialled
        link = near.link(far)
        dialled = next(session for session in near.peer(far.peer_id).sessions if session.dialled)
        link.detach(dialled)
        link.attach(dialled)
    pipes.run()
    reader = b.read("x")
    for payloads in ([b"one"], [b"%07d" % number + bytes(50_000) for number in range(120)], [bytes(2_000_000)]):
        book = a.send(b, payloads, channel="x")
        pipes.run()
        assert book.delivered_all
    assert len(reader.payloads) == 122


@pytest.mark.parametrize("seed", range(5))
def test_a_new_epoch_leaves_what_was_sent_unknown_and_delivers_what_was_not(seed: int) -> None:
    pipes = Pipes(seed)
    a, b = pipes.pair()
    pipes.ends[1].reads = False
    sent = a.send(b, [b"sent"] * 5)
    pipes.run()
    queued = a.send(b, [b"queued"] * 5, channel="unknown yet")
    large = a.send(b, [bytes(800_000)])
    pipes.run()
    b.forget(a)
    readers = [b.read(), b.read("unknown yet")]
    pipes.dial(*((a, b) if seed % 2 else (b, a)))
    pipes.run()
    assert sent.failures == {Reason.OUTCOME_UNKNOWN: 5}
    assert queued.delivered_all
    assert large.delivered_all, "a part of a message is none"
    assert [len(reader.payloads) for reader in readers] == [1, 5]


def test_random_handshakes() -> None:
    """Whatever stands in the frames, one connection ends or waits; nothing else happens."""
    for seed in range(150):
        draw = random.Random(seed)
        pipes = Pipes(seed)
        victim = pipes.side()
        stranger = Stranger(pipes, victim, dials=draw.random() < 0.5)
        stranger.run()
        hello = stranger.hello()
        good = [
            encode(FrameType.HELLO, hello),
            encode(FrameType.HELLO, wire_pb2.AcceptorHello(version=1, nonce=bytes(32)).SerializeToString()),
            encode(FrameType.WELCOME, wire_pb2.Welcome(network_id="test", instance=1, epoch=1).SerializeToString()),
            encode(FrameType.PROOF, wire_pb2.Proof(certificates=[victim.identity.certificate_der]).SerializeToString()),
        ]
        for _ in range(8):
            data = bytearray(draw.choice(good))
            for _ in range(draw.randint(0, 3)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            stranger.write(bytes(data[: draw.choice((len(data), draw.randint(0, len(data))))]))
        stranger.run()
        assert len(victim.ends) <= 1
        assert all(end.code in set(Close) and end.application for end in victim.ends)
