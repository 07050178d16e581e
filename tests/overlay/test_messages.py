"""Messages between two nodes: all of them, in order, once, and small ones before large."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable

import pytest

from sidecar.errors import Reason
from sidecar.identity import Identity
from sidecar.node import CHANNELS_PER_LINK
from sidecar.overlay.events import MessagesLost
from tests.overlay.network import Network, Reading, Sending, Site, a

HIGH, NORMAL, LOW = 0, 1, 2
MIB = 1 << 20
NOISE = random.Random(1).randbytes(MIB)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that differ from seed to seed and are the same each time."""
    return (seed.to_bytes(8) + NOISE * (size // len(NOISE) + 1))[:size]


async def test_single_message(network: Network, engine_name: str) -> None:
    """1 KiB."""
    first, second = await network.pair(engine_name=engine_name)
    reader = second.read("news")
    payload = noise(1024)
    sending = first.send(second, "news", [payload])
    await sending.all_delivered()
    assert reader.messages == [(first.peer_id, payload)]
    assert sending.was_sent == sending.was_delivered == {1}


@pytest.mark.parametrize("size", [0, 1, 64 << 10, (64 << 10) + 1, 256 << 10, 3 * MIB])
async def test_message_of_every_class_of_size(network: Network, engine_name: str, size: int) -> None:
    first, second = await network.pair(engine_name=engine_name)
    reader = second.read()
    payload = noise(size)
    await first.send(second, "", [payload]).all_delivered()
    assert await reader.has(1) == [payload]


async def test_many_messages(network: Network, engine_name: str) -> None:
    """10,000 at once on one link, each from a caller of its own."""
    first, second = await network.pair(engine_name=engine_name)
    reader = second.read()
    callers = [first.send(second, "", [b"%d" % number]) for number in range(10_000)]
    await reader.has(10_000)
    for caller in callers:
        await caller.all_delivered()
    assert reader.payloads == [b"%d" % number for number in range(10_000)]


async def ask_all(
    network: Network, engine_name: str, callers: int, messages: int, size: int, digest: Callable[[bytes], bytes]
) -> None:
    """Callers of one node send to another; each message is answered by its digest on the caller's own channel."""
    first, second = await network.pair(engine_name=engine_name)
    requests = [second.read(f"ask {number}", keep=True) for number in range(callers)]
    answers = [first.read(f"answer {number}") for number in range(callers)]
    replies = [second.send(first, f"answer {number}") for number in range(callers)]

    def answer(number: int) -> Callable[[str, bytes], None]:
        def reply(peer_id: str, payload: bytes) -> None:
            replies[number].offer([digest(payload)])

        return reply

    for number, request in enumerate(requests):
        request.arrived = answer(number)

    async def caller(number: int) -> None:
        sending = first.send(second, f"ask {number}")
        for turn in range(messages):
            await sending.room()
            sending.offer([noise(size, number * messages + turn)])
        await sending.all_delivered()

    await asyncio.gather(*(caller(number) for number in range(callers)))
    for number, reading in enumerate(answers):
        wanted = [digest(noise(size, number * messages + turn)) for turn in range(messages)]
        got = await reading.has(messages)
        assert sorted(got) == sorted(wanted) if size > 64 << 10 else got == wanted
        await replies[number].all_delivered()


async def test_hundred_senders_of_hundred_messages(network: Network, engine_name: str) -> None:
    """200 bytes each, each reply the SHA-3 of the message."""
    await ask_all(network, engine_name, 100, 100, 200, lambda payload: hashlib.sha3_256(payload).digest())


async def test_ten_senders_of_mebibyte_messages(network: Network, engine_name: str) -> None:
    """Fewer than the hundred each of the next test, for a quick answer."""
    each = 20 if engine_name == "qh3" else 4
    await ask_all(network, engine_name, 10, each, MIB, lambda payload: hashlib.sha3_256(payload).digest())


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_ten_senders_of_hundred_mebibyte_messages(network: Network, engine_name: str) -> None:
    """1 MiB each, each reply the SHA-3 of the message."""
    await ask_all(network, engine_name, 10, 100, MIB, lambda payload: hashlib.sha3_256(payload).digest())


async def test_no_head_of_line_blocking(network: Network, engine_name: str) -> None:
    """A large one, then small, then small: both small arrive first, whatever their priority."""
    largest = (128 if engine_name == "qh3" else 32) * MIB
    first = await network.site(engine_name=engine_name, max_message_bytes=512 * MIB)
    second = await network.site(engine_name=engine_name, max_message_bytes=512 * MIB)
    await first.join(second)
    reader = second.read()
    part = noise(MIB)
    sending = first.send(second).offer_large(*[part] * (largest // MIB))
    while not first.node.links.peers[second.peer_id].link.outbound.bytes_sent:
        await first.node.ping(second.peer_id)
    small = first.send(second, "", [b"one"])
    low = first.send(second, "", [b"two"], priority=LOW)
    await small.all_delivered()
    await low.all_delivered()
    assert sorted(reader.payloads) == [b"one", b"two"]
    await sending.all_delivered()
    assert hashlib.sha256(reader.payloads[2]).digest() == hashlib.sha256(part * (largest // MIB)).digest()


async def test_order_holds_within_channel_and_priority(network: Network, engine_name: str) -> None:
    first, second = await network.pair(engine_name=engine_name)
    readers = {channel: second.read(channel) for channel in ("one", "two")}
    sendings: dict[tuple[str, int], Sending] = {}
    for number in range(600):
        channel, priority = ("one", "two")[number % 2], number % 3
        sending = sendings.setdefault((channel, priority), first.send(second, channel, priority=priority))
        sending.offer([b"%d %d" % (priority, number)])
    for sending in sendings.values():
        await sending.all_delivered()
    for channel, reader in readers.items():
        for priority in (HIGH, NORMAL, LOW):
            numbers = [int(p.split()[1]) for p in reader.payloads if int(p.split()[0]) == priority]
            assert numbers == sorted(numbers)
            assert len(numbers) == 100, channel


async def test_messages_queued_while_connecting_are_delivered(network: Network, engine_name: str) -> None:
    """The first send is what dials."""
    first, second = await network.site(engine_name=engine_name), await network.site(engine_name=engine_name)
    first.node.add_contacts([second.contact])
    reader = second.read()
    known = first.node.links.directory.touch(second.peer_id)
    known.told = (("127.0.0.1", second.port),)
    sending = first.send(second, "", [b"%d" % number for number in range(1000)])
    assert not first.node.links.linked
    await sending.all_delivered()
    assert reader.payloads == [b"%d" % number for number in range(1000)]


async def test_messages_queued_while_connecting_are_reported_unsent(network: Network, engine_name: str) -> None:
    """When the attempt dies, each of them with the reason, and as an event."""
    site = await network.site(engine_name=engine_name, handshake_timeout=0.3)
    absent = Identity.ephemeral().peer_id
    site.node.links.directory.touch(absent).told = (("127.0.0.1", 1),)
    sending = site.send(absent, "x", [b"small"] * 10).offer_large(noise(MIB))
    await sending.all_settled()
    assert sending.failures == {Reason.PEER_UNREACHABLE: 11}
    assert all("127.0.0.1:1" in detail for detail in sending.details)
    lost = await site.event(a(MessagesLost, peer_id=absent, channel="x", count=11, reason=Reason.PEER_UNREACHABLE))
    assert isinstance(lost, MessagesLost)
    assert [(each.first, each.last) for each in lost.unsent] == [(1, 11)]
    assert site.node.links.peers == {}
    assert site.node.links._inbox._inbounds == set()


async def test_a_peer_nobody_knows(network: Network) -> None:
    first, second = await network.pair()
    absent = Identity.ephemeral().peer_id
    sending = first.send(absent, "", [b"hello?"])
    await sending.all_settled()
    assert sending.failures == {Reason.PEER_UNKNOWN: 1}
    assert [info.peer_id for info in first.node.list_peers("", 10)] == [second.peer_id]


async def test_no_subscriber(network: Network, engine_name: str) -> None:
    """Messages wait within the channel's window; then the sender waits, and can tell why; a subscriber ends it."""
    first, second = await network.pair(engine_name=engine_name, outbox_bytes="2MiB")
    count = 60
    sending = first.send(second, "unread", [noise(60_000, number) for number in range(count)])
    held = second.node.inbox
    await sending.until(lambda: sending.sender.starved and len(sending.was_delivered) == held.messages > 0)
    assert sending.sender.full
    assert held.bytes <= second.node.settings.channel_window_bytes
    assert not sending.reasons
    other = second.read("read")
    await first.send(second, "read", [b"passes"]).all_delivered()
    assert other.payloads == [b"passes"]
    reader = second.read("unread")
    await sending.all_delivered()
    assert reader.payloads == [noise(60_000, number) for number in range(count)]
    assert not sending.sender.starved
    assert held.bytes == held.messages == 0


async def test_an_unread_channel_holds_up_no_large_message_of_another(network: Network) -> None:
    """However many wait there, small or large."""
    first, second = await network.pair(max_message_bytes="64MiB")
    dead = first.send(second, "dead")
    for number in range(6):
        dead.offer_large(noise(5 * MIB, number))
    dead.offer([noise(60_000, number) for number in range(100)])
    reader = second.read("live")
    live = first.send(second, "live").offer_large(noise(6 * MIB)).offer([b"small"])
    await live.all_delivered()
    assert sorted(map(len, reader.payloads)) == [5, 6 * MIB]
    late = second.read("dead")
    await dead.all_delivered()
    assert late.count == 106


async def test_large_messages_pass_one_that_waits_for_long(network: Network) -> None:
    """More of them than may be numbered ahead of the one that waits."""
    first, second = await network.pair()
    stuck = first.send(second, "dead").offer_large(noise(8 * MIB))
    reader = second.read("live", keep=False)
    live = first.send(second, "live")
    for _ in range(1200):
        await live.room()
        live.offer_large(bytes(80_000))
    await live.all_delivered()
    assert reader.count == 1200
    assert second.accepted == 1
    assert not stuck.outcomes
    second.read("dead")
    await stuck.all_delivered()


async def test_a_message_too_large_for_the_peer(network: Network, engine_name: str) -> None:
    """It is reported; the link stays, and so do others' messages."""
    first = await network.site(engine_name=engine_name, max_message_bytes="8MiB")
    second = await network.site(engine_name=engine_name, max_message_bytes=2000)
    await first.join(second)
    reader = second.read()
    sending = first.send(second).offer_large(noise(3 * MIB)).offer([b"a" * 2001]).offer([b"b" * 2000])
    sending.offer([b"c" * 10, b"d" * 3000, b"e" * 10])
    await sending.all_settled()
    assert sending.reasons == dict.fromkeys((1, 2, 5), Reason.MESSAGE_TOO_LARGE)
    assert sorted(map(len, await reader.has(3))) == [10, 10, 2000]
    assert second.accepted == 1


async def test_more_channels_than_the_peer_takes(network: Network) -> None:
    """What cannot be sent ever is reported, not kept."""
    first, second = await network.pair()
    for number in range(CHANNELS_PER_LINK + 4):
        second.read(f"channel {number}")
    senders = [first.send(second, f"channel {number}", [b"x"]) for number in range(CHANNELS_PER_LINK + 4)]
    for sending in senders:
        await sending.all_settled()
    failures = [sending.failures for sending in senders if sending.reasons]
    assert len(failures) == 4
    assert failures == [{Reason.LIMIT_REACHED: 1}] * 4
    assert second.accepted == 1


async def test_competing_readers(network: Network) -> None:
    """Each message goes to one of them, and both get some."""
    first, second = await network.pair()
    readers = [second.read("work") for _ in range(2)]
    sending = first.send(second, "work")
    for number in range(200):
        sending.offer([b"%d" % number])
        await asyncio.sleep(0)
    await sending.all_delivered()
    got = [number for reader in readers for number in reader.payloads]
    assert sorted(map(int, got)) == list(range(200))
    assert all(reader.payloads for reader in readers)


async def test_withdrawn_messages_are_reported_and_not_sent(network: Network) -> None:
    first, second = await network.pair()
    sending = first.send(second, "unread")
    for number in range(200):
        sending.offer([noise(60_000, number)])
    sending.offer_large(noise(8 * MIB))
    await sending.until(lambda: sending.sender.starved and len(sending.was_delivered) > 10)
    sending.sender.withdraw(Reason.DEADLINE, "the deadline of the call has passed")
    await sending.all_settled()
    reader = second.read("unread")
    after = first.send(second, "unread", [b"next"]).offer_large(noise(8 * MIB, 2))
    await after.all_delivered()
    assert reader.count == len(sending.was_delivered) + 2
    assert sending.failures == {Reason.DEADLINE: 201 - len(sending.was_delivered)}
    outbox = first.node.links.peers[second.peer_id].link.outbound.outbox
    assert outbox.bytes == outbox.messages == 0


async def test_traffic_both_ways_at_once(network: Network, engine_name: str) -> None:
    first, second = await network.pair(engine_name=engine_name)
    rounds = 300 if engine_name == "qh3" else 60

    async def flow(source: Site, target: Site, reader: Reading) -> None:
        sending = source.send(target, "flow")
        for number in range(rounds):
            await sending.room()
            sending.offer([noise(20_000, number), b"x"])
            if number % 50 == 0:
                sending.offer_large(noise(MIB, number))
        await sending.all_delivered()
        assert reader.count == 2 * rounds + rounds // 50 + (rounds % 50 > 0)

    readers = second.read("flow"), first.read("flow")
    await asyncio.gather(flow(first, second, readers[0]), flow(second, first, readers[1]))
