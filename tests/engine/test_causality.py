"""What was known by the close of a bar does not depend on any bar after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.causality import Run, Told, Whole, check_causality, find_change
from setupdesk.engine.result import Candidate, SessionLevels, Trade
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from tests.engine.markets import peeking

MakeSymbol = Callable[..., Symbol]
MakeSetup = Callable[..., Setup]
QUARTER = timedelta(minutes=15)
FIRST = date(2025, 4, 28)
DAYS = 19
WAIT_MS = 3 * 900_000


@dataclass(frozen=True)
class Changed:
    candidates: Sequence[Candidate]
    trades: Sequence[Trade]
    sessions: Sequence[SessionLevels]


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
def run(make_setup: MakeSetup, make_symbol: MakeSymbol) -> Run:
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
    symbol = make_symbol()
    return lambda bars, sessions: run_setup(setup, symbol, bars, sessions, max_trades_total=11)


def test_no_later_bar_changes_what_was_known(run: Run, bars: Bars, sessions: list[Session]) -> None:
    result = run(bars, sessions)
    whole = Whole.of(result, bars, sessions)
    assert len(whole.trades) > 8
    assert len({candidate.verdict for candidate in whole.candidates}) > 5

    changes = [find_change(run, whole, bars, sessions, rows) for rows in range(1, len(bars))]

    assert set(changes) == {None}


def test_a_run_that_reads_one_bar_ahead_is_caught_at_the_first_bar(
    run: Run, bars: Bars, sessions: list[Session]
) -> None:
    found = check_causality(peeking(run), bars, sessions, prefixes=200)

    assert found.first is not None
    assert not found.passed
    assert found.first.at.isoformat() in found.sentence.replace("Z", "+00:00")
    assert found.first.what.startswith(("the candidate ib.", "the session 2025-"))
    assert bars.time[found.first.row] == found.first.at.timestamp() * 1000 - 900_000


@pytest.mark.parametrize("moved", ["stop", "entry", "risk", "number"])
def test_an_open_trade_may_differ_in_its_exit_only(
    run: Run, bars: Bars, sessions: list[Session], moved: str
) -> None:
    def moves_a_trade(some: Bars, them: Sequence[Session]) -> Told:
        result = run(some, them)
        last = max((one.entry_at for one in result.trades), default=None)
        wrong: Any = {moved: len(some)}
        trades = [replace(one, **wrong) if one.entry_at == last else one for one in result.trades]
        return Changed(result.candidates, trades, result.sessions)

    found = check_causality(moves_a_trade, bars, sessions)

    assert found.first is not None
    assert found.first.what.startswith("the trade ib.")
    assert moved in found.first.became


def test_a_pending_order_may_become_anything_that_lies_in_the_future(
    run: Run, bars: Bars, sessions: list[Session]
) -> None:
    # What is traded two bars after it was known is pending until then.
    def waits(some: Bars, them: Sequence[Session]) -> Told:
        result = run(some, them)
        now = int(some.time[-1]) + 900_000
        late = {
            one.signal_at
            for one in result.trades
            if one.signal_at.timestamp() * 1000 + WAIT_MS > now
        }
        candidates = [
            replace(one, verdict="pending", detail="") if one.known_at in late else one
            for one in result.candidates
        ]
        trades = [
            replace(one, entry_at=one.signal_at + 2 * QUARTER)
            for one in result.trades
            if one.signal_at not in late
        ]
        return Changed(candidates, trades, result.sessions)

    found = check_causality(waits, bars, sessions, prefixes=200)

    assert found.sentence.endswith("nothing changed later.")


def test_a_pending_order_that_was_filled_in_the_past_is_caught(
    run: Run, bars: Bars, sessions: list[Session]
) -> None:
    def hides_the_newest_trade(some: Bars, them: Sequence[Session]) -> Told:
        result = run(some, them)
        now = int(some.time[-1]) + 900_000
        late = {
            one.signal_at
            for one in result.trades
            if one.signal_at.timestamp() * 1000 + WAIT_MS > now
        }
        candidates = [
            replace(one, verdict="pending") if one.known_at in late else one
            for one in result.candidates
        ]
        trades = [one for one in result.trades if one.signal_at not in late]
        return Changed(candidates, trades, result.sessions)

    found = check_causality(hides_the_newest_trade, bars, sessions, prefixes=200)

    assert found.first is not None
    assert (found.first.was, found.first.became[:16]) == (
        "verdict 'pending'",
        "verdict 'traded'",
    )


def test_what_does_not_exist_is_nan_and_equal_to_itself(
    run: Run, bars: Bars, sessions: list[Session]
) -> None:
    def lacks_targets(some: Bars, them: Sequence[Session]) -> Told:
        result = run(some, them)
        trades = [replace(one, target=float("nan")) for one in result.trades]
        return Changed(result.candidates, trades, result.sessions)

    assert check_causality(lacks_targets, bars, sessions).passed


def test_a_signal_that_comes_late_or_goes_is_named(
    run: Run, bars: Bars, sessions: list[Session]
) -> None:
    def forgets_the_newest(some: Bars, them: Sequence[Session]) -> Told:
        result = run(some, them)
        kept = [one for one in result.candidates if one.known_at.timestamp() * 1000 < some.time[-1]]
        return Changed(kept, result.trades, result.sessions)

    found = check_causality(forgets_the_newest, bars, sessions)

    assert found.first is not None
    assert (found.first.was, found.first.became) == ("absent", "there")
    assert found.to_json()["first"]["sentence"] in found.sentence
