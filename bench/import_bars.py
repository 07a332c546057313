"""Importing a million M1 bars of CSV, beside polars' own parse of the same file.

The importer takes bytes and gives checked bars: it finds encoding, layout and columns, applies
the clock, checks every price and the spacing, and counts in ticks. Polars takes the same bytes
and gives one column of datetimes and four or five of numbers, in the quickest way that its own
API has for the layout: with dates found by itself where it finds them, else with the format
said. What a user waits for is importing and storing, with every write on the disk: that is
measured too. Runs take turns; medians are compared. Run it with `make bench`.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.data_set import Facts
from setupdesk.market.synthetic import simulate_bars

ROWS, ROUNDS, TARGET = 1_000_000, 7, 2.0
GER40 = load_catalogue()["GER40"]
HEADER = "time,open,high,low,close,volume"
MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
SERVER = "NY+7"

Parse = Callable[[bytes], pl.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to write bars, and how polars reads it quickest."""

    name: str
    header: str
    stamp: Callable[[pl.Expr], pl.Expr]
    parse: Parse
    clock: str | None = None
    separator: str = ","
    further: tuple[int, ...] = ()
    """Constant columns that stand after the volume."""


def find_dates(raw: bytes) -> pl.DataFrame:
    """Let polars find the dates itself."""
    table = pl.read_csv(BytesIO(raw), try_parse_dates=True)
    assert isinstance(table.dtypes[0], pl.Datetime)  # noqa: S101
    return table


def count_milliseconds(raw: bytes) -> pl.DataFrame:
    """Read UNIX times."""
    return pl.read_csv(BytesIO(raw)).with_columns(pl.from_epoch("time", "ms"))


def say_format(form: str) -> Parse:
    """Read texts, then dates of a *form*, which polars does not find itself."""
    return lambda raw: pl.read_csv(BytesIO(raw)).with_columns(
        pl.col("time").str.to_datetime(form, time_unit="ms")
    )


def parse_mt5(raw: bytes) -> pl.DataFrame:
    """Read a date and a time of day in columns of their own."""
    stamp = pl.concat_str("<DATE>", pl.lit(" "), "<TIME>")
    return pl.read_csv(BytesIO(raw), separator="\t").with_columns(
        stamp.str.to_datetime("%Y.%m.%d %H:%M:%S", time_unit="ms")
    )


def parse_mt4(raw: bytes) -> pl.DataFrame:
    """Read the same without a header."""
    stamp = pl.concat_str(pl.nth(0), pl.lit(" "), pl.nth(1))
    return pl.read_csv(BytesIO(raw), has_header=False).with_columns(
        stamp.str.to_datetime("%Y.%m.%d %H:%M", time_unit="ms")
    )


def write_as(form: str, zone: str | None = None) -> Callable[[pl.Expr], pl.Expr]:
    """Write the time in a *form*, by the wall clock of a *zone*."""
    return lambda at: (at.dt.convert_time_zone(zone) if zone else at).dt.strftime(form)


def write_server_time(form: str) -> Callable[[pl.Expr], pl.Expr]:
    """Write the time in a *form*, by the wall clock of a MetaTrader server."""
    new_york = write_as("%FT%T", "America/New_York")
    return lambda at: new_york(at).str.to_datetime().dt.offset_by("7h").dt.strftime(form)


LAYOUTS = (
    Layout(
        name="1735804800000",
        header=HEADER,
        stamp=lambda at: at.dt.epoch("ms"),
        parse=count_milliseconds,
    ),
    Layout(
        name="2025-01-02 09:00:00",
        header=HEADER,
        stamp=write_as("%Y-%m-%d %H:%M:%S"),
        parse=find_dates,
        clock="UTC",
    ),
    Layout(
        name="2025-01-02T09:00:00Z",
        header=HEADER,
        stamp=write_as("%Y-%m-%dT%H:%M:%SZ"),
        parse=find_dates,
    ),
    Layout(
        name="2025-01-02T10:00:00+01:00",
        header=HEADER,
        stamp=write_as("%Y-%m-%dT%H:%M:%S%:z", "Europe/Berlin"),
        parse=say_format("%Y-%m-%dT%H:%M:%S%:z"),
    ),
    Layout(
        name="20250102 090000",
        header=HEADER,
        stamp=write_as("%Y%m%d %H%M%S"),
        parse=say_format("%Y%m%d %H%M%S"),
        clock="UTC",
    ),
    Layout(
        name="MT5 export",
        header=MT5,
        stamp=write_server_time("%Y.%m.%d\t%H:%M:%S"),
        parse=parse_mt5,
        clock=SERVER,
        separator="\t",
        further=(0, 15),
    ),
    Layout(
        name="MT4 CSV",
        header="",
        stamp=write_server_time("%Y.%m.%d,%H:%M"),
        parse=parse_mt4,
        clock=SERVER,
    ),
)


def main() -> None:
    """Measure every layout and print a line of figures for each."""
    table = draw_table()
    print(f"{ROWS:,} M1 bars of GER40, medians of {ROUNDS} runs that took turns, in seconds")
    headings = f"{'polars':>9}{'importer':>10}{'ratio':>7}{'with store':>12}{'ratio':>7}"
    print(f"{'layout':<28}{'MB':>5}{headings}")
    parsed, stored = zip(*(measure(layout, table) for layout in LAYOUTS), strict=True)
    print(f"worst ratio {max(parsed):.2f} x, with store {max(stored):.2f} x, target {TARGET:g} x")


def draw_table() -> pl.DataFrame:
    """Draw bars of the simulated market, with volumes."""
    bars = simulate_bars(GER40, date(2021, 1, 4), date(2025, 1, 3), seed=1)[:ROWS]
    assert len(bars) == ROWS  # noqa: S101
    times = pl.Series("time", np.array(bars.time)).cast(pl.Datetime("ms", "UTC"))
    prices = {name: np.round(getattr(bars, name) * 0.1, 1) for name in HEADER.split(",")[1:5]}
    volume = np.random.default_rng(1).integers(1, 999, ROWS)
    return pl.DataFrame({"time": times, **prices, "volume": volume})


def write(layout: Layout, table: pl.DataFrame) -> bytes:
    """Write the file as its program does."""
    further = [pl.lit(value).alias(f"further {value}") for value in layout.further]
    columns = table.with_columns(layout.stamp(pl.col("time")), *further)
    text = columns.write_csv(include_header=False, separator=layout.separator, quote_style="never")
    return f"{layout.header}\n{text}".lstrip("\n").encode()


def measure(layout: Layout, table: pl.DataFrame) -> tuple[float, float]:
    """Let both read the same bytes in turns, and print what it took."""
    raw = write(layout, table)
    tries: dict[str, Callable[[Path], object]] = {
        "polars": lambda _: layout.parse(raw),
        "importer": lambda _: read(layout, raw),
        "store": lambda folder: read_and_store(layout, raw, folder),
    }
    times: dict[str, list[float]] = {name: [] for name in tries}
    for count in range(ROUNDS + 1):
        for name, once in tries.items():
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                once(Path(folder))
                took = time.perf_counter() - began
            if count:
                times[name].append(took)
    polars, importer, store = (median(times[name]) for name in tries)
    parsed, stored = importer / polars, store / polars
    figures = f"{polars:>9.3f}{importer:>10.3f}{parsed:>7.2f}{store:>12.3f}{stored:>7.2f}"
    print(f"{layout.name:<28}{len(raw) / 1e6:>5.0f}{figures}", flush=True)
    return parsed, stored


def read(layout: Layout, raw: bytes) -> int:
    """Import into memory."""
    imported = read_bars(raw, "bars.csv", GER40, Timeframe.M1, layout.clock)
    assert len(imported.bars) > 0.999 * ROWS  # noqa: S101
    return len(imported.bars)


def read_and_store(layout: Layout, raw: bytes, folder: Path) -> None:
    """Import into a store of its own, with every write synced."""
    imported = read_bars(raw, "bars.csv", GER40, Timeframe.M1, layout.clock)
    facts = Facts(
        source_file="bars.csv",
        source_format=imported.source_format,
        source_sha256=imported.source_sha256,
        imported_at=datetime(2025, 10, 31, tzinfo=UTC),
        quality=imported.quality,
    )
    BarStore(folder).save("GER40", imported.bars, facts)


if __name__ == "__main__":
    main()
