"""Bars as the candle chart takes them: ticks and minutes, packed, so that prices stay exact."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

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


def to_ticks(prices: Sequence[float], tick: float) -> Ints:
    """Give prices as whole ticks."""
    return np.rint(np.asarray(prices, np.float64) / tick).astype(np.int64)


def count_decimals(tick: float) -> int:
    """Count the digits after the point with which prices of *tick* are written."""
    written = f"{tick:.{_MOST_DECIMALS}f}".rstrip("0")
    return len(written.partition(".")[2])
