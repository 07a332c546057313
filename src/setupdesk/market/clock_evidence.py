"""Evidence for clocks: which clock a file of wall times was written in, and how sure that is.

A market opens and closes its week, or its day where a file has the cash hours alone, at fixed
hours, so the right clock makes these sharp. Clocks
that differ in a few weeks a year are told apart in those weeks alone, or not at all: then it
is said so. A market that never closes shows only the hours that its clock left out or doubled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.market.bars import Bars
from setupdesk.market.clock import NEW_YORK, Clock, parse_clock
from setupdesk.market.clock_changes import weigh_changes
from setupdesk.market.clock_reference import compare_with_reference
from setupdesk.market.week import (
    Breaks,
    Habit,
    View,
    find_days,
    find_edge,
    find_weeks,
    is_cut_at_midnight,
    minute_of_week,
    view_breaks,
)

Confidence = Literal["sure", "likely", "unsure"]

_HOUR_MS = 3_600_000
CLOCK_NAMES = (
    "UTC",
    "NY+7",
    "Europe/Athens",
    "America/New_York",
    "America/Chicago",
    "Europe/London",
    "Europe/Berlin",
    "-05:00",
    "+02:00",
    "+03:00",
)
"""The clocks that sources use, the more frequent first: it breaks ties."""

_FITS = {"week": 0.5, "day": 0.7}
"""With a lower score the hours are not those of the symbol; of a day both ends must fit."""

_ENOUGH = {"week": 4, "day": 20}
_NEAR = 0.1
_SAME = 0.02
"""Scores nearer than this are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One clock and what speaks for it."""

    clock: Clock
    score: float
    """From 0 to 1."""

    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The clocks of a file, the most probable first."""

    candidates: tuple[Candidate, ...]
    confidence: Confidence
    caveats: tuple[str, ...] = ()
    """What these bars cannot tell."""

    @property
    def clock(self) -> Clock:
        """The clock that is proposed."""
        return self.candidates[0].clock

    @property
    def rivals(self) -> tuple[str, ...]:
        """Give the names of all clocks that fit about as well, the proposed one first."""
        best = self.candidates[0].score
        return tuple(one.clock.name for one in self.candidates if best - one.score < _NEAR)

    def explain(self) -> str:
        """Say it in sentences."""
        says = f"Proposed clock: {self.clock.name} ({self.confidence})."
        return " ".join([says, *self.candidates[0].evidence, *self.caveats])


def propose_clock(wall: Bars, symbol: Symbol, reference: Bars | None = None) -> Proposal:
    """Propose the clock of *wall*, whose ``time`` is the wall time of each open, as in the file.

    *reference* is a series of the same symbol in UTC; where it overlaps, it decides.
    """
    wall = wall[::-1] if len(wall) > 1 and wall.time[0] > wall.time[-1] else wall
    clocks = [parse_clock(name) for name in CLOCK_NAMES]
    if symbol.zone not in CLOCK_NAMES:
        clocks.append(parse_clock(symbol.zone))
    by_hours = (
        _propose_by_changes(wall, clocks)
        if symbol.week == "24x7"
        else _propose_by_hours(wall, symbol, clocks)
    )
    return by_hours if reference is None else _ask_reference(by_hours, wall, reference)


def _propose_by_hours(wall: Bars, symbol: Symbol, clocks: Sequence[Clock]) -> Proposal:
    # A day session has more days than weeks, but its hours may not be those of the symbol.
    days = find_days(wall.time, symbol)
    if days is not None:
        by_days = _propose_by_breaks(wall, days, clocks)
        if by_days.candidates[0].score >= _FITS["day"]:
            return by_days
    weeks = find_weeks(wall.time, symbol)
    if len(weeks.rows):
        return _propose_by_breaks(wall, weeks, clocks)
    candidates = tuple(Candidate(clock=one, score=0.0, evidence=()) for one in clocks)
    says = "Cannot tell any clock: there is no weekend in these bars"
    ours = "." if days is None else f", and with none its days are those of {symbol.name}."
    return Proposal(candidates=candidates, confidence="unsure", caveats=(f"{says}{ours}",))


def _propose_by_breaks(wall: Bars, breaks: Breaks, clocks: Sequence[Clock]) -> Proposal:
    rows, habits = breaks.rows, breaks.habits
    is_cut = breaks.unit == "week" and is_cut_at_midnight(wall.time, rows)
    found: list[tuple[Candidate, View]] = []
    for clock in clocks:
        utc = clock.to_utc_ms(wall.time)
        views = [view_breaks(utc, rows, wall.timeframe, habit, is_cut=is_cut) for habit in habits]
        view = max(views, key=lambda one: one.score)
        evidence = _describe(wall, breaks, view, clock, habits[views.index(view)])
        found.append((Candidate(clock=clock, score=view.score, evidence=evidence), view))
    found.sort(key=lambda each: -round(each[0].score / _SAME))
    found = _settle_ties(found)
    best, best_view = found[0]
    duels = [(rival, _duel(view, best_view)) for rival, view in found[1:]]
    twins = [
        rival.clock.name
        for rival, duel in duels
        if duel is None and best.score - rival.score < _SAME
    ]
    rivals = [(rival, duel) for rival, duel in duels if duel is not None]
    caveats = [_say_twins(best.clock, twins, breaks.unit)] if twins else []
    near = [(rival, duel) for rival, duel in rivals if best.score - rival.score < 0.25]
    told = tuple(_say_duel(best.clock, rival.clock, duel, breaks.unit) for rival, duel in near[:2])
    best = replace(best, evidence=(*best.evidence, *told))
    clear = all(duel.is_clear for _, duel in rivals)
    if best.score < _FITS[breaks.unit]:
        confidence: Confidence = "unsure"
        caveats.append("No clock makes the week of these bars that of the symbol.")
    elif clear and not twins and len(rows) >= _ENOUGH[breaks.unit]:
        confidence = "sure"
    else:
        confidence = "likely" if clear else "unsure"
        caveats += [
            f"{rival.clock.name} fits nearly as well."
            for rival, duel in rivals
            if not duel.is_clear
        ]
    ranked = (best, *(each[0] for each in found[1:]))
    return Proposal(candidates=ranked, confidence=confidence, caveats=tuple(caveats))


@dataclass(frozen=True, slots=True)
class _Duel:
    # Weeks or days in which two clocks differ, and how often either has the usual hours.
    moments: tuple[datetime, ...]
    wins: int
    losses: int

    @property
    def is_clear(self) -> bool:
        return self.wins >= 2 and self.wins >= 3 * self.losses


def _duel(rival: View, best: View) -> _Duel | None:
    close_differs = rival.closing != best.closing
    open_differs = (rival.opening != best.opening) & (not best.is_cut)
    if not (close_differs | open_differs).any():
        return None
    differing = best.closing[close_differs | open_differs]
    wins = np.count_nonzero(best.closes.hits & close_differs)
    wins += np.count_nonzero(best.opens.hits & open_differs)
    lost = np.count_nonzero(rival.closes.hits & close_differs)
    lost += np.count_nonzero(rival.opens.hits & open_differs)
    # A clock that is off in every week is as regular as the right one: its hours are not.
    fitness = min(rival.score / best.score, 1.0) if best.score else 1.0
    losses = int(int(lost) * (fitness**4 if fitness < 0.9 else 1.0))
    moments = tuple(datetime.fromtimestamp(each / 1000, UTC) for each in differing.tolist())
    return _Duel(moments, int(wins), losses)


def _settle_ties(found: list[tuple[Candidate, View]]) -> list[tuple[Candidate, View]]:
    # Clocks that differ in a few weeks have nearly the same score: these weeks decide.
    best = found[0]
    for other in found[1:]:
        if best[0].score - other[0].score > 0.1:
            continue
        duel = _duel(other[1], best[1])
        if duel is not None and duel.losses > duel.wins:
            best = other
    return [best, *(each for each in found if each is not best)]


def _describe(
    wall: Bars, breaks: Breaks, view: View, clock: Clock, habit: Habit
) -> tuple[str, ...]:
    unit, count = breaks.unit, len(breaks.rows)
    last = find_edge(minute_of_week(wall.time[breaks.rows - 1]) % habit.period)
    place = "New York" if habit.clock == NEW_YORK else habit.clock.name
    raw = (
        f"The {unit}'s last bar opens {breaks.show(last.minute)} in "
        f"{np.count_nonzero(last.hits)} of {count} {unit}s of the file."
    )
    read = (
        f"As {clock.name} the {unit} closes {breaks.show(view.closes.minute)} {place} in "
        f"{np.count_nonzero(view.closes.hits)} of {count} {unit}s and opens "
        f"{breaks.show(view.opens.minute)} in {np.count_nonzero(view.opens.hits)}."
    )
    return (raw, read)


def _say_twins(clock: Clock, twins: Sequence[str], unit: str = "week") -> str:
    return (
        f"Cannot tell {clock.name} from {', '.join(twins)}: no bars in the {unit}s that differ, "
        f"so these bars are the same with either."
    )


def _say_duel(clock: Clock, rival: Clock, duel: _Duel, unit: str) -> str:
    span = f"{min(duel.moments):%Y-%m-%d} to {max(duel.moments):%Y-%m-%d}"
    return (
        f"In the {len(duel.moments)} {unit}s from {span} in which {rival.name} differs, the usual "
        f"hours are kept {duel.wins} times as {clock.name} and {duel.losses} times as {rival.name}."
    )


def _propose_by_changes(wall: Bars, clocks: Sequence[Clock]) -> Proposal:
    found = []
    for clock in clocks:
        kept, broken = weigh_changes(wall, clock)
        score = 0.5 + 0.5 * (len(kept) - len(broken)) / max(len(kept) + len(broken), 1)
        dates = ", ".join(f"{each:%Y-%m-%d}" for each in kept)
        says = (
            (f"The hour that {clock.name} leaves out or doubles is so in the bars on {dates}.",)
            if kept
            else ()
        )
        found.append(Candidate(clock=clock, score=score, evidence=says))
    found.sort(key=lambda each: -each.score)
    if found[0].score > 0.5:
        twins = [each.clock.name for each in found[1:] if each.score == found[0].score]
        caveats = (f"{', '.join(twins)} fits as well.",) if twins else ()
        confidence: Confidence = "unsure" if twins else "likely"
        return Proposal(candidates=tuple(found), confidence=confidence, caveats=caveats)
    tied = [each.clock.name for each in found[1:] if each.score == found[0].score]
    caveat = (
        f"Cannot tell {found[0].clock.name} from {', '.join(tied)}: this market never closes, "
        f"and no stored bars of it overlap. UTC is what exchanges write."
    )
    return Proposal(candidates=tuple(found), confidence="unsure", caveats=(caveat,))


def _ask_reference(found: Proposal, wall: Bars, reference: Bars) -> Proposal:
    clocks = [each.clock for each in found.candidates]
    verdict = compare_with_reference(wall, reference, clocks)
    if verdict is None:
        caveat = "The stored bars do not tell more: too few overlap, or their returns differ."
        return replace(found, caveats=(*found.caveats, caveat))
    # Clocks that are the same on the bars that overlap may differ on others: the hours decide.
    same = (verdict.clock.name, *verdict.twins)
    agree = found.clock.name in same and found.confidence != "unsure"
    clock = found.clock if agree else verdict.clock
    twins = [name for name in same if name != clock.name and not agree]
    known = {each.clock: each for each in found.candidates}
    own = known.get(clock, Candidate(clock=clock, score=0.0, evidence=()))
    best = replace(own, score=verdict.correlation, evidence=(*own.evidence, verdict.says))
    others = tuple(each for each in found.candidates if each.clock != clock)
    caveats = found.caveats if agree else ((_say_twins(clock, twins),) if twins else ())
    return replace(
        found,
        candidates=(best, *others),
        confidence="likely" if caveats else "sure",
        caveats=caveats,
    )
