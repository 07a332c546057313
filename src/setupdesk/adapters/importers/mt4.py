"""MetaTrader 4: CSV of its History Center and the .hst files of its terminal.

Both are in the wall clock of the broker's server.
"""

import re
from dataclasses import dataclass

import numpy as np

from setupdesk.adapters.importers.rows import NotReadableError, Rows, name_first
from setupdesk.adapters.importers.stamps import check_stamps, parse_epochs, parse_stamps
from setupdesk.adapters.importers.text_table import (
    NUMBER,
    first_lines,
    join_texts,
    matches,
    parse_table,
    split_line,
    to_numbers,
    to_prices,
)
from setupdesk.core.timeframe import Timeframe

_LINE = (r"\d{4}\.\d{2}\.\d{2}", r"\d{1,2}:\d{2}(:\d{2})?", NUMBER, NUMBER, NUMBER, NUMBER)
_HISTDATA_NAME = re.compile(r"DAT_MT_", re.IGNORECASE)
_HEADER_BYTES = 148

# The two versions differ in the order of low and high.
_RECORDS = {
    400: np.dtype([("time", "<i4"), *((name, "<f8") for name in ("o", "l", "h", "c", "volume"))]),
    401: np.dtype(
        [
            ("time", "<i8"),
            *((name, "<f8") for name in ("o", "h", "l", "c")),
            ("volume", "<i8"),
            ("spread", "<i4"),
            ("real", "<i8"),
        ]
    ),
}


@dataclass(frozen=True, slots=True)
class _Csv:
    name: str = "MT4 CSV"

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        lines = first_lines(content, 1)
        return bool(lines) and matches(split_line(lines[0]), _LINE)

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        first = first_lines(content, 1)
        width = len(split_line(first[0])) if first else 0
        table = parse_table(content, 0, width, numbers=range(2, 7))
        if width < len(_LINE):
            raise NotReadableError("Its lines must be date, time, open, high, low, close.")
        texts = join_texts(table.to_series(0), table.to_series(1))
        lines = np.arange(1, len(table) + 1)
        stamps = parse_stamps(texts, timeframe, is_utc=False)
        is_wall, mistakes = check_stamps(texts, stamps, lines)
        volume = table.to_series(6) if width > 6 else table.to_series(0)
        rows = Rows(
            lines=lines,
            time=stamps.utc_ms,
            prices=to_prices(table, (2, 3, 4, 5)),
            volume=to_numbers(volume),
            mistakes=mistakes,
            is_wall=is_wall,
        )
        return _from_histdata(rows) if _HISTDATA_NAME.search(file_name) else rows


def _from_histdata(rows: Rows) -> Rows:
    # HistData writes this format too, in Eastern Standard Time all year.
    return Rows(
        lines=rows.lines,
        time=rows.time,
        prices=rows.prices,
        volume=rows.volume,
        mistakes=rows.mistakes,
        is_wall=True,
        clock="Etc/GMT+5",
    )


@dataclass(frozen=True, slots=True)
class _History:
    name: str = "MT4 history"

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        version = int.from_bytes(content[:4], "little")
        return version in _RECORDS and len(content) >= _HEADER_BYTES

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        del file_name, timeframe
        record = _RECORDS.get(int.from_bytes(content[:4], "little"))
        if record is None or len(content) < _HEADER_BYTES:
            raise NotReadableError("It does not begin like a .hst file of version 400 or 401.")
        body = content[_HEADER_BYTES:]
        rest = len(body) % record.itemsize
        if rest:
            raise NotReadableError(
                f"It was cut off: {rest} bytes stand after its last whole bar. Export it again."
            )
        bars = np.frombuffer(body, record)
        stamps = parse_epochs(bars["time"].astype(np.float64))
        lines = np.arange(1, len(bars) + 1)
        return Rows(
            lines=lines,
            time=stamps.utc_ms,
            prices=np.stack([bars[name].astype(np.float64) for name in "ohlc"]),
            volume=bars["volume"].astype(np.float64),
            mistakes=name_first(lines, stamps.is_bad, "the time of the record is not a time."),
            is_wall=True,
        )


CSV = _Csv()
HISTORY = _History()
