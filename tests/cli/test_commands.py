"""Commands against real sidecars, over the public API."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.cli.exits import Exit
from sidecar.identity import Identity
from tests.cli.terminal import COMMAND_TIMEOUT, sidecar, start
from tests.processes import SidecarProcess, Sidecars

Pair = tuple[SidecarProcess, SidecarProcess]

pytestmark = pytest.mark.timeout(120)


def link(sidecars: Sidecars) -> Pair:
    """Two linked sidecars. Neither has the other as a configured contact, so that a link that is ended stays so."""
    first, second = sidecars.spawn("first"), sidecars.spawn("second")
    sidecar("peers", "add", first.contact, beside=second).done()
    return first, second


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two that all tests share; each leaves them linked, and uses a channel of its own."""
    sidecars = Sidecars(tmp_path_factory.mktemp("pair"))
    try:
        yield link(sidecars)
    finally:
        sidecars.end()


@pytest.fixture
def mortal(sidecars: Sidecars) -> Pair:
    """Two for one test, to be stopped."""
    return link(sidecars)


def line(process: subprocess.Popen[bytes]) -> Any:
    """The next line of a running command's stdout, as JSON."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def interrupt(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Ctrl-C; gives the exit code and stderr."""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=COMMAND_TIMEOUT)
    return process.returncode, err.decode()


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Commands to be ended after the test, if it has not."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


# run


def test_ready_json_tells_who_and_where(sidecars: Sidecars, tmp_path: Path) -> None:
    socket = f"unix:{tmp_path}/api.sock"
    process = sidecars.spawn(grpc_endpoint=["127.0.0.1:0", socket])
    tcp, unix = process.ready.grpc
    assert unix == socket
    assert not tcp.endswith(":0")
    assert process.peer_id == sidecar("id", "--state-dir", str(process.flags["state_dir"])).done().out.strip()
    for endpoint in process.ready.grpc:
        node = sidecar("status", "--json", environment={"SIDECAR_ENDPOINT": endpoint}).done().json
        assert (node["peer_id"], node["listen_addresses"]) == (process.peer_id, process.ready.udp)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_ends_with_0_when_told_to(sidecars: Sidecars, number: signal.Signals) -> None:
    process = sidecars.spawn()
    os.kill(process.pid, number)
    assert process.wait() == 0


def test_key_outlives_the_run_and_an_ephemeral_one_does_not(sidecars: Sidecars) -> None:
    kept, ephemeral = sidecars.spawn(), sidecars.spawn(ephemeral=True)
    ids = kept.peer_id, ephemeral.peer_id
    for process in (kept, ephemeral):
        assert process.stop() == 0
        process.start()
    assert kept.peer_id == ids[0]
    assert ephemeral.peer_id != ids[1]


def test_environment_and_file_reach_run(sidecars: Sidecars, tmp_path: Path) -> None:
    file = tmp_path / "sidecar.toml"
    file.write_text("engine = 'aioquic'\n")
    process = sidecars.spawn(environment={"SIDECAR_MAX_MESSAGE_BYTES": "1MiB"}, config=file)
    node = sidecar("status", "--json", beside=process).done().json
    assert (node["engine"], node["limits"]["max_message_bytes"]) == ("aioquic", 1 << 20)


def test_log_is_json_on_stderr(sidecars: Sidecars) -> None:
    process = sidecars.spawn(log_format="json")
    process.stop()
    events = [json.loads(each) for each in process.stderr.splitlines()]
    assert "serving" in {event["event"] for event in events}
    assert any("anyone who reaches the UDP port may send" in event["event"] for event in events)


# status and peers


def test_status_is_one_screen(pair: Pair) -> None:
    first, second = pair
    shown = sidecar("status", beside=first).done().out
    assert first.peer_id in shown
    assert second.peer_id in shown
    assert "1 linked, 1 known" in shown
    assert "\x1b" not in shown

    told = sidecar("status", "--json", beside=first).done().json
    assert told["peer_id"] == first.peer_id
    assert told["state"] == "serving"
    assert told["not_ready"] == []
    assert [peer["peer_id"] for peer in told["peers"]] == [second.peer_id]
    assert told["instance"].isdecimal(), "64 random bits are text in JSON"


def test_peers_ls_rm_add(pair: Pair) -> None:
    first, second = pair
    [peer] = sidecar("peers", "ls", "--json", beside=first).done().lines
    assert (peer["peer_id"], peer["state"]) == (second.peer_id, "linked")
    assert second.peer_id in sidecar("peers", "ls", beside=first).done().out

    removed = sidecar("peers", "rm", second.peer_id[:6], "--json", beside=first).done().json
    assert removed == {"peer_id": second.peer_id, "messages_lost": 0}
    assert sidecar("peers", "ls", "--linked", "--json", beside=first).done().lines == []

    added = sidecar("peers", "add", second.contact, "--json", beside=first).done().json
    assert (added["peer_id"], added["state"]) == (second.peer_id, "linked")
    assert sidecar("peers", "add", second.peer_id, beside=first).done().out.startswith(f"linked {second.peer_id}")


def test_peers_watch_shows_what_is_and_what_changes(pair: Pair, running: list[subprocess.Popen[bytes]]) -> None:
    first, second = pair
    watch = start("peers", "watch", "--json", beside=first)
    running.append(watch)
    known = line(watch)
    assert (known["change"], known["peer_id"], known["state"]) == ("known", second.peer_id, "linked")
    sidecar("peers", "rm", second.peer_id, beside=first).done()
    while (change := line(watch))["state"] == "linked":
        pass
    assert (change["change"], change["peer_id"], change["state"]) == ("changed", second.peer_id, "known")
    assert interrupt(watch) == (Exit.INTERRUPTED, "")
    sidecar("peers", "add", second.peer_id, beside=first).done()


def test_bootstrap_tells_each_contact(sidecars: Sidecars) -> None:
    first = sidecars.spawn("first")
    second = sidecars.spawn("second", bootstrap=[first.contact])
    [result] = sidecar("bootstrap", "--json", beside=second).done().lines
    assert (result["peer_id"], result["error"]) == (first.peer_id, "")
    told = sidecar("bootstrap", second.contact, beside=first).done().out
    assert told == f"{second.contact}: linked {second.peer_id}\n"


def test_ping(pair: Pair) -> None:
    first, second = pair
    told = sidecar("ping", second.peer_id, "--json", beside=first).done().json
    assert told["peer_id"] == second.peer_id
    assert 0 < told["rtt"] < 5
    assert sidecar("ping", second.peer_id[:8], beside=first).done().out.endswith(" ms\n")


# messages


def test_send_and_recv_text(pair: Pair, running: list[subprocess.Popen[bytes]]) -> None:
    first, second = pair
    recv = start("recv", "--channel", "greetings", "--count", "2", beside=second)
    running.append(recv)
    words = ["send", second.peer_id[:10], "--channel", "greetings"]
    assert sidecar(*words, "grüße", beside=first).done().out == f"delivered 7 bytes to {second.peer_id}\n"
    sidecar(*words, "--wait", "sent", "zwei", beside=first).done()
    out, err = recv.communicate(timeout=COMMAND_TIMEOUT)
    assert (recv.returncode, out.decode(), err) == (0, "grüße\nzwei\n", b"")


def test_send_file_and_stdin_and_recv_json(pair: Pair, running: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    first, second = pair
    large = tmp_path / "large"
    large.write_bytes(os.urandom(20 << 20))
    binary = bytes(range(256))
    channel = ["--channel", "files"]
    small = sidecar("send", second.peer_id, "--file", "-", "--json", *channel, beside=first, stdin=binary).done().json
    assert (small["level"], small["bytes"]) == ("delivered", 256)
    assert small["delivered_at"] is not None
    # Larger than the channel's window: it waits for somebody who reads.
    recv = start("recv", "--count", "2", "--json", *channel, beside=second)
    running.append(recv)
    sidecar("send", second.peer_id, "--file", str(large), *channel, beside=first).done()

    out, _ = recv.communicate(timeout=COMMAND_TIMEOUT)
    messages = [json.loads(each) for each in out.splitlines()]
    assert [message["peer_id"] for message in messages] == [first.peer_id] * 2
    assert [message["channel"] for message in messages] == ["files", "files"]
    payloads = [base64.b64decode(message["payload"]) for message in messages]
    assert payloads[0] == binary
    assert messages[0]["message_id"] == small["message_id"]
    assert hashlib.sha256(payloads[1]).digest() == hashlib.sha256(large.read_bytes()).digest()


def test_recv_takes_what_it_prints_and_no_more(pair: Pair) -> None:
    first, second = pair
    for number in range(4):
        sidecar("send", second.peer_id, f"message {number}", beside=first).done()
    shown = [sidecar("recv", "--count", "2", beside=second).done().out for _ in range(2)]
    assert "".join(shown).splitlines() == [f"message {number}" for number in range(4)]


def test_recv_waits_no_longer_than_told(pair: Pair) -> None:
    finished = sidecar("recv", "--channel", "empty", "--timeout", "0.5", beside=pair[0])
    assert finished.refused(Exit.TIMEOUT)  # in the words of whoever notices first, this command or the sidecar


def test_recv_ends_by_interrupt(pair: Pair, running: list[subprocess.Popen[bytes]]) -> None:
    first, second = pair
    recv = start("recv", "--json", "--channel", "interrupted", beside=second)
    running.append(recv)
    sidecar("send", second.peer_id, "--channel", "interrupted", "x", beside=first).done()
    assert line(recv)["payload"] == base64.b64encode(b"x").decode()
    assert interrupt(recv) == (Exit.INTERRUPTED, "")


def test_reader_that_leaves_ends_recv_quietly(pair: Pair, running: list[subprocess.Popen[bytes]]) -> None:
    first, second = pair
    recv = start("recv", "--channel", "left", beside=second)
    running.append(recv)
    assert recv.stdout is not None
    sidecar("send", second.peer_id, "--channel", "left", "x", beside=first).done()
    assert recv.stdout.readline() == b"x\n"
    recv.stdout.close()
    recv.stdout = None
    sidecar("send", second.peer_id, "--channel", "left", "y", beside=first).done()
    _, err = recv.communicate(timeout=COMMAND_TIMEOUT)
    assert (recv.returncode, err) == (Exit.FAILED, b"")


# events and drain


def test_events_are_ndjson(mortal: Pair, running: list[subprocess.Popen[bytes]]) -> None:
    first, second = mortal
    events = start("events", "--json", beside=first)
    running.append(events)
    # Its watch begins a moment after it has started, and says nothing then: repeated until it sees.
    seen: list[Any] = []
    while not seen:
        sidecar("peers", "rm", second.peer_id, beside=first).done()
        sidecar("peers", "add", second.contact, beside=first).done()
        if _readable(events, 1.0):
            seen.append(line(events))
    assert seen[0]["event"] in {"peer_unlinked", "peer_linked"}
    assert seen[0]["peer_id"] == second.peer_id
    assert set(seen[0]) > {"time", "event"}

    sidecar("drain", beside=first).done()
    states = []
    while "draining" not in states:
        states.append(line(events).get("state"))


def _readable(process: subprocess.Popen[bytes], seconds: float) -> bool:
    import select

    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], seconds)[0])


def test_drain_ends_the_sidecar(mortal: Pair) -> None:
    first, second = mortal
    assert sidecar("drain", "--json", beside=first).done().json == {"messages_lost": 0}
    assert first.wait() == 0
    assert sidecar("drain", "--no-wait", beside=second).done().out == "draining\n"
    assert second.wait() == 0


# what goes wrong


def test_no_sidecar_is_code_3() -> None:
    environment = {"SIDECAR_ENDPOINT": "unix:/nowhere/api.sock"}
    for words in (["status"], ["peers", "ls"], ["recv"], ["events"], ["peers", "watch"], ["drain"]):
        refusal = sidecar(*words, environment=environment).refused(Exit.NO_SIDECAR)
        assert refusal.startswith("no sidecar answers at unix:/nowhere/api.sock: start one with `sidecar run`")


def test_bad_endpoint_is_code_2() -> None:
    assert "write host:port" in sidecar("status", environment={"SIDECAR_ENDPOINT": "nowhere"}).refused()


def test_peers_that_cannot_be_meant(pair: Pair) -> None:
    first, second = pair
    stranger = Identity.ephemeral().peer_id
    assert "6 characters or more" in sidecar("ping", second.peer_id[:5], beside=first).refused()
    assert "a peer id has 52 characters" in sidecar("ping", second.peer_id + "a", beside=first).refused()
    assert "begins with" in sidecar("ping", "aaaaaa", beside=first).refused(Exit.NOT_FOUND)
    assert "PEER_UNKNOWN" in sidecar("send", stranger, "x", beside=first).refused(Exit.NOT_FOUND)


def test_unreachable_peers_are_code_6(mortal: Pair) -> None:
    first, second = mortal
    assert second.stop() == 0
    words = ["peers", "add", second.contact, "--timeout", "10"]
    assert "PEER_UNREACHABLE" in sidecar(*words, beside=first).refused(Exit.UNREACHABLE)
    error = json.loads(sidecar(*words, "--json", beside=first).err)["error"]
    assert (error["reason"], error["code"]) == ("PEER_UNREACHABLE", "UNAVAILABLE")


def test_another_peer_than_expected_is_code_6(pair: Pair) -> None:
    first, second = pair
    wrong = f"{Identity.ephemeral().peer_id}@127.0.0.1:{second.udp_port}"
    assert "IDENTITY_MISMATCH" in sidecar("peers", "add", wrong, beside=first).refused(Exit.UNREACHABLE)


def test_message_and_file_exclude_each_other() -> None:
    assert "either" in sidecar("send", "aaaaaa").refused()
    assert "either" in sidecar("send", "aaaaaa", "text", "--file", "-").refused()
    assert "--file /nowhere: No such file" in sidecar("send", "aaaaaa", "--file", "/nowhere").refused()


def test_token_is_asked_and_given(sidecars: Sidecars, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-sixteen-or-more\n")
    token.chmod(0o600)
    process = sidecars.spawn(api_token_file=token)
    sidecar("status", beside=process, environment={"SIDECAR_TOKEN": "a-token-of-sixteen-or-more"}).done()
    for environment in ({}, {"SIDECAR_TOKEN": "another-token-of-that-kind"}):
        refusal = sidecar("status", beside=process, environment=environment).refused(Exit.DENIED)
        assert "TOKEN_INVALID" in refusal
        assert "a-token" not in refusal
    with urllib.request.urlopen(f"http://{process.admin}/metrics", timeout=10) as page:
        assert b"sidecar_auth_failures_total 2.0" in page.read()


def test_contacts_ls_add_rm(pair: Pair) -> None:
    """The second has dialled the first, so it remembers it."""
    first, second = pair
    added = sidecar("contacts", "add", "127.1.0.1:9", "peer.example:7400", "--json", beside=second).done().lines
    assert [(each["address"], each["origin"]) for each in added] == [
        ("127.1.0.1:9", "added"),
        ("peer.example:7400", "added"),
    ]
    listed = sidecar("contacts", "ls", "--json", beside=second).done().lines
    assert {each["address"]: each["origin"] for each in listed} == {
        "127.1.0.1:9": "added",
        "peer.example:7400": "added",
        first.contact: "cached",
    }
    assert [bool(each["connected_at"]) for each in listed] == [each["origin"] == "cached" for each in listed]
    table = sidecar("contacts", "ls", beside=second).done().out.splitlines()
    assert table[0].split() == ["CONTACT", "ORIGIN", "CONNECTED"]
    assert len(table) == 4
    assert sidecar("contacts", "rm", "127.1.0.1:9", beside=second).done().out == "removed 127.1.0.1:9\n"
    sidecar("contacts", "rm", first.contact, beside=second).done()
    left = sidecar("contacts", "ls", "--json", beside=second).done().lines
    assert [each["address"] for each in left] == ["peer.example:7400"]
    refusal = sidecar("contacts", "rm", first.contact, beside=second).refused(Exit.NOT_FOUND)
    assert "not among the contacts" in refusal
