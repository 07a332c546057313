"""CSV whose first line names its columns: TradingView's export and most scripts.

Columns are found by name, never by place: mplfinance writes open, close, high, low.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import NotReadableError, Rows, name_first
from setupdesk.adapters.importers.stamps import Stamps, parse_stamps
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Floats, Ints

_TIME_NAMES = ("time", "datetime", "timestamp", "date", "ts", "bar_start_ms", "open_time", "utc")
_PRICE_NAMES = (("open", "o"), ("high", "h"), ("low", "l"), ("close", "c"))
_VOLUME_NAMES = ("volume", "vol", "v", "tick_volume", "tickvol")
_KLINE_NAMES = ("close_time", "quote_asset_volume", "number_of_trades")
"""Every candle of an exchange has them: where they are empty, another source speaks."""

_PROMISES_UTC = re.compile(r"\b(utc|gmt)\b")
_FIRST_LINE = 2


@dataclass(frozen=True, slots=True)
class _CsvWithHeader:
    name: str = "CSV with a header"

    def recognises(self, content: bytes) -> bool:
        header = _header(_decode(content[:4096]))
        return _find_columns(header) is not None

    def read(self, content: bytes, timeframe: Timeframe) -> Rows:
        text = _decode(content)
        header = _header(text)
        columns = _find_columns(header)
        if columns is None:
            raise NotReadableError("Its first line does not name time, open, high, low, close.")
        table = _parse(text, len(header))
        stamps = parse_stamps(
            table.to_series(columns["time"]), timeframe, is_utc=_is_utc(header, columns)
        )
        prices = [
            _numbers(table.to_series(columns[name])) for name in ("open", "high", "low", "close")
        ]
        lines = np.arange(_FIRST_LINE, _FIRST_LINE + len(table))
        texts = table.to_series(columns["time"])
        return Rows(
            lines=lines,
            time=stamps.utc_ms,
            prices=np.stack(prices),
            volume=_volume(table, columns),
            mistakes=[*_check_stamps(texts, stamps, lines), *_check_sources(table, header, lines)],
            is_wall=bool(stamps.is_naive.any()),
        )


READER = _CsvWithHeader()


def _decode(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    # A sample may end within a character; a whole file with such bytes fails on its numbers.
    return content.decode(encoding, errors="replace")


def _header(text: str) -> list[str]:
    line = text.strip("\r\n").partition("\n")[0]
    cells = line.split(_separator(line))
    return [cell.strip().strip('"<>').strip().lower().replace(" ", "_") for cell in cells]


def _separator(line: str) -> str:
    return max(",;\t", key=line.count)


def _find_columns(header: Sequence[str]) -> Mapping[str, int] | None:
    found: dict[str, int | None] = {"time": _find_time(header)}
    for names in _PRICE_NAMES:
        found[names[0]] = _find(header, names)
    columns = {name: place for name, place in found.items() if place is not None}
    if len(columns) < len(found):
        return None
    volume = _find(header, _VOLUME_NAMES)
    return columns if volume is None else columns | {"volume": volume}


def _find(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _find_time(header: Sequence[str]) -> int | None:
    promised = (place for place, name in enumerate(header) if _promises_utc(name))
    place = _find(header, _TIME_NAMES)
    return next(promised, None) if place is None else place


def _promises_utc(name: str) -> bool:
    return _PROMISES_UTC.search(name.replace("_", " ")) is not None


def _is_utc(header: Sequence[str], columns: Mapping[str, int]) -> bool:
    return _promises_utc(header[columns["time"]])


def _parse(text: str, width: int) -> pl.DataFrame:
    body = text.strip("\r\n")
    header, _, lines = body.partition("\n")
    if not lines:
        raise NotReadableError("It has no rows.")
    try:
        table = pl.read_csv(
            body.encode(),
            separator=_separator(header),
            has_header=False,
            skip_rows=1,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as broken:
        reason = str(broken).split("\n", 1)[0]
        raise NotReadableError(f"Its lines differ from its header: {reason}.") from broken
    if table.width != width:
        raise NotReadableError(f"Its header has {width} columns, its lines {table.width}.")
    return table


def _numbers(column: pl.Series) -> Floats:
    return column.str.strip_chars().cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()


def _volume(table: pl.DataFrame, columns: Mapping[str, int]) -> Floats:
    if "volume" not in columns:
        return np.full(len(table), np.nan)
    return _numbers(table.to_series(columns["volume"]))


def _check_stamps(texts: pl.Series, stamps: Stamps, lines: Ints) -> list[str]:
    bad, naive = stamps.is_bad, stamps.is_naive
    mixed = naive if not np.all(naive | bad) else np.zeros_like(naive)
    return [
        *name_first(
            lines,
            bad,
            f"{texts[int(np.argmax(bad))]!r} is not a time that is understood. "
            f"Write 2025-10-31T09:00:00Z or UNIX time.",
        ),
        *name_first(
            lines,
            mixed,
            f"{texts[int(np.argmax(mixed))]!r} does not say in which time zone it is, while other "
            f"lines do. Export all times in UTC, with Z or an offset.",
        ),
    ]


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
