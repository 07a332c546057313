"""Prices: from points, in which rules and people think, to ticks, in which kernels compare."""

import math

import numpy as np

from setupdesk.market.bars import Floats, Ints

_NOISE = 1e-6
"""Ticks; what arithmetic in points may be off, far below what a trader can mean."""


def to_points(ticks: Ints | Floats, tick: float) -> Floats:
    """Give points; dividing by ten keeps 24076.2 what it is, multiplying by 0.1 does not."""
    per_point = round(1 / tick)
    if per_point >= 1 and math.isclose(per_point * tick, 1):
        return np.asarray(ticks / per_point, np.float64)
    return np.asarray(ticks * tick, np.float64)


def to_ticks(points: Floats, tick: float) -> Ints:
    """Give the nearest ticks."""
    return np.rint(points / tick).astype(np.int64)


def to_ticks_away(points: Floats, tick: float, direction: Ints) -> Ints:
    """Round up where *direction* is +1, down where it is -1; NaN gives 0."""
    ticks = np.where(np.isnan(points), 0.0, points / tick)
    return (np.ceil(direction * ticks - _NOISE) * direction).astype(np.int64)
