"""yfinance: frames that pandas saved as CSV, with one header line for each level."""

from dataclasses import dataclass

import numpy as np

from setupdesk.adapters.importers.csv_with_header import (
    find_columns,
    find_numbers,
    read_columns,
    read_header,
)
from setupdesk.adapters.importers.rows import NotReadableError, Rows
from setupdesk.adapters.importers.text_table import (
    find_separator,
    first_lines,
    parse_table,
    split_line,
)
from setupdesk.core.timeframe import Timeframe

_LEVELS = ("price", "ticker")
_HEADER_LINES = 3


@dataclass(frozen=True, slots=True)
class _Frame:
    name: str = "yfinance"

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        return _find_levels(content) is not None

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        del file_name
        levels = _find_levels(content)
        if levels is None:
            raise NotReadableError("Its first lines must be Price, Ticker and Date.")
        columns, tickers = levels
        several = sorted({ticker for ticker in tickers[1:] if ticker})
        if len(several) > 1:
            raise NotReadableError(
                f"It holds {len(several)} tickers: {', '.join(several[:5])}. Save one by one."
            )
        header = ["date", *columns[1:]]
        if find_columns(header) is None:
            raise NotReadableError("Its first line does not name open, high, low, close.")
        separator = find_separator(first_lines(content, 1)[0])
        numbers = find_numbers(header)
        table = parse_table(content, _HEADER_LINES, len(header), separator, numbers)
        lines = np.arange(_HEADER_LINES + 1, _HEADER_LINES + 1 + len(table))
        return read_columns(table, header, lines, timeframe)


READER = _Frame()


def _find_levels(content: bytes) -> tuple[list[str], list[str]] | None:
    lines = first_lines(content, _HEADER_LINES)
    if len(lines) < _HEADER_LINES:
        return None
    upper, lower = read_header(lines[0]), split_line(lines[1])
    if not upper or not lower:
        return None
    names = (upper[0], lower[0].lower())
    if names == _LEVELS:
        return upper, lower

    # group_by="ticker" puts the levels the other way round.
    if names == _LEVELS[::-1]:
        return read_header(lines[1]), split_line(lines[0])
    return None
