"""Sharpe: results against their spread, by day and by trade, and the odds that it was luck."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from setupdesk.engine.averages import find_mean, find_ratio, find_sd
from setupdesk.market.bars import Floats

MIN_DAYS = 90
"""Over fewer calendar days nothing is annualised."""

_YEAR_OF_SESSIONS = 252
_YEAR_OF_DAYS = 365.25
_EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class YearlyRatios:
    """Annualised figures; None below 90 calendar days."""

    sharpe: float | None
    """Of the R of each session, those without a trade included; risk-free rate 0, 252 a year."""

    sortino: float | None
    """The same against the root mean square of the losing sessions (Sortino and Price 1994)."""

    calmar: float | None
    """Compound growth of a year over the max drawdown of the compounded account (Young 1991)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeOdds:
    """How probable it is that the Sharpe ratio of the trades is no luck."""

    sharpe_per_trade: float | None
    """Mean R over its standard deviation; not annualised."""

    probabilistic_sharpe: float | None
    """Probability that the true ratio is above zero."""

    variants: int
    """How many variants were tried, of which this is one."""

    deflated_sharpe: float | None
    """Probability that it is above what the best of so many skill-less variants shows; None for
    a single variant."""


def annualize(
    of_sessions: Floats, days: int, final_equity: float, max_drawdown_pct: float
) -> YearlyRatios:
    """Compute the yearly ratios from the R of each session and the calendar *days* of the run."""
    if days < MIN_DAYS:
        return YearlyRatios(sharpe=None, sortino=None, calmar=None)
    mean = find_mean(of_sessions)
    downside = math.sqrt(float((np.minimum(of_sessions, 0.0) ** 2).mean()))
    year = math.sqrt(_YEAR_OF_SESSIONS)
    growth = final_equity ** (_YEAR_OF_DAYS / days) - 1
    return YearlyRatios(
        sharpe=find_ratio(mean, find_sd(of_sessions), year),
        sortino=find_ratio(mean, downside, year),
        calmar=find_ratio(growth, max_drawdown_pct / 100),
    )


def weigh_luck(r: Floats, variants: int = 1, variance: float | None = None) -> SharpeOdds:
    """Weigh the Sharpe ratio of trades against luck, and against the *variants* tried.

    *variance* is that of the per-trade Sharpe ratios of all variants. Where it is not known, the
    variants are taken as independent and without skill: their ratios then scatter by nothing
    but the error of estimating one, ``1 / (n - 1)``. Variants that resemble each other scatter
    less, so that assumption is the stricter one for them.
    """
    n, sd = len(r), find_sd(r)
    sharpe = find_ratio(find_mean(r), sd)
    odds: list[float | None] = [None, None]
    if sharpe is not None:
        z = (r - r.mean()) / r.std()
        skew, kurtosis = float((z**3).mean()), float((z**4).mean())
        variance = 1 / (n - 1) if variance is None else variance
        benchmarks = [0.0, find_best_by_luck(variants, variance)]
        odds = [find_probabilistic_sharpe(sharpe, one, n, skew, kurtosis) for one in benchmarks]
    return SharpeOdds(
        sharpe_per_trade=sharpe,
        probabilistic_sharpe=odds[0],
        variants=variants,
        deflated_sharpe=odds[1] if variants > 1 else None,
    )


def find_probabilistic_sharpe(
    sharpe: float, benchmark: float, n: int, skew: float, kurtosis: float
) -> float | None:
    """Give the probability that the true Sharpe ratio is above *benchmark*.

    Bailey and Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier":
    ``PSR = cdf((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2))``, where SR
    is not annualised and a normal distribution has a kurtosis of 3. With the benchmark of
    ``find_best_by_luck`` it is the Deflated Sharpe Ratio. None where the error is zero.
    """
    error = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if error < 1e-12:
        return None
    return NormalDist().cdf((sharpe - benchmark) * math.sqrt((n - 1) / error))


def find_best_by_luck(variants: int, variance: float) -> float:
    """Give the Sharpe ratio to be expected of the best of *variants* without any skill.

    Bailey and Lopez de Prado (2014), "The Deflated Sharpe Ratio":
    ``SR0 = sqrt(V) ((1 - g) q(1 - 1/N) + g q(1 - 1/(N e)))``, with the quantile q of the normal
    distribution, Euler's constant g, and the *variance* V of the ratios of all N variants.
    """
    if variants < 2:
        return 0.0
    q = NormalDist().inv_cdf
    first, second = q(1 - 1 / variants), q(1 - 1 / (variants * math.e))
    return math.sqrt(variance) * ((1 - _EULER) * first + _EULER * second)
