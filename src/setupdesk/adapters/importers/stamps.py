"""Time stamps: text or numbers of a file become UTC milliseconds, never by guessing a zone."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import Flags
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Ints

_STAMP = (
    r"^(\d{4}-\d{2}-\d{2})(?:$|[T ])"
    r"(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$"
)
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_EPOCH_LIMITS = (1e8, 1e11, 1e14, 1e17, 1e20)
"""Between them lie the years 1973 to 5138 in seconds, then in milli-, micro-, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """The time column of a file."""

    utc_ms: Ints
    """Zero where it was not understood."""

    is_bad: Flags
    is_naive: Flags
    """Whether it is a local time, with no offset that says where."""


def parse_stamps(column: pl.Series, timeframe: Timeframe, *, is_utc: bool) -> Stamps:
    """Read UNIX times of any unit, or ISO 8601 with offsets that may change from row to row.

    *is_utc* says that the header promises UTC. A date alone is the trade date of a D1 bar.
    """
    column = column.str.strip_chars()
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() < len(column) / 2:
        return _parse_epochs(numbers)
    return _parse_texts(column, is_utc=is_utc, dates_do=timeframe is Timeframe.D1)


def _parse_epochs(numbers: pl.Series) -> Stamps:
    # Row by row: Binance changed from milli- to microseconds in 2025, inside some files.
    values = numbers.fill_null(0).fill_nan(0).clip(0, _EPOCH_LIMITS[-1] * 10).to_numpy()
    unit = np.searchsorted(_EPOCH_LIMITS, values)
    known = (unit > 0) & (unit < len(_EPOCH_LIMITS))
    factor = np.array([0.0, 1e3, 1.0, 1e-3, 1e-6, 0.0])[unit]
    utc_ms = np.where(known, values * factor, 0).round().astype(np.int64)
    return Stamps(utc_ms, ~known, np.zeros(len(values), np.bool_))


def _parse_texts(column: pl.Series, *, is_utc: bool, dates_do: bool) -> Stamps:
    table = column.to_frame("text").select(
        pl.col("text").str.extract(_STAMP, 1).alias("day"),
        pl.col("text").str.extract(_STAMP, 2).fill_null("00:00").alias("clock"),
        pl.col("text").str.extract(_STAMP, 3).alias("offset"),
        pl.col("text").str.contains(_DATE).fill_null(value=False).alias("is_date"),
    )
    local_ms = _local_ms(table)
    offsets = table["offset"].unique().drop_nulls().to_list()
    shift_ms = table["offset"].replace_strict(
        offsets, [_offset_ms(offset) for offset in offsets], default=0, return_dtype=pl.Int64
    )
    has_zone = table["offset"].is_not_null() | (table["is_date"] & dates_do) | is_utc
    understood = local_ms.is_not_null()
    return Stamps(
        (local_ms - shift_ms).fill_null(0).to_numpy(),
        (~understood).to_numpy(),
        (understood & ~has_zone).to_numpy(),
    )


def _local_ms(table: pl.DataFrame) -> pl.Series:
    clock = pl.col("clock")
    seconds = pl.when(clock.str.len_bytes() == 5).then(clock + ":00").otherwise(clock)
    text = table.select((pl.col("day") + "T" + seconds).alias("local"))["local"]
    moment = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", strict=False)
    return moment.dt.epoch("ms")


def _offset_ms(offset: str) -> int:
    if offset == "Z":
        return 0
    sign = -1 if offset.startswith("-") else 1
    digits = offset[1:].replace(":", "")
    return sign * (int(digits[:2]) * 60 + int(digits[2:])) * 60_000
