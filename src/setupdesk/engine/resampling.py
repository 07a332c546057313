"""Resampling: what the same trades might have given, had luck dealt them differently.

The generator stands in the kernels (splitmix64; Steele, Lea and Flood 2014), so that a seed
gives the same figures on every machine and with every version of numpy.
"""

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.engine.averages import Interval
from setupdesk.market.bars import Floats, Ints

RESAMPLES = 10_000
RESHUFFLES = 1_000
RUIN_PATHS = 1_000
SEED = 42

RUINED = 0.5
"""The share of the account at which it counts as ruined."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def bootstrap(sums: Floats, counts: Ints) -> Interval | None:
    """Give the 95 % percentile interval of the expectancy, resampled by day.

    *sums* of R and *counts* of trades, a row for each day with a trade: trades of one day are
    not independent, so days are drawn whole. None below two days.
    """
    if len(sums) < 2:
        return None
    means = _resample(feed(sums), feed(counts), RESAMPLES, SEED)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def reshuffle(r: Floats) -> tuple[float, float, float] | None:
    """Give the max drawdown of the same trades in random order: median, 95 % and 99 %, in R."""
    if len(r) < 2:
        return None
    half, most, worst = np.percentile(_shuffle(feed(r), RESHUFFLES, SEED), [50, 95, 99])
    return float(half), float(most), float(worst)


def find_ruin(growth: Floats) -> float | None:
    """Give the share of random paths in which the account is ever down to half or less.

    *growth* holds for each day with a trade what 1 became on it, compounded. A path is as many
    days, drawn with replacement; the account is looked at after each of them. None below two
    days.
    """
    return _count_ruined(feed(growth), RUIN_PATHS, SEED) / RUIN_PATHS if len(growth) > 1 else None


def warm_up() -> None:
    """Compile the kernels, or load them from the cache on disk."""
    bootstrap(np.ones(2), np.ones(2, np.int64))
    reshuffle(np.ones(2))
    find_ruin(np.ones(2))


@kernel
def _mix(state: np.uint64) -> np.uint64:
    state = (state ^ (state >> _30)) * _FIRST
    state = (state ^ (state >> _27)) * _SECOND
    return state ^ (state >> _31)


@kernel
def _resample(sums: Floats, counts: Ints, resamples: int, seed: int) -> Floats:
    days = np.uint64(len(sums))
    state = np.uint64(seed)
    means = np.empty(resamples)
    for resample in range(resamples):
        odd, even, trades = 0.0, 0.0, 0

        # One mixing gives two draws, and two sums let the processor add both at once.
        for _ in range(len(sums) // 2):
            state += _STEP
            bits = _mix(state)
            first, second = ((bits & _LOW) * days) >> _32, ((bits >> _32) * days) >> _32
            odd += sums[first]
            even += sums[second]
            trades += counts[first] + counts[second]
        if len(sums) % 2:
            state += _STEP
            first = ((_mix(state) >> _32) * days) >> _32
            odd += sums[first]
            trades += counts[first]
        means[resample] = (odd + even) / trades
    return means


@kernel
def _shuffle(r: Floats, reshuffles: int, seed: int) -> Floats:
    state = np.uint64(seed)
    order = r.copy()
    deepest = np.empty(reshuffles)
    for reshuffle in range(reshuffles):
        total, peak, depth = 0.0, 0.0, 0.0

        # Fisher and Yates: what is drawn for a place is walked over at once.
        for place in range(len(order) - 1, -1, -1):
            state += _STEP
            drawn = ((_mix(state) >> _32) * np.uint64(place + 1)) >> _32
            step = order[drawn]
            order[drawn] = order[place]
            order[place] = step
            total += step
            peak = max(peak, total)
            depth = max(depth, peak - total)
        deepest[reshuffle] = depth
    return deepest


@kernel
def _count_ruined(growth: Floats, paths: int, seed: int) -> int:
    days = np.uint64(len(growth))
    state = np.uint64(seed)
    ruined = 0
    for _ in range(paths):
        account = 1.0
        for _ in range(len(growth)):
            state += _STEP
            account *= growth[((_mix(state) >> _32) * days) >> _32]
            if account <= RUINED:
                ruined += 1
                break
    return ruined
