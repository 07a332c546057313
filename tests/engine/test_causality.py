"""What was known by the close of a bar does not depend on any bar after it.

For a prefix of ``n`` bars the run must give, of the run on all bars, exactly

* the candidates that are known before row ``n``, word for word, except that one known at the
  last row may still wait for its entry (``no_next_bar``);
* the trades that ended before row ``n``, and beyond them at most the one that is still open:
  its entry is the same, and it is marked to the close of the last bar;
* the levels of every session that are known before row ``n``.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.result import Candidate, Result, SessionLevels, Trade
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup

MakeSymbol = Callable[..., Symbol]
MakeSetup = Callable[..., Setup]
QUARTER = timedelta(minutes=15)
FIRST = date(2025, 4, 28)
DAYS = 19


@pytest.fixture
def bars() -> Bars:
    random = np.random.default_rng(7)
    start = int(datetime.combine(FIRST, time(0), UTC).timestamp()) * 1000
    steps = random.integers(-60, 61, size=(DAYS * 96, 8))
    path = 240_000 + np.cumsum(steps).reshape(-1, 8)
    stamps = start + np.arange(len(path), dtype=np.int64) * 900_000
    kept = random.random(len(path)) > 0.02
    opened, high, low, close = path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1]
    return Bars(
        Timeframe.M15,
        0.1,
        stamps[kept],
        opened[kept],
        high[kept],
        low[kept],
        close[kept],
        np.full(int(kept.sum()), np.nan),
    )


@pytest.fixture
def sessions() -> list[Session]:
    days = [FIRST + timedelta(days=one) for one in range(DAYS)]
    opens = [int(datetime.combine(day, time(7), UTC).timestamp()) * 1000 for day in days]
    return [
        Session(day, opened, opened + 30_600_000)
        for day, opened in zip(days, opens, strict=True)
        if day.isoweekday() < 6
    ]


@pytest.fixture
def run(
    make_setup: MakeSetup, make_symbol: MakeSymbol, sessions: list[Session]
) -> Callable[[Bars], Result]:
    setup = make_setup(
        {"min_rr": 0.8, "stop_buffer": 0.2},
        max_trades=2,
        levels={
            "ib": {"kind": "session_range", "window": "initial_balance"},
            "atr": {"kind": "atr", "timeframe": "D1", "length": 2},
        },
        filters=["ib.range <= 0.3*atr"],
        limits={"max_trades_per_session": 1, "max_trades_per_side": 1},
    )
    return lambda bars: run_setup(setup, make_symbol(), bars, sessions, max_trades_total=11)


def test_no_later_bar_changes_what_was_known(run: Callable[[Bars], Result], bars: Bars) -> None:
    whole = run(bars)
    assert len(whole.trades) > 8
    assert len({candidate.verdict for candidate in whole.candidates}) > 5

    for rows in range(1, len(bars)):
        part = run(bars[:rows])

        now = datetime.fromtimestamp(int(bars.time[rows - 1]) / 1000, UTC) + QUARTER
        assert_same_candidates(part.candidates, whole.candidates, now)
        assert_same_trades(part.trades, whole.trades, now)
        assert known(part.sessions, now) == known(whole.sessions, now)


def assert_same_candidates(
    part: tuple[Candidate, ...], whole: tuple[Candidate, ...], now: datetime
) -> None:
    seen = [one for one in whole if one.known_at <= now]
    assert len(part) == len(seen)
    for one, later in zip(part, seen, strict=True):
        if one.known_at == now and one.verdict == "no_next_bar":
            assert replace(one, verdict=later.verdict, detail=later.detail) == later
        else:
            assert one == later


def assert_same_trades(part: tuple[Trade, ...], whole: tuple[Trade, ...], now: datetime) -> None:
    ended = [one for one in whole if ended_at(one) <= now]
    assert list(part[: len(ended)]) == ended
    still_open = [one for one in whole if one.entry_at < now < ended_at(one)]
    assert len(part) == len(ended) + len(still_open)
    for one, later in zip(part[len(ended) :], still_open, strict=True):
        assert (one.exit_reason, one.exit_at) == ("flat", now)
        assert entry_of(one) == entry_of(later)


def ended_at(trade: Trade) -> datetime:
    return trade.exit_at if trade.exit_reason == "flat" else trade.exit_at + QUARTER


def entry_of(trade: Trade) -> tuple[object, ...]:
    return (trade.number, trade.side, trade.entry_at, trade.entry, trade.stop, trade.target)


def known(levels: tuple[SessionLevels, ...], now: datetime) -> list[SessionLevels]:
    return [one for one in levels if one.known_at is not None and one.known_at <= now]
