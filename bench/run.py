"""One run: every competitor at one place, sample by sample in turns, and what standing costs."""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from bench.competitors import Binaries, Pair, libp2p_daemons, plain_grpc, sidecars
from bench.embedded import EMBEDDED, embedded
from bench.places import Place
from bench.processes import Failed, cpu_seconds, machine_cpu_seconds, wait_for_idle
from bench.quiet import Quiet
from bench.rejoin import measure_rejoin
from bench.retry import measure_retry
from bench.role import measure_role
from bench.standing import Samples, measure_handshakes, measure_idle_links, measure_start
from bench.trust import measure_trust
from bench.works import WORKS, Sample, Work

ENGINES = ("qh3", "aioquic")
FRONTS = ("lean", "grpcio")
COMPETITORS = ("sidecar", "p2pd", "grpc", *EMBEDDED)
WARM_SECONDS = 0.3
STANDING_AGAIN_SECONDS = 30.0
"""Seconds for steps of what standing costs that are taken again."""

Step = Callable[[Samples, Path], None]
"""Measures into samples, with files in a folder."""


class Bench:
    """One run. `failures` are of sidecars and make the run one that failed; `troubles` are the others'."""

    def __init__(self, options: argparse.Namespace, binaries: Binaries, folder: Path) -> None:
        self.options = options
        self.quick: bool = options.quick
        self.binaries = binaries
        self.folder = folder
        self.engines: tuple[str, ...] = tuple(options.engine or ENGINES)
        self.fronts: tuple[str, ...] = tuple(options.front or FRONTS)
        self.only: tuple[str, ...] = tuple(options.only or COMPETITORS)
        self.seconds: float = options.seconds or (0.3 if self.quick else 0.7)
        self.repeats: int = options.repeats or (1 if self.quick else 3)
        self.python: bool = True if options.python_apps is None else options.python_apps
        self.patience = 1.0 if self.quick else 3.0
        """Seconds that each work waits for a machine that others use; a sample tells what they took all the same."""
        self.quiet = Quiet(again=1 if self.quick else 2)
        self.failures: list[str] = []
        self.troubles: list[str] = []

    def measure(self, place: Place, number: int, repeats: int) -> Samples:
        """Every work of every pair at one place, so many samples of each; the pairs take turns."""
        samples: Samples = defaultdict(lambda: defaultdict(list))
        began = time.monotonic()
        warm: set[str] = set()
        with ExitStack() as stack:
            pairs = self._pairs(stack, place, self.folder / str(number))
            busy = wait_for_idle(seconds=6 * self.patience)
            print(f"{place.name}: {len(pairs)} pairs stand; {busy:.0%} of the machine is busy", flush=True)
            for work in WORKS:
                if self.options.work and self.options.work not in work.name:
                    continue
                doing = [pair for pair in pairs if work.kind in pair.can and (work.python or "Python" not in pair.name)]
                wait_for_idle(seconds=self.patience)
                # Samples taken again may make a work a third longer, on a machine that is never quiet.
                self.quiet.left = self.seconds * work.share * repeats * len(doing) / 3
                for repeat in range(repeats):
                    for pair in doing:
                        if repeat == 0 and work.kind in ("stream", "batch") and not (self.quick and pair.name in warm):
                            # Windows and processors are warm in every sample that counts; a quick run does it once.
                            self._sample(pair, work, WARM_SECONDS)
                            warm.add(pair.name)
                        sample = self._quiet_sample(pair, work)
                        if sample is not None:
                            samples[work.name][pair.name].append(sample)
                print(f"  {work.name} ({time.monotonic() - began:.0f} s)", flush=True)
        return samples

    def _pairs(self, stack: ExitStack, place: Place, folder: Path) -> list[Pair]:
        pairs: list[Pair] = []
        if "sidecar" in self.only:
            for front in self.fronts:
                for engine in self.engines:
                    first = engine == self.engines[0]
                    if self.quick and not first and front != self.fronts[0]:
                        continue
                    pairs += stack.enter_context(
                        sidecars(
                            place,
                            self.binaries,
                            folder / f"{engine}-{front}",
                            engine,
                            front,
                            api=self.options.api,
                            python=self.python and first and not (self.quick and front != self.fronts[0]),
                        )
                    )
        for name, start in self._others(place, folder):
            try:
                pairs.append(stack.enter_context(start))
            except Failed as failed:
                self._trouble(name, str(failed))
        return pairs

    def _others(self, place: Place, folder: Path) -> list[tuple[str, AbstractContextManager[Pair]]]:
        others: list[tuple[str, AbstractContextManager[Pair]]] = []
        if "p2pd" in self.only and self.binaries.daemon is not None:
            others.append(("p2pd", libp2p_daemons(place, self.binaries, folder / "p2pd")))
        if "grpc" in self.only:
            others.append(("gRPC-go", plain_grpc(place, self.binaries, folder / "grpc")))
        inside = self.binaries.embedded
        return [*others, *((name, embedded(place, name, self.binaries, folder / name)) for name in inside)]

    def _quiet_sample(self, pair: Pair, work: Work) -> Sample | None:
        try:
            kept = self.quiet.take(lambda: self._taken(pair, work, self.seconds * work.share))
            return {**kept.sample, **kept.marks()}
        except (Failed, OSError) as failed:
            self._failed(pair, work, failed)
            return None

    def _sample(self, pair: Pair, work: Work, seconds: float) -> None:
        try:
            work.measure(pair, seconds)
        except (Failed, OSError) as failed:
            self._failed(pair, work, failed)

    def _taken(self, pair: Pair, work: Work, seconds: float) -> tuple[Sample, float]:
        """One sample and what others took of the machine meanwhile."""
        mine = [os.getpid(), *(process.pid for process in pair.processes().values())]
        own = sum(cpu_seconds(pid) for pid in mine)
        busy, whole = machine_cpu_seconds()
        sample = work.measure(pair, seconds)
        busy_after, whole_after = machine_cpu_seconds()
        own = sum(cpu_seconds(pid) for pid in mine) - own
        return sample, max(0.0, busy_after - busy - own) / max(whole_after - whole, 0.01)

    def _failed(self, pair: Pair, work: Work, failed: Exception) -> None:
        """What a sidecar loses is this run's failure; what others lose is told."""
        if pair.kind == "sidecar":
            self.failures.append(f"{pair.name}, {work.name}: {failed}")
            print(f"  FAILED: {self.failures[-1]}", flush=True)
        else:
            self._trouble(f"{pair.name}, {work.name}", str(failed))

    def _trouble(self, what: str, why: str) -> None:
        self.troubles.append(f"{what}: {why}")
        print(f"  {self.troubles[-1]}", flush=True)

    def standing(self, *, every: bool) -> Samples:
        """What does not depend on the place: start, links and memory, which have targets, or every one of them."""
        samples: Samples = defaultdict(lambda: defaultdict(list))
        folder = self.folder / "standing"
        wait_for_idle(seconds=6 * self.patience)
        self.quiet.left = STANDING_AGAIN_SECONDS
        began = time.monotonic()
        daemon = self.binaries.daemon
        start = partial(measure_start, engines=self.engines, daemon=daemon, repeats=self.repeats)
        steps: list[tuple[str, Step]] = [("start", start)]
        if "sidecar" in self.only:
            for engine in self.engines:
                steps += [
                    ("links", partial(measure_handshakes, engine=engine, seconds=self.seconds)),
                    ("idle links", partial(measure_idle_links, engine=engine, links=self.options.links)),
                ]
                if every:
                    steps += [
                        ("trust", partial(measure_trust, engine=engine, seconds=self.seconds)),
                        ("Retry", partial(measure_retry, engine=engine, seconds=self.seconds)),
                        ("rejoining", partial(measure_rejoin, engine=engine, repeats=self.repeats)),
                        ("role", partial(measure_role, engine=engine, repeats=self.repeats)),
                    ]
        tries = itertools.count()
        for name, step in steps:
            try:
                kept = self.quiet.take(partial(_stood, step, folder, tries))
            except (Failed, OSError) as failed:
                self.failures.append(str(failed))
                print(f"  FAILED: {failed}", flush=True)
                continue
            for work, taken in kept.sample.items():
                for competitor, some in taken.items():
                    samples[work][competitor] += [{**sample, **kept.marks()} for sample in some]
            print(f"  {name} ({time.monotonic() - began:.0f} s)", flush=True)
        return samples


def _stood(step: Step, parent: Path, tries: Iterator[int]) -> tuple[Samples, float]:
    """What a step measures, and what others took of the machine meanwhile. A step ends what it started, so that its
    processes count among the children that have ended."""
    folder = parent / str(next(tries))
    folder.mkdir(parents=True)
    samples: Samples = defaultdict(lambda: defaultdict(list))
    own = sum(os.times()[:4])
    busy, whole = machine_cpu_seconds()
    step(samples, folder)
    busy_after, whole_after = machine_cpu_seconds()
    own = sum(os.times()[:4]) - own
    return samples, max(0.0, busy_after - busy - own) / max(whole_after - whole, 0.01)
