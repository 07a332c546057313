"""Statistics: what the trades of a run say, and how surely they say it.

Everything is measured in R, profit per unit of risk, after costs. Whatever is undefined is
None, never nan or infinity. The names are those of freqtrade, backtesting.py and Van Tharp.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.proportion import Z95, find_wilson_interval
from setupdesk.engine.result import Result, Trade
from setupdesk.market.bars import Floats

Verdict = Literal["positive", "negative", "undecided", "too_few", "no_trades"]
Interval = tuple[float, float]

MIN_TRADES = 30
"""With fewer trades no verdict is given."""

RESAMPLES = 10_000
RESHUFFLES = 500
SEED = 42
RISK_PER_TRADE = 0.01
"""Share of the account that the compounded figures risk on each trade."""

_BLOCK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One row of a breakdown, such as all trades of a weekday."""

    key: str
    trades: int
    expectancy_r: float
    interval: Interval | None
    """Student's t over session days: at a handful of trades a bootstrap is far too narrow."""

    total_r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """The sum of R after one more trade has ended."""

    trade: int
    at: datetime
    r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The figures of one run. Intervals are 95 %."""

    verdict: Verdict
    sessions: int
    sessions_traded: int
    trades: int
    wins: int
    losses: int
    breakeven: int
    """Trades of exactly 0 R, neither won nor lost."""

    win_rate: float | None
    win_rate_interval: Interval | None
    """Wilson."""

    expectancy_r: float | None
    expectancy_interval: Interval | None
    """Percentile bootstrap by session day: trades of one day are not independent."""

    half_width_r: float | None
    """Half of that interval: how far off the expectancy may be."""

    trades_needed: int | None
    """How many trades would tell an expectancy of this size from zero."""

    sd_r: float | None
    t_stat: float | None
    sqn: float | None
    """System quality number: the t statistic with at most 100 trades counted."""

    sharpe: float | None
    """Annualised, of daily R with the days without a trade; None below 90 days."""

    total_r: float
    best_r: float | None
    worst_r: float | None
    avg_win_r: float | None
    avg_loss_r: float | None
    payoff: float | None
    profit_factor: float | None
    """None without losing trades, where it would be infinite."""

    max_drawdown_r: float
    longest_drawdown_trades: int
    recovery_factor: float | None
    likely_drawdown_r: tuple[float, float, float] | None
    """Max drawdown of the same trades in random order: the median, 95 % and 99 %."""

    final_equity: float
    """What 1 became at 1 % risk a trade, compounded."""

    max_drawdown_pct: float
    max_consecutive_wins: int
    max_consecutive_losses: int
    ambiguous: int
    costs_r_total: float
    costs_r_mean: float | None
    avg_hold_minutes: float | None
    exit_reasons: dict[str, int]
    breakdowns: dict[str, tuple[Cell, ...]]
    """By ``weekday``, ``side``, ``hour`` (of entry, in the market's zone) and ``month``."""

    equity: tuple[EquityPoint, ...]


def summarize(result: Result, zone: str) -> Statistics:
    """Compute the statistics of *result*; hours of entry are hours in *zone*."""
    trades = sorted(result.trades, key=lambda trade: (trade.exit_at, trade.number))
    r = _column(trade.r for trade in trades)
    costs = _column(trade.costs_r for trade in trades)
    return Statistics(
        sessions=len(result.sessions),
        sessions_traded=len({trade.day for trade in trades}),
        sharpe=_sharpe(result),
        ambiguous=sum(trade.ambiguous for trade in trades),
        costs_r_total=float(costs.sum()),
        costs_r_mean=_mean(costs),
        avg_hold_minutes=_mean(_column(_minutes(trade) for trade in trades)),
        exit_reasons=dict(Counter(trade.exit_reason for trade in trades).most_common()),
        breakdowns=_break_down(trades, zone),
        equity=tuple(
            EquityPoint(trade=trade.number, at=trade.exit_at, r=float(total))
            for trade, total in zip(trades, r.cumsum(), strict=True)
        ),
        **_estimates(r, _bootstrap(*_sum_by_day(trades, r))),
        **_outcomes(r),
        **_drawdowns(r),
    )


def _estimates(r: Floats, interval: Interval | None) -> dict[str, Any]:
    mean, sd, n = _mean(r), _sd(r), len(r)
    return {
        "verdict": _judge(n, interval),
        "expectancy_r": mean,
        "expectancy_interval": interval,
        "half_width_r": None if interval is None else (interval[1] - interval[0]) / 2,
        "trades_needed": _trades_needed(mean, sd),
        "sd_r": sd,
        "t_stat": _ratio(mean, sd, math.sqrt(n)),
        "sqn": _ratio(mean, sd, math.sqrt(min(n, 100))),
    }


def _outcomes(r: Floats) -> dict[str, Any]:
    won, lost = r[r > 0], r[r < 0]
    avg_win, avg_loss = _mean(won), _mean(lost)
    return {
        "trades": len(r),
        "wins": len(won),
        "losses": len(lost),
        "breakeven": len(r) - len(won) - len(lost),
        "win_rate": _ratio(len(won), len(r)),
        "win_rate_interval": find_wilson_interval(len(won), len(r)),
        "total_r": float(r.sum()),
        "best_r": float(r.max()) if len(r) else None,
        "worst_r": float(r.min()) if len(r) else None,
        "avg_win_r": avg_win,
        "avg_loss_r": avg_loss,
        "payoff": None if avg_loss is None else _ratio(avg_win, -avg_loss),
        "profit_factor": _ratio(float(won.sum()), -float(lost.sum())),
        "max_consecutive_wins": _longest(r > 0),
        "max_consecutive_losses": _longest(r < 0),
    }


def _drawdowns(r: Floats) -> dict[str, Any]:
    depth = _depth(r.cumsum(), start=0.0)
    deepest = float(depth.max(initial=0.0))
    equity = np.cumprod(np.maximum(1 + RISK_PER_TRADE * r, 0.0), dtype=np.float64)
    return {
        "max_drawdown_r": deepest,
        "longest_drawdown_trades": _longest(depth > 1e-9),
        "recovery_factor": _ratio(float(r.sum()), deepest),
        "likely_drawdown_r": _reshuffle(r),
        "final_equity": float(equity[-1]) if len(r) else 1.0,
        "max_drawdown_pct": _deepest_pct(equity),
    }


def _judge(trades: int, interval: Interval | None) -> Verdict:
    if not trades:
        return "no_trades"
    if trades < MIN_TRADES:
        return "too_few"
    low, high = interval or (0.0, 0.0)
    return "positive" if low > 0 else "negative" if high < 0 else "undecided"


def _column(values: Iterable[float]) -> Floats:
    return np.fromiter(values, dtype=np.float64)


def _mean(r: Floats) -> float | None:
    return float(r.mean()) if len(r) else None


def _sd(r: Floats) -> float | None:
    # Equal results leave a rounding error of 1e-17, which would pass for a spread.
    return float(r.std(ddof=1)) if len(r) > 1 and np.ptp(r) > 1e-9 else None


def _ratio(above: float | None, below: float | None, times: float = 1.0) -> float | None:
    return None if above is None or not below else above / below * times


def _minutes(trade: Trade) -> float:
    return (trade.exit_at - trade.entry_at).total_seconds() / 60


def _trades_needed(mean: float | None, sd: float | None) -> int | None:
    if mean is None or sd is None or abs(mean) < 1e-6:
        return None
    return math.ceil((Z95 * sd / mean) ** 2)


def _sum_by_day(trades: Sequence[Trade], r: Floats) -> tuple[Floats, Floats]:
    days = np.array([trade.day.toordinal() for trade in trades], dtype=np.int64)
    _, row = np.unique(days, return_inverse=True)
    sums: Floats = np.bincount(row, r).astype(np.float64)
    return sums, np.bincount(row).astype(np.float64)


def _bootstrap(sums: Floats, counts: Floats) -> Interval | None:
    """Resample whole days; the expectancy of a resample is its sum of R over its trades.

    Two bytes a draw are enough for 250 years of days, and blocks of draws that stay in the
    cache make it twice as quick as one big table.
    """
    days = len(sums)
    if days < 2:
        return None
    random = np.random.default_rng(SEED)
    means, rows = np.empty(RESAMPLES), np.empty((_BLOCK, days))
    same = bool(counts.min() == counts.max())
    for start in range(0, RESAMPLES, _BLOCK):
        draws = random.integers(0, days, rows.shape, dtype=np.uint16)
        total = sums.take(draws, out=rows, mode="clip").sum(axis=1)
        # One trade a day is the usual case: then the number of trades never varies.
        trades = days * counts[0] if same else counts.take(draws, out=rows, mode="clip").sum(axis=1)
        means[start : start + _BLOCK] = total / trades
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _student(days: Collection[Sequence[float]], mean: float) -> Interval | None:
    """Give the t interval of *mean* from the results of each day, or None where it misleads."""
    if len(days) < 3:
        return None
    squares = sum((sum(of_day) - mean * len(of_day)) ** 2 for of_day in days)
    spread = math.sqrt(squares * len(days) / (len(days) - 1)) / sum(map(len, days))
    half = _t95(len(days) - 1) * spread
    return (mean - half, mean + half) if spread > 1e-9 else None


def _t95(freedom: int) -> float:
    # Abramowitz and Stegun 26.7.5; within 0.8 % from two degrees of freedom up.
    z = Z95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def _sharpe(result: Result) -> float | None:
    daily = {session.day: 0.0 for session in result.sessions}
    for trade in result.trades:
        daily[trade.day] = daily.get(trade.day, 0.0) + trade.r
    if not daily or (max(daily) - min(daily)).days + 1 < 90:
        return None
    r = _column(daily.values())
    return _ratio(_mean(r), _sd(r), math.sqrt(252))


def _depth(curve: Floats, start: float) -> Floats:
    """Say how far below its highest point so far, or below *start*, each point lies."""
    return np.maximum(np.maximum.accumulate(curve), start) - curve


def _deepest_pct(equity: Floats) -> float:
    peak = np.maximum(np.maximum.accumulate(equity), 1.0)
    return float((100 * (peak - equity) / peak).max(initial=0.0))


def _reshuffle(r: Floats) -> tuple[float, float, float] | None:
    if len(r) < 2:
        return None
    random = np.random.default_rng(SEED)
    shuffled = random.permuted(np.broadcast_to(r, (RESHUFFLES, len(r))), axis=1)
    total, peak, deepest = np.zeros((3, RESHUFFLES))
    # Trade by trade over all orders at once: everything stays in the cache.
    for step in np.ascontiguousarray(shuffled.T):
        total += step
        np.maximum(peak, total, out=peak)
        np.maximum(deepest, peak - total, out=deepest)
    half, most, worst = np.percentile(deepest, [50, 95, 99])
    return float(half), float(most), float(worst)


def _longest(flags: NDArray[np.bool_]) -> int:
    return max((len(list(same)) for flag, same in groupby(flags.tolist()) if flag), default=0)


def _break_down(trades: Sequence[Trade], zone: str) -> dict[str, tuple[Cell, ...]]:
    market = ZoneInfo(zone)
    keys: dict[str, Sequence[str]] = {
        "weekday": [str(trade.day.isoweekday()) for trade in trades],
        "side": [trade.side for trade in trades],
        "hour": [f"{trade.entry_at.astimezone(market).hour:02}" for trade in trades],
        "month": [trade.day.isoformat()[:7] for trade in trades],
    }
    return {name: _cells(trades, of_trades) for name, of_trades in keys.items()}


def _cells(trades: Sequence[Trade], keys: Sequence[str]) -> tuple[Cell, ...]:
    groups: dict[str, list[Trade]] = {}
    for trade, key in zip(trades, keys, strict=True):
        groups.setdefault(key, []).append(trade)
    return tuple(_cell(key, groups[key]) for key in sorted(groups))


def _cell(key: str, trades: Sequence[Trade]) -> Cell:
    days: dict[date, list[float]] = {}
    for trade in trades:
        days.setdefault(trade.day, []).append(trade.r)
    total = sum(trade.r for trade in trades)
    mean = total / len(trades)
    return Cell(
        key=key,
        trades=len(trades),
        expectancy_r=mean,
        interval=_student(days.values(), mean),
        total_r=total,
    )
