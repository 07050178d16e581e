"""A sidecar whose open files are limited as is usual."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from sidecar.api.front.lean import frames
from sidecar_client import Sidecar
from tests.processes import Sidecars

SOFT = 1024
GREETING = frames.PREFACE + frames.settings_frame({})


@pytest.fixture
def limits() -> Iterator[None]:
    """This process may open more, and what it starts gets the usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.requires("files")
@pytest.mark.usefixtures("limits")
def test_a_full_listener_leaves_files_to_others(sidecars: Sidecars, tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sidecar = sidecars.spawn(grpc_endpoint=["127.0.0.1:0", f"unix:{tmp_path}/api.sock"], ephemeral=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * SOFT, hard))
    host, _, port = sidecar.endpoint.rpartition(":")
    with ExitStack() as open_:
        for _ in range(SOFT + 100):
            client = open_.enter_context(socket.create_connection((host, int(port)), timeout=20))
            with suppress(ConnectionError):  # above the listener's limit it is closed as it comes
                client.sendall(GREETING)
        with suppress(ConnectionError):
            assert client.recv(1) == b"", "the last is one too many, and all before it have been accepted"
        with Sidecar(f"unix:{tmp_path}/api.sock") as other:
            assert other.node().peer_id == sidecar.peer_id
