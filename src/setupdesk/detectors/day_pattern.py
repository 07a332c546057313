"""Patterns of days: NR7 and the inside day."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from setupdesk.market.bars import Ints

_DAYS_BEFORE = 6
"""NR7: the narrowest range of seven days."""


@dataclass(frozen=True, slots=True, eq=False)
class DayPatterns:
    """What each day is, known at its close: usable on the next day."""

    nr7: NDArray[np.bool_]
    inside: NDArray[np.bool_]


def find_day_patterns(high: Ints, low: Ints) -> DayPatterns:
    """Find narrow and inside days; a value per day that has bars, oldest first.

    NR7: the range is strictly smaller than each of the six before (Crabel). Inside: the high is
    strictly below and the low strictly above those of the day before.
    """
    size = high - low
    nr7 = np.zeros(len(high), bool)
    if len(high) > _DAYS_BEFORE:
        narrowest = sliding_window_view(size[:-1], _DAYS_BEFORE).min(axis=1)
        nr7[_DAYS_BEFORE:] = size[_DAYS_BEFORE:] < narrowest
    inside = np.zeros(len(high), bool)
    inside[1:] = (high[1:] < high[:-1]) & (low[1:] > low[:-1])
    return DayPatterns(nr7, inside)
