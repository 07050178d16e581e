"""What commands print for people: nothing that a peer has said moves their cursor or changes their colours."""

from __future__ import annotations

import pytest

from sidecar.cli.output import complain, show_line, show_table

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
