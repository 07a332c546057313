"""The mirror: turned upside down, a high is a low, so each event is looked for in one direction."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from setupdesk.market.bars import Bars, Ints

Scalar = TypeVar("Scalar", bound=np.generic)


def mirror(bars: Bars) -> Bars:
    """Give *bars* with all prices negated: highs are lows, and what rose falls."""
    return Bars(
        bars.timeframe,
        bars.tick,
        bars.time,
        -bars.open,
        -bars.low,
        -bars.high,
        -bars.close,
        bars.volume,
    )


def order_by_known(up: Ints, down: Ints) -> tuple[Ints, Ints]:
    """Give the order in which events of both directions are known, and the sign of each.

    The order is that of ``up`` and ``down`` put behind one another; at one row ``up`` is first.
    """
    order = np.argsort(np.concatenate((up, down)), kind="stable")
    sign = np.repeat(np.array([1, -1], np.int64), (len(up), len(down)))
    return order, sign[order]


def join(up: NDArray[Scalar], down: NDArray[Scalar], order: Ints) -> NDArray[Scalar]:
    """Give one column of both directions in *order*."""
    return np.concatenate((up, down))[order]
