"""What the apps have noted, against what each level promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.traffic import KINDS, Kind, read


@dataclass
class Verdict:
    """One channel."""

    kind: Kind
    offered: int = 0
    told: int = 0
    """Messages of which the sender was told that they had reached the level."""
    seen: int = 0
    repeats: int = 0
    """Deliveries beyond the first; every one has to be marked."""
    lost: list[int] = field(default_factory=list)
    """Told, and never seen: nothing that is durable, and nothing that was PROCESSED."""
    unmarked: list[int] = field(default_factory=list)
    disordered: list[int] = field(default_factory=list)
    """Seen for the first time behind one that was sent later."""

    @property
    def good(self) -> bool:
        """Whether all that is promised was kept."""
        promised = self.kind.durable or self.kind.wait == "processed"
        return not (self.unmarked or self.disordered or (promised and self.lost))

    def row(self) -> str:
        """As a line of the table."""
        cells = (
            self.kind.name, self.offered, self.told, self.seen, len(self.lost), self.repeats, len(self.unmarked),
            len(self.disordered),
        )  # fmt: skip
        return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells) + " |"


HEAD = (
    "| channel | offered | told | seen | told and not seen | seen again | of those not marked | out of order |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def judge(sender: Path, receiver: Path) -> list[Verdict]:
    """A verdict for each channel."""
    verdicts = {kind.name: Verdict(kind) for kind in KINDS}
    told: dict[str, set[int]] = {kind.name: set() for kind in KINDS}
    for word, channel, *numbers in read(sender):
        if word == "offered":
            verdicts[channel].offered = int(numbers[0]) + 1
        else:
            told[channel].update(map(int, numbers))
    seen: dict[str, set[int]] = {kind.name: set() for kind in KINDS}
    highest = dict.fromkeys(seen, -1)
    for _, channel, payload, redeliveries in read(receiver):
        verdict, number = verdicts[channel], int(payload)
        if number in seen[channel]:
            verdict.repeats += 1
            if redeliveries == "0":
                verdict.unmarked.append(number)
            continue
        if number < highest[channel]:
            verdict.disordered.append(number)
        highest[channel] = max(highest[channel], number)
        seen[channel].add(number)
    for channel, verdict in verdicts.items():
        verdict.told = len(told[channel])
        verdict.seen = len(seen[channel])
        verdict.lost = sorted(told[channel] - seen[channel])
    return list(verdicts.values())
