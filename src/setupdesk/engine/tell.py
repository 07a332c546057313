"""Tell: what the columns of a run mean, as the records of its Result."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from setupdesk.engine import fills
from setupdesk.engine.compile import NO_ATR, Compiled
from setupdesk.engine.explain import VERDICTS, Story
from setupdesk.engine.fills import Outcome
from setupdesk.engine.orders import find_spread_at
from setupdesk.engine.prices import to_points
from setupdesk.engine.result import Candidate, ExitReason, SessionLevels, Side, Trade
from setupdesk.market.bars import Bars, Ints

_REASONS: dict[int, ExitReason] = {
    fills.STOPPED: "stop",
    fills.AT_TARGET: "target",
    fills.FLAT: "flat",
}


def tell_sessions(compiled: Compiled, bars: Bars) -> Iterator[SessionLevels]:
    """Give each session's levels, or why it was skipped."""
    rows = np.minimum(compiled.known, len(bars) - 1)
    closes = _closes(bars, rows) if len(bars) else [None] * len(rows)
    columns = {name: values.tolist() for name, values in compiled.levels.items()}
    for row, session in enumerate(compiled.sessions):
        reason = compiled.skipped[row]

        # Where bars are missing, half a range would be shown as a whole one.
        measured = reason in {None, NO_ATR}
        yield SessionLevels(
            day=session.day,
            skipped=reason,
            levels=_pick(columns, row) if measured else {},
            known_at=closes[row] if measured else None,
        )


def tell_candidates(story: Story) -> Iterator[Candidate]:
    """Give every place where the setup triggered, and what became of it."""
    signals, bars = story.signals, story.bars
    days, sides = _days(story), _sides(story)
    level_prices = signals.environment["level"].tolist()
    extremes = signals.environment["sweep.extreme"].tolist()
    started, known = _opens(bars, signals.started), _closes(bars, signals.known)
    levels = [story.setup.trigger.levels[place] for place in signals.level.tolist()]
    for row, verdict in enumerate(story.verdicts.tolist()):
        yield Candidate(
            day=days[row],
            side=sides[row],
            level=levels[row],
            level_price=level_prices[row],
            started_at=started[row],
            known_at=known[row],
            extreme=extremes[row],
            verdict=VERDICTS[verdict],
            detail=story.explain(row),
        )


def tell_trades(story: Story) -> Iterator[Trade]:
    """Give every trade, in order of entry."""
    columns = _trade_columns(story, np.flatnonzero(story.verdicts == fills.TRADED))
    for number, values in enumerate(zip(*columns.values(), strict=True), start=1):
        yield Trade(number=number, **dict(zip(columns, values, strict=True)))


def _trade_columns(story: Story, rows: Ints) -> dict[str, list[Any]]:
    bars, signals, orders = story.bars, story.signals, story.orders
    ended = Outcome(*story.outcomes[:, rows])
    entry, stop, side = orders.entry[rows], orders.stop[rows], signals.side[rows]
    known, risk = signals.known[rows], np.abs(entry - stop)
    days, sides, flat = _days(story), _sides(story), ended.reason == fills.FLAT

    def points(ticks: Ints) -> list[float]:
        return to_points(ticks, bars.tick).tolist()

    return {
        "day": [days[row] for row in rows],
        "side": [sides[row] for row in rows],
        "level": [story.setup.trigger.levels[place] for place in signals.level[rows]],
        "signal_at": _closes(bars, known),
        "entry_at": _opens(bars, known + 1),
        "exit_at": _moments(bars.time[ended.row] + flat * bars.timeframe.milliseconds),
        "entry": points(entry),
        "stop": points(stop),
        "target": points(orders.target[rows]),
        "exit": points(ended.price),
        "risk": points(risk),
        "r": (side * (ended.price - entry) / risk).tolist(),
        "costs_r": (_find_costs(story, rows, ended) / risk).tolist(),
        "mae_r": (side * (entry - ended.worst) / risk).tolist(),
        "mfe_r": (side * (ended.best - entry) / risk).tolist(),
        "exit_reason": [_REASONS[reason] for reason in ended.reason.tolist()],
        "ambiguous": (ended.ambiguous > 0).tolist(),
    }


def _find_costs(story: Story, rows: Ints, ended: Outcome) -> Ints:
    # A long pays the spread where it buys, at the entry; a short where it buys back.
    signals, costs = story.signals, story.costs
    bought = np.where(signals.side[rows] > 0, signals.known[rows] + 1, ended.row)
    spread = find_spread_at(story.bars, costs, signals.session[rows], bought)
    return spread + np.where(ended.reason == fills.AT_TARGET, 1, 2) * costs.slippage


def _days(story: Story) -> list[date]:
    return [story.compiled.sessions[session].day for session in story.signals.session.tolist()]


def _sides(story: Story) -> list[Side]:
    return ["long" if side > 0 else "short" for side in story.signals.side.tolist()]


def _pick(columns: dict[str, list[float]], row: int) -> dict[str, float]:
    # Only a NaN differs from itself.
    return {name: column[row] for name, column in columns.items() if column[row] == column[row]}


def _opens(bars: Bars, rows: Ints) -> list[datetime]:
    return _moments(bars.time[rows])


def _closes(bars: Bars, rows: Ints) -> list[datetime]:
    return _moments(bars.time[rows] + bars.timeframe.milliseconds)


def _moments(instants_ms: Ints) -> list[datetime]:
    return [datetime.fromtimestamp(one, UTC) for one in (instants_ms / 1000).tolist()]
