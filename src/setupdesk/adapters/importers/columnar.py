"""Parquet and Feather: tables with types, as pandas, polars and freqtrade store them."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import polars as pl

from setupdesk.adapters.importers.csv_with_header import find_columns, read_columns
from setupdesk.adapters.importers.rows import NotReadableError, Rows
from setupdesk.core.timeframe import Timeframe

_FREQTRADE = ("date", "open", "high", "low", "close", "volume")
_MAX_ROWS = 50_000_000
_BROKEN = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError, OverflowError, MemoryError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columnar:
    name: str
    magic: bytes
    parse: Callable[[bytes], pl.DataFrame]
    only: tuple[str, ...] = ()
    """Columns that it must have, and no others."""

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        if not content.startswith(self.magic):
            return False
        return not self.only or _names(content, self.parse) == list(self.only)

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        del file_name
        try:
            return _read(self.parse(content), timeframe)
        except _BROKEN as broken:
            reason = str(broken).split("\n", 1)[0][:200]
            raise NotReadableError(f"It is broken: {reason}.") from broken


def _read(table: pl.DataFrame, timeframe: Timeframe) -> Rows:
    header = [name.strip().lower().replace(" ", "_") for name in table.columns]
    if find_columns(header) is None:
        raise NotReadableError("Its columns must be named time, open, high, low, close.")
    lines = np.arange(1, len(table) + 1)
    return read_columns(table, header, lines, timeframe)


def _parse_feather(content: bytes) -> pl.DataFrame:
    return pl.read_ipc(BytesIO(content), n_rows=_MAX_ROWS)


def _parse_parquet(content: bytes) -> pl.DataFrame:
    return pl.read_parquet(BytesIO(content), n_rows=_MAX_ROWS)


def _names(content: bytes, parse: Callable[[bytes], pl.DataFrame]) -> list[str]:
    try:
        return parse(content).columns
    except _BROKEN:
        return []


FEATHER = _Columnar(name="Feather", magic=b"ARROW1", parse=_parse_feather)
PARQUET = _Columnar(name="Parquet", magic=b"PAR1", parse=_parse_parquet)
FREQTRADE = _Columnar(
    name="freqtrade feather", magic=b"ARROW1", parse=_parse_feather, only=_FREQTRADE
)
