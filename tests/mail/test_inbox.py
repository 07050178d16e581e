"""The inbox: what competes, what is settled, what comes back, and what it all may hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import Reason, SidecarError
from sidecar.mail.inbox import OVERCOMMIT, RESERVED_UNREAD_MAX, Inbox
from sidecar.mail.subscription import Subscription
from sidecar.wire.arrival import Arrival
from sidecar.wire.inbound import Inbound
from tests.wire.side import KIB, MIB, WINDOWS, entry, payloads_of


class App:
    """A subscriber that remembers what it was handed."""

    def __init__(self, inbox: Inbox, channel: str = "", credit: int | None = None) -> None:
        self.woken = 0
        self.handed: list[tuple[int, int, bytes]] = []
        """(delivery id, redeliveries, payload)."""
        self.subscription: Subscription = inbox.subscribe(channel, self.wake, credit=credit)

    def wake(self) -> None:
        self.woken += 1

    def take(self, max_bytes: int = MIB) -> list[bytes]:
        """The payloads of what it takes."""
        found = []
        for first, piece in self.subscription.take(max_bytes):
            for offset, payload in enumerate(payloads_of(piece.batch)):
                self.handed.append((first + offset, piece.redeliveries, payload))
                found.append(payload)
        return found


class Mail:
    """An inbox and one link that fills it."""

    def __init__(self, max_bytes: int = 64 * MIB, max_reserved: int = 64 * MIB) -> None:
        self.inbox = Inbox(max_bytes, max_reserved)
        self.inbound = Inbound(WINDOWS, self.inbox, "peer")
        self.inbox.register(self.inbound)
        self.next = 0

    def put(self, *payloads: bytes, channel: str = "", reserved: bool = False) -> None:
        """A run of messages comes."""
        data = b"".join(map(entry, payloads))
        arrival = Arrival(
            self.inbound, channel, 0, 1, self.next, len(payloads), data, bulk=reserved, reserved=reserved
        )  # fmt: skip
        self.next += len(payloads)
        self.inbox.put(arrival)


def letters(text: str) -> list[bytes]:
    return [letter.encode() for letter in text]


def test_what_is_there_is_handed_out_in_order() -> None:
    mail = Mail()
    mail.put(*letters("abc"))
    app = App(mail.inbox)
    assert app.woken == 1
    mail.put(*letters("de"))
    assert app.take() == letters("abcde")
    assert app.take() == []
    assert (mail.inbox.bytes, mail.inbox.messages) == (0, 0), "the second take settles the first"
    mail.put(b"f")
    assert app.woken >= 2
    assert app.take() == [b"f"]


def test_a_take_is_bounded_and_has_one_piece_at_least() -> None:
    mail = Mail()
    for letter in letters("abc"):
        mail.put(letter * 100)
    app = App(mail.inbox)
    assert [len(app.take(1)) for _ in range(4)] == [1, 1, 1, 0]
    assert App(mail.inbox).take(0) == []


def test_subscribers_compete() -> None:
    mail = Mail()
    apps = [App(mail.inbox) for _ in range(3)]
    for app in apps:
        assert app.take() == []
    for number in range(9):
        mail.put(b"%d" % number)
        (woken,) = [app for app in apps if app.woken]
        woken.woken = 0
        assert woken.take() == [b"%d" % number]
        assert woken.take() == []
    assert [len(app.handed) for app in apps] == [3, 3, 3], "they take turns"


def test_whoever_waits_is_woken_before_whoever_is_busy() -> None:
    """A busy one may be stuck: its client does not read."""
    mail = Mail()
    busy, idle = App(mail.inbox), App(mail.inbox)
    mail.put(b"a")
    assert busy.take() == [b"a"]
    assert idle.take() == []
    idle.woken = 0
    for number in range(3):
        mail.put(b"%d" % number)
        assert idle.woken == number + 1
        assert len(idle.take()) == 1
        assert idle.take() == []
    assert busy.woken <= 1


def test_what_one_leaves_another_is_woken_for() -> None:
    mail = Mail()
    first, second = App(mail.inbox, credit=1), App(mail.inbox, credit=5)
    mail.put(*letters("abc"))
    taker, other = (first, second) if first.woken else (second, first)
    taker.subscription.take(1)
    assert other.woken or not mail.inbox.depth()[0][1]


def test_channels_are_apart() -> None:
    mail = Mail()
    apps = {name: App(mail.inbox, name) for name in ("", "x")}
    for name in ("", "x", "y"):
        mail.put(name.encode() * 3, channel=name)
    assert apps[""].take() == [b""]
    assert apps["x"].take() == [b"xxx"]
    assert sorted(mail.inbox.depth()) == [("", 0, 1), ("x", 0, 1), ("y", 1, 0)]
    assert App(mail.inbox, "y").take() == [b"yyy"]
    assert mail.inbox.subscribed("y")
    assert not mail.inbox.subscribed("z")


def test_a_channel_is_forgotten_with_its_last_use() -> None:
    mail = Mail()
    for number in range(1000):
        app = App(mail.inbox, str(number))
        app.subscription.close()
        assert not mail.inbox.reserve(str(number), 100 * MIB)
    assert mail.inbox.depth() == []


# without credit


def test_what_was_not_written_is_handed_out_again() -> None:
    mail = Mail()
    app = App(mail.inbox)
    mail.put(*letters("ab"))
    mail.put(b"c")
    assert app.take(1) == letters("ab")
    app.subscription.close()
    other = App(mail.inbox)
    assert other.woken == 1
    assert other.take() == letters("abc")
    assert [times for _, times, _ in other.handed] == [1, 1, 0]
    other.subscription.close(written=True)
    assert (mail.inbox.bytes, mail.inbox.messages) == (0, 0)


def test_a_closed_subscription_hands_out_nothing() -> None:
    mail = Mail()
    app = App(mail.inbox)
    app.subscription.close()
    app.subscription.close()
    mail.put(b"a")
    assert (app.woken, app.take(), mail.inbox.messages) == (0, [], 1)


# with credit


def test_no_more_than_the_credit_is_unsettled() -> None:
    mail = Mail()
    app = App(mail.inbox, credit=2)
    mail.put(*letters("abcde"))
    assert app.take() == letters("ab")
    assert app.take() == []
    woken = app.woken
    app.subscription.add_credit(1)
    assert app.woken == woken + 1
    assert app.take() == [b"c"]
    assert app.subscription.ack(1, 2) == []
    assert app.take() == letters("de")
    assert [number for number, _, _ in app.handed] == [1, 2, 3, 4, 5]
    assert mail.inbox.messages == 3


def test_without_any_credit_another_is_woken() -> None:
    mail = Mail()
    spent, other = App(mail.inbox, credit=0), App(mail.inbox, credit=1)
    mail.put(b"a")
    assert (spent.woken, other.woken) == (0, 1)
    assert spent.take() == []


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (0, 0), (-1, 5)])
@pytest.mark.parametrize("verb", ["ack", "nack"])
def test_a_range_that_is_none(verb: str, first: int, last: int) -> None:
    subscription = App(Mail().inbox, credit=1).subscription
    with pytest.raises(SidecarError) as raised:
        getattr(subscription, verb)(first, last)
    assert raised.value.reason is Reason.INVALID_FIELD
    assert f"{first} to {last}" in raised.value.detail


def test_what_is_not_held_is_told() -> None:
    mail = Mail()
    app = App(mail.inbox, credit=9)
    assert app.subscription.ack(1, 1 << 62) == [(1, 1 << 62)]
    mail.put(*letters("abcdefghi"))
    app.take()
    assert app.subscription.ack(2, 3) == []
    assert app.subscription.nack(5, 5) == []
    assert app.subscription.ack(1, 12) == [(2, 3), (5, 5), (10, 12)]
    assert app.subscription.ack(1, 12) == [(1, 12)]
    assert mail.inbox.messages == 1
    app.subscription.close()
    assert app.subscription.ack(1, 1) == [(1, 1)]


def test_what_is_given_back_comes_first_and_says_how_often() -> None:
    mail = Mail()
    app = App(mail.inbox, credit=4)
    mail.put(*letters("abcd"))
    mail.put(*letters("ef"))
    app.take()
    app.subscription.nack(2, 3)
    assert app.take() == letters("bc")
    app.subscription.nack(5, 5)
    assert app.take() == letters("b")
    assert app.handed[4:] == [(5, 1, b"b"), (6, 1, b"c"), (7, 2, b"b")]
    app.subscription.close()
    other = App(mail.inbox)
    assert sorted(other.take()) == letters("abcdef")
    assert {payload: times for _, times, payload in other.handed} == {
        b"a": 1, b"b": 3, b"c": 2, b"d": 1, b"e": 0, b"f": 0,
    }  # fmt: skip


class Model:
    """A subscription with credit, message by message."""

    def __init__(self) -> None:
        self.mail = Mail()
        self.app = App(self.mail.inbox, credit=0)
        self.credit = 0
        self.waiting: list[tuple[bytes, int]] = []
        self.held: dict[int, tuple[bytes, int]] = {}
        self.next_id = 1
        self.numbered = 0

    def do(self, what: str, a: int, b: int) -> None:
        """One thing, here and there."""
        getattr(self, what)(a, b)
        assert self.mail.inbox.messages == len(self.waiting) + len(self.held)
        assert self.app.subscription.room is (len(self.held) < self.credit)

    def put(self, a: int, b: int) -> None:
        """So many come."""
        found = [b"%d" % (self.numbered + number) for number in range(a + 1)]
        self.numbered += len(found)
        self.mail.put(*found)
        self.waiting += [(payload, 0) for payload in found]

    def take(self, a: int, b: int) -> None:
        """All that the credit allows."""
        before = len(self.app.handed)
        self.app.take()
        room = max(0, self.credit - len(self.held))
        taken, self.waiting = self.waiting[:room], self.waiting[room:]
        expected = []
        for payload, times in taken:
            expected.append((self.next_id, times, payload))
            self.held[self.next_id] = (payload, times)
            self.next_id += 1
        assert self.app.handed[before:] == expected

    def add(self, a: int, b: int) -> None:
        """More credit."""
        self.credit += a
        self.app.subscription.add_credit(a)

    def ack(self, a: int, b: int) -> None:
        """A range is settled."""
        self._range(self.app.subscription.ack, a, b)

    def nack(self, a: int, b: int) -> None:
        """A range comes back."""
        self.waiting = self._range(self.app.subscription.nack, a, b) + self.waiting

    def _range(self, verb: Callable[[int, int], list[tuple[int, int]]], a: int, b: int) -> list[tuple[bytes, int]]:
        first, last = a + 1, a + 1 + b
        unknown = verb(first, last)
        missing = [number for number in range(first, last + 1) if number not in self.held]
        assert [number for low, high in unknown for number in range(low, high + 1)] == missing
        assert all(left[1] + 1 < right[0] for left, right in itertools.pairwise(unknown))
        return [
            (payload, times + 1)
            for number in range(first, last + 1)
            if number in self.held
            for payload, times in [self.held.pop(number)]
        ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "take", "add", "ack", "nack"]), st.integers(0, 12), st.integers(0, 6)),
        max_size=40,
    )
)
def test_credits_and_ranges_are_as_if_messages_were_apart(steps: list[tuple[str, int, int]]) -> None:
    model = Model()
    for step in steps:
        model.do(*step)
    model.add(1000, 0)
    model.take(0, 0)
    assert not model.waiting


# what it may hold


def test_what_links_are_told_of_subscribers() -> None:
    mail = Mail()
    told: list[int] = []
    mail.inbound.wake = lambda: told.append(1)
    app, other = App(mail.inbox), App(mail.inbox)
    assert len(told) == 1
    other.subscription.close()
    app.subscription.close()
    assert len(told) == 2
    mail.inbox.unregister(mail.inbound)
    App(mail.inbox)
    assert len(told) == 2


def test_what_is_left_falls_with_what_is_held_and_expected() -> None:
    mail = Mail(max_bytes=MIB)
    inbox = mail.inbox
    reader = App(inbox)
    assert (inbox.left(""), inbox.left("unread")) == (MIB, MIB // 2)
    mail.put(bytes(100_000))
    held = inbox.bytes
    assert (inbox.left(""), inbox.left("unread")) == (MIB - held, MIB // 2 - held)
    inbox.expect(40_000)
    assert inbox.left("") == MIB - held - 40_000 // OVERCOMMIT
    mail.put(bytes(3 * MIB), channel="large", reserved=True)
    assert inbox.left("") == MIB - held - 40_000 // OVERCOMMIT, "reserved messages have a budget of their own"
    full = [inbox.full]
    for _ in range(20):
        mail.put(bytes(100_000), channel="unread")
    assert [*full, inbox.full] == [False, True]
    assert inbox.left("") < 0
    reader.take()
    reader.take()
    App(inbox, "unread").take(100 * MIB)
    assert repr(inbox).startswith("Inbox(21 messages, ")


def test_links_hear_of_room_once_it_is_worth_it() -> None:
    mail = Mail(max_bytes=MIB)
    relieved: list[int] = []
    mail.inbound.relieved = lambda: relieved.append(mail.inbox.bytes)  # type: ignore[method-assign]
    app = App(mail.inbox)
    for _ in range(9):
        mail.put(bytes(100_000))
    assert mail.inbox.left("") < MIB // 4
    while app.take(1):
        pass
    assert len(relieved) == 1
    assert relieved[0] * 4 <= MIB


def test_reservations_of_channels_that_are_read() -> None:
    """One of any size, or more that are small enough together, for each; and all of them together are bounded."""
    inbox = Mail(max_reserved=64 * MIB).inbox
    for name in "abcdef":
        App(inbox, name)
    assert inbox.reserve("a", 60 * MIB)
    assert not inbox.reserve("a", 1)
    assert not inbox.reserve("b", 10 * MIB)
    assert inbox.reserve("b", 4 * MIB)
    assert inbox.reserved == 64 * MIB
    inbox.unreserve("a", 60 * MIB)
    assert [inbox.reserve("b", 4 * MIB) for _ in range(4)] == [True, True, True, False]
    assert [inbox.reserve(name, 16 * MIB) for name in "cdef"] == [True, True, True, False]
    assert inbox.reserved == 64 * MIB


def test_a_message_above_every_bound_is_taken_alone() -> None:
    inbox = Mail(max_reserved=10 * MIB).inbox
    app = App(inbox)
    assert inbox.reserve("", 100 * MIB)
    inbox.unreserve("", 100 * MIB)
    app.subscription.close()
    assert not inbox.reserve("", 100 * MIB), "nobody reads it"


def test_reservations_of_channels_that_nobody_reads_leave_half_to_others() -> None:
    inbox = Mail(max_reserved=64 * MIB).inbox
    got = [inbox.reserve(str(number), RESERVED_UNREAD_MAX) for number in range(20)]
    assert got == [True] * 8 + [False] * 12
    assert not inbox.reserve("0", 1)
    App(inbox, "read")
    assert inbox.reserve("read", 16 * MIB)
    for number in range(8):
        inbox.unreserve(str(number), RESERVED_UNREAD_MAX)
    assert inbox.reserved == 16 * MIB
    assert inbox.reserve("unread", RESERVED_UNREAD_MAX)


def test_freed_reservations_are_told_to_all_links() -> None:
    mail = Mail()
    other = Inbound(WINDOWS, mail.inbox, "other")
    mail.inbox.register(other)
    told: list[str] = []
    for name, inbound in (("one", mail.inbound), ("other", other)):
        inbound.wake = lambda name=name: told.append(name)  # type: ignore[misc]
        inbound._grants_due[5] = None
    assert mail.inbox.reserve("x", KIB)
    mail.inbox.unreserve("x", KIB)
    assert sorted(told) == ["one", "other"]


def test_messages_of_a_link_that_is_gone_stay() -> None:
    mail = Mail()
    mail.put(b"a")
    mail.inbound.reset()
    mail.inbox.unregister(mail.inbound)
    app = App(mail.inbox)
    assert app.take() == [b"a"]
    assert app.take() == []
    assert (mail.inbox.bytes, mail.inbox.expected) == (0, 0)
