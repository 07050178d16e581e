"""Windows: what is sent is never above what was granted, and what was granted never falls."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sidecar.wire.credit import Allowance, Window


class Credit(RuleBasedStateMachine):
    """A sender and a receiver with grants on their way, which may be lost, come late and come twice."""

    size, messages, least = 1000, 10, 300

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(self.least, self.messages)
        self.allowance = Allowance(self.least, self.messages)
        self.grants = [(self.least, self.messages)]
        self.unread: list[int] = []
        self.highest = (0, 0)

    @rule(size=st.integers(1, 300))
    def send(self, size: int) -> None:
        if size <= self.window.room_bytes and self.window.room_messages:
            self.window.use(size, 1)
            assert self.allowance.accept(size, 1)
            self.unread.append(size)

    @rule()
    def read(self) -> None:
        if self.unread:
            self.allowance.take(self.unread.pop(0), 1)

    @rule(size=st.sampled_from([1000, 500, 300]))
    def grant(self, size: int) -> None:
        before = (self.allowance.granted_bytes, self.allowance.granted_messages)
        if self.allowance.grant(size, self.messages, self.least):
            after = (self.allowance.granted_bytes, self.allowance.granted_messages)
            assert after != before
            assert after[0] >= before[0]
            assert after[1] >= before[1]
            self.grants.append(after)
        else:
            assert before == (self.allowance.granted_bytes, self.allowance.granted_messages)

    @rule(which=st.integers(0, 50))
    def told(self, which: int) -> None:
        self.window.extend(*self.grants[which % len(self.grants)])

    @rule()
    def in_the_end(self) -> None:
        """When all is read and told, the largest message fits again: no half-empty window is left as it is."""
        while self.unread:
            self.read()
        self.grant(self.least)
        self.window.extend(*self.grants[-1])
        assert self.window.room_bytes >= self.least
        assert self.window.room_messages >= 1

    @invariant()
    def never_more_than_granted(self) -> None:
        assert self.window.used_bytes <= self.window.granted_bytes <= self.allowance.granted_bytes
        assert self.window.used_messages <= self.window.granted_messages <= self.allowance.granted_messages
        assert sum(self.unread) <= self.allowance.promised_bytes <= max(self.size, self.least)
        assert len(self.unread) <= self.allowance.promised_messages <= self.messages
        now = (self.window.granted_bytes, self.window.granted_messages)
        assert now >= self.highest
        self.highest = now


TestCredit = Credit.TestCase
TestCredit.settings = settings(max_examples=50)


@given(st.integers(0, 100), st.integers(0, 10), st.integers(0, 200), st.integers(0, 20))
def test_more_than_granted_is_told(size: int, messages: int, came: int, count: int) -> None:
    assert Allowance(size, messages).accept(came, count) is (came <= size and count <= messages)


def test_small_grants_wait_until_they_are_worth_a_frame() -> None:
    allowance = Allowance(1000, 10)
    assert allowance.accept(999, 9)
    allowance.take(499, 4)
    assert not allowance.grant(1000, 10)
    allowance.take(1, 0)
    assert allowance.grant(1000, 10)
    assert (allowance.granted_bytes, allowance.granted_messages) == (1500, 14)
    assert not allowance.grant(1000, 10)
    assert not allowance.grant(100, 1)
