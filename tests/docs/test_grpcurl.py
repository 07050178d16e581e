"""The lines of grpcurl in docs/api.md: one for every method, each run as it stands beside two sidecars."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from sidecar_client import IncomingRequest, Received, Sidecar
from tests.docs.blocks import REPOSITORY, block
from tests.processes import SidecarProcess, Sidecars, sidecar_environment
from tests.programs import GRPCURL, go_program

pytestmark = [pytest.mark.clients, pytest.mark.requires("go"), pytest.mark.timeout(200)]

LINES = {line.rpartition(" ")[2]: line for line in block("grpcurl").code.splitlines()}
"""By method."""

HI = "aGk="
RUN_SECONDS = 60


class Bench:
    """Two linked sidecars: `here` the lines are run, the runner's client `far` plays the other app."""

    def __init__(self, here: SidecarProcess, there: SidecarProcess) -> None:
        self.here = here
        self.there = there
        self.near = Sidecar(here.endpoint)
        self.far = Sidecar(there.endpoint)

    def start(self, method: str, **changes: str) -> subprocess.Popen[str]:
        """Starts a method's line."""
        line = LINES[method].replace("127.0.0.1:7500", f"127.0.0.1:{self.there.udp_port}")
        for old, new in changes.items():
            line = line.replace(old, new)
        grpcurl = go_program(GRPCURL).parent
        environment = {"SIDECAR_ENDPOINT": self.here.endpoint, "PEER": self.there.peer_id}
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=REPOSITORY,
            env=sidecar_environment(environment) | {"PATH": f"{grpcurl}:{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, method: str, *, answer: str = "", **changes: str) -> str:
        """What a method's line prints, run to its end."""
        process = self.start(method, **changes)
        try:
            printed, _ = process.communicate(answer, timeout=RUN_SECONDS)
        finally:
            end(process)
        assert process.returncode == 0, f"{LINES[method]}\nended with {process.returncode}:\n{printed}"
        return printed

    def answers(self, method: str, **changes: str) -> Any:
        """The one answer of a method's line."""
        return json.loads(self.run(method, **changes) or "{}")


def end(process: subprocess.Popen[str]) -> None:
    """Ends a line with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            pipe.close()


def first(process: subprocess.Popen[str], wanted: Callable[[Any], bool] = lambda found: True) -> Any:
    """The first object that it prints, of those that are wanted."""
    assert process.stdout is not None
    text = ""
    while line := process.stdout.readline():
        text += line
        if line.rstrip() == "}":
            found = json.loads(text)
            if wanted(found):
                return found
            text = ""
    raise AssertionError(f"it ended with {process.wait()} and printed:\n{text}")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    go_program(GRPCURL)
    sidecars = Sidecars(tmp_path_factory.mktemp("grpcurl"))
    try:
        here = sidecars.spawn("here")
        there = sidecars.spawn("there", bootstrap=[here.contact])
        bench = Bench(here, there)
        with bench.near, bench.far:
            bench.near.connect(there.contact)
            yield bench
    finally:
        sidecars.end()


def listening(
    bench: Bench, method: str, make: Callable[[], object], wanted: Callable[[Any], bool] = lambda found: True
) -> Any:
    """The first wanted thing that an endless line tells, while something happens again and again that it is to tell
    of."""
    process = bench.start(method)
    told = threading.Event()

    def happen() -> None:
        while not told.wait(0.1):
            make()

    try:
        with ThreadPoolExecutor(1) as threads:
            happening = threads.submit(happen)
            try:
                return first(process, wanted)
            finally:
                told.set()
                happening.result()
    finally:
        end(process)


def test_every_method_has_a_line() -> None:
    described = descriptor_pb2.FileDescriptorSet.FromString((REPOSITORY / "proto/overlay.v1.binpb").read_bytes())
    methods = {
        f"{file.package}.{service.name}/{method.name}"
        for file in described.file
        for service in file.service
        for method in service.method
    }
    assert set(LINES) == methods | {"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch"}
    assert len(LINES) == len(block("grpcurl").code.splitlines())


def test_messages(bench: Bench) -> None:
    with bench.far.receive("chat") as inbox:
        assert bench.answers("overlay.v1.MessageService/Send")["level"] == "DELIVERY_LEVEL_DELIVERED"
        told = bench.run("overlay.v1.MessageService/SendStream")
        assert '"through_sequence": "2"' in told
        came = [message.payload for message in itertools.islice(inbox, 3) if isinstance(message, Received)]
    assert came == [b"hi", b"hi", b"ho"]
    heard = listening(
        bench, "overlay.v1.MessageService/Receive", lambda: bench.far.send(bench.here.peer_id, b"hi", channel="chat")
    )
    assert heard["deliveries"][0]["messages"][0]["payload"] == HI
    process = bench.start("overlay.v1.MessageService/Consume")
    try:
        with ThreadPoolExecutor(1) as threads:
            sending = threads.submit(
                bench.far.send, bench.here.peer_id, b"hi", channel="jobs", wait="processed", timeout=RUN_SECONDS
            )
            delivery = first(process)["deliveries"][0]
            identity = delivery["first_delivery_id"]
            process.communicate(
                json.dumps({"ack": {"ranges": [{"first": identity, "last": identity}]}}), timeout=RUN_SECONDS
            )
            assert sending.result().level == "processed"
        assert process.returncode == 0
    finally:
        end(process)


def test_requests(bench: Bench) -> None:
    def answer(asked: IncomingRequest) -> bytes:
        return asked.payload.upper()

    with bench.far.responder(answer, "upper"):
        assert base64.b64decode(bench.answers("overlay.v1.MessageService/Request")["payload"]) == b"HI"
    process = bench.start("overlay.v1.MessageService/Reply")
    try:
        with ThreadPoolExecutor(1) as threads:
            asking = threads.submit(bench.far.request, bench.here.peer_id, b"hi", channel="upper", timeout=RUN_SECONDS)
            asked = first(process)["requests"][0]
            reply = {"answers": {"answers": [{"request_id": asked["request_id"], "payload": HI}]}}
            process.communicate(json.dumps(reply), timeout=RUN_SECONDS)
            assert asking.result().payload == b"hi"
        assert process.returncode == 0
    finally:
        end(process)


def test_datagrams_and_broadcast(bench: Bench) -> None:
    with bench.far.receive("news") as news:
        assert "reason" not in bench.answers("overlay.v1.MessageService/Broadcast")["results"][0]
        message = next(news)
    assert isinstance(message, Received)
    assert message.payload == b"hi"
    assert bench.answers("overlay.v1.MessageService/SendDatagram") == {}
    heard = listening(
        bench,
        "overlay.v1.MessageService/ReceiveDatagrams",
        lambda: bench.far.send_datagram(bench.here.peer_id, b"hi", channel="ticks"),
    )
    assert heard["datagrams"][0]["payload"] == HI


def test_streams(bench: Bench) -> None:
    def accept() -> bytes:
        with bench.far.accept_stream("files") as stream:
            return stream.read_all()

    with ThreadPoolExecutor(1) as threads:
        accepting = threads.submit(accept)
        assert "accepted" in bench.run("overlay.v1.StreamService/Open")
        assert accepting.result() == b"hi"
    process = bench.start("overlay.v1.StreamService/Accept")
    try:
        with bench.far.open_stream(bench.here.peer_id, "files", accept_timeout=RUN_SECONDS) as stream:
            stream.write(b"hi")
            assert "accepted" in first(process)
            stream.finish()
            assert first(process, lambda found: "data" in found)["data"] == HI
            printed, _ = process.communicate('{"data": "aG8="} {"finish": {}}', timeout=RUN_SECONDS)
            assert stream.read_all() == b"ho"
        assert process.returncode == 0, printed
    finally:
        end(process)


def test_peers(bench: Bench) -> None:
    peer_id = bench.there.peer_id
    listed = bench.answers("overlay.v1.PeerService/ListPeers")["peers"]
    assert [peer["peer_id"] for peer in listed] == [peer_id]
    assert bench.answers("overlay.v1.PeerService/GetPeer")["peer"]["state"] == "PEER_STATE_LINKED"
    assert listening(bench, "overlay.v1.PeerService/WatchPeers", lambda: None)["snapshot_complete"]
    assert bench.answers("overlay.v1.PeerService/Connect")["peer"]["peer_id"] == peer_id
    assert bench.answers("overlay.v1.PeerService/Ping")["rtt"].endswith("s")
    assert "messages_lost" not in bench.answers("overlay.v1.PeerService/Disconnect")
    assert bench.answers("overlay.v1.PeerService/BlockPeer") == {}
    assert bench.answers("overlay.v1.PeerService/UnblockPeer") == {}
    found = bench.answers("overlay.v1.BootstrapService/Bootstrap")["results"]
    assert [one["peer_id"] for one in found] == [peer_id]


def test_contacts(bench: Bench) -> None:
    contact = f"127.0.0.1:{bench.there.udp_port}"
    added = bench.answers("overlay.v1.BootstrapService/AddContacts")["contacts"]
    assert [one["address"] for one in added] == [contact]
    assert contact in bench.run("overlay.v1.BootstrapService/ListContacts")
    assert bench.answers("overlay.v1.BootstrapService/RemoveContact") == {}


def test_queues(bench: Bench) -> None:
    with bench.near.consume("jobs", max_deliveries=1) as jobs:
        bench.far.send(bench.here.peer_id, b"hi", channel="jobs", durable=True)
        job = next(jobs)
        assert isinstance(job, Received)
        jobs.nack(job)
    while not bench.near.letters("dead_incoming"):
        pass
    queues = bench.answers("overlay.v1.QueueService/ListQueues")["queues"]
    assert [one["queue"] for one in queues] == ["QUEUE_DEAD_INCOMING"]
    (letter,) = bench.answers("overlay.v1.QueueService/ListLetters")["letters"]
    number = letter["id"]
    read = bench.answers("overlay.v1.QueueService/GetLetter", **{'"id": 1': f'"id": {number}'})
    assert read["messages"][0]["payload"] == HI
    replayed = bench.answers("overlay.v1.QueueService/ReplayLetters", **{'"ids": [1]': f'"ids": [{number}]'})
    assert replayed["messages"] == "1"
    assert "messages" not in bench.answers("overlay.v1.QueueService/PurgeLetters")


def test_node(bench: Bench) -> None:
    # Described by the file, whose fields have their JSON names; reflection has none.
    assert bench.answers("overlay.v1.NodeService/GetNode")["peerId"] == bench.here.peer_id
    assert bench.answers("grpc.health.v1.Health/Check") == {"status": "SERVING"}
    assert listening(bench, "grpc.health.v1.Health/Watch", lambda: None) == {"status": "SERVING"}
    checks = bench.answers("overlay.v1.NodeService/CheckReachability")["checks"]
    assert checks[0]["result"] == "REACHABILITY_REACHED"
    numbers = iter(range(1000, 2000))
    heard = listening(
        bench,
        "overlay.v1.NodeService/WatchEvents",
        lambda: bench.near.add_contacts(f"127.0.0.1:{next(numbers)}"),
        lambda told: any("contact_added" in event for event in told.get("events", ())),
    )
    assert any("contact_added" in event for event in heard["events"])


def test_the_end(sidecars: Sidecars) -> None:
    one = sidecars.spawn("one", ephemeral=True)
    bench = Bench(one, one)
    with bench.near, bench.far:
        assert bench.answers("overlay.v1.NodeService/Drain") == {}
    assert one.wait(RUN_SECONDS) == 0


def test_the_lines_are_bash() -> None:
    assert all(re.fullmatch(r"(\(echo '.*'; cat\) \| )?grpcurl -plaintext .*", line) for line in LINES.values())
