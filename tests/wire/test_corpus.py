"""What decoders were once wrong about, or may become wrong about: each line of tests/wire/corpus is replayed, whole and
byte by byte. To add one, append `verdict name ... hex` to its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf.message import DecodeError

from sidecar.gen.overlay.v1.message_pb2 import SendStreamRequest
from sidecar.wire.batch import BadBatch, check_untrusted
from sidecar.wire.errors import Close
from tests.wire.pipe import Pipes
from tests.wire.stranger import Stranger

CORPUS = Path(__file__).parent / "corpus"


def raw(text: str) -> bytes:
    """The bytes of a line; `-` is none."""
    return bytes.fromhex(text.strip("-"))


def lines(name: str) -> list[list[str]]:
    """The words of each line."""
    text = (CORPUS / name).read_text()
    return [line.split() for line in text.splitlines() if not line.startswith("#")]


def cases(name: str) -> pytest.MarkDecorator:
    """A test of each line."""
    found = lines(name)
    assert found
    return pytest.mark.parametrize("line", found, ids=[line[1] for line in found])


@cases("batches.txt")
def test_batches(line: list[str]) -> None:
    verdict, _, text = line
    data = raw(text)
    try:
        ends = check_untrusted(data, 1000)
    except BadBatch:
        assert verdict == "refused"
        return
    assert verdict == "ok"
    assert len(SendStreamRequest.FromString(data).messages) == len(ends)


@cases("batches.txt")
def test_protobuf_refuses_no_batch_that_passes(line: list[str]) -> None:
    verdict, _, text = line
    try:
        SendStreamRequest.FromString(raw(text))
    except DecodeError:
        assert verdict == "refused"


def linked() -> Stranger:
    """A stranger that was welcomed; five messages were sent to it."""
    pipes = Pipes()
    victim = pipes.side()
    stranger = Stranger(pipes, victim)
    stranger.introduce()
    victim.send(stranger, [b"sent"] * 5)
    stranger.run()
    return stranger


def judged(stranger: Stranger) -> str:
    """`ok`, or the code that the connection was closed with."""
    stranger.run()
    return "ok" if stranger.closed_with is None else Close(stranger.closed_with[0]).name


@pytest.mark.parametrize("step", [1, 1 << 20], ids=["by byte", "whole"])
@cases("streams.txt")
def test_streams(line: list[str], step: int) -> None:
    verdict, _, end, text = line
    data = raw(text)
    stranger = linked()
    stream = 4 * 1000 + 2
    for start in range(0, len(data), step):
        stranger.session.stream_data(stream, data[start : start + step], False, 100.0)
    if end == "fin":
        stranger.session.stream_data(stream, b"", True, 100.0)
    assert judged(stranger) == verdict


@pytest.mark.parametrize("step", [1, 1 << 20], ids=["by byte", "whole"])
@cases("control.txt")
def test_control_frames(line: list[str], step: int) -> None:
    verdict, _, text = line
    data = raw(text)
    stranger = linked()
    for start in range(0, len(data), step):
        stranger.session.stream_data(stranger.control, data[start : start + step], False, 100.0)
    assert judged(stranger) == verdict


@pytest.mark.parametrize("name", ["streams.txt", "control.txt"])
def test_cut_off_anywhere(name: str) -> None:
    """What is not whole is waited for, or refused at once; the end of it is an error, or the end of nothing."""
    for line in lines(name):
        data = raw(line[-1])
        for cut in range(0, min(60, len(data)), 7):
            stranger = linked()
            stream = stranger.control if name == "control.txt" else 4 * 1000 + 2
            stranger.session.stream_data(stream, data[:cut], False, 100.0)
            stranger.session.stream_data(stream, b"", True, 100.0)
            assert judged(stranger) in ("ok", "MALFORMED", "CREDIT")
