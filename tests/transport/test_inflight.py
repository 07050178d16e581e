"""The limit of bytes in flight: it grows by use, shrinks by loss and quiet, and stays within its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.transport.engine.inflight import INITIAL_DATAGRAMS, InFlight

DATAGRAM = 1200
INITIAL = INITIAL_DATAGRAMS * DATAGRAM
CEILING = 4 << 20


class Path:
    """A limit and what happens to it, round trip by round trip, each acknowledged in ten pieces."""

    def __init__(self, ceiling: int = CEILING, rtt: float = 0.04) -> None:
        self.limit = InFlight(ceiling, DATAGRAM)
        self.now = 10.0
        self.rtt = rtt
        self.lost = 0
        self.limit.observe(self.now, 0, rtt, rtt, 0)

    def round(self, used: float = 1.0, lost: int = 0, delay: float = 0.0) -> int:
        """One round trip in which that share of the limit was in use, and is again at its end."""
        outstanding = int(self.limit.limit * used)
        piece = outstanding // 10
        rtt = self.rtt + delay
        for number in range(10):
            self.limit.use(outstanding)
            self.now += rtt / 10
            if number == 5:
                self.lost += lost
            self.limit.observe(self.now, outstanding - piece, rtt, rtt, self.lost)
            outstanding = int(self.limit.limit * used)
        self.limit.use(outstanding)
        return self.limit.limit

    def quiet(self, seconds: float) -> int:
        """All is acknowledged, and nothing happens for a while."""
        end = self.now + seconds
        self.limit.observe(self.now, 0, self.rtt, self.rtt, self.lost)
        while (due := self.limit.due) is not None and due <= end:
            self.now = due
            self.limit.tick(due)
        self.now = end
        return self.limit.limit


def test_doubles_or_more_each_round_trip_in_which_it_is_filled() -> None:
    path = Path()
    before = INITIAL
    for _ in range(4):
        after = path.round()
        assert 1.9 * before <= after <= 2.7 * before
        before = after


def test_stays_where_it_is_while_it_is_not_filled() -> None:
    path = Path()
    reached = path.round()
    path.round(used=0.6)
    settled = path.limit.limit
    assert settled <= 1.2 * reached
    assert [path.round(used=0.6) for _ in range(5)] == [settled] * 5


def test_never_passes_the_ceiling() -> None:
    path = Path(ceiling=300_000)
    assert max(path.round() for _ in range(50)) == 300_000
    assert path.limit.room(0) == 300_000
    assert path.limit.room(299_999) == 1
    assert path.limit.room(500_000) == 0


def test_a_small_ceiling_is_the_limit_from_the_start() -> None:
    assert InFlight(5000, DATAGRAM).limit == 5000


def test_loss_cuts_once_a_round_trip() -> None:
    path = Path()
    for _ in range(4):
        path.round()
    before = path.limit.limit
    path.limit.observe(path.now, before, path.rtt, path.rtt, 5)
    assert path.limit.limit == int(before * 0.7)
    path.limit.observe(path.now + 0.01, before, path.rtt, path.rtt, 10)
    assert path.limit.limit == int(before * 0.7), "the same round trip's losses are one event"
    path.limit.observe(path.now + 0.05, before, path.rtt, path.rtt, 15)
    assert path.limit.limit < int(before * 0.7)


def test_after_loss_it_grows_gently() -> None:
    path = Path()
    for _ in range(5):
        path.round()
    path.round(lost=1)
    before = path.limit.limit
    for _ in range(4):
        path.round()
    assert 1.15 * before < path.limit.limit < 1.45 * before


def test_loss_while_little_was_in_use_cuts_from_what_was_in_use() -> None:
    path = Path()
    for _ in range(6):
        path.round()
    path.limit.observe(path.now, 0, path.rtt, path.rtt, 0)
    high = path.limit.limit
    path.round(used=0.1)
    assert path.limit.limit == high
    path.round(used=0.1, lost=1)
    assert path.limit.limit <= max(0.1 * high, INITIAL)


def test_a_queue_that_builds_up_ends_slow_start_without_loss() -> None:
    path = Path()
    for _ in range(3):
        path.round()
    reached = path.round(delay=0.02)
    assert path.round(delay=0.02) < 1.1 * reached


def test_quiet_takes_it_back_to_the_start() -> None:
    path = Path()
    for _ in range(8):
        path.round()
    assert path.limit.limit == CEILING
    assert path.quiet(0.6) < CEILING
    assert path.quiet(5) == INITIAL
    assert path.limit.due is None, "an idle connection needs no timer for it"


def test_steady_use_keeps_what_it_uses() -> None:
    path = Path()
    for _ in range(8):
        path.round()
    for _ in range(100):
        path.round(used=300_000 / path.limit.limit)
        path.limit.tick(path.now)
    assert 300_000 <= path.limit.limit <= 700_000


@given(
    st.lists(
        st.tuples(st.floats(0, 1.5), st.integers(0, 3), st.floats(0, 0.2), st.floats(0, 2), st.booleans()),
        max_size=80,
    )
)
def test_stays_within_its_bounds_whatever_happens(story: list[tuple[float, int, float, float, bool]]) -> None:
    path = Path(ceiling=1 << 20)
    for used, lost, delay, pause, idle in story:
        path.round(used, lost, delay)
        if idle:
            path.quiet(pause)
        assert INITIAL <= path.limit.limit <= 1 << 20
        assert path.limit.room(0) == path.limit.limit
