"""Outcomes in a journal of their own, for the tests of what is made from them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from igent.outcome import Outcome, PhaseTiming, StepReport
from igent.types import Usage
from igent.writing.entries import outcome_to_entry
from igent.writing.lines import Place, to_line
from igent.writing.outcomes import JournalOutcomes


def outcome(index: int, *, pos: bool = True) -> Outcome:
    step = StepReport("phase1", "matches", "matcher1", "gpt-4o", "skipped", 1, Usage(900, 80), "0123456789ab", calls=1)
    outputs = {"matches": {"registration_id": f"r{index}", "supplier_id": "A"}}
    if pos:
        outputs["pos"] = {"registration_id": f"r{index}", "final_price": 100}
    timings = {"phase1": PhaseTiming(1.0, 0.5), "phase2": PhaseTiming(2.0, 1.5)}
    return Outcome(
        f"r{index}", index, "done", steps=(step, step), outputs=outputs, takes="A", timings=timings, total_seconds=3.0
    )


class Book:
    """A journal that outcomes are written to, and the outcomes read from it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self.path.touch()
        self.outcomes = JournalOutcomes(self.path)

    def write(self, made: Outcome) -> Place:
        """Its place; it is not added to the outcomes."""
        line = to_line(outcome_to_entry(made))
        with self.path.open("ab") as file:
            file.write(line)
            return Place(file.tell() - len(line), len(line))

    def add(self, *made: Outcome, seconds: float = 0.0) -> None:
        for one in made:
            self.outcomes.add(one.record_id, one.index, self.write(one), seconds)

    def add_all(self, indexes: Iterable[int]) -> None:
        self.add(*map(outcome, indexes))
