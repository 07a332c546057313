"""Drawdowns: how deep, how long and how likely the losses are that a trader has to sit through."""

from dataclasses import dataclass

import numpy as np

from setupdesk.engine.averages import NO_SPREAD, find_ratio
from setupdesk.engine.outcomes import find_longest
from setupdesk.engine.resampling import find_ruin, reshuffle
from setupdesk.market.bars import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdowns:
    """Losses from a high, in R and in shares of an account that risks ``risk`` on each trade."""

    max_drawdown_r: float
    """From the highest sum of R so far, or from zero before the first."""

    longest_drawdown_trades: int
    longest_drawdown_days: int
    """Calendar days from a high to the trade that reached it again, or to the run's last day."""

    recovery_factor: float | None
    """Total R over the max drawdown."""

    likely_drawdown_r: tuple[float, float, float] | None
    """Max drawdown of the same trades in random order: the median, 95 % and 99 %."""

    risk: float
    final_equity: float
    """What 1 became, compounded."""

    max_drawdown_pct: float
    ruin_probability: float | None
    """How many of 1,000 paths of the traded days, drawn anew, ever lost half of the account."""


def measure_drawdowns(r: Floats, session: Ints, day: Ints, last_day: int, risk: float) -> Drawdowns:
    """Measure the drawdowns of trades in order of exit.

    *session* and *day* number the session of each trade and its date; *last_day* is the date of
    the run's last session.
    """
    curve = r.cumsum()
    depth = np.maximum(np.maximum.accumulate(curve), 0.0) - curve
    growth = np.maximum(1 + risk * r, 0.0)
    equity = growth.cumprod()
    deepest = float(depth.max(initial=0.0))
    return Drawdowns(
        max_drawdown_r=deepest,
        longest_drawdown_trades=find_longest(depth > NO_SPREAD),
        longest_drawdown_days=_find_longest_days(depth, day, last_day),
        recovery_factor=find_ratio(float(r.sum()), deepest),
        likely_drawdown_r=reshuffle(r),
        risk=risk,
        final_equity=float(equity[-1]) if len(r) else 1.0,
        max_drawdown_pct=_find_deepest_pct(equity),
        ruin_probability=find_ruin(_multiply_by_session(growth, session)),
    )


def _find_longest_days(depth: Floats, day: Ints, last_day: int) -> int:
    under = depth > NO_SPREAD
    if not under.any():
        return 0
    highs = np.maximum.accumulate(np.where(under, 0, np.arange(len(day))))
    # A drawdown ends with the next trade that is at a high, or with the run.
    ends = np.append(day[1:], max(last_day, int(day[-1])))
    return int((ends - day[highs])[under].max())


def _find_deepest_pct(equity: Floats) -> float:
    peak = np.maximum(np.maximum.accumulate(equity), 1.0)
    return float((100 * (peak - equity) / peak).max(initial=0.0))


def _multiply_by_session(growth: Floats, session: Ints) -> Floats:
    if not len(session):
        return growth
    order = np.argsort(session, kind="stable")
    starts = np.flatnonzero(np.diff(session[order], prepend=-1))
    return np.multiply.reduceat(growth[order], starts)
