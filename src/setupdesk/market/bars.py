"""Bars: columns of candles, their prices in integer ticks."""

import hashlib
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.timeframe import Timeframe

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Candles of one symbol, oldest first, without duplicates.

    ``time`` is the open of each bar in UTC milliseconds; a bar is the half-open span
    ``[time, time + timeframe)`` and is usable once it has closed. Prices are bid prices
    in ticks; ``volume`` is NaN where the source has none.
    """

    timeframe: Timeframe
    tick: float
    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    partial: bool = field(default=False, kw_only=True)
    """The last bar has not closed yet: its span goes on after what it was made from."""

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(
            self.timeframe,
            self.tick,
            self.time[rows],
            self.open[rows],
            self.high[rows],
            self.low[rows],
            self.close[rows],
            self.volume[rows],
            partial=self.partial and rows.indices(len(self))[1] == len(self),
        )

    def take(self, rows: Ints | NDArray[np.bool_]) -> Self:
        """Give the bars of these rows, or those of which this is true, as whole ones."""
        names = ("time", "open", "high", "low", "close", "volume")
        columns = (getattr(self, name)[rows] for name in names)
        return type(self)(self.timeframe, self.tick, *columns)

    @property
    def end_ms(self) -> int:
        """Close of the last bar, UTC milliseconds; 0 without bars."""
        return int(self.time[-1]) + self.timeframe.milliseconds if len(self) else 0

    def between(self, start_ms: int, stop_ms: int) -> Self:
        """Give the bars that open in ``[start_ms, stop_ms)``, without copying."""
        first, stop = np.searchsorted(self.time, [start_ms, stop_ms])
        return self[int(first) : int(stop)]

    def closed(self) -> Self:
        """Give these bars without the last one if it is partial."""
        return self[:-1] if self.partial else self

    def fingerprint(self) -> str:
        """Name these very bars: sha256 over timeframe, tick and all columns."""
        digest = hashlib.sha256(f"{self.timeframe}|{self.tick!r}".encode())
        for column in (self.time, self.open, self.high, self.low, self.close, self.volume):
            digest.update(np.ascontiguousarray(column).data)
        return digest.hexdigest()
