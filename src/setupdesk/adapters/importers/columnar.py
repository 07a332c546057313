"""Parquet and Feather: tables with types, as pandas, polars and freqtrade store them."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from setupdesk.adapters.bar_files import OWN_MARK
from setupdesk.adapters.importers.csv_with_header import find_columns, read_columns
from setupdesk.adapters.importers.rows import NotReadableError, Rows
from setupdesk.core.timeframe import Timeframe

_FREQTRADE = ("date", "open", "high", "low", "close", "volume")
_CHILD = Path(__file__).with_name("columnar_child.py")
_PATIENCE_S = 120
_PAIR = re.compile(r"""\(['"](.*)['"], ['"](.*)['"]\)""")
_PANICS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columnar:
    name: str
    magic: bytes
    only: tuple[str, ...] = ()
    """Columns that it must have, and no others."""

    mark: str = ""
    """Text that the end of the file must hold: this product's own."""

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        if not content.startswith(self.magic):
            return False
        if self.mark and self.mark not in _read_footer(content):
            return False
        return not self.only or _names(content) == self.only

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        del file_name
        try:
            rows = _read(_parse(content), timeframe)
            return replace(rows, is_own=bool(self.mark))
        except _PANICS as broken:
            reason = str(broken).split("\n", 1)[0][:200]
            raise NotReadableError(f"It is broken: {reason}.") from broken
        finally:
            # Kept from the look at its columns until here, and no longer: it may be large.
            _parse.cache_clear()


def _read(table: pl.DataFrame, timeframe: Timeframe) -> Rows:
    names = _flatten(table.columns)
    header = [name.strip().lower().replace(" ", "_") for name in names]
    if find_columns(header) is None:
        raise NotReadableError("Its columns must be named time, open, high, low, close.")
    lines = np.arange(1, len(table) + 1)
    return read_columns(table, header, lines, timeframe)


def _flatten(columns: Sequence[str]) -> list[str]:
    # Pandas writes two levels of names, as yfinance has them, as the text of a pair.
    pairs = [_PAIR.fullmatch(name) for name in columns]
    firsts = {pair[1].lower() for pair in pairs if pair}
    price, ticker = (1, 2) if "close" in firsts else (2, 1)
    tickers = sorted({pair[ticker] for pair in pairs if pair and pair[1] and pair[2]})
    if len(tickers) > 1:
        named = ", ".join(tickers[:5])
        raise NotReadableError(f"It holds {len(tickers)} tickers: {named}. Save one by one.")
    return [
        (pair[price] or pair[ticker]) if pair else name
        for name, pair in zip(columns, pairs, strict=True)
    ]


def _read_footer(content: bytes) -> str:
    # Parquet ends with what its writer says of it, then the length of that and a magic word.
    length = int.from_bytes(content[-8:-4], "little") + 8
    return content[-length:].decode("ascii", errors="replace")


@lru_cache(maxsize=1)
def _parse(content: bytes) -> pl.DataFrame:
    # A few wrong bytes abort polars, or stop it for ever: not even a panic can be caught.
    try:
        child = subprocess.run(  # noqa: S603
            [sys.executable, "-I", str(_CHILD)],
            input=content,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as broken:
        raise NotReadableError("It is broken: polars cannot read it. Export it again.") from broken
    return pl.read_ipc_stream(BytesIO(child.stdout))


def _names(content: bytes) -> tuple[str, ...]:
    try:
        return tuple(_parse(content).columns)
    except NotReadableError:
        return ()


FEATHER = _Columnar(name="Feather", magic=b"ARROW1")
PARQUET = _Columnar(name="Parquet", magic=b"PAR1")
OWN = _Columnar(name="Setupdesk Parquet", magic=b"PAR1", mark=OWN_MARK)
FREQTRADE = _Columnar(name="freqtrade feather", magic=b"ARROW1", only=_FREQTRADE)
