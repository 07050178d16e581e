"""The lean front before judges that others wrote: h2spec, gRPC's interop clients for Go and Java, grpcurl, ghz."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.api.front.base import Listener, ServerTls
from sidecar.api.front.lean.server import LeanFront
from sidecar.api.health import Health
from sidecar.api.reflection import reflection_services
from tests.api.front import tools
from tests.api.front.interop import TestService
from tests.api.front.services import SERVICE, TestServices
from tests.api.front.tls import Authority
from tests.programs import GRPCURL, go_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.requires("go")]

# Without those that want a cloud, ALTS or OAuth, and without custom_metadata, orca_* and compressed responses: methods
# of this API have no metadata, load reports or encodings of their own to answer with.
GO_CASES = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "pick_first_unary",
    "rpc_soak",
    "channel_soak",
]
SOAK = (
    "-soak_iterations=20",
    "-soak_num_threads=2",
    "-soak_overall_timeout_seconds=120",
    "-soak_per_iteration_max_acceptable_latency_ms=60000",
)
JAVA_CASES = [case for case in GO_CASES if case != "pick_first_unary" and "soak" not in case] + ["very_large_request"]
JAVA_AT_ONCE = 2


@dataclass(frozen=True)
class Judged:
    """A front in this process, on a plain and on a TLS listener."""

    front: LeanFront
    plain: tuple[str, str]
    """Host and port."""
    tls: tuple[str, str]
    authority: Path
    """Its certificate, in a file."""

    @property
    def address(self) -> str:
        return ":".join(self.plain)


@pytest.fixture
async def judged(authority: Authority, tmp_path: Path) -> AsyncIterator[Judged]:
    pair = authority.issue("sidecar")
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    front = LeanFront()
    services = [TestServices().service(), TestService(tmp_path).service(), Health().service()]
    tls = Listener("127.0.0.1:0", ServerTls(pair.certificate, pair.key, None))
    addresses = await front.start([*services, *reflection_services([SERVICE])], [Listener("127.0.0.1:0"), tls])
    (host, _, port), (tls_host, _, tls_port) = (address.partition(":") for address in addresses)
    yield Judged(front, (host, port), (tls_host, tls_port), tmp_path / "ca.pem")
    await front.stop(0)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_h2spec(judged: Judged, tls: bool) -> None:
    program = await asyncio.to_thread(go_program, tools.H2SPEC)
    host, port = judged.tls if tls else judged.plain
    told = await tools.run(program, "--strict", "-o", "5", "-h", host, "-p", port, *(["-t", "-k"] if tls else []))
    passed, skipped, failed = (
        int(told.rpartition(word)[0].rpartition(",")[2]) for word in (" passed", " skipped", " failed")
    )
    assert (passed, skipped, failed) == (147, 0, 0), told[-4000:]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_interop_go(judged: Judged, tls: bool) -> None:
    program = await asyncio.to_thread(go_program, tools.INTEROP)
    host, port = judged.tls if tls else judged.plain
    more = ["-use_tls", "-use_test_ca", "-ca_file", str(judged.authority), "-server_host_override", "localhost"]
    for case in GO_CASES:
        await tools.run(
            program, "-server_host", host, "-server_port", port, "-test_case", case, *SOAK, *(more if tls else [])
        )


@pytest.mark.requires("java")
async def test_interop_java(judged: Judged) -> None:
    command = await asyncio.to_thread(tools.java_client)
    host, port = judged.plain
    limit = asyncio.Semaphore(JAVA_AT_ONCE)

    async def one(case: str) -> None:
        async with limit:
            await tools.run(
                *command, f"--server_host={host}", f"--server_port={port}", "--use_tls=false", f"--test_case={case}"
            )

    await asyncio.gather(*map(one, JAVA_CASES))


async def test_grpcurl(judged: Judged) -> None:
    program = await asyncio.to_thread(go_program, GRPCURL)
    assert SERVICE in await tools.run(program, "-plaintext", judged.address, "list")
    health = await tools.run(
        program, "-plaintext", "-d", '{"service": "live"}', judged.address, "grpc.health.v1.Health/Check"
    )
    assert json.loads(health) == {"status": "SERVING"}


async def test_ghz(judged: Judged) -> None:
    """Many calls at once, by connections that come and go, one of them with deadlines."""
    program = await asyncio.to_thread(go_program, tools.GHZ)
    told = await tools.run(
        program, "--insecure", "--call", "grpc.health.v1.Health/Check", "-d", '{"service": "live"}',
        "-n", "5000", "-c", "50", "--connections", "5", "-t", "20s", "-O", "json", judged.address,
    )  # fmt: skip
    report = json.loads(told)
    assert report["statusCodeDistribution"] == {"OK": 5000}
