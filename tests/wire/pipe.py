"""Sides joined by streams alone: what a connection promises (RFC 9000: bytes of a stream in order, nothing among
streams), and nothing more of it.

    pipes = Pipes(seed=1)
    a, b = pipes.side(), pipes.side()
    pipes.dial(a, b)
    pipes.run()

What happens next is drawn from a seed: any stream's next bytes in pieces of any size, a reset before or after them,
the end of a connection at one side long before the other. So a thousand orders of events cost less than a handshake.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable

from sidecar.wire.budget import Windows
from sidecar.wire.session import Session
from sidecar.wire.streams import StreamProtocol
from tests.wire.side import HANDSHAKE, WINDOWS, Side

STREAMS = 100
"""What a sender may rely on (see wire.streams)."""
ROOM = 256 << 10
SOON = 0.01
"""Seconds. What is due later is due when something is stuck."""
MOST_STEPS = 200_000


class Stream:
    """One stream, as its sender filled it and its receiver has not read it yet."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.fin = False
        self.reset: int | None = None
        self.over = False
        """The receiver has had its end."""

    @property
    def pending(self) -> bool:
        """Whether there is something to deliver."""
        return not self.over and (bool(self.waiting) or self.fin or self.reset is not None)


class PipeEnd:
    """One side's end of a connection."""

    def __init__(self, pipes: Pipes, *, dialled: bool) -> None:
        self.pipes = pipes
        self.protocol: StreamProtocol
        self.far: PipeEnd
        self.dialled = dialled
        self.roused = False
        self.hurried = False
        """Asked for a turn at once, not a moment later, since the last one."""
        self.alive = True
        self.reads = True
        """Whether it reads what comes."""
        self.streams: dict[int, Stream] = {}
        self.most_streams = 0
        self.stops: list[tuple[int, int]] = []
        self.handshake: deque[tuple[bytes, ...] | None] = deque()
        """The chain to be shown; None for `opened`."""
        self.ending: tuple[int, str, bool, bool] | None = None
        self._opened = [0, 0]

    # Connection

    def open_stream(self, *, bidirectional: bool = False) -> int:
        """See Streams."""
        number = self._opened[bidirectional]
        self._opened[bidirectional] += 1
        stream_id = number << 2 | (not bidirectional) << 1 | (not self.dialled)
        self.streams[stream_id] = Stream()
        self.most_streams = max(self.most_streams, sum(not stream.over for stream in self.streams.values()))
        assert self.most_streams <= self.pipes.streams, "more streams at once than the peer is bound to allow"
        return stream_id

    def stream_room(self) -> int:
        """See Streams."""
        return self.pipes.streams - sum(not stream.over for stream in self.streams.values())

    def datagram_room(self) -> int:
        """See Streams."""
        return 0

    def send_datagram(self, data: bytes) -> None:
        """See Streams: a pipe carries none."""

    def send(self, stream_id: int, data: bytes | memoryview, fin: bool = False) -> None:
        """See Streams."""
        self.roused = True
        stream = self.streams[stream_id]
        assert not stream.fin, "bytes after the end of a stream"
        if stream.reset is None:
            if data:
                stream.waiting.append(bytes(data))
            stream.fin = fin

    def reset(self, stream_id: int, code: int) -> None:
        """See Streams."""
        self.roused = True
        stream = self.streams.get(stream_id)
        if stream is not None and stream.reset is None and not (stream.over or stream.fin):
            stream.reset = code

    def stop(self, stream_id: int, code: int) -> None:
        """See Streams."""
        self.roused = True
        stream = self.far.streams.get(stream_id)
        if stream is not None and not stream.over:
            self.far.stops.append((stream_id, code))

    def close(self, code: int, reason: str) -> None:
        """See Streams."""
        if self.ending is None:
            self.ending = (code, reason, True, False)
            if self.far.ending is None:
                self.far.ending = (code, reason, True, True)

    def send_room(self) -> int:
        """See Streams."""
        return max(0, ROOM - sum(len(part) for stream in self.streams.values() for part in stream.waiting))

    def wake(self, *, busy: bool = False) -> None:
        """See Connection."""
        self.roused = True
        self.hurried |= not busy

    # what may happen next

    def actions(self) -> list[Callable[[], None]]:
        """Everything that may happen at this end now."""
        if not self.alive:
            return []
        found: list[Callable[[], None]] = []
        if self.ending is not None:
            found.append(self._end)
        if self.ending is not None and not self.ending[3]:
            return found
        if self.handshake:
            found.append(self._shake)
        elif self.reads:
            found += [
                lambda one=stream_id: self._read(one)  # type: ignore[misc]
                for stream_id, stream in self.far.streams.items()
                if stream.pending
            ]
        if self.stops:
            found.append(self._stopped)
        if self.roused:
            found.append(self._fill)
        return found

    def cut(self) -> None:
        """The connection is gone here, without a word to the other end."""
        if self.alive:
            self.alive = False
            self.protocol.closed(0, "idle timeout", False, False, self.pipes.now)

    def _end(self) -> None:
        assert self.ending is not None
        self.alive = False
        code, reason, application, remote = self.ending
        self.protocol.closed(code, reason, application, remote, self.pipes.now)

    def _shake(self) -> None:
        chain = self.handshake.popleft()
        if chain is None:
            self.protocol.opened(self.pipes.now)
        else:
            self.protocol.established(chain, self.pipes.now)
        self.roused = True

    def _stopped(self) -> None:
        self.protocol.stop_sending(*self.stops.pop(0), self.pipes.now)
        self.roused = True

    def _fill(self) -> None:
        self.roused = False
        self.protocol.fill(self.pipes.now)

    def _read(self, stream_id: int) -> None:
        stream = self.far.streams[stream_id]
        self.roused = self.far.roused = True  # at the far end room has grown
        draw = self.pipes.random
        if stream.reset is not None and (not stream.waiting or draw.random() < 0.5):
            stream.over = True
            stream.waiting.clear()
            self.protocol.stream_reset(stream_id, stream.reset, self.pipes.now)
            return
        joined = b"".join(stream.waiting)
        cut = len(joined) if draw.random() < 0.5 else draw.randint(0, len(joined))
        stream.waiting.clear()
        if cut < len(joined):
            stream.waiting.append(joined[cut:])
        fin = stream.fin and not stream.waiting and draw.random() < 0.7
        stream.over = fin
        if cut or fin:
            self.protocol.stream_data(stream_id, joined[:cut], fin, self.pipes.now)


class Pipes:
    """Sides and the connections between them."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.now = 100.0
        self.tick = 0.0001
        """Seconds that pass with everything that happens."""
        self.sides: list[Side] = []
        self.ends: list[PipeEnd] = []
        self.streams = STREAMS

    def side(self, windows: Windows = WINDOWS) -> Side:
        """A new side."""
        made = Side(len(self.sides), windows)
        self.sides.append(made)
        return made

    def pair(self, windows: Windows = WINDOWS) -> tuple[Side, Side]:
        """Two sides, linked."""
        a, b = self.side(windows), self.side(windows)
        self.dial(a, b)
        self.run()
        assert a.linked(b)
        assert b.linked(a)
        return a, b

    def dial(self, a: Side, b: Side) -> tuple[Session, Session]:
        """A new connection from `a` to `b`."""
        near, far = self.ends_of_new(b.identity.certificate_der)
        return self.seat(a, near, expected=b.peer_id), self.seat(b, far)

    def ends_of_new(self, certificate: bytes) -> tuple[PipeEnd, PipeEnd]:
        """The dialling and the accepting end of a new connection, which have no protocol yet; `certificate` is what the
        acceptor shows."""
        near, far = PipeEnd(self, dialled=True), PipeEnd(self, dialled=False)
        near.far, far.far = far, near
        near.handshake.append((certificate,))
        far.handshake += [None, ()]
        self.ends += [near, far]
        return near, far

    def seat(self, side: Side, end: PipeEnd, *, expected: str | None = None) -> Session:
        """A session of a side at an end."""
        session = Session(
            end,
            side.local,
            side,
            remote="10.0.0.2:1" if end.dialled else "10.0.0.1:1",
            dialled=end.dialled,
            began=self.now,
            timeout=HANDSHAKE,
            expected_peer_id=expected,
        )
        end.protocol = session
        side.cuts[session] = end.cut
        return session

    def step(self) -> bool:
        """Lets one thing happen; false when nothing can."""
        for side in self.sides:
            side.read_all()
        actions = [action for end in self.ends for action in end.actions()]
        if not actions:
            self.ends = [end for end in self.ends if end.alive]
            return self._answer_due()
        self.now += self.tick
        self.random.choice(actions)()
        return True

    def _answer_due(self) -> bool:
        """Time goes on to the next answer that waits for more to be answered with it; false when there is none."""
        dues = [(due, end) for end in self.ends if (due := end.protocol.deadline()) is not None]
        due, end = min(dues, key=lambda one: one[0], default=(math.inf, None))
        if end is None or due > self.now + SOON:
            return False
        self.now = max(self.now, due)
        end.roused = True
        return True

    def run(self, steps: int = MOST_STEPS) -> None:
        """Until nothing happens any more, or so many steps."""
        for _ in range(steps):
            if not self.step():
                return
        assert steps < MOST_STEPS, "it never ends"
