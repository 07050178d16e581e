"""A real disk that is full, and one that becomes read-only, under a sidecar with a journal."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.identity import Identity
from sidecar_client import JournalFailed, JournalFull, Sidecar
from tests.processes import Sidecars

pytestmark = [pytest.mark.lab, pytest.mark.requires("root")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", folder], check=True, timeout=10)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=10)


def test_a_full_disk_is_an_error_and_no_end(sidecars: Sidecars, disk: Path) -> None:
    one = sidecars.spawn("one", state_dir=disk)
    peer = Identity.ephemeral().peer_id
    with Sidecar(one.endpoint) as client:
        taken = 0
        with pytest.raises(JournalFull):  # noqa: PT012 - it is one of many calls
            while taken < 100:
                client.send(peer, bytes(256 << 10), durable=True, wait="sent")
                taken += 1
        assert 3 < taken < 20
        assert one.alive
        assert sum(queue.messages for queue in client.queues().queues) == taken
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True, timeout=10)
        client.send(peer, bytes(256 << 10), durable=True, wait="sent")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=False, timeout=10)
    sidecars.end()


def test_a_file_that_cannot_be_written_is_an_error_and_no_end(sidecars: Sidecars, disk: Path) -> None:
    """The journal is taken away from under a sidecar; what comes after it has been given back is taken again."""
    one = sidecars.spawn("one", state_dir=disk)
    peer = Identity.ephemeral().peer_id
    with Sidecar(one.endpoint) as client:
        client.send(peer, b"before", durable=True, wait="sent")
        (disk / "filler").write_bytes(bytes(1 << 20))
        with pytest.raises((JournalFull, JournalFailed)):  # noqa: PT012
            for _ in range(20):
                client.send(peer, bytes(512 << 10), durable=True, wait="sent")
        (disk / "filler").unlink()
        client.purge("outgoing")
        client.send(peer, b"after", durable=True, wait="sent")
        assert one.alive


@pytest.mark.parametrize(("trouble", "refused"), [("full", JournalFull), ("read-only", JournalFailed)])
def test_a_disk_that_takes_nothing_costs_no_start(
    sidecars: Sidecars, disk: Path, trouble: str, refused: type[Exception]
) -> None:
    """A sidecar with a durable message starts on a disk that has become full, or read-only, and says what it cannot do;
    on one with room again it has its message."""
    peer = Identity.ephemeral().peer_id
    one = sidecars.spawn("one", state_dir=disk)
    with Sidecar(one.endpoint) as client:
        peer_id = client.node().peer_id
        client.send(peer, b"before", durable=True, wait="sent")
    one.kill()
    if trouble == "full":
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True, timeout=10)
    one.restart()
    with Sidecar(one.endpoint) as client:
        assert client.node().peer_id == peer_id
        with pytest.raises(refused, match="restart"):
            client.send(peer, b"meanwhile", durable=True, wait="sent")
    one.stop()
    if trouble == "full":
        (disk / "filler").unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True, timeout=10)
    one.start()
    with Sidecar(one.endpoint) as client:
        assert [queue.messages for queue in client.queues().queues] == [1]
        assert not list(disk.glob("journal.db.damaged*")), "it was sound all the time"
        client.send(peer, b"after", durable=True, wait="sent")
