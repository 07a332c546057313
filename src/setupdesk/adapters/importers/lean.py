"""LEAN: bars of QuantConnect, a zip for each day, in milliseconds since its midnight.

The day is in the name of the file, and whose midnight it is in the folders above it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import NotReadableError, Rows, name_first
from setupdesk.adapters.importers.stamps import check_stamps, parse_stamps
from setupdesk.adapters.importers.text_table import (
    NUMBER,
    first_lines,
    parse_table,
    split_line,
    to_numbers,
    to_prices,
)
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Floats

_DAY = re.compile(r"(?<!\d)((?:19|20)\d{6})_(?:[^/]*_)?(?:quote|trade)\b", re.IGNORECASE)
_LONG = re.compile(r"(?:19|20)\d{6} \d{2}:\d{2}")
_QUOTE, _TRADE = 11, 6
_DAY_MS = 86_400_000
_UTC_ASSETS = re.compile(r"(?<![a-z])(oanda|crypto|cryptofuture)(?![a-z])")
_EQUITY = re.compile(r"(?<![a-z])equity(?![a-z])")
_CENTS = 10_000
"""LEAN stores prices of shares, and of nothing else, as integers."""


@dataclass(frozen=True, slots=True)
class _Lean:
    name: str = "LEAN"

    def recognises(self, content: bytes, file_name: str) -> bool:
        lines = first_lines(content, 1)
        cells = split_line(lines[0], ",") if lines else []
        if len(cells) not in {_QUOTE, _TRADE}:
            return False
        if not all(not cell or re.fullmatch(NUMBER, cell) for cell in cells[1:]):
            return False
        if _LONG.fullmatch(cells[0]):
            return True
        is_time_of_day = cells[0].isdigit() and int(cells[0]) < _DAY_MS
        return is_time_of_day and (len(cells) == _QUOTE or _DAY.search(file_name) is not None)

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        lines = first_lines(content, 1)
        width = len(split_line(lines[0], ",")) if lines else 0
        if width not in {_QUOTE, _TRADE}:
            raise NotReadableError(f"Its lines must have {_TRADE} or {_QUOTE} columns.")
        table = parse_table(content, 0, width, ",", numbers=range(1, 6))
        rows = _read_times(table, file_name, timeframe, to_prices(table, (1, 2, 3, 4)))
        if width == _QUOTE:
            rows = rows.leave_out(np.all(np.isnan(rows.prices), axis=0), "no_bid")
        return rows


READER = _Lean()


def _read_times(table: pl.DataFrame, file_name: str, timeframe: Timeframe, prices: Floats) -> Rows:
    lines = np.arange(1, len(table) + 1)
    texts = table.to_series(0)
    path = file_name.lower()
    is_equity = _EQUITY.search(path) is not None
    is_utc = _UTC_ASSETS.search(path) is not None
    if _LONG.fullmatch(texts[0] or ""):
        stamps = parse_stamps(texts, timeframe, is_utc=is_utc)
        _, mistakes = check_stamps(texts, stamps, lines)
        time = stamps.utc_ms
    else:
        since_midnight = to_numbers(texts)
        bad = ~((since_midnight >= 0) & (since_midnight < _DAY_MS))
        says = "its first number is not a time of day in milliseconds. Mend the line."
        mistakes = name_first(lines, bad, says)
        time = np.where(bad, 0, np.nan_to_num(since_midnight)).astype(np.int64)
        time = np.where(bad, 0, time + _find_day(file_name))
    volume = to_numbers(table.to_series(5))
    return Rows(
        lines=lines,
        time=time,
        prices=prices / _CENTS if is_equity else prices,
        volume=volume,
        mistakes=mistakes,
        is_wall=not is_utc,
        clock="America/New_York" if is_equity else None,
    )


def _find_day(file_name: str) -> int:
    days = _DAY.findall(file_name)
    try:
        day = datetime.strptime(days[-1] if days else "", "%Y%m%d").replace(tzinfo=UTC)
    except ValueError as unknown:
        raise NotReadableError(
            "Its day is not known, for LEAN keeps it in the name of the file. "
            "Name it as LEAN does: 20190220_quote.zip."
        ) from unknown
    return int(day.timestamp() * 1000)
