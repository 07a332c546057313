"""The live scan: where a setup stands at the newest closed bar, and what mostly came next."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from setupdesk.app.plan import Plan
from setupdesk.app.provenance import describe_run
from setupdesk.core.period import to_iso
from setupdesk.core.proportion import find_wilson_interval
from setupdesk.engine.report import build_report
from setupdesk.engine.result import TRADED, Candidate, Result, SessionLevels
from setupdesk.engine.statistics import summarize
from setupdesk.market.bars import Bars
from setupdesk.market.days import from_ms, to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A level at which the setup may trigger, and where price is to it. Prices in points."""

    level: str
    price: float
    distance: float
    """From the last close to it: positive where it lies above."""

    passed_at: str | None
    """Close of the first bar that traded beyond it once it was known."""

    passed_local: str | None
    """The same on the clock of the market."""

    is_beyond: bool
    """The last bar closed beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRate:
    """What the rule did in earlier sessions that stood as this one does, as late in the day."""

    sessions: int
    """Earlier sessions that could be traded."""

    alike: int
    """Those in which by then, as now, nothing had triggered, or something had."""

    triggered_later: int
    triggered_later_interval: tuple[float, float] | None
    """Of their share, 95 %."""

    traded_later: int
    expectancy_r: float | None
    """Mean R of what was traded later; None if nothing was."""


def scan_live(plan: Plan, past: Plan | None) -> dict[str, Any]:
    """Run the very code of a backtest on the newest session, and say where the setup stands.

    *past* plans the sessions before it, for base rates; None where none of them has bars.
    """
    result = plan.run()
    statistics = summarize(result, zone=plan.symbol.zone)
    return (
        build_report(result, statistics, tick=plan.symbol.tick, zone=plan.symbol.zone)
        | describe_run(plan)
        | {"live": _describe(plan, result, past)}
    )


def _describe(plan: Plan, result: Result, past: Plan | None) -> dict[str, Any]:
    session, zone = result.sessions[-1], plan.symbol.zone
    as_of = from_ms(_find_close(plan.bars))
    edges = find_edges(plan, session)
    newest = result.candidates[-1] if result.candidates else None
    state, sentence = describe_state(session, newest, edges)
    rate = find_base_rate(plan, result, past) if past else None
    return {
        "as_of": to_iso(as_of),
        "as_of_local": to_local(as_of, zone),
        "zone": zone,
        "day": session.day.isoformat(),
        "state": state,
        "sentence": sentence,
        "price": float(plan.bars.close[-1]) * plan.symbol.tick,
        "levels": session.levels,
        "levels_known_at": session.known_at and to_iso(session.known_at),
        "levels_known_local": session.known_at and to_local(session.known_at, zone),
        "edges": [asdict(edge) for edge in edges],
        "base_rate": rate and asdict(rate),
    }


def describe_state(
    session: SessionLevels, newest: Candidate | None, edges: list[Edge]
) -> tuple[str, str]:
    """Say where a setup stands in a session, of which *newest* is the last candidate."""
    if session.skipped:
        return "not_tradable", f"The session is not traded: {session.skipped}."
    if newest:
        what = newest.detail or "a signal"
        return newest.verdict, f"{newest.level} triggered, {newest.side}: {what}."
    if session.known_at is None:
        return "forming", "The levels of the session are still forming."
    told = " ".join(f"{_tell(edge)}." for edge in edges)
    return "waiting", f"The levels are known; nothing has triggered yet. {told}".rstrip()


def _tell(edge: Edge) -> str:
    away = f"{abs(edge.distance):.10g} points {'above' if edge.distance > 0 else 'below'}"
    if edge.passed_at is None:
        return f"{edge.level} {edge.price:.10g} is {away} the last close, not passed so far"
    now = "the last close is beyond it" if edge.is_beyond else f"is {away} the last close again"
    return f"{edge.level} {edge.price:.10g} was passed, and {now}"


def find_edges(plan: Plan, session: SessionLevels) -> list[Edge]:
    """Find the levels that the trigger watches, the nearest to the last close first."""
    if session.known_at is None:
        return []
    watched = [name for name in getattr(plan.setup.trigger, "levels", ()) if name in session.levels]
    # The bar that makes a level known is closed by then: only later ones can pass it.
    later = plan.bars.between(to_ms(session.known_at), plan.sessions[-1].closes_ms)
    last = float(plan.bars.close[-1]) * plan.symbol.tick
    found = [_place(name, session.levels[name], last, later, plan.symbol.zone) for name in watched]
    return sorted(found, key=lambda edge: abs(edge.distance))


def _place(name: str, price: float, last: float, later: Bars, zone: str) -> Edge:
    # Highs are watched from below, lows from above; prices compare as ticks.
    is_high, level = name.endswith(".high"), round(price / later.tick)
    passed = np.flatnonzero(later.high > level if is_high else later.low < level)
    at = from_ms(int(later.time[passed[0]]) + later.timeframe.milliseconds) if len(passed) else None
    return Edge(
        level=name,
        price=price,
        distance=price - last,
        passed_at=to_iso(at) if at else None,
        passed_local=to_local(at, zone) if at else None,
        is_beyond=last > price if is_high else last < price,
    )


def find_base_rate(plan: Plan, result: Result, past: Plan) -> BaseRate | None:
    """Count what came of the earlier sessions that stood as this one at the same time of day.

    None where none of them could be traded.
    """
    so_far = _find_close(plan.bars) - plan.sessions[-1].opens_ms
    before = past.run()
    opens = np.array([session.opens_ms for session in past.sessions], np.int64)
    tradable = np.array([skipped is None for skipped in before.sessions.skipped], bool)
    if not tradable.any():
        return None
    found, late = before.candidates, np.zeros(0, bool)
    if len(found):
        late = found.known_ms - opens[found.session] > so_far
    had, will = np.zeros(len(opens), bool), np.zeros(len(opens), bool)
    had[found.session[~late]] = True
    will[found.session[late]] = True
    alike = tradable & (had == bool(len(result.candidates)))
    counted = late & alike[found.session] if len(found) else late
    traded = counted & (np.asarray(found.verdict) == TRADED) if len(found) else counted
    r = before.trades.r[np.isin(before.trades.candidate, np.flatnonzero(traded))]
    later = int((will & alike).sum())
    return BaseRate(
        sessions=int(tradable.sum()),
        alike=int(alike.sum()),
        triggered_later=later,
        triggered_later_interval=find_wilson_interval(later, int(alike.sum())),
        traded_later=len(r),
        expectancy_r=float(r.mean()) if len(r) else None,
    )


def to_local(moment: datetime, zone: str) -> str:
    """Write a moment on the clock of *zone*, with its offset."""
    return moment.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def _find_close(bars: Bars) -> int:
    return int(bars.time[-1]) + bars.timeframe.milliseconds
