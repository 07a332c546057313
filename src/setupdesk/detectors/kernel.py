"""Kernels: loops over bars that run at machine speed, and what they are fed."""

from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from setupdesk.market.bars import Bars, Ints

P = ParamSpec("P")
R = TypeVar("R")
Scalar = TypeVar("Scalar", bound=np.generic)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile *function* at its first call, once per machine; it lets other threads run.

    A kernel calls only kernels of its own file: the cache on disk does not notice changes
    in other files.
    """
    compiled: Callable[P, R] = numba.njit(cache=True, nogil=True)(function)
    return compiled


def feed(column: NDArray[Scalar]) -> NDArray[Scalar]:
    """Give a read-only view of *column*.

    Memory-mapped columns are read-only and fresh ones are not; for a kernel these are two
    types, and the second would be compiled in the middle of a request.
    """
    view: NDArray[Any] = np.ascontiguousarray(column).view()
    view.setflags(write=False)
    return view


class Candles(NamedTuple):
    """Bars as a kernel is fed with them, in ticks."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints


def feed_candles(bars: Bars) -> Candles:
    """Give the four prices of *bars* to a kernel."""
    return Candles(feed(bars.open), feed(bars.high), feed(bars.low), feed(bars.close))
