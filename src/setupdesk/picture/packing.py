"""Bars as the candle chart takes them: ticks and minutes, packed, so that prices stay exact."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_MINUTE_MS = 60_000
_MOST_DECIMALS = 9


def pack_bars(columns: Mapping[str, Sequence[float]], tick: float) -> dict[str, Any]:
    """Pack columns of ``time`` (UTC milliseconds) and prices (points) for the chart.

    ``columns`` is base64 of little-endian int32: the minutes of all bars, then their opens, highs,
    lows and closes in ticks. A price is ``ticks * step / 10 ** decimals``, correctly rounded.
    """
    minutes = np.asarray(columns["time"], np.int64) // _MINUTE_MS
    prices = [to_ticks(columns[name], tick) for name in ("open", "high", "low", "close")]
    packed = np.concatenate([minutes, *prices]).astype("<i4")
    decimals = count_decimals(tick)
    return {
        "columns": base64.b64encode(packed.tobytes()).decode(),
        "count": len(minutes),
        "step": round(tick * 10**decimals),
        "decimals": decimals,
    }


@dataclass(frozen=True, slots=True)
class BarColumns:
    """Bars as they were before they were packed; opens in UTC milliseconds, prices in points."""

    time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    tick: float


def unpack_bars(packed: Mapping[str, Any]) -> BarColumns:
    """Unpack what ``pack_bars`` has packed."""
    whole = np.frombuffer(base64.b64decode(packed["columns"]), "<i4").astype(np.int64)
    minutes, *prices = whole.reshape(5, packed["count"])
    scale = 10 ** packed["decimals"]
    opened, high, low, closed = (ticks * packed["step"] / scale for ticks in prices)
    tick = packed["step"] / scale
    return BarColumns(minutes * _MINUTE_MS, opened, high, low, closed, tick)


def to_ticks(prices: Sequence[float], tick: float) -> Ints:
    """Give prices as whole ticks."""
    return np.rint(np.asarray(prices, np.float64) / tick).astype(np.int64)


def count_decimals(tick: float) -> int:
    """Count the digits after the point with which prices of *tick* are written."""
    written = f"{tick:.{_MOST_DECIMALS}f}".rstrip("0")
    return len(written.partition(".")[2])
