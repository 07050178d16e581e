"""docs/operations.md tells of every setting, and of no other."""

from __future__ import annotations

import re

from sidecar.settings import Settings
from tests.docs.blocks import REPOSITORY


def test_every_setting_is_in_the_table() -> None:
    page = (REPOSITORY / "docs/operations.md").read_text()
    table = page.split("| setting | default | meaning |")[1].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first_cells))) == sorted(Settings.model_fields)
