"""Statistics: what the trades of a run say, and how surely they say it.

Everything is measured in R, profit per unit of risk, after costs, and computed from columns.
Whatever is undefined is None, never nan or infinity. The names are those of freqtrade,
backtesting.py and Van Tharp; docs/statistics.md defines each.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from setupdesk.core.proportion import Z95
from setupdesk.engine import brief, resampling
from setupdesk.engine.averages import Interval, find_mean, find_ratio, find_sd
from setupdesk.engine.breakdowns import Breakdowns, break_down
from setupdesk.engine.brief import Brief, summarize_briefly
from setupdesk.engine.drawdowns import Drawdowns, measure_drawdowns
from setupdesk.engine.outcomes import Excursions, Outcomes, count_outcomes, measure_excursions
from setupdesk.engine.resampling import bootstrap
from setupdesk.engine.result import Result, Trades
from setupdesk.engine.sharpe import SharpeOdds, YearlyRatios, annualize, weigh_luck
from setupdesk.market.bars import Floats, Ints

Verdict = Literal["positive", "negative", "undecided", "too_few", "no_trades"]

MIN_TRADES = 30
"""With fewer trades no verdict is given."""

RISK_PER_TRADE = 0.01
"""Share of the account that the compounded figures risk on each trade, unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectancy:
    """The average R of a trade, and how surely it is known."""

    expectancy_r: float | None
    expectancy_interval: Interval | None
    """Percentile bootstrap by session day, 95 %: trades of one day are not independent."""

    half_width_r: float | None
    """Half of that interval: how far off the expectancy may be."""

    trades_needed: int | None
    """How many trades would tell an expectancy of this size from zero."""

    sd_r: float | None
    t_stat: float | None
    sqn: float | None
    """System quality number: the t statistic with at most 100 trades counted."""

    expectancy_pessimistic_r: float | None
    """With the stop first wherever the bars leave open what came first."""

    expectancy_optimistic_r: float | None
    """With the target first there."""

    order_decides: bool
    """Whether these two lie on either side of zero."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Equity:
    """The sum of R after each trade, in order of exit."""

    trade: Ints
    """The trade's number."""

    at_ms: Ints
    """When it ended, UTC."""

    r: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The figures of one run."""

    verdict: Verdict
    sessions: int
    sessions_traded: int
    exposure: float | None
    """Share of the bars of all sessions in which a trade was open."""

    outcomes: Outcomes
    expectancy: Expectancy
    drawdowns: Drawdowns
    yearly: YearlyRatios
    luck: SharpeOdds
    excursions: Excursions
    breakdowns: Breakdowns
    dearer: Brief | None
    """The same run at twice the spread, where it was made."""

    equity: Equity


def summarize(
    result: Result,
    zone: str,
    *,
    risk: float = RISK_PER_TRADE,
    variants: int = 1,
    variance: float | None = None,
    dearer: Result | None = None,
) -> Statistics:
    """Compute the statistics of *result*; hours of entry are hours in *zone*.

    *risk* is the share of the account risked on a trade. *variants* says how many variants of
    the setup were tried on these bars, and *variance* how their per-trade Sharpe ratios vary,
    where it is known. *dearer* is the same run at twice the spread.
    """
    sessions, trades = result.sessions, result.trades
    order = np.argsort(trades.exit_ms, kind="stable")
    r, session = trades.r[order], trades.session[order]
    days = np.array([day.toordinal() for day in sessions.days], np.int64)
    span = (int(days[0]), int(days[-1])) if len(days) else (0, 0)
    expectancy = _estimate(trades, len(sessions))
    drawdowns = measure_drawdowns(r, session, days[session], span[1], risk)
    return Statistics(
        verdict=_judge(len(r), expectancy.expectancy_interval),
        sessions=len(sessions),
        sessions_traded=len(set(session.tolist())),
        exposure=find_ratio(int(trades.bars_held.sum()), sessions.bars),
        outcomes=count_outcomes(trades, order),
        expectancy=expectancy,
        drawdowns=drawdowns,
        yearly=annualize(
            _sum_by_session(r, session, len(sessions)),
            span[1] - span[0] + 1,
            drawdowns.final_equity,
            drawdowns.max_drawdown_pct,
        ),
        luck=weigh_luck(r, variants, variance),
        excursions=measure_excursions(trades),
        breakdowns=break_down(result, zone),
        dearer=None if dearer is None else summarize_trades(dearer.trades),
        equity=Equity(trade=order + 1, at_ms=trades.exit_ms[order], r=r.cumsum()),
    )


def summarize_trades(trades: Trades) -> Brief:
    """Give the brief of *trades*."""
    order = np.argsort(trades.exit_ms, kind="stable")
    return summarize_briefly(trades.r[order], trades.session[order])


def warm_up() -> None:
    """Compile every kernel of the statistics, or load it from the cache on disk."""
    resampling.warm_up()
    brief.warm_up()


def _estimate(trades: Trades, sessions: int) -> Expectancy:
    r, n = trades.r, len(trades)
    counts = np.bincount(trades.session, minlength=sessions)
    sums = _sum_by_session(r, trades.session, sessions)
    interval = bootstrap(sums[counts > 0], counts[counts > 0])
    mean, sd = find_mean(r), find_sd(r)
    worst, best = find_mean(trades.r_pessimistic), find_mean(trades.r_optimistic)
    return Expectancy(
        expectancy_r=mean,
        expectancy_interval=interval,
        half_width_r=None if interval is None else (interval[1] - interval[0]) / 2,
        trades_needed=_find_trades_needed(mean, sd),
        sd_r=sd,
        t_stat=find_ratio(mean, sd, math.sqrt(n)),
        sqn=find_ratio(mean, sd, math.sqrt(min(n, 100))),
        expectancy_pessimistic_r=worst,
        expectancy_optimistic_r=best,
        order_decides=worst is not None and best is not None and worst <= 0 < best,
    )


def _sum_by_session(r: Floats, session: Ints, sessions: int) -> Floats:
    return np.bincount(session, r, sessions).astype(np.float64)


def _judge(trades: int, interval: Interval | None) -> Verdict:
    if not trades:
        return "no_trades"
    if trades < MIN_TRADES:
        return "too_few"
    low, high = interval or (0.0, 0.0)
    return "positive" if low > 0 else "negative" if high < 0 else "undecided"


def _find_trades_needed(mean: float | None, sd: float | None) -> int | None:
    if mean is None or sd is None or abs(mean) < 1e-6:
        return None
    return math.ceil((Z95 * sd / mean) ** 2)
