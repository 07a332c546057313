"""Binance: klines with and without a header, in milli- or (since 2025) microseconds."""

from dataclasses import dataclass

import numpy as np

from setupdesk.adapters.importers.csv_with_header import HeaderFormat, Sample
from setupdesk.adapters.importers.rows import Rows
from setupdesk.adapters.importers.stamps import check_stamps, parse_stamps
from setupdesk.adapters.importers.text_table import (
    NUMBER,
    first_lines,
    matches,
    parse_table,
    split_line,
    to_numbers,
    to_prices,
)
from setupdesk.core.timeframe import Timeframe

_EPOCH = r"\d{13}|\d{16}"
_LINE = (_EPOCH, *[NUMBER] * 5, _EPOCH, *[NUMBER] * 5)


@dataclass(frozen=True, slots=True)
class _Klines:
    name: str = "Binance klines"

    def recognises(self, content: bytes, file_name: str) -> bool:
        if _WITH_HEADER.recognises(content, file_name):
            return True
        lines = first_lines(content, 1)
        cells = split_line(lines[0]) if lines else []
        return len(cells) == len(_LINE) and matches(cells, _LINE)

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        if _WITH_HEADER.recognises(content, file_name):
            return _WITH_HEADER.read(content, file_name, timeframe)
        table = parse_table(content, 0, len(_LINE), numbers=range(1, 6))
        lines = np.arange(1, len(table) + 1)
        stamps = parse_stamps(table.to_series(0), timeframe, is_utc=True)
        _, mistakes = check_stamps(table.to_series(0), stamps, lines)
        return Rows(
            lines=lines,
            time=stamps.utc_ms,
            prices=to_prices(table, (1, 2, 3, 4)),
            volume=to_numbers(table.to_series(5)),
            mistakes=mistakes,
        )


def _is_futures_file(sample: Sample) -> bool:
    return {"open_time", "close_time"} <= set(sample.header)


_WITH_HEADER = HeaderFormat(name="Binance klines", tells=_is_futures_file)
READER = _Klines()
