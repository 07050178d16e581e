"""One run: every competitor at one place, sample by sample in turns, and what standing costs."""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable
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
        self.seconds: float = options.seconds or (0.4 if self.quick else 0.8)
        self.repeats: int = options.repeats or (1 if self.quick else 3)
        self.python: bool = True if options.python_apps is None else options.python_apps
        self.patience = 1.0 if self.quick else 3.0
        """Seconds that each work waits for a machine that others use; a sample tells what they took all the same."""
        self.quiet = Quiet(again=1, budget=10) if self.quick else Quiet(again=2, budget=60)
        self.failures: list[str] = []
        self.troubles: list[str] = []

    def measure(self, place: Place, number: int, repeats: int) -> Samples:
        """Every work of every pair at one place, so many samples of each; the pairs take turns."""
        samples: Samples = defaultdict(lambda: defaultdict(list))
        began = time.monotonic()
        with ExitStack() as stack:
            pairs = self._pairs(stack, place, self.folder / str(number))
            busy = wait_for_idle(seconds=6 * self.patience)
            print(f"{place.name}: {len(pairs)} pairs stand; {busy:.0%} of the machine is busy", flush=True)
            for work in WORKS:
                if self.options.work and self.options.work not in work.name:
                    continue
                doing = [pair for pair in pairs if work.kind in pair.can and (work.python or "Python" not in pair.name)]
                wait_for_idle(seconds=self.patience)
                for repeat in range(repeats):
                    for pair in doing:
                        if repeat == 0 and work.kind in ("stream", "batch"):
                            # Windows and processors are warm in every sample that counts.
                            self._sample(pair, work, WARM_SECONDS)
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
            return self.quiet.take(lambda: self._taken(pair, work, self.seconds * work.share))
        except (Failed, OSError) as failed:
            self._failed(pair, work, failed)
            return None

    def _sample(self, pair: Pair, work: Work, seconds: float) -> None:
        try:
            work.measure(pair, seconds)
        except (Failed, OSError) as failed:
            self._failed(pair, work, failed)

    def _taken(self, pair: Pair, work: Work, seconds: float) -> Sample:
        """One sample with what others took of the machine meanwhile."""
        mine = [os.getpid(), *(process.pid for process in pair.processes().values())]
        own = sum(cpu_seconds(pid) for pid in mine)
        busy, whole = machine_cpu_seconds()
        sample = work.measure(pair, seconds)
        busy_after, whole_after = machine_cpu_seconds()
        own = sum(cpu_seconds(pid) for pid in mine) - own
        sample["others"] = max(0.0, busy_after - busy - own) / max(whole_after - whole, 0.01)
        return sample

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
        began = time.monotonic()
        steps: list[tuple[str, Callable[[], None]]] = [
            ("start", partial(measure_start, samples, folder, self.engines, self.binaries.daemon, self.repeats))
        ]
        if "sidecar" in self.only:
            for engine in self.engines:
                steps += [
                    ("links", partial(measure_handshakes, samples, folder, engine, self.seconds)),
                    ("idle links", partial(measure_idle_links, samples, folder, engine, self.options.links)),
                ]
                if every:
                    steps += [
                        ("trust", partial(measure_trust, samples, folder, engine, self.seconds)),
                        ("Retry", partial(measure_retry, samples, folder, engine, self.seconds)),
                        ("rejoining", partial(measure_rejoin, samples, folder, engine, self.repeats)),
                        ("role", partial(measure_role, samples, folder, engine, self.repeats)),
                    ]
        for name, step in steps:
            try:
                step()
            except (Failed, OSError) as failed:
                self.failures.append(str(failed))
                print(f"  FAILED: {failed}", flush=True)
            print(f"  {name} ({time.monotonic() - began:.0f} s)", flush=True)
        return samples
