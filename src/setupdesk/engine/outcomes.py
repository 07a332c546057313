"""Outcomes: how the trades of a run ended, what they cost, and how far they went both ways."""

from dataclasses import dataclass

import numpy as np

from setupdesk.core.proportion import find_wilson_interval
from setupdesk.engine.averages import Interval, find_mean, find_ratio
from setupdesk.engine.result import EXIT_REASONS, Trades, Truths
from setupdesk.market.bars import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What was won and lost, in R after costs."""

    trades: int
    wins: int
    losses: int
    breakeven: int
    """Trades of exactly 0 R, neither won nor lost."""

    win_rate: float | None
    win_rate_interval: Interval | None
    """Wilson, 95 %."""

    total_r: float
    best_r: float | None
    worst_r: float | None
    avg_win_r: float | None
    avg_loss_r: float | None
    payoff: float | None
    profit_factor: float | None
    """None without losing trades, where it would be infinite."""

    max_consecutive_wins: int
    max_consecutive_losses: int
    exit_reasons: dict[str, int]
    avg_hold_minutes: float | None
    ambiguous: int
    resolved: int
    """Ambiguous trades whose end M1 bars have settled."""

    costs_r_total: float
    costs_r_mean: float | None
    costs_share: float | None
    """Costs over the total before costs; None where that is not above zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excursions:
    """How far price went against the trades (MAE) and with them (MFE), in R, averaged."""

    mae_r: float | None
    mfe_r: float | None
    mae_of_winners_r: float | None
    mfe_of_losers_r: float | None
    edge_ratio: float | None
    """MFE over MAE: above one, the entries are better than chance (Faith 2007)."""


def count_outcomes(trades: Trades, order: Ints) -> Outcomes:
    """Count how *trades* ended; *order* gives their rows in order of exit."""
    r, costs = trades.r[order], trades.costs_r
    won, lost = r[r > 0], r[r < 0]
    avg_win, avg_loss = find_mean(won), find_mean(lost)
    total, paid = float(r.sum()), float(costs.sum())
    return Outcomes(
        trades=len(r),
        wins=len(won),
        losses=len(lost),
        breakeven=len(r) - len(won) - len(lost),
        win_rate=find_ratio(len(won), len(r)),
        win_rate_interval=find_wilson_interval(len(won), len(r)),
        total_r=total,
        best_r=float(r.max()) if len(r) else None,
        worst_r=float(r.min()) if len(r) else None,
        avg_win_r=avg_win,
        avg_loss_r=avg_loss,
        payoff=None if avg_loss is None else find_ratio(avg_win, -avg_loss),
        profit_factor=find_ratio(float(won.sum()), -float(lost.sum())),
        max_consecutive_wins=find_longest(r > 0),
        max_consecutive_losses=find_longest(r < 0),
        exit_reasons=_count_reasons(trades.reason),
        avg_hold_minutes=find_mean((trades.exit_ms - trades.entry_ms) / 60_000),
        ambiguous=int(trades.ambiguous.sum()),
        resolved=int((trades.ambiguous & trades.resolved).sum()),
        costs_r_total=paid,
        costs_r_mean=find_mean(costs),
        costs_share=paid / (total + paid) if total + paid > 0 else None,
    )


def measure_excursions(trades: Trades) -> Excursions:
    """Average how far price went against *trades* and with them."""
    mae, mfe = find_mean(trades.mae_r), find_mean(trades.mfe_r)
    return Excursions(
        mae_r=mae,
        mfe_r=mfe,
        mae_of_winners_r=find_mean(trades.mae_r[trades.r > 0]),
        mfe_of_losers_r=find_mean(trades.mfe_r[trades.r < 0]),
        edge_ratio=find_ratio(mfe, mae),
    )


def find_longest(flags: Truths) -> int:
    """Give the length of the longest run of true."""
    ends = np.flatnonzero(np.concatenate(([True], ~flags, [True])))
    return int(np.diff(ends).max()) - 1


def _count_reasons(reasons: Ints) -> dict[str, int]:
    counts = np.bincount(reasons, minlength=len(EXIT_REASONS)).tolist()
    found = zip(EXIT_REASONS, counts, strict=True)
    return {word: count for word, count in sorted(found, key=lambda one: -one[1]) if count}
