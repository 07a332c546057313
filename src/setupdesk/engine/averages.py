"""Averages: the mean and the spread of a column of results, and how surely it is known.

Whatever is undefined is None, never nan or infinity.
"""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.proportion import Z95
from setupdesk.market.bars import Floats

Interval = tuple[float, float]
Freedom = TypeVar("Freedom", float, Floats)

NO_SPREAD = 1e-9
"""Equal results leave a rounding error of 1e-17, which would pass for a spread."""


def find_mean(column: NDArray[np.generic]) -> float | None:
    """Give the mean, None of nothing."""
    return float(column.mean()) if len(column) else None


def find_sd(column: Floats) -> float | None:
    """Give the standard deviation of a sample, None where all values are equal."""
    if len(column) < 2:
        return None
    sd = float(column.std(ddof=1))
    return sd if sd > NO_SPREAD else None


def find_ratio(above: float | None, below: float | None, times: float = 1.0) -> float | None:
    """Divide, or give None where either side is missing or *below* is zero."""
    return None if above is None or not below else above / below * times


def find_t95(freedom: Freedom) -> Freedom:
    """Give Student's t that holds 95 %, after Abramowitz and Stegun 26.7.5.

    Within 0.8 % from two degrees of freedom up.
    """
    z = Z95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    t = freedom * 0 + z
    for power, term in enumerate(terms, 1):
        t = t + term / freedom**power
    return t


def find_student_interval(mean: float, n: int, days: int, squares: float) -> Interval | None:
    """Give the 95 % t interval of the mean of *n* results that came on *days* days.

    *squares* sums, day by day, the square of how far the day's sum lies from ``mean`` times the
    day's count (Cochran 1977, ratio estimator): results of one day are not independent. None
    below three days, where it misleads, and without a spread.
    """
    if days < 3:
        return None
    spread = math.sqrt(max(squares, 0.0) * days / (days - 1)) / n
    half = find_t95(float(days - 1)) * spread
    return (mean - half, mean + half) if spread > NO_SPREAD else None
