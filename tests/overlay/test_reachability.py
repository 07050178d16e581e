"""Dial-backs: what is found, where it is tried from, and what nobody can make others do by asking."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.overlay import dialback, prober
from sidecar.overlay.prober import Prober
from sidecar.wire import roles
from sidecar.wire.errors import Untrusted
from sidecar.wire.frames import FrameType
from sidecar.wire.roles import Role, check_result_untrusted, sign_result
from tests.overlay.network import Network, Site, Waiter

OTHER_ADDRESS = "127.0.0.2"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What is dead is given up sooner from the call on. Before it, who is to be reached has all its time."""
    return lambda: monkeypatch.setattr(prober, "PROBE_TIMEOUT", 0.5)


class Deaf(Waiter, asyncio.DatagramProtocol):
    """A socket that counts what comes, and says what it is told to."""

    def __init__(self, reply: bytes = b"") -> None:
        super().__init__()
        self.seen: list[tuple[str, int]] = []
        self._reply = reply
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, host: str = "127.0.0.1") -> str:
        """Where it is, host:port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        return "{}:{}".format(*self._transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio."""
        self.seen.append(addr)
        self.notice()
        if self._reply and self._transport is not None:
            self._transport.sendto(self._reply, addr)

    def close(self) -> None:
        """Closes it."""
        assert self._transport is not None
        self._transport.close()


async def ask(asker: Site, helper: Site, addresses: list[str]) -> wire_pb2.DialbackResult:
    """One dial-back, by its frames."""
    session = asker.node.links.peers[helper.peer_id].sessions[-1]
    own = asker.node.identity.peer_id_bytes
    return await asker.node.links.roles.dialback.ask(
        session, addresses, challenge=secrets.token_bytes(32), acceptor=own
    )


async def test_reachability_of_a_live_listener(network: Network, engine_name: str) -> None:
    first, second = await network.nodes(engine_name=engine_name)
    (check,) = await first.node.check_reachability([])
    assert (check.helper, check.address, check.reachable, check.detail) == (second.peer_id, first.address, True, "")
    assert first.node.links.roles.standing.role is Role.NODE


async def test_reachability_of_a_dead_address(
    network: Network, engine_name: str, impatient: Callable[[], None]
) -> None:
    """It is tried, and is a no; nothing of the role follows from it."""
    first, second = await network.nodes(engine_name=engine_name)
    await first.node.check_reachability([])
    impatient()
    (check,) = await first.node.check_reachability(["127.0.0.1:1"])
    assert (check.helper, check.address, check.reachable) == (second.peer_id, "127.0.0.1:1", False)
    assert check.detail
    assert first.node.links.roles.standing.role is Role.NODE


async def test_reachability_at_port_0_is_an_error(network: Network) -> None:
    site = await network.site()
    for wrong in ("127.0.0.1:0", "nonsense", "name.example:7400"):
        with pytest.raises(SidecarError) as raised:
            await site.node.check_reachability([wrong])
        assert raised.value.reason is Reason.INVALID_FIELD
        assert raised.value.fields[0][0] == "addresses[0]"
    with pytest.raises(SidecarError):
        await site.node.check_reachability(["127.0.0.1:7400"] * 5)


async def test_an_unexpected_reply_is_a_no(network: Network, impatient: Callable[[], None]) -> None:
    """Another sidecar, and something that is none, at the address."""
    first, _ = await network.nodes()
    third = await network.site()
    (check,) = await first.node.check_reachability([third.address])
    assert check.reachable is False
    assert third.peer_id in check.detail
    impatient()
    babbler = Deaf(b"\x00hello")
    (check,) = await first.node.check_reachability([await babbler.open()])
    assert check.reachable is False
    assert babbler.seen
    babbler.close()


async def test_reachability_with_nobody_linked(network: Network) -> None:
    site = await network.site()
    assert await site.node.check_reachability([]) == []
    assert "nobody" in site.node.role_line()


async def test_it_is_dialled_from_a_socket_of_its_own(network: Network, impatient: Callable[[], None]) -> None:
    """Not from the endpoint's, whose packets the asker's NAT lets in."""
    first, second = await network.nodes()
    impatient()
    target = Deaf()
    address = await target.open()
    (check,) = await first.node.check_reachability([address])
    assert check.reachable is False
    assert target.seen
    assert {port for _, port in target.seen}.isdisjoint({first.port, second.port})
    target.close()


async def test_somebody_else_with_the_key_is_not_it(network: Network, impatient: Callable[[], None]) -> None:
    """A sidecar of the same key that has not asked does not answer for this one."""
    first, _ = await network.nodes()
    twin = await network.site(identity=first.node.identity)
    impatient()
    (check,) = await first.node.check_reachability([twin.address])
    assert check.reachable is False


async def test_a_victim_is_not_dialled_for_nothing(network: Network, impatient: Callable[[], None]) -> None:
    """Another IP address than the asker's own costs 30 to 100 kB, which are more than a dial's own packets."""
    first, second = await network.nodes()
    impatient()
    victim = Deaf()
    address = await victim.open(OTHER_ADDRESS)
    session = first.node.links.peers[second.peer_id].sessions[-1]
    asked = wire_pb2.Dialback(challenge=bytes(32), acceptor=bytes(32), addresses=[address])
    answers: list[wire_pb2.DialbackResult] = []
    heard = asyncio.Event()

    def answered(_: object, result: wire_pb2.DialbackResult) -> bool:
        answers.append(result)
        heard.set()
        return True

    first.node.links.roles.dialback.answered = answered  # type: ignore[method-assign, assignment]
    session.say(FrameType.DIALBACK, asked)
    await heard.wait()
    (price,) = answers
    assert price.status == wire_pb2.DIALBACK_STATUS_PRICE
    assert 30_000 <= price.price <= 100_000
    asked.padding = bytes(price.price - 1 - (price.price - 1) // 2)
    session.say(FrameType.DIALBACK, asked)
    asked.padding = bytes((price.price - 1) // 2)
    session.say(FrameType.DIALBACK, asked)
    await first.node.ping(second.peer_id)
    assert not victim.seen, "a byte is missing"
    heard.clear()
    asked.padding = b"x"
    session.say(FrameType.DIALBACK, asked)
    await heard.wait()
    assert answers[1].status == wire_pb2.DIALBACK_STATUS_DIALLED
    assert victim.seen
    victim.close()


async def test_who_pays_is_dialled_elsewhere(network: Network, impatient: Callable[[], None]) -> None:
    first, second = await network.nodes()
    impatient()
    target = Deaf()
    result = await ask(first, second, [await target.open(OTHER_ADDRESS)])
    assert result.status == wire_pb2.DIALBACK_STATUS_DIALLED
    assert target.seen
    target.close()


async def test_what_is_not_the_askers_to_name_is_not_dialled(network: Network) -> None:
    """Addresses of this machine or site, for an asker that is elsewhere, and what is no host's."""
    first, second = await network.nodes()
    for address in ("10.1.2.3:7400", "224.0.0.1:7400", "0.0.0.0:7400", "[fe80::1]:7400"):
        result = await ask(first, second, [address])
        assert result.status == wire_pb2.DIALBACK_STATUS_REFUSED, address


async def test_dial_backs_are_limited_for_each_peer(network: Network) -> None:
    """12 a minute, one at a time; a refusal is no answer, and changes no role."""
    first, second = await network.nodes()
    results = [await ask(first, second, []) for _ in range(dialback.PER_PEER + 1)]
    assert results[-1].status == wire_pb2.DIALBACK_STATUS_REFUSED
    assert "12" in results[-1].reason
    reached = sum(result.status == wire_pb2.DIALBACK_STATUS_DIALLED for result in results)
    assert reached == dialback.PER_PEER == 12
    (check,) = await first.node.check_reachability([])
    assert check.reachable is None
    assert first.node.links.roles.standing.role is Role.NODE
    third = await network.site()
    await third.join(second)
    assert (await ask(third, second, [])).status == wire_pb2.DIALBACK_STATUS_DIALLED


async def test_dial_backs_are_limited_in_all(network: Network) -> None:
    first, second = await network.nodes()
    budget = second.node.links.roles.dialback._all
    now = asyncio.get_running_loop().time()
    while budget.has_room(now):
        budget.use(now)
    result = await ask(first, second, [])
    assert result.status == wire_pb2.DIALBACK_STATUS_REFUSED
    assert not budget.has_room(now + 59)
    assert budget.has_room(now + 61)
    assert dialback.PER_MINUTE == 60


async def test_one_dial_back_at_a_time(network: Network, impatient: Callable[[], None]) -> None:
    first, second = await network.nodes()
    impatient()
    target = Deaf()
    address = await target.open()
    slow = asyncio.ensure_future(ask(first, second, [address]))
    await target.until(lambda: bool(target.seen))
    assert "one" in (await ask(first, second, [address])).reason
    assert (await slow).status == wire_pb2.DIALBACK_STATUS_DIALLED
    target.close()


async def test_one_challenge_is_asked_once(network: Network) -> None:
    """An acceptor may name a helper and a challenge twice: the second question is refused here, the first goes on."""
    first, second = await network.nodes()
    session = first.node.links.peers[second.peer_id].sessions[-1]
    asking, challenge, own = first.node.links.roles.dialback, secrets.token_bytes(32), first.node.identity.peer_id_bytes
    answered, refused = await asyncio.gather(
        *(asking.ask(session, [], challenge=challenge, acceptor=own) for _ in range(2))
    )
    assert answered.status == wire_pb2.DIALBACK_STATUS_DIALLED
    assert refused.status == wire_pb2.DIALBACK_STATUS_REFUSED


@pytest.mark.parametrize(
    "wrong",
    [
        wire_pb2.Dialback(challenge=b"short", acceptor=bytes(32)),
        wire_pb2.Dialback(challenge=bytes(32), acceptor=b"short"),
        wire_pb2.Dialback(challenge=bytes(32), acceptor=bytes(32), addresses=["127.0.0.1:1"] * 5),
        wire_pb2.Dialback(challenge=bytes(32), acceptor=bytes(32), addresses=["name.example:1"]),
    ],
    ids=["challenge", "acceptor", "addresses", "name"],
)
async def test_a_malformed_dialback_costs_its_connection(network: Network, wrong: wire_pb2.Dialback) -> None:
    first, second = await network.nodes(resume_timeout=30)
    session = first.node.links.peers[second.peer_id].sessions[-1]
    session.say(FrameType.DIALBACK, wrong)
    changes = first.node.peer_changes
    while session.closing is None:
        await changes.wait(changes.revision)
    assert "dial-back" in session.closing[1]


def test_a_result_speaks_for_one_check_only() -> None:
    """Not for another subject, acceptor or challenge, nor when it was changed, or signed by another key."""
    helper, other = Identity.ephemeral(), Identity.ephemeral("p256")
    subject, acceptor, challenge = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32

    def made(identity: Identity) -> wire_pb2.DialbackResult:
        return sign_result(
            identity, subject=subject, acceptor=acceptor, challenge=challenge, address="192.0.2.1:7400", reason=""
        )

    for identity in (helper, other):
        word = check_result_untrusted(made(identity), subject=subject, acceptor=acceptor, challenge=challenge)
        assert (word.helper, word.address, word.reachable) == (identity.peer_id_bytes, "192.0.2.1:7400", True)
    for wrong in (
        {"subject": bytes(32), "acceptor": acceptor, "challenge": challenge},
        {"subject": subject, "acceptor": bytes(32), "challenge": challenge},
        {"subject": subject, "acceptor": acceptor, "challenge": bytes(32)},
    ):
        with pytest.raises(Untrusted):
            check_result_untrusted(made(helper), **wrong)
    forged = made(helper)
    forged.signature = made(other).signature
    with pytest.raises(Untrusted):
        check_result_untrusted(forged, subject=subject, acceptor=acceptor, challenge=challenge)
    forged.body = bytes(roles.BODY_MAX + 1)
    with pytest.raises(Untrusted):
        check_result_untrusted(forged, subject=subject, acceptor=acceptor, challenge=challenge)


async def test_a_probe_that_cannot_have_a_socket_says_so(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = await network.nodes()

    def none() -> None:
        raise OSError(24, "Too many open files")

    second.node.endpoint.temporary = none  # type: ignore[method-assign, assignment]
    probes: Prober = second.node.links.roles.prober
    (tried,) = await probes.probe([("127.0.0.1", 1)], first.peer_id, bytes(32))
    assert "Too many open files" in tried.error


async def test_probes_leave_no_socket_behind(network: Network, impatient: Callable[[], None]) -> None:
    first, second = await network.nodes()
    await first.node.check_reachability([])
    before = len(list(Path("/proc/self/fd").iterdir()))
    impatient()
    for _ in range(5):
        await first.node.check_reachability(["127.0.0.1:1"])
        await ask(first, second, [])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
