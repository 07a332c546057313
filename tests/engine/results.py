"""Results made by hand, for tests of what is said about them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from setupdesk.engine.result import (
    Candidates,
    Condition,
    Result,
    Sessions,
    Trades,
)

MONDAY = date(2025, 5, 5)
MINUTE = 60_000
G12 = (2.0, -1.0, -1.0, 2.0, -1.0, 2.0, -1.0, -1.0, -1.0, 2.0)
MIXED = (2.0, -1.0, -1.0, 2.0, -1.0, 0.0) * 20


def make_result(  # noqa: PLR0913 - whatever a test is about
    r: Sequence[float] = (),
    *,
    session: Sequence[int] | None = None,
    sessions: int | None = None,
    size: Sequence[float] | None = None,
    skipped: Sequence[str | None] = (),
    candidates: Candidates | None = None,
    **columns: Any,
) -> Result:
    """Give a Result of one long trade a day, unless told otherwise.

    *session* gives the row of each trade's session. A trade is entered at 08:00 UTC and held
    for 45 minutes; any column of Trades can be given by name, ``hour`` shifts the entry.
    """
    places = np.arange(len(r)) if session is None else np.array(session, np.int64)
    count = int(places.max()) + 1 if len(r) else 0
    days = [MONDAY + timedelta(days=row) for row in range(max(count, sessions or 0))]
    return Result(
        sessions=make_sessions(days, size, skipped),
        candidates=make_candidates(days) if candidates is None else candidates,
        trades=make_trades(days, places, np.array(r, np.float64), columns),
    )


def make_sessions(
    days: Sequence[date],
    size: Sequence[float] | None = None,
    skipped: Sequence[str | None] = (),
) -> Sessions:
    known = [instant(day) for day in days]
    return Sessions(
        days=days,
        skipped=[*skipped, *[None] * (len(days) - len(skipped))],
        levels={"ib.high": np.full(len(days), 24005.06), "atr": np.full(len(days), np.nan)},
        known_ms=np.array(known, np.int64),
        size=np.full(len(days), np.nan) if size is None else np.array(size, np.float64),
        bars=34 * len(days),
    )


def make_trades(days: Sequence[date], session: Any, r: Any, columns: dict[str, Any]) -> Trades:
    hours = columns.pop("hour", np.full(len(r), 8))
    entry_ms = np.array(
        [instant(days[row], hour) for row, hour in zip(session, hours, strict=True)]
    )
    rows, ones = np.arange(len(r)), np.ones(len(r))
    made: dict[str, Any] = {
        "session": np.array(session, np.int64),
        "candidate": rows,
        "side": np.ones(len(r), np.int64),
        "level": ["ib.low"] * len(r),
        "signal_ms": entry_ms,
        "entry_ms": entry_ms,
        "exit_ms": entry_ms + 45 * MINUTE,
        "entry": 24000.0 * ones,
        "stop": 23990.0 * ones,
        "target": 24020.0 * ones,
        "exit": 24000.0 + 10 * r,
        "risk": 10.0 * ones,
        "lots": ones,
        "r": r,
        "r_pessimistic": r,
        "r_optimistic": r,
        "costs_r": 0.05 * ones,
        "mae_r": 0.5 * ones,
        "mfe_r": ones,
        "reason": (r > 0).astype(np.int64),
        "ambiguous": np.zeros(len(r), bool),
        "resolved": np.zeros(len(r), bool),
        "bars_held": np.full(len(r), 3),
    }
    for name, column in columns.items():
        kind = getattr(made[name], "dtype", None)
        made[name] = column if kind is None else np.array(column, kind)
    return Trades(days=days, **made)


def make_candidates(
    days: Sequence[date] = (MONDAY,),
    verdicts: Sequence[str] = (),
    details: Sequence[str] = (),
    evidence: Callable[[int], tuple[Condition, ...]] = lambda _: (),
) -> Candidates:
    rows = np.arange(len(verdicts))
    said = [*details, *[""] * (len(verdicts) - len(details))]
    known_ms = instant(days[0]) + rows * 15 * MINUTE if len(rows) else rows
    return Candidates(
        days=days,
        session=np.zeros(len(rows), np.int64),
        side=np.full(len(rows), -1),
        level=["ib.high"] * len(rows),
        level_price=np.full(len(rows), 24005.06),
        started_ms=known_ms,
        known_ms=known_ms,
        extreme=np.full(len(rows), 24009.94),
        verdict=list(verdicts),
        explain=said.__getitem__,
        evidence=evidence,
        ticket=lambda _: None,
    )


def instant(day: date, hour: int = 7) -> int:
    """Give a whole hour of a day in UTC milliseconds."""
    return int(datetime.combine(day, time(int(hour)), UTC).timestamp()) * 1000
