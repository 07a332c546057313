"""The look-ahead check of every run: signals drawn by lot are found again without later bars.

A signal that is found again, word for word, by a run that ends with the bar at which it was
known cannot stand on any bar after it. That holds whatever else the shorter run leaves out, so
it first leaves out most sessions, which is cheap, and only a signal that is not found again so
is looked for with all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from setupdesk.engine.causality import Change, Run, Told, Whole, find_row
from setupdesk.engine.result import Candidate
from setupdesk.market.bars import Bars
from setupdesk.market.days import to_ms
from setupdesk.market.sessions import Session

SIGNALS = 40
SESSIONS_BEFORE = 10
"""Two weeks, for levels of earlier days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAhead:
    """What came of the check."""

    checked: int
    moved: int
    first: Change | None

    @property
    def sentence(self) -> str:
        """Say it in words."""
        if not self.checked:
            return "no signal to check"
        told = f"checked {self.checked} of {self.checked} signals, {self.moved} moved"
        return f"{told}. {self.first.sentence}" if self.first else told

    def to_json(self) -> dict[str, Any]:
        """Give what a report keeps of it."""
        return {
            "checked": self.checked,
            "moved": self.moved,
            "sentence": self.sentence,
            "first": self.first and self.first.to_json(),
        }


def check_look_ahead(
    run: Run,
    result: Told,
    bars: Bars,
    sessions: Sequence[Session],
    *,
    count: int = SIGNALS,
    seed: int = 1,
) -> LookAhead:
    """Find up to *count* of the candidates of *result*, which is ``run(bars, sessions)``, again."""
    whole = Whole.of(result, bars, sessions)
    places = {one.day: place for place, one in enumerate(sessions)}
    drawn = np.random.default_rng(seed).permutation(len(whole.candidates))[:count]
    changes = [
        _find_change(run, whole, bars, sessions, places, whole.candidates[place])
        for place in sorted(drawn.tolist())
    ]
    moved = [change for change in changes if change]
    return LookAhead(checked=len(changes), moved=len(moved), first=next(iter(moved), None))


def _find_change(
    run: Run,
    whole: Whole,
    bars: Bars,
    sessions: Sequence[Session],
    places: dict[Any, int],
    candidate: Candidate,
) -> Change | None:
    place, now = places[candidate.day], candidate.known_at
    row = int(find_row(bars, np.array([to_ms(now)], np.int64))[0])
    change = None
    for first in (max(0, place - SESSIONS_BEFORE), 0):
        part = run(bars[: row + 1], sessions[first : place + 1])
        change = whole.find_change_of(candidate, part, row, now)
        if change is None:
            break
    return change
