"""Costs: the spread and the slippage of a symbol, in ticks."""

import math

import numpy as np

from setupdesk.core.symbol import Costs
from setupdesk.market.bars import Ints

_NOISE = 1e-6


def find_spreads(costs: Costs, tick: float) -> Ints:
    """Give the spread for each minute of the local day."""
    begins = [at.hour * 60 + at.minute for at, _ in costs.spread]
    values = np.array([_cost_in_ticks(points, tick) for _, points in costs.spread], np.int64)
    return values[np.searchsorted(begins, np.arange(1440), side="right") - 1]


def find_slippage(costs: Costs, tick: float) -> int:
    """Give the slippage of one fill."""
    return _cost_in_ticks(costs.slippage, tick)


def _cost_in_ticks(points: float, tick: float) -> int:
    # Rounded up: a cost is never understated.
    return math.ceil(points / tick - _NOISE)
