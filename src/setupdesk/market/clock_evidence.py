"""Evidence for clocks: which clock a file of wall times was written in, and how sure that is.

A market opens and closes its week at fixed hours, so the right clock makes these sharp. Clocks
that differ in a few weeks a year are told apart in those weeks alone, or not at all: then it
is said so. A market that never closes shows only the hours that its clock left out or doubled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.clock import NEW_YORK, Clock, parse_clock
from setupdesk.market.clock_reference import compare_with_reference
from setupdesk.market.week import (
    Edge,
    Habit,
    find_edge,
    find_habits,
    find_weekends,
    minute_of_week,
    show_minute,
    weigh,
)

Confidence = Literal["sure", "likely", "unsure"]

_HOUR_MS = 3_600_000
_NAMES = (
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

    def explain(self) -> str:
        """Say it in sentences."""
        says = f"Proposed clock: {self.clock.name} ({self.confidence})."
        return " ".join([says, *self.candidates[0].evidence, *self.caveats])


def propose_clock(wall: Bars, symbol: Symbol, reference: Bars | None = None) -> Proposal:
    """Propose the clock of *wall*, whose ``time`` is the wall time of each open, as in the file.

    *reference* is a series of the same symbol in UTC; where it overlaps, it decides.
    """
    wall = wall[::-1] if len(wall) > 1 and wall.time[0] > wall.time[-1] else wall
    clocks = [parse_clock(name) for name in _NAMES]
    if symbol.zone not in _NAMES:
        clocks.append(parse_clock(symbol.zone))
    by_hours = (
        _propose_by_changes(wall, clocks)
        if symbol.week == "24x7"
        else _propose_by_week(wall, symbol, clocks)
    )
    return by_hours if reference is None else _ask_reference(by_hours, wall, reference)


def check_clock(bars: Bars, symbol: Symbol, clock: Clock) -> tuple[str, ...]:
    """Say what contradicts *clock*, with which the *bars*, now in UTC, were read."""
    if symbol.week == "24x7":
        return _check_changes(bars, clock)
    if bars.timeframe is Timeframe.D1:
        # Daily bars are stamped with a date or with any hour of it.
        return ()
    weekends = find_weekends(bars.time)
    if len(weekends.rows) < 2:
        return ()
    habits = find_habits(symbol)
    views = [_view(bars.time, weekends.rows, bars.timeframe, habit) for habit in habits]
    contradictions = _check_hours(views, habits, symbol) or _check_moves(views[0].closing, symbol)
    if not contradictions:
        return ()
    better = propose_clock(replace(bars, time=clock.to_wall_ms(bars.time)), symbol)
    hint = ""
    if better.clock != clock and better.candidates[0].score > 0.5:
        hint = f" {better.clock.name} would fit."
    return tuple(
        f"The clock {clock.name} contradicts the hours of {symbol.name}: {says}{hint}"
        for says in contradictions
    )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    # The weeks of bars as one habit sees them, read with one clock.
    opens: Edge
    closes: Edge
    score: float
    opening: Ints
    closing: Ints
    is_cut: bool


def _view(
    utc: Ints, rows: Ints, timeframe: Timeframe, habit: Habit, *, is_cut: bool = False
) -> _View:
    opening, closing = utc[rows], utc[rows - 1] + timeframe.milliseconds
    opens = find_edge(minute_of_week(habit.clock.to_wall_ms(opening)))
    closes = find_edge(minute_of_week(habit.clock.to_wall_ms(closing)))
    usual = habit.usual or (None, None)
    # Servers drop what lies before their Monday 00:00: such an open says little.
    share = 0.1 if is_cut else 0.4
    score = share * opens.share * weigh(opens.minute, habit.opens, usual[0])
    score += (1 - share) * closes.share * weigh(closes.minute, habit.closes, usual[1])
    return _View(opens, closes, score, opening, closing, is_cut)


def _is_cut(wall: Ints, rows: Ints) -> bool:
    return find_edge(minute_of_week(wall[rows])).minute == 0


def _propose_by_week(wall: Bars, symbol: Symbol, clocks: Sequence[Clock]) -> Proposal:
    rows = find_weekends(wall.time).rows
    if not len(rows):
        candidates = tuple(Candidate(clock=one, score=0.0, evidence=()) for one in clocks)
        caveat = "Cannot tell any clock: there is no weekend in these bars."
        return Proposal(candidates=candidates, confidence="unsure", caveats=(caveat,))
    is_cut = _is_cut(wall.time, rows)
    habits = find_habits(symbol)
    found: list[tuple[Candidate, _View]] = []
    for clock in clocks:
        utc = clock.to_utc_ms(wall.time)
        views = [_view(utc, rows, wall.timeframe, habit, is_cut=is_cut) for habit in habits]
        view = max(views, key=lambda one: one.score)
        evidence = _describe_week(wall, rows, view, clock, habits[views.index(view)])
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
    caveats = [_say_twins(best.clock, twins)] if twins else []
    near = [(rival, duel) for rival, duel in rivals if best.score - rival.score < 0.25]
    told = tuple(_say_duel(best.clock, rival.clock, duel) for rival, duel in near[:2])
    best = replace(best, evidence=(*best.evidence, *told))
    clear = all(duel.is_clear for _, duel in rivals)
    if best.score < 0.5:
        confidence: Confidence = "unsure"
        caveats.append("No clock makes the week of these bars that of the symbol.")
    elif clear and not twins and len(rows) >= 4:
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
    # Weeks in which two clocks differ, and in how many of them either has the usual hours.
    weeks: tuple[datetime, ...]
    wins: int
    losses: int

    @property
    def is_clear(self) -> bool:
        return self.wins >= 2 and self.wins >= 3 * self.losses


def _duel(rival: _View, best: _View) -> _Duel | None:
    close_differs = rival.closing != best.closing
    open_differs = (rival.opening != best.opening) & (not best.is_cut)
    if not (close_differs | open_differs).any():
        return None
    weeks = best.closing[close_differs | open_differs]
    wins = np.count_nonzero(best.closes.hits & close_differs)
    wins += np.count_nonzero(best.opens.hits & open_differs)
    lost = np.count_nonzero(rival.closes.hits & close_differs)
    lost += np.count_nonzero(rival.opens.hits & open_differs)
    # A clock that is off in every week is as regular as the right one: its hours are not.
    fitness = min(rival.score / best.score, 1.0) if best.score else 1.0
    losses = int(int(lost) * (fitness**4 if fitness < 0.9 else 1.0))
    moments = tuple(datetime.fromtimestamp(each / 1000, UTC) for each in weeks.tolist())
    return _Duel(moments, int(wins), losses)


def _settle_ties(found: list[tuple[Candidate, _View]]) -> list[tuple[Candidate, _View]]:
    # Clocks that differ in a few weeks have nearly the same score: these weeks decide.
    best = found[0]
    for other in found[1:]:
        if best[0].score - other[0].score > 0.1:
            continue
        duel = _duel(other[1], best[1])
        if duel is not None and duel.losses > duel.wins:
            best = other
    return [best, *(each for each in found if each is not best)]


def _describe_week(
    wall: Bars, rows: Ints, view: _View, clock: Clock, habit: Habit
) -> tuple[str, ...]:
    weeks = len(rows)
    last = find_edge(minute_of_week(wall.time[rows - 1]))
    place = "New York" if habit.clock == NEW_YORK else habit.clock.name
    raw = (
        f"The week's last bar opens {show_minute(last.minute)} in "
        f"{np.count_nonzero(last.hits)} of {weeks} weeks of the file."
    )
    read = (
        f"As {clock.name} the week closes {show_minute(view.closes.minute)} {place} in "
        f"{np.count_nonzero(view.closes.hits)} of {weeks} weeks and opens "
        f"{show_minute(view.opens.minute)} in {np.count_nonzero(view.opens.hits)}."
    )
    return (raw, read)


def _say_twins(clock: Clock, twins: Sequence[str]) -> str:
    return (
        f"Cannot tell {clock.name} from {', '.join(twins)}: no bars in the weeks that differ, "
        f"so these bars are the same with either."
    )


def _say_duel(clock: Clock, rival: Clock, duel: _Duel) -> str:
    weeks = len(duel.weeks)
    span = f"{min(duel.weeks):%Y-%m-%d} to {max(duel.weeks):%Y-%m-%d}"
    return (
        f"In the {weeks} weeks from {span} in which {rival.name} differs, the usual hours are "
        f"kept {duel.wins} times as {clock.name} and {duel.losses} times as {rival.name}."
    )


def _propose_by_changes(wall: Bars, clocks: Sequence[Clock]) -> Proposal:
    found = []
    for clock in clocks:
        kept, broken = _weigh_changes(wall, clock)
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


def _weigh_changes(wall: Bars, clock: Clock) -> tuple[list[datetime], list[datetime]]:
    # At each change of the clock: do the bars leave out, or double, the very hour?
    times = np.sort(wall.time)
    kept: list[datetime] = []
    broken: list[datetime] = []
    size = wall.timeframe.milliseconds
    if not len(times) or size > _HOUR_MS:
        return kept, broken
    for change in clock.changes_ms(times).tolist():
        before, after = clock.to_wall_ms(np.array([change - 1, change])).tolist()
        step = after - before - 1
        low, high = sorted((before + 1, after))
        inside = _fill(times, low, high, size)
        beside = (low - abs(step), low), (high, high + abs(step))
        around = min(_fill(times, begin, stop, size) for begin, stop in beside)
        if around < 0.8:
            continue
        fits = inside < 0.25 if step > 0 else inside > 1.5
        (kept if fits else broken).append(datetime.fromtimestamp(change / 1000, UTC))
    return kept, broken


def _fill(times: Ints, begin: int, stop: int, size: int) -> float:
    first, last = np.searchsorted(times, [begin, stop])
    return float(last - first) * size / max(stop - begin, 1)


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


def _check_hours(
    views: Sequence[_View], habits: Sequence[Habit], symbol: Symbol
) -> tuple[str, ...]:
    if any(
        _within(view.opens.minute, habit.opens) and _within(view.closes.minute, habit.closes)
        for view, habit in zip(views, habits, strict=True)
    ):
        return ()
    feed, hours = views[0], habits[0]
    weeks = len(feed.closes.hits)
    says = (
        f"the week opens {show_minute(feed.opens.minute)} and closes "
        f"{show_minute(feed.closes.minute)} New York time in most of {weeks} weeks; "
        f"feeds of {symbol.name} open {show_minute(hours.opens[0])} to "
        f"{show_minute(hours.opens[1])} and close {show_minute(hours.closes[0])} to "
        f"{show_minute(hours.closes[1])}."
    )
    return (says,)


def _within(minute: int, span: tuple[int, int]) -> bool:
    return span[0] <= minute <= span[1]


def _check_moves(stops: Ints, symbol: Symbol) -> tuple[str, ...]:
    # Hours of a market may follow its own zone or New York: both must move to be strange.
    # Feeds do change when they open; at a wrong clock the close moves too.
    moves = [_find_move(stops, zone) for zone in (NEW_YORK, Clock(symbol.zone, symbol.zone))]
    return tuple(moves[:1]) if all(moves) else ()


def _find_move(stops: Ints, zone: Clock) -> str:
    # Say in which part of the year the week closes an hour earlier or later, if in any.
    parts = _parts_of_year(stops)
    minutes = minute_of_week(zone.to_wall_ms(stops))
    usual = find_edge(minutes).minute
    for part in np.unique(parts).tolist():
        edge = find_edge(minutes[parts == part])
        weeks = int(np.count_nonzero(edge.hits))
        if weeks >= 2 and abs(edge.minute - usual) == 60:
            first = datetime.fromtimestamp(int(stops[parts == part][0]) / 1000, UTC)
            return (
                f"the week closes {show_minute(edge.minute)} instead of {show_minute(usual)} "
                f"({zone.name}) in {weeks} weeks of one part of the year, first on "
                f"{first:%Y-%m-%d}."
            )
    return ""


def _parts_of_year(utc: Ints) -> Ints:
    # American and European summer time make four parts, two of which last only weeks.
    athens = parse_clock("Europe/Athens")
    offsets = [clock.to_wall_ms(utc) - utc for clock in (NEW_YORK, athens)]
    return offsets[0] * 48 + offsets[1]


def _check_changes(bars: Bars, clock: Clock) -> tuple[str, ...]:
    wall = replace(bars, time=clock.to_wall_ms(bars.time))
    kept, broken = _weigh_changes(wall, clock)
    if len(broken) > len(kept):
        day = f"{broken[0]:%Y-%m-%d}"
        return (f"The clock {clock.name} was changed on {day}, but the bars were not.",)
    if kept:
        return ()
    others = [(one, _weigh_changes(wall, one)) for one in map(parse_clock, _NAMES)]
    for other, (fits, misses) in others:
        if len(fits) > len(misses):
            says = (
                f"The clock {clock.name} is doubtful: on {fits[0]:%Y-%m-%d} the bars leave out "
                f"or double the hour that {other.name} does."
            )
            return (says,)
    return ()
