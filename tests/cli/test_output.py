"""What commands print for people: nothing that a peer has said moves their cursor or changes their colours."""

from __future__ import annotations

import json

import pytest

from sidecar.cli.output import complain, complain_json, show_json, show_line, show_table

SAID = "\x1b[2Jtrust\r\nme \N{RIGHT-TO-LEFT OVERRIDE} naïve мы"
SHOWN = r"\x1b[2Jtrust\r\nme \u202e naïve мы"


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show_line(SAID)
    complain(SAID)
    out, err = capsys.readouterr()
    assert (out, err) == (f"{SHOWN}\n", f"sidecar: {SHOWN}\n")


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("PEER", "WHY"), [("one", SAID), ("another", "-")])
    assert capsys.readouterr().out.splitlines() == ["PEER     WHY", f"one      {SHOWN}", "another  -"]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"why": SAID + "\x9b2J \x7f \U000e0001"}  # a C1 command, delete, and what lies beyond 16 bits
    show_json(said)
    complain_json(said)
    out, err = capsys.readouterr()
    assert "naïve мы" in out
    assert out[:-1].isprintable()
    assert err[:-1].isprintable()
    assert json.loads(out) == said
    assert json.loads(err) == {"error": said}
