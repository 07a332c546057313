"""The kernels against a slow reference that was written from the rules, bar by bar."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.result import Result
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup

MakeSymbol = Callable[..., Symbol]
MakeSetup = Callable[..., Setup]
Row = tuple[object, ...]
FIRST = date(2025, 1, 1)
ROWS = 34
SESSIONS = 400
SPREADS = ((time(0), 1.0), (time(11), 2.0), (time(16), 5.0))
SLIPPAGE = 1


@dataclass(frozen=True)
class Rules:
    patience: int = 3
    buffer: float = 0.05
    target: str = "opposite"
    rr: float | None = None
    min_rr: float = 0.5
    per_session: int = 1


@dataclass(frozen=True)
class Day:
    """One session: prices in whole points, 34 quarter hours from 09:00."""

    open: list[int]
    high: list[int]
    low: list[int]
    close: list[int]

    @property
    def top(self) -> int:
        return max(self.high[:4])

    @property
    def bottom(self) -> int:
        return min(self.low[:4])

    def spread(self, row: int) -> int:
        hour = 9 + row // 4
        return 5 if hour >= 16 else 2 if hour >= 11 else 1


def find_raids(day: Day, rules: Rules) -> list[tuple[int, int, str, int]]:
    """Give (known, started, side, extreme) of each raid of one session."""
    high = _find_raids(day.high, day.close, day.top, rules.patience)
    low = _find_raids(
        [-one for one in day.low], [-one for one in day.close], -day.bottom, rules.patience
    )
    found = [(known, started, "short", extreme) for known, started, extreme in high]
    found += [(known, started, "long", -extreme) for known, started, extreme in low]
    return sorted(found, key=lambda one: (one[0], one[2] == "long"))


def _find_raids(
    reach: list[int], close: list[int], level: int, patience: int
) -> Iterator[tuple[int, int, int]]:
    state, started = "armed", 0
    for row in range(4, ROWS):
        if state == "armed" and reach[row] - level > 1:
            state, started = "swept", row
        if state == "swept" and close[row] < level:
            yield row, started, max(reach[started : row + 1])
            state = "armed"
        elif state == "swept" and row - started + 1 == patience:
            state = "accepted"
        elif state == "accepted" and close[row] < level:
            state = "armed"


def judge_statically(day: Day, raids: list[tuple[int, int, str, int]], place: int) -> str | None:
    known = raids[place][0]
    if known >= 33 - 8:
        return "outside_window"
    began = raids[place][1]
    both = any(
        day.high[row] - day.top > 1 and day.bottom - day.low[row] > 1
        for row in range(began, known + 1)
    )
    if both or sum(one[0] == known for one in raids) > 1:
        return "both_sides"
    return None


def trade_slowly(day: Day, rules: Rules) -> tuple[list[str], list[Row]]:
    raids = find_raids(day, rules)
    verdicts: list[str] = []
    trades: list[Row] = []
    free_at = 0
    sides: list[str] = []
    for place, (known, _, side, extreme) in enumerate(raids):
        verdict = judge_statically(day, raids, place)
        if verdict is None and known < free_at:
            verdict = "in_position"
        if verdict is None and len(sides) >= rules.per_session:
            verdict = "session_limit"
        if verdict is None and side in sides:
            verdict = "side_limit"
        if verdict is None:
            verdict, trade, ended = try_trade(day, rules, known + 1, side, extreme)
            if trade is not None:
                trades.append(trade)
                sides.append(side)
                free_at = ended
        verdicts.append(verdict)
    return verdicts, trades


def try_trade(
    day: Day, rules: Rules, row: int, side: str, extreme: int
) -> tuple[str, Row | None, int]:
    long = side == "long"
    sign = 1 if long else -1
    entry = day.open[row] + (day.spread(row) + SLIPPAGE if long else -SLIPPAGE)
    buffer = rules.buffer * (day.top - day.bottom)
    stop = round_away(extreme - sign * buffer, -sign)
    goal: float = day.top if long else day.bottom
    if rules.target == "mid":
        goal = (day.top + day.bottom) / 2
    if rules.rr is not None:
        goal = entry + sign * rules.rr * abs(entry - stop)
    target = round_away(goal, sign)
    left_at = day.open[row] if long else day.open[row] + day.spread(row)
    if sign * (left_at - stop) <= 0:
        return "stop_crossed", None, 0
    if sign * (target - entry) <= 0:
        return "target_crossed", None, 0
    if abs(target - entry) / abs(entry - stop) < rules.min_rr - 1e-9:
        return "rr_below_min", None, 0
    ended, price, reason, ambiguous, adverse, favourable = hold(
        day, row, long=long, stop=stop, target=target, entry=entry
    )
    risk = abs(entry - stop)
    values = (sign * (price - entry) / risk, adverse / risk, favourable / risk)
    trade = (side, row, entry, stop, target, price, reason, ambiguous, *values)
    return "traded", trade, ended + (reason == "flat")


def round_away(price: float, direction: int) -> int:
    up, down = int(np.ceil(price - 1e-6)), int(np.floor(price + 1e-6))
    return up if direction > 0 else down


def hold(  # noqa: PLR0913
    day: Day, first: int, *, long: bool, stop: int, target: int, entry: int
) -> tuple[int, int, str, bool, int, int]:
    adverse = favourable = 0
    for row in range(first, ROWS):
        ask = 0 if long else day.spread(row)
        opened, high, low = day.open[row] + ask, day.high[row] + ask, day.low[row] + ask
        stopped = low <= stop if long else high >= stop
        reached = high >= target if long else low <= target
        gapped = opened <= stop if long else opened >= stop
        jumped = opened >= target if long else opened <= target
        if gapped or (stopped and not jumped):
            price = (opened if gapped else stop) + (-SLIPPAGE if long else SLIPPAGE)
            loss = entry - price if long else price - entry
            return row, price, "stop", reached and not gapped, max(adverse, loss), favourable
        if jumped:
            return row, target, "target", False, adverse, abs(target - entry)
        adverse = max(adverse, entry - low if long else high - entry)
        if reached:
            return row, target, "target", False, adverse, abs(target - entry)
        favourable = max(favourable, high - entry if long else entry - low)
    price = day.close[-1] - SLIPPAGE if long else day.close[-1] + day.spread(33) + SLIPPAGE
    loss = entry - price if long else price - entry
    return ROWS - 1, price, "flat", False, max(adverse, loss), favourable


def draw_days(seed: int) -> list[Day]:
    random = np.random.default_rng(seed)
    days = []
    for _ in range(SESSIONS):
        gaps = random.integers(-2, 3, ROWS) * (random.random(ROWS) < 0.3)
        steps = random.integers(-5, 6, (ROWS, 5))
        steps[:, 0] = gaps
        path = 1_000 + np.cumsum(steps).reshape(ROWS, 5)
        columns = (path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1])
        days.append(Day(*(column.tolist() for column in columns)))
    return days


def join(days: list[Day]) -> tuple[Bars, list[Session]]:
    dates = [FIRST + timedelta(days=one) for one in range(len(days))]
    opens = [int(datetime.combine(day, time(9), UTC).timestamp()) * 1000 for day in dates]
    stamps = np.concatenate([one + np.arange(ROWS) * 900_000 for one in opens])

    def column(name: str) -> Any:
        return np.concatenate([np.array(getattr(day, name)) for day in days])

    bars = Bars(
        Timeframe.M15,
        1.0,
        stamps,
        column("open"),
        column("high"),
        column("low"),
        column("close"),
        np.full(len(stamps), np.nan),
    )
    sessions = [
        Session(day, one, one + ROWS * 900_000) for day, one in zip(dates, opens, strict=True)
    ]
    return bars, sessions


def rows_of(result: Result) -> list[Row]:
    return [
        (
            trade.side,
            (trade.entry_at.hour - 9) * 4 + trade.entry_at.minute // 15,
            trade.entry,
            trade.stop,
            trade.target,
            trade.exit,
            trade.exit_reason,
            trade.ambiguous,
            trade.r,
            trade.mae_r,
            trade.mfe_r,
        )
        for trade in result.trades
    ]


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(target="mid", min_rr=0.0),
        Rules(rr=2.0, buffer=0.0),
        Rules(rr=1.5, buffer=0.33, patience=1, per_session=2),
        Rules(patience=6, per_session=3, min_rr=1.0),
    ],
    ids=["as published", "mid", "rr 2", "one bar", "patient"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_kernels_trade_as_the_slow_reference_does(
    make_setup: MakeSetup, make_symbol: MakeSymbol, rules: Rules, seed: int
) -> None:
    days = draw_days(seed)
    bars, sessions = join(days)
    symbol = make_symbol(spread=SPREADS, slippage=SLIPPAGE, tick=1.0, zone="UTC")
    within = {1: "15m", 3: "45m", 6: "90m"}[rules.patience]
    params = {"target": rules.target, "stop_buffer": rules.buffer, "min_rr": rules.min_rr}
    setup = make_setup({**params, "reclaim_within": within}, rules.rr, rules.per_session)
    expected = [trade_slowly(day, rules) for day in days]

    result = run_setup(setup, symbol, bars, sessions)

    assert [one.verdict for one in result.candidates] == [
        verdict for verdicts, _ in expected for verdict in verdicts
    ]
    trades = [trade for _, trades in expected for trade in trades]
    assert len(trades) > 80
    assert rows_of(result) == trades


def test_the_reference_meets_every_case() -> None:
    found = [trade_slowly(day, Rules(min_rr=0.7, per_session=2)) for day in draw_days(1)]

    verdicts = {verdict for some, _ in found for verdict in some}
    assert verdicts >= {"traded", "outside_window", "in_position", "side_limit", "rr_below_min"}
    assert verdicts >= {"session_limit", "target_crossed"}
    assert {trade[6] for _, trades in found for trade in trades} == {"stop", "target", "flat"}
