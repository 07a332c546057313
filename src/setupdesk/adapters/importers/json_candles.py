"""JSON: candles of freqtrade, lists of six numbers, and of OANDA, objects full of strings."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import NotReadableError, Rows
from setupdesk.adapters.importers.stamps import check_stamps, parse_epochs, parse_stamps
from setupdesk.adapters.importers.text_table import decode
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Floats

_SIDES = ("bid", "mid")
"""What bars of a symbol are, and what is nearest to it."""


@dataclass(frozen=True, slots=True)
class _Freqtrade:
    name: str = "freqtrade json"

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        return "".join(decode(content[:64]).split()).startswith("[[")

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        del file_name, timeframe
        candles = _load(content)
        if not isinstance(candles, list):
            raise NotReadableError("It is not a list of candles.")
        for place, candle in enumerate(candles, 1):
            if not isinstance(candle, list) or len(candle) < 5:
                raise NotReadableError(f"Candle {place} is not [time, open, high, low, close].")
        lines = np.arange(1, len(candles) + 1)
        stamps = parse_epochs(_column(candles, lambda candle: candle[0]))
        texts = pl.Series([str(candle[0]) for candle in candles], dtype=pl.String)
        _, mistakes = check_stamps(texts, stamps, lines)
        return Rows(
            lines=lines,
            time=stamps.utc_ms,
            prices=np.stack([_column(candles, _take(place)) for place in (1, 2, 3, 4)]),
            volume=_column(candles, lambda candle: candle[5] if len(candle) > 5 else None),
            mistakes=mistakes,
        )


@dataclass(frozen=True, slots=True)
class _Oanda:
    name: str = "OANDA JSON"

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        begins = decode(content[:4096])
        return begins.lstrip()[:1] in {"{", "["} and '"complete"' in begins

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        del file_name
        candles = _find_candles(content)
        finished = [candle for candle in candles if candle.get("complete") is True]
        side = _find_side(finished)
        texts = pl.Series([str(candle.get("time")) for candle in finished], dtype=pl.String)
        lines = np.flatnonzero([candle.get("complete") is True for candle in candles]) + 1
        stamps = parse_stamps(texts, timeframe, is_utc=True)
        _, mistakes = check_stamps(texts, stamps, lines)
        prices = [_column(finished, _take_price(side, name)) for name in "ohlc"]
        unfinished = len(candles) - len(finished)
        return Rows(
            lines=lines,
            time=stamps.utc_ms,
            prices=np.stack(prices),
            volume=_column(finished, lambda candle: candle.get("volume")),
            mistakes=mistakes,
            left_out={"unfinished": unfinished} if unfinished else {},
        )


FREQTRADE = _Freqtrade()
OANDA = _Oanda()


def _load(content: bytes) -> Any:
    try:
        return json.loads(decode(content))
    except (ValueError, RecursionError) as broken:
        raise NotReadableError(f"It is not JSON: {str(broken)[:200]}.") from broken


def _find_candles(content: bytes) -> list[dict[str, Any]]:
    try:
        loaded = _load(content)
    except NotReadableError:
        # A candle per line is what scripts append.
        lines = decode(content).split("\n")
        loaded = [_load(line.encode(errors="replace")) for line in lines if line.strip()]
    if isinstance(loaded, dict):
        loaded = loaded.get("candles", [loaded])
    if not isinstance(loaded, list) or not all(isinstance(candle, dict) for candle in loaded):
        raise NotReadableError("Its candles are not a list of objects.")
    return loaded


def _find_side(candles: Sequence[dict[str, Any]]) -> str:
    for side in _SIDES:
        if all(isinstance(candle.get(side), dict) for candle in candles):
            return side
    raise NotReadableError(
        "Its candles have no bid and no mid prices. Ask OANDA for them with price=B."
    )


def _take(place: int) -> Callable[[Any], Any]:
    return lambda candle: candle[place]


def _take_price(side: str, name: str) -> Callable[[Any], Any]:
    return lambda candle: candle[side].get(name)


def _column(candles: Sequence[Any], take: Callable[[Any], Any]) -> Floats:
    return np.array([_to_number(take(candle)) for candle in candles], np.float64)


def _to_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return np.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return np.nan
