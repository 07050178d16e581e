"""`python -m bench.paths_lab [--path NAME]`: what `bench.paths` says in virtual time, beside the same over a kernel.

Each end is a process in a network namespace of its own, with the sidecar's endpoint on a real socket; between them is
the lab's link emulator with the rate, delay and queue of the path. Needs root and a C compiler. Where the machine is
busy, or the engine slower than the path, the real figures fall behind: that is not the path's doing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from bench.courier import Courier, accepting
from bench.paths import (
    MIB,
    PATHS,
    SETTLED,
    VARIANTS,
    Figures,
    Variant,
    deliveries,
    measure,
    table,
)
from bench.virtual import Path
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine import load
from tests.lab.link import Link

MODULE = "bench.paths_lab"
PORT = 4433
BULK_MIB = 16


async def serve(variant: Variant, host: str) -> None:
    """Answers until its input ends."""
    endpoint = await Endpoint.open((host, PORT), load(variant.engine), variant.settings(), accepting([]))
    print("serving", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    endpoint.close()


async def send(variant: Variant, host: str, size: int) -> None:
    """Measures, and prints what it saw."""
    endpoint = await Endpoint.open(("0.0.0.0", 0), load(variant.engine), variant.settings(), accepting([]))

    async def dial() -> Courier:
        courier = await Courier.dial(endpoint, (host, PORT))
        await asyncio.sleep(SETTLED)
        return courier

    print(json.dumps(await deliveries(dial, size, lambda: 0)), flush=True)
    endpoint.close()


def really(path: Path, variant: Variant, size: int) -> Figures:
    """The same deliveries between two namespaces. All that the link dropped is counted with the bulk."""
    shape = f"delay={path.delay * 1e3:g}ms,rate={path.rate * 8 / 1e6:g}mbit,queue={path.queue * 1e3:g}ms"
    if path.loss:
        shape += f",loss={path.loss:.3%}"
    number = str(VARIANTS.index(variant))
    with Link(shape) as link:
        server = link.start(link.right, MODULE, "--serve", link.right_address, "--variant", number)
        assert server.stdout is not None
        assert server.stdout.readline() == "serving\n", "the serving end did not come up"
        sender = link.start(link.left, MODULE, "--send", link.right_address, "--variant", number, "--bytes", str(size))
        told, _ = sender.communicate(timeout=300)
        passed, _ = link.passed()
        server.communicate(timeout=20)
    taken = json.loads(told)
    taken["dropped"] = passed.lost + passed.overflowed
    return Figures(f"{variant}, kernel", path.name, **taken)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints, or is one of the two ends."""
    options = argparse.ArgumentParser(prog="python -m bench.paths_lab", description=__doc__)
    options.add_argument("--path", action="append", choices=[path.name for path in PATHS])
    options.add_argument("--only", default="qh3, initial 32", help="only variants with this in their name")
    options.add_argument("--bytes", type=int, default=BULK_MIB * MIB, help="of the bulk")
    for role in ("--serve", "--send", "--variant"):
        options.add_argument(role, help=argparse.SUPPRESS)
    asked = options.parse_args(arguments)
    if asked.serve:
        asyncio.run(serve(VARIANTS[int(asked.variant)], asked.serve))
    elif asked.send:
        asyncio.run(send(VARIANTS[int(asked.variant)], asked.send, asked.bytes))
    else:
        for path in PATHS:
            if path.name not in (asked.path or ["city"]):
                continue
            for variant in VARIANTS:
                if asked.only in str(variant):
                    virtual = measure(path, variant, asked.bytes, 1)
                    rows = [replace(virtual, variant=f"{variant}, virtual"), really(path, variant, asked.bytes)]
                    print("\n".join(["", f"**{path.name}**", "", *table(rows)]), flush=True)


if __name__ == "__main__":
    main()
