"""What the runner does in a case beside the drivers: `- {stage: NAME, ...}` in cases.yaml.

Each takes the play and its step. What fails for one cast only is that cast's; what the runner cannot do fails all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar_client import Busy, DeadlinePassed, OutcomeUnknown, Received, Replied, SidecarError
from sidecar_client.messages import IncomingRequest
from tests.conformance.expectations import Mismatch, digest, expect, resolved, text64
from tests.conformance.player import PATIENCE, PlayerError
from tests.conformance.world import stranger

if TYPE_CHECKING:
    from tests.conformance.stage import Cast, Play

Step = Mapping[str, Any]

FILL_BYTES = 16 << 10
FILL_SECONDS = 1.0
"""How long a message waits for room before it says that there is none."""

LOOK_SECONDS = 0.02
"""Between two looks at what tells nobody that it has changed."""


def until(reached: Callable[[], bool], what: str) -> None:
    """Looks until it is so."""
    end = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE:g} s")
        time.sleep(LOOK_SECONDS)


def for_each(play: Play, step: Step, do: Callable[[Cast, Step], None]) -> None:
    """Does it for every cast, at once; a cast in which it fails leaves the play."""
    casts = play.playing
    with ThreadPoolExecutor(max(1, len(casts))) as threads:
        works = [(cast, threads.submit(do, cast, resolved(dict(step), cast))) for cast in casts]
    for cast, work in works:
        try:
            work.result()
        except (Mismatch, PlayerError, SidecarError) as error:
            cast.fail(f"{type(error).__name__}: {error}", step, 1 + play.case.steps.index(step))


# processes and paths


def freeze(play: Play, step: Step) -> None:
    os.kill(play.world.by_place[step["place"]].pid, signal.SIGSTOP)
    play.closing.callback(thaw, play, step)


def thaw(play: Play, step: Step) -> None:
    os.kill(play.world.by_place[step["place"]].pid, signal.SIGCONT)


def kill(play: Play, step: Step) -> None:
    process = play.world.by_place[step["place"]]
    process.kill()
    play.closing.callback(lambda: process.alive or process.restart())


def restart(play: Play, step: Step) -> None:
    """Starts it where it was. It is back once a knows it: what a sends before then may go to the run before."""
    play.world.by_place[step["place"]].restart()
    client = play.world.client(step["place"])
    client.wait_ready(PATIENCE)
    client.connect(play.world.by_place["a"].contact, timeout=PATIENCE)


def cut(play: Play, step: Step) -> None:
    play.world.relay.cut()


def disconnect(play: Play, step: Step) -> None:
    """Waits a moment for what has no outcome; the link ends whether the answer comes in time or not."""
    with contextlib.suppress(DeadlinePassed):
        play.world.client("a").disconnect(play.world.by_place[step["peer"]].peer_id, timeout=1)


def connect(play: Play, step: Step) -> None:
    play.world.client("a").connect(play.world.by_place[step["peer"]].contact)


def state_of_m(play: Play) -> Path:
    """The state directory of m."""
    return play.world.folder / "m" / "state"


def lock_journal(play: Play, step: Step) -> None:
    """Another process has the journal's file."""
    database = sqlite3.connect(state_of_m(play) / "journal.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    play.closing.callback(database.close)


def unlock_journal(play: Play, step: Step) -> None:
    play.closing.pop_all().close()


def break_block_list(play: Play, step: Step) -> None:
    """There is a directory where the file was."""
    path = state_of_m(play) / "blocked"
    path.rename(path.with_name("kept"))
    path.mkdir()
    play.closing.callback(mend_block_list, play, step)


def mend_block_list(play: Play, step: Step) -> None:
    path = state_of_m(play) / "blocked"
    if path.is_dir():
        path.rmdir()
        path.with_name("kept").rename(path)


# messages


def fill(play: Play, step: Step) -> None:
    """Sends to a channel until the sidecar says that it is full, for the reason that is given."""

    def do(cast: Cast, step: Step) -> None:
        client, peer_id = play.world.client("a"), cast.peer(step["to"])

        def full() -> bool:
            try:
                client.send(peer_id, bytes(FILL_BYTES), channel=step["channel"], timeout=FILL_SECONDS)
            except (DeadlinePassed, OutcomeUnknown):
                return False  # a busy machine's word, not the channel's
            except Busy as error:
                expect(step["reason"], error.reason)
                return True
            return False

        until(full, "a channel that is full")

    for_each(play, step, do)


def queued(play: Play, step: Step) -> None:
    """Returns once a message of each cast waits for the peer."""
    peer_id = play.world.by_place[step["to"]].peer_id
    wanted = step["bytes"] * len(play.playing)
    until(
        lambda: play.world.client("a").peer(peer_id).queued_bytes >= wanted,
        f"{wanted} bytes that wait for {step['to']}",
    )


def hold(play: Play, step: Step) -> None:
    """An app that takes one message and works on it until the end of the play."""
    for cast in play.playing:
        given = resolved(dict(step), cast)
        consumer = play.world.client(given["at"]).consume(given["channel"], credits=1)
        play.closing.callback(consumer.close)


def nack(play: Play, step: Step) -> None:
    """An app that nacks what comes, once."""
    for cast in play.playing:
        given = resolved(dict(step), cast)
        consumer = play.world.client(given["at"]).consume(given["channel"], max_deliveries=1)

        def give_back(consumer: Any = consumer) -> None:
            for message in consumer:
                if isinstance(message, Received):
                    consumer.nack(message)
                    return

        threads = ThreadPoolExecutor(1)
        play.closing.callback(threads.shutdown)
        play.closing.callback(consumer.close)
        threads.submit(give_back)


def send(play: Play, step: Step) -> None:
    """Texts from a, each delivered or what `wait` says."""

    def do(cast: Cast, step: Step) -> None:
        first = step.get("from", 0)
        with play.world.client("a").sender(
            cast.peer(step["to"]), channel=step["channel"], durable=step.get("durable", False),
            wait=step.get("wait", "delivered"), timeout=PATIENCE,
        ) as out:  # fmt: skip
            for number in range(first, first + step["texts"]):
                out.send(f"text {number}".encode())

    for_each(play, step, do)


def nothing_lost(play: Play, step: Step) -> None:
    """Every text came, and what came twice said so."""

    def do(cast: Cast, step: Step) -> None:
        events = [heard for heard in cast.heard[step["player"]] if heard.get("event") == "message"]
        wanted = {digest(f"text {number}".encode()) for number in range(step["texts"])}
        counts: dict[str, list[int]] = {}
        for event in events:
            counts.setdefault(event["digest"], []).append(event["redelivery_count"])
        if set(counts) != wanted:
            raise Mismatch(f"{len(wanted - set(counts))} of {len(wanted)} texts were lost, of {len(events)} that came")
        unmarked = [each for each in counts.values() if any(count == 0 for count in each[1:])]
        if unmarked:
            raise Mismatch(f"{len(unmarked)} texts came again without a mark: {unmarked}")

    for_each(play, step, do)


def datagrams(play: Play, step: Step) -> None:
    """Datagrams from one driver until the other has as many as it waits for: they may be lost."""

    def do(cast: Cast, step: Step) -> None:
        wanted = step["sizes"]
        end = time.monotonic() + PATIENCE
        while True:
            params = {"peer_id": cast.peer(step["to"]), "channel": step["channel"], "sizes": wanted}
            cast.tell(step["from"], {"case": "datagrams", "role": "sender", "params": params})
            expect({"result": {}}, cast.hear(step["from"]))
            try:
                heard = cast.hear(step["to"], patience=2)
                break
            except PlayerError:
                if time.monotonic() > end:
                    raise
        sizes = heard.get("result", {}).get("sizes", [])
        if len(sizes) != len(wanted) or not set(sizes) <= set(wanted):
            raise Mismatch(f"datagrams of {wanted} bytes were sent, and {heard} came")
        expect({"peer_ids": [cast.peer(step["from"])] * len(sizes)}, heard["result"])

    for_each(play, step, do)


# what is kept


def purge(play: Play, step: Step) -> None:
    """Purges what waits for a peer, again and again until the driver that waits for it has been told: what it asked for
    may come to the sidecar only now."""

    def do(cast: Cast, step: Step) -> None:
        client, driver = play.world.client("a"), cast.players[step["player"]]

        def told() -> bool:
            client.purge(step["queue"], peer_id=step["peer_id"])
            return driver.has_said(LOOK_SECONDS)

        until(told, "a driver that is told of a purge")

    for_each(play, step, do)


def dead(play: Play, step: Step) -> None:
    """A durable message from b that an app beside a has refused once too often."""

    def do(cast: Cast, step: Step) -> None:
        a, b = play.world.client("a"), play.world.client("b")
        with a.consume(step["channel"], max_deliveries=1) as consumer:
            b.send(cast.peer("a"), step["text"].encode(), channel=step["channel"], durable=True)
            for message in consumer:
                if isinstance(message, Received):
                    consumer.nack(message)
                    break
        until(lambda: bool(a.letters("dead_incoming", channel=step["channel"])), "a dead letter")

    for_each(play, step, do)


def letter(play: Play, step: Step) -> None:
    """The driver lists a dead letter, and reads it."""

    def do(cast: Cast, step: Step) -> None:
        place = step["player"]

        def call(verb: str, **args: Any) -> Any:
            params = {"verb": verb, "args": {"queue": "dead_incoming"} | args}
            cast.tell(place, {"case": "call", "role": "app", "params": params})
            heard = cast.outcome(place)
            expect({"result": {}}, heard)
            if "value" not in heard["result"]:
                raise Mismatch(f"{verb} was to give a value, and {heard['result']} came")
            return heard["result"]["value"]

        listed = call("letters", channel=step["channel"])
        expect([{"channel": step["channel"], "messages": 1, "reason": "DEAD_LETTERED"}], listed)
        read = call("letter", id=listed[0]["id"])
        expect({"id": listed[0]["id"], "payloads": [text64(step["text"].encode())]}, read)

    for_each(play, step, do)


# requests and streams


def reply(play: Play, step: Step) -> None:
    """An app that answers in capitals, with the headers it was asked with."""

    def answer(asked: IncomingRequest) -> Replied:
        return Replied(asked.payload.upper(), asked.headers)

    for cast in play.playing:
        given = resolved(dict(step), cast)
        client = play.world.client(given["at"])
        play.closing.enter_context(client.responder(answer, given["channel"], peer_ids=given.get("peer_ids", ())))


def ponder(play: Play, step: Step) -> None:
    """An app that answers once nobody waits for it."""

    def answer(asked: IncomingRequest) -> Replied:
        asked.cancelled.wait()
        return Replied(b"")

    for cast in play.playing:
        given = resolved(dict(step), cast)
        client = play.world.client(given["at"])
        play.closing.enter_context(client.responder(answer, given["channel"]))


def open_stream(play: Play, step: Step) -> None:
    """An app that opens a stream to the driver's and writes one byte."""
    for cast in play.playing:
        given = resolved(dict(step), cast)
        client = play.world.client(given["at"])
        stream = client.open_stream(cast.peer(given["to"]), given["name"], accept_timeout=PATIENCE)
        play.closing.callback(stream.cancel)
        stream.write(b"x")


# watches


def paged(play: Play, step: Step) -> None:
    """The driver lists more peers than a page holds: all of them, each once."""

    def do(cast: Cast, step: Step) -> None:
        place = step["player"]
        cast.tell(place, {"case": "call", "role": "app", "params": {"verb": "peers"}})
        heard = cast.outcome(place)
        value = heard.get("result", {}).get("value")
        if not isinstance(value, list):
            raise Mismatch(f"a list of peers was to come, and {str(heard)[:500]} came")
        missing = set(play.world.blocked_at_m) - set(value)
        if missing or len(set(value)) != len(value):
            raise Mismatch(f"{len(value)} peers, {len(set(value))} different ones, {len(missing)} are missing")

    for_each(play, step, do)


def block(play: Play, step: Step) -> None:
    """Changes of peers at m: strangers are blocked. Facts name them."""
    names = step.get("names") or [f"stirred {number}" for number in range(step["count"])]
    for name in names:
        peer_id = play.world.facts[name] = stranger(f"{name} of {play.world.front}")
        play.world.client("m").block_peer(peer_id)


def _contact(play: Play, number: int) -> str:
    return f"{stranger(f'contact {number}')}@{play.world.facts['silent']}"


def _stir(play: Play, step: Step, act: Callable[[int], None], heard_enough: Callable[[dict[str, Any]], bool]) -> None:
    """Makes something happen, again and again, until each driver has heard of it."""
    place = step.get("player", "m")
    waiting = play.playing
    end = time.monotonic() + PATIENCE
    number = 0
    while waiting:
        number += 1
        act(number)
        still = []
        for cast in waiting:
            try:
                while not heard_enough(cast.hear(place, patience=1)):
                    pass
            except PlayerError as error:
                if time.monotonic() > end:
                    cast.fail(str(error), step, 1 + play.case.steps.index(step))
                else:
                    still.append(cast)
        waiting = still


def watched(play: Play, step: Step) -> None:
    """Adds contacts until each driver has heard of one: its watch stands."""

    def act(number: int) -> None:
        play.world.client("m").add_contacts(_contact(play, number))

    _stir(play, step, act, lambda heard: heard.get("kind") == step["kind"])


def remove_contact(play: Play, step: Step) -> None:
    """Removes a contact that `watched` has added."""
    play.world.client("m").remove_contact(_contact(play, 1))


def bury(play: Play, step: Step) -> None:
    """An app refuses messages for good until each driver has heard of it and ended, as it was to."""
    a, m = play.world.client("a"), play.world.client("m")
    channel = f"refused {play.world.front}"

    def act(_: int) -> None:
        with m.consume(channel, max_deliveries=1) as consumer:
            a.send(play.world.by_place["m"].peer_id, channel=channel, timeout=PATIENCE)
            for message in consumer:
                if isinstance(message, Received):
                    consumer.nack(message)
                    break

    _stir(play, step, act, lambda heard: heard == {"result": {}})


# the end


def keep_busy(play: Play, step: Step) -> None:
    """m has messages for a that have no outcome, for nobody reads their channel."""
    client = play.world.client("m")
    out = client.sender(play.world.by_place["a"].peer_id, channel=f"unread {play.world.front}")
    for _ in range(4):
        out.send(bytes(1 << 20))
    peer_id = play.world.by_place["a"].peer_id
    until(lambda: client.peer(peer_id).queued_bytes > 0, "bytes that wait for a")


def drained(play: Play, step: Step) -> None:
    """Somebody reads the channel, and m ends."""
    process = play.world.by_place["m"]
    inbox = play.world.client("a").receive(f"unread {play.world.front}")
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(list, inbox)
        try:
            code = process.wait(PATIENCE)
        finally:
            inbox.close()
    assert code == 0, f"m ended with {code}"
    assert all(isinstance(message, Received) for message in reading.result())


HANDS: dict[str, Callable[[Play, Step], None]] = {
    hand.__name__: hand
    for hand in (
        freeze, thaw, kill, restart, cut, disconnect, connect, lock_journal,
        unlock_journal, break_block_list,
        mend_block_list, fill, queued, hold, nack, send, nothing_lost, datagrams, purge, dead, letter, reply,
        ponder, open_stream, paged, block, watched, remove_contact, bury, keep_busy, drained,
    )
}  # fmt: skip
