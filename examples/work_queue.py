"""A queue of work that survives what dies: jobs are durable, and acknowledged when they are done.

    python examples/work_queue.py work
    python examples/work_queue.py submit PEER_ID JOBS...

A worker that ends in the middle of a job leaves it to another. A job named `bad...` fails whoever takes it: it comes
back twice, and is a dead letter then (`sidecar queue ls`). A sidecar keeps jobs while the other one is away.
"""

from __future__ import annotations

import sys

from sidecar_client import Received, Sidecar, SidecarError

JOBS = "jobs"
PATIENCE = 10.0
"""Seconds until a job that says nothing is given to another worker."""

ATTEMPTS = 3


def work(sidecar: Sidecar) -> None:
    """Takes jobs for ever, one at a time; `consume` goes on over restarts of the sidecar."""
    print(f"working for whoever submits to {sidecar.node().peer_id}", flush=True)
    with sidecar.consume(JOBS, credits=1, ack_deadline=PATIENCE, max_deliveries=ATTEMPTS) as jobs:
        for job in jobs:
            if not isinstance(job, Received):
                continue  # the sidecar was away: what was not acknowledged comes again
            words = job.payload.decode(errors="replace")
            again = f", attempt {job.redelivery_count + 1}" if job.redelivery_count else ""
            if words.startswith("bad"):
                print(f"{words} failed{again}", flush=True)
                jobs.nack(job, delay=0.1)
            else:
                print(f"{words} done{again}", flush=True)
                jobs.ack(job)


def submit(sidecar: Sidecar, peer: str, jobs: list[str]) -> int:
    """Hands jobs over, and returns when they are in the journal here: from then on they are not lost."""
    try:
        with sidecar.sender(peer, channel=JOBS, wait="sent", durable=True) as out:
            for job in jobs:
                out.send(job.encode())
    except SidecarError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(jobs)} jobs are in the journal", flush=True)
    return 0


def main(words: list[str]) -> int:
    """See the module."""
    with Sidecar() as sidecar:
        match words:
            case ["work"]:
                work(sidecar)
            case ["submit", peer, *jobs] if jobs:
                return submit(sidecar, peer, jobs)
    print("usage: work_queue.py work | submit PEER_ID JOBS...", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
