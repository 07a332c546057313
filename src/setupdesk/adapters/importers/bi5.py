"""Dukascopy's .bi5: ticks of an hour or candles of a day, packed with LZMA.

The file holds neither its day nor the scale of its prices: both are in its path, such as
``EURUSD/2025/04/02/09h_ticks.bi5``, in which the months count from zero.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from setupdesk.adapters.bi5_format import CANDLE, TICK, BrokenBi5Error, read_records
from setupdesk.adapters.importers.csv_with_header import leave_out_silence
from setupdesk.adapters.importers.rows import NotReadableError, Rows, name_first
from setupdesk.adapters.importers.unpacking import MAX_BYTES
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Ints

_PATH = re.compile(
    r"(?:(?P<symbol>[A-Za-z0-9.]+)/)?(?P<year>(?:19|20)\d{2})/"
    r"(?:(?P<month>\d{2})/)?(?:(?P<day>\d{2})/)?"
    r"(?:(?P<hour>\d{2})h_ticks|(?P<side>BID|ASK)_candles_(?:min|hour|day)_1)\.bi5",
    re.IGNORECASE,
)
_EXAMPLE = "EURUSD/2025/04/02/09h_ticks.bi5 (the months count from 00)"
_SPAN_MS = {
    "hour": 3_600_000,
    "day": 86_400_000,
    "month": 31 * 86_400_000,
    "year": 366 * 86_400_000,
}

_CURRENCIES = frozenset(
    (
        *("AUD", "CAD", "CHF", "CNH", "CZK", "DKK", "EUR", "GBP", "HKD"),
        *("HUF", "ILS", "JPY", "MXN", "NOK", "NZD", "PLN", "RON", "RUB"),
        *("SEK", "SGD", "THB", "TRY", "USD", "XAG", "XAU", "ZAR"),
    )
)
_COARSE = ("JPY", "RUB", "XAU", "XAG", "HUF", "THB")
"""Prices of these have three decimals, those of other currencies five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    begins_ms: int
    span_ms: int
    scale: float
    is_ticks: bool


@dataclass(frozen=True, slots=True)
class _Bi5:
    name: str = "Dukascopy bi5"

    def recognises(self, content: bytes, file_name: str) -> bool:
        is_packed = content.startswith(b"\x5d\x00\x00") and len(content) > 12
        return is_packed or file_name.lower().endswith(".bi5")

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        place = _find_place(file_name)
        try:
            records = read_records(content, TICK if place.is_ticks else CANDLE, MAX_BYTES)
        except BrokenBi5Error as broken:
            raise NotReadableError(str(broken)) from broken
        if place.is_ticks:
            return _build_bars(records, place, timeframe)
        return _read_candles(records, place)


READER = _Bi5()


def _find_place(file_name: str) -> _Place:
    found = _PATH.search(file_name)
    if found is None:
        raise NotReadableError(
            "Its symbol, day and hour are not known, for they are in the path of a .bi5 file. "
            f"Import it with its folders: {_EXAMPLE}."
        )
    if (found["side"] or "").upper() == "ASK":
        raise NotReadableError("It holds ask prices, while bars are bid prices. Import BID files.")
    if found["hour"] and not found["day"]:
        raise NotReadableError(f"Its day is not known. Import it with its folders: {_EXAMPLE}.")
    try:
        begins = datetime(
            int(found["year"]),
            int(found["month"] or 0) + 1,
            int(found["day"] or 1),
            int(found["hour"] or 0),
            tzinfo=UTC,
        )
    except ValueError as wrong:
        raise NotReadableError(
            f"{found[0]!r} names no day: {wrong}. It must be like {_EXAMPLE}."
        ) from wrong
    span = next(name for name in ("hour", "day", "month", "year") if found[name])
    return _Place(
        begins_ms=int(begins.timestamp() * 1000),
        span_ms=_SPAN_MS[span],
        scale=_find_scale(found["symbol"] or ""),
        is_ticks=found["hour"] is not None,
    )


def _find_scale(symbol: str) -> float:
    name = symbol.upper().replace(".", "")
    if {name[:3], name[3:]} <= _CURRENCIES:
        return 1e3 if any(part in name for part in _COARSE) else 1e5
    if "IDX" in name:
        return 1e3
    raise NotReadableError(
        f"The scale of its prices is not known, for {symbol!r} is no pair of currencies, metal or "
        f"index of Dukascopy. Import it with its folders: {_EXAMPLE}."
    )


def _read_candles(candles: np.ndarray, place: _Place) -> Rows:
    lines = np.arange(1, len(candles) + 1)
    since = candles["s"].astype(np.int64) * 1000
    outside = since >= place.span_ms
    rows = Rows(
        lines=lines,
        time=np.where(outside, 0, since + place.begins_ms),
        prices=np.stack([candles[name] / place.scale for name in "ohlc"]),
        volume=candles["volume"].astype(np.float64),
        mistakes=name_first(lines, outside, "the time lies outside of the file's own day."),
    )
    return leave_out_silence(rows)


def _build_bars(ticks: np.ndarray, place: _Place, timeframe: Timeframe) -> Rows:
    if timeframe.milliseconds > Timeframe.H1.milliseconds:
        raise NotReadableError(f"An hour of ticks makes no bar of {timeframe}. Import M1.")
    since = ticks["ms"].astype(np.int64)
    if np.any((since < 0) | (since >= place.span_ms) | (np.diff(since, prepend=since[:1]) < 0)):
        raise NotReadableError("Its ticks are not in the order of their hour. Download it again.")
    bid = ticks["bid"] / place.scale
    starts = _find_starts(since // timeframe.milliseconds)
    stops = np.append(starts[1:], len(ticks))[: len(starts)]
    prices = np.empty((4, len(starts)))
    if len(starts):
        highs, lows = np.maximum.reduceat(bid, starts), np.minimum.reduceat(bid, starts)
        prices = np.stack([bid[starts], highs, lows, bid[stops - 1]])
    opened = since[starts] // timeframe.milliseconds * timeframe.milliseconds
    return Rows(
        lines=starts + 1,
        time=place.begins_ms + opened,
        prices=prices,
        volume=(stops - starts).astype(np.float64),
    )


def _find_starts(numbers: Ints) -> Ints:
    return np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
