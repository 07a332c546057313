"""Time stamps: text or numbers of a file become milliseconds, never by guessing a zone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import Flags, NotReadableError, name_first
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Floats, Ints

_CLOCK = (
    r"(?:(?:T| +)(?P<hour>\d{1,2}):?(?P<minute>\d{2}):?(?P<second>\d{2})?(?P<part>\.\d{1,9})?)?"
    r"\s*(?P<offset>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?\d{2})?$"
)
_LAYOUTS = (
    r"^(?P<year>\d{4})(?P<dash>[-./])(?P<month>\d{1,2})[-./](?P<day>\d{1,2})",
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    r"^(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
    r"^(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})",
)
_SLASHES = _LAYOUTS[-1]
_COMPACT = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d$"

_FIELDS = {
    "%Y": "[0-9]{4}",
    "%S": "[0-5][0-9]",
    "%:z": "[+-][0-9]{2}:[0-9]{2}",
    ".": r"\.",
    **dict.fromkeys(("%m", "%d", "%H", "%M"), "[0-9]{2}"),
}
_QUICK = (
    *("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%d %H:%M:%S%:z"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%d %H%M%S"),
    *("%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%d.%m.%Y %H:%M:%S.000"),
)
"""Layouts that polars reads at once, those with a zone first."""

_EPOCH_LIMITS = (1e8, 1e11, 1e14, 1e17, 1e20)
"""Between them lie the years 1973 to 5138 in seconds, then in milli-, micro-, nanoseconds."""

_FIRST_MS, _LAST_MS = -2_208_988_800_000, 4_102_444_800_000
"""The years 1900 to 2099: no market's bars lie outside."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """The time column of a file."""

    utc_ms: Ints
    """Of the wall clock where ``is_naive``; zero where it was not understood."""

    is_bad: Flags
    is_naive: Flags
    """Whether it is a local time, with no offset that says where."""

    are_epochs: bool = False
    """Whether they were UNIX times."""

    are_dates: bool = False
    """Whether they were the dates of D1 bars, with neither times nor a zone."""


def parse_stamps(column: pl.Series, timeframe: Timeframe, *, is_utc: bool) -> Stamps:
    """Read UNIX times of any unit, or dates with offsets that may change from row to row.

    *is_utc* says that the header promises UTC. A date alone is the trade date of a D1 bar.
    """
    dates_do = timeframe is Timeframe.D1
    if isinstance(column.dtype, pl.Datetime | pl.Date):
        return _parse_moments(column, is_utc=is_utc, dates_do=dates_do)
    if column.dtype.is_numeric():
        return parse_epochs(column.cast(pl.Float64, strict=False).fill_null(0).to_numpy())
    column = column.cast(pl.String, strict=False)
    quick = _parse_quickly(column, is_utc=is_utc)
    if quick is not None:
        return quick
    column = column.str.strip_chars()
    quick = _parse_quickly(column, is_utc=is_utc)
    if quick is not None:
        return quick
    numbers = column.cast(pl.Float64, strict=False)
    is_compact = column.str.contains(_COMPACT).fill_null(value=False)
    if numbers.null_count() < len(column) / 2 and not is_compact.any():
        return parse_epochs(numbers.fill_null(0).fill_nan(0).to_numpy())
    return _parse_texts(column, is_utc=is_utc, dates_do=dates_do)


def parse_epochs(values: Floats) -> Stamps:
    """Read UNIX times, the unit of each told by its size."""
    # Row by row: Binance changed from milli- to microseconds in 2025, inside some files.
    if len(values) and values.min() >= 1e11 and values.max() < 1e14:
        stamps = _within_reason(values.round().astype(np.int64), *np.zeros((2, len(values)), bool))
        return replace(stamps, are_epochs=True)
    values = np.nan_to_num(values, nan=0.0).clip(0, _EPOCH_LIMITS[-1] * 10)
    unit = np.searchsorted(_EPOCH_LIMITS, values)
    known = (unit > 0) & (unit < len(_EPOCH_LIMITS))
    factor = np.array([0.0, 1e3, 1.0, 1e-3, 1e-6, 0.0])[unit]
    utc_ms = np.where(known, values * factor, 0).round().astype(np.int64)
    stamps = _within_reason(utc_ms, ~known, np.zeros(len(values), np.bool_))
    return replace(stamps, are_epochs=True)


def check_stamps(
    texts: pl.Series, stamps: Stamps, lines: Ints, *, is_wall: bool = False
) -> tuple[bool, list[str]]:
    """Say whether the stamps are of a wall clock, and which of them are wrong.

    *is_wall* says that even UNIX times are those of the source's own clock.
    """
    bad, naive = stamps.is_bad, stamps.is_naive
    mistakes = name_first(
        lines,
        bad,
        f"{_show(texts, bad)} is not a time that is understood. "
        f"Write 2025-10-31T09:00:00Z or UNIX time.",
    )
    all_naive = bool(naive.any()) and bool(np.all(naive | bad))
    if naive.any() and not all_naive:
        says = (
            f"{_show(texts, naive)} does not say in which time zone it is, while other lines do. "
            f"Export the times in UTC, with Z or an offset."
        )
        mistakes += name_first(lines, naive, says)
    return all_naive or is_wall, mistakes


def _show(texts: pl.Series, wrong: Flags) -> str:
    if not wrong.any():
        return ""

    # A broken file may hold a number that is no date of Python.
    shown = texts if texts.dtype == pl.String else texts.to_physical()
    return repr(shown[int(np.argmax(wrong))])[:60]


def _within_reason(utc_ms: Ints, bad: Flags, naive: Flags) -> Stamps:
    bad = bad | (utc_ms < _FIRST_MS) | (utc_ms > _LAST_MS)
    return Stamps(np.where(bad, 0, utc_ms), bad, naive & ~bad)


def _parse_moments(column: pl.Series, *, is_utc: bool, dates_do: bool) -> Stamps:
    is_date = column.dtype == pl.Date
    in_utc = isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None
    moments = column.cast(pl.Datetime("ms")) if is_date else column
    has_zone = in_utc or is_utc or (is_date and dates_do)
    naive = np.full(len(column), not has_zone)
    stamps = _within_reason(_to_ms(moments), column.is_null().to_numpy(), naive)
    return replace(stamps, are_dates=is_date and dates_do and not is_utc)


def _parse_quickly(column: pl.Series, *, is_utc: bool) -> Stamps | None:
    layout = next(
        (each for each in _QUICK if _read_moments(column.head(1), each) is not None), None
    )
    moments = None if layout is None else _read_moments(column, layout)
    if layout is None or moments is None:
        return None
    naive = np.full(len(column), not (layout.endswith(("z", "Z")) or is_utc))
    return _within_reason(moments, np.zeros(len(column), np.bool_), naive)


def _read_moments(column: pl.Series, layout: str) -> Ints | None:
    # Polars forgives: 2025- 1-02 and a second 60 would be times. Here each digit has its place.
    pattern = re.sub(r"%:?[A-Za-z]|\.", lambda field: _FIELDS[field[0]], layout)
    text = pl.col("text")

    # As expressions, for then the parts of a large column are read side by side.
    read = column.to_frame("text").select(
        text.str.contains(f"^{pattern}$").fill_null(value=False).all().alias("fits"),
        text.str.to_datetime(layout, time_unit="ms", strict=False, cache=False)
        .dt.epoch("ms")
        .alias("ms"),
    )
    ms = read["ms"]
    return ms.to_numpy() if read["fits"][:1].all() and not ms.null_count() else None


def _to_ms(moments: pl.Series) -> Ints:
    return moments.dt.epoch("ms").fill_null(0).to_numpy().astype(np.int64)


def _parse_texts(column: pl.Series, *, is_utc: bool, dates_do: bool) -> Stamps:
    layout = next(_find_layouts(column), _LAYOUTS[0])
    fields = column.str.extract_groups(layout + _CLOCK).struct.unnest()
    if layout == _SLASHES:
        fields = _turn_dates(fields)
    moments = _build_moments(fields)
    offsets = fields["offset"].unique().drop_nulls().to_list()
    shift_ms = fields["offset"].replace_strict(
        offsets, [_offset_ms(offset) for offset in offsets], default=0, return_dtype=pl.Int64
    )
    is_date = fields["hour"].is_null()
    has_zone = fields["offset"].is_not_null() | (is_date & dates_do) | is_utc
    stamps = _within_reason(
        _to_ms(moments) - shift_ms.to_numpy(),
        moments.is_null().to_numpy(),
        (~has_zone).to_numpy(),
    )
    are_dates = dates_do and not is_utc and bool((is_date & fields["offset"].is_null()).all())
    return replace(stamps, are_dates=are_dates)


def _find_layouts(column: pl.Series) -> Iterator[str]:
    sample = column.drop_nulls().head(10)
    return (layout for layout in _LAYOUTS if sample.str.contains(layout + _CLOCK).any())


def _turn_dates(fields: pl.DataFrame) -> pl.DataFrame:
    # 11/5/2019 is in May or in November, and bars lie close together: the reading that
    # spans less time is right, and one that is no date at all spans nothing.
    turned = fields.rename({"day": "month", "month": "day"})
    day_first, month_first = _span(fields), _span(turned)
    if day_first == month_first:
        raise NotReadableError(
            "Its dates, such as 11/5/2019, may begin with the day or with the month. "
            "Write them as 2019-11-05."
        )
    return fields if day_first < month_first else turned


def _span(fields: pl.DataFrame) -> tuple[int, float]:
    moments = _build_moments(fields)
    if moments.null_count() == len(moments):
        return len(moments), np.inf
    stamps = _to_ms(moments.drop_nulls())
    return moments.null_count(), float(stamps.max() - stamps.min())


def _build_moments(fields: pl.DataFrame) -> pl.Series:
    def padded(name: str) -> pl.Expr:
        return pl.col(name).fill_null("0").str.zfill(2)

    text = fields.select(
        pl.format(
            "{}-{}-{}T{}:{}:{}{}",
            pl.col("year"),
            padded("month"),
            padded("day"),
            padded("hour"),
            padded("minute"),
            padded("second"),
            pl.col("part").fill_null(""),
        ).alias("moment")
    )["moment"]
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", strict=False)


def _offset_ms(offset: str) -> int:
    digits = offset.lstrip("UTCGMZ").replace(":", "")
    if not digits:
        return 0
    sign = -1 if digits.startswith("-") else 1
    return sign * (int(digits[1:3]) * 60 + int(digits[3:])) * 60_000
