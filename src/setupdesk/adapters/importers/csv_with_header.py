"""CSV whose first line names its columns: most programs and scripts write it.

Columns are found by name, never by place: mplfinance writes open, close, high, low. What
one vendor does otherwise is said by a ``HeaderFormat`` in the file of that vendor.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import NotReadableError, Rows, name_first
from setupdesk.adapters.importers.stamps import check_stamps, parse_stamps
from setupdesk.adapters.importers.text_table import (
    find_separator,
    first_lines,
    join_texts,
    parse_table,
    split_line,
    to_numbers,
    to_prices,
)
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Floats, Ints

_TIME_NAMES = (
    *("time", "datetime", "timestamp", "date", "ts", "bar_start_ms", "open_time", "utc"),
    *("date_time", "local_time", "unix", "index", "__index_level_0__", ""),
)
_PRICE_NAMES = (("open", "o"), ("high", "h"), ("low", "l"), ("close", "c"))
_VOLUME_NAMES = ("volume", "vol", "v", "tick_volume", "tickvol")
_KLINE_NAMES = ("close_time", "quote_asset_volume", "number_of_trades")
"""Every candle of an exchange has them: where they are empty, another source speaks."""

_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?|\d{4}|\d{6}")
_PROMISES_UTC = re.compile(r"\b(utc|gmt)\b")
_FIRST_LINE = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """The first two lines of a file, by which its format is told."""

    line: str
    """The header as it stands."""

    header: Sequence[str]
    first: Sequence[str]
    """The cells of the first row; may be fewer than those of the header."""

    file_name: str

    def cell(self, name: str) -> str:
        """Give the first row's cell in the column *name*."""
        place = self.header.index(name) if name in self.header else len(self.first)
        return self.first[place] if place < len(self.first) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderFormat:
    """A format with a header; alone, it reads whatever names its columns."""

    name: str
    tells: Callable[[Sample], bool] = lambda _: True
    """Say whether a file that has all columns is of this format."""

    epochs_are_wall: bool = False
    """MetaTrader counts the seconds of its server's wall clock."""

    is_own: bool = False
    """Whether this product writes it."""

    leaves_out_silence: bool = False
    """Dukascopy fills closed hours with flat bars of no volume."""

    def recognises(self, content: bytes, file_name: str) -> bool:
        """Say whether the header names the columns of a bar, as this format does."""
        lines = first_lines(content)
        header = read_header(lines[0]) if lines else []
        if find_columns(header) is None:
            return False
        first = split_line(lines[1], find_separator(lines[0])) if len(lines) > 1 else []
        return self.tells(Sample(lines[0], header, first, file_name))

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        """Read every line below the header."""
        del file_name
        line = next(iter(first_lines(content, 1)), "")
        header, separator = read_header(line), find_separator(line)
        table = parse_table(content, 1, len(header), separator, find_numbers(header))
        lines = np.arange(_FIRST_LINE, _FIRST_LINE + len(table))
        rows = read_columns(table, header, lines, timeframe, epochs_are_wall=self.epochs_are_wall)
        rows = replace(rows, is_own=self.is_own)
        return leave_out_silence(rows) if self.leaves_out_silence else rows


READER = HeaderFormat(name="CSV with a header")


def read_header(line: str) -> list[str]:
    """Give the names of the columns, in small letters and without ornament."""
    cells = split_line(line)
    return [cell.strip('"<> \r').lower().replace(" ", "_") for cell in cells]


def read_columns(
    table: pl.DataFrame,
    header: Sequence[str],
    lines: Ints,
    timeframe: Timeframe,
    *,
    epochs_are_wall: bool = False,
) -> Rows:
    """Read the columns that *header* names; the others are nobody's business."""
    columns = find_columns(header)
    if columns is None:
        raise NotReadableError("Its first line does not name time, open, high, low, close.")
    texts = _join_date_and_time(table, header, table.to_series(columns["time"]))
    stamps = parse_stamps(texts, timeframe, is_utc=_promises_utc(header[columns["time"]]))
    is_wall, mistakes = check_stamps(
        texts, stamps, lines, is_wall=epochs_are_wall and stamps.are_epochs
    )
    return Rows(
        lines=lines,
        time=stamps.utc_ms,
        prices=to_prices(table, [columns[names[0]] for names in _PRICE_NAMES]),
        volume=_volume(table, header),
        mistakes=[*mistakes, *_check_sources(table, header, lines)],
        is_wall=is_wall or stamps.are_dates,
        seed=_read_seed(table, header),
    )


def leave_out_silence(rows: Rows) -> Rows:
    """Leave out flat bars without volume: nothing was traded or quoted in them."""
    flat = np.all(rows.prices == rows.prices[0], axis=0)
    return rows.leave_out(flat & (rows.volume == 0), "silent")


def find_columns(header: Sequence[str]) -> Mapping[str, int] | None:
    """Give the places of time, open, high, low and close, or None where one is missing."""
    found: dict[str, int | None] = {"time": _find_time(header)}
    for names in _PRICE_NAMES:
        found[names[0]] = _find(header, names)
    columns = {name: place for name, place in found.items() if place is not None}
    return columns if len(columns) == len(found) else None


def find_numbers(header: Sequence[str]) -> set[int]:
    """Give the places of prices and volumes."""
    names = {name for names in _PRICE_NAMES for name in names} | {*_VOLUME_NAMES}
    return {place for place, name in enumerate(header) if name in names}


def _find(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _find_time(header: Sequence[str]) -> int | None:
    # A pandas index that was saved has no name, and whatever has one is a better time.
    place = _find(header, _TIME_NAMES[:-1])
    if place is None:
        place = next((n for n, name in enumerate(header) if _promises_utc(name)), None)
    return _find(header, _TIME_NAMES[-1:]) if place is None else place


def _promises_utc(name: str) -> bool:
    return _PROMISES_UTC.search(name.replace("_", " ")) is not None


def _join_date_and_time(table: pl.DataFrame, header: Sequence[str], alone: pl.Series) -> pl.Series:
    # MetaTrader and Tickstory write the date and the time of day in columns of their own.
    clock = _find(header, ("time", "timestamp"))
    if "date" not in header or clock is None or not len(table):
        return alone
    day, hour = table.to_series(header.index("date")), table.to_series(clock)
    is_text = day.dtype == hour.dtype == pl.String
    if not is_text or not _TIME_OF_DAY.fullmatch((hour[0] or "").strip()):
        return alone
    if ":" not in hour[0] and hour.str.contains(r"^\s*\d+\s*$").all():
        hour = hour.str.strip_chars().str.zfill(6 if hour.str.len_bytes().max() != 4 else 4)
    return join_texts(day, hour)


def _volume(table: pl.DataFrame, header: Sequence[str]) -> Floats:
    # MetaTrader's real volume is all zeros where only ticks are counted.
    named = [name for name in _VOLUME_NAMES if name in header]
    read = (to_numbers(table.to_series(header.index(name))) for name in named)
    volume = np.full(len(table), np.nan)
    for volume in read:
        if np.any(volume > 0):
            return volume
    return volume


def _read_seed(table: pl.DataFrame, header: Sequence[str]) -> int | None:
    if "simulated_seed" not in header:
        return None
    column = table.to_series(header.index("simulated_seed"))
    seeds = column.cast(pl.Int64, strict=False).unique()
    if len(seeds) != 1 or seeds[0] is None or seeds[0] < 0:
        raise NotReadableError("Its column 'simulated_seed' must hold one whole number throughout.")
    return int(seeds[0])


def _check_sources(table: pl.DataFrame, header: Sequence[str], lines: Ints) -> list[str]:
    for name in _KLINE_NAMES:
        if name not in header:
            continue
        filled = table.to_series(header.index(name)).is_not_null().to_numpy()
        if filled.any() and not filled.all():
            says = (
                f"column {name!r} is filled in one part of the file and empty in another, so two "
                f"sources were joined. Import each of them alone."
            )
            turned = np.arange(len(lines)) == np.argmax(filled != filled[0])
            return name_first(lines, turned, says)
    return []
