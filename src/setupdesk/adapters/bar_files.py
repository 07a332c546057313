"""Bars as files: CSV for people and other programs, Parquet to keep and to exchange.

Both give the very same bars when they are read back. The Parquet schema: ``ts`` in UTC
milliseconds, ``open high low close`` as float64, ``volume`` float64, null where there is none.
Simulated bars have one more column, ``simulated_seed``, in either.
"""

import gzip
from decimal import Decimal
from io import BytesIO

import numpy as np
import polars as pl

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.data_set import ExportForm

_PRICES = ("open", "high", "low", "close")
_GROUP = 2**20
OWN_MARK = "Bars of Setupdesk, stamped at their open"
"""Stands in every Parquet file, so that no importer asks what it knows."""


def write_bars(bars: Bars, form: ExportForm, seed: int | None = None) -> bytes:
    """Write *bars* as a file of the form asked for, with the *seed* of simulated ones."""
    if form == "parquet":
        return write_parquet(bars, seed)
    text = _write_csv(bars, seed)
    # Without the time of packing: the same bars are the same file.
    return gzip.compress(text, mtime=0) if form == "csv.gz" else text


def write_parquet(bars: Bars, seed: int | None = None) -> bytes:
    """Write the archive format, packed with zstd."""
    target = BytesIO()
    # Bars pack no smaller at higher levels, and columns of large groups are packed side by side.
    _add_seed(to_table(bars), seed).write_parquet(
        target,
        compression="zstd",
        compression_level=2,
        row_group_size=_GROUP,
        metadata={"setupdesk": OWN_MARK},
    )
    return target.getvalue()


def read_parquet(raw: bytes, timeframe: Timeframe, tick: float) -> Bars:
    """Read what ``write_parquet`` wrote."""
    table = pl.read_parquet(BytesIO(raw))
    opened, high, low, close = (_to_ticks(table[name].to_numpy(), tick) for name in _PRICES)
    times = table["ts"].dt.epoch("ms").to_numpy()
    volume = table["volume"].fill_null(np.nan).to_numpy()
    return Bars(timeframe, tick, times, opened, high, low, close, volume)


def _write_csv(bars: Bars, seed: int | None) -> bytes:
    decimals = _count_decimals(bars.tick)
    table = to_table(bars).select(
        pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("open_time"),
        *(
            pl.Series(name, [f"{price:.{decimals}f}" for price in _to_points(bars, name).tolist()])
            for name in _PRICES
        ),
        pl.col("volume"),
    )
    if table["volume"].null_count() == len(table):
        table = table.drop("volume")
    return _add_seed(table, seed).write_csv().encode()


def _add_seed(table: pl.DataFrame, seed: int | None) -> pl.DataFrame:
    column = pl.lit(seed, pl.Int64).alias("simulated_seed")
    return table if seed is None else table.with_columns(column)


def to_table(bars: Bars) -> pl.DataFrame:
    """Give ``ts`` (open, UTC), ``open high low close`` in points, ``volume`` (null if none)."""
    times = pl.Series("ts", np.array(bars.time)).cast(pl.Datetime("ms", "UTC"))
    prices = (pl.Series(name, _to_points(bars, name)) for name in _PRICES)
    volume = pl.Series("volume", np.array(bars.volume)).fill_nan(None)
    return pl.DataFrame([times, *prices, volume])


def _to_points(bars: Bars, name: str) -> Floats:
    # Rounded, so that 0.1-tick prices read 20000.3 and not 20000.300000000003.
    ticks: Ints = getattr(bars, name)
    return np.round(ticks * bars.tick, _count_decimals(bars.tick))


def _to_ticks(points: Floats, tick: float) -> Ints:
    return np.rint(points / tick).astype(np.int64)


def _count_decimals(tick: float) -> int:
    exponent = Decimal(str(tick)).normalize().as_tuple().exponent
    return max(0, -int(exponent))
