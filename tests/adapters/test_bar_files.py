import gzip
from datetime import UTC, datetime, timedelta
from io import BytesIO

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setupdesk.adapters.bar_files import read_parquet, write_bars
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.core.errors import InvalidImportError, StampingNeededError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import ExportForm

CATALOGUE = load_catalogue()
MONDAY_MS = 1_746_396_000_000


@st.composite
def draw_markets(draw: st.DrawFn) -> tuple[str, Bars]:
    """Draw bars that a store can hold: on the grid, in the symbol's range, holes here and there."""
    name = draw(st.sampled_from([symbol.name for symbol in CATALOGUE]))
    symbol = CATALOGUE[name]
    timeframe = draw(st.sampled_from(list(Timeframe)))
    seed, count = draw(st.integers(0, 2**32)), draw(st.integers(1, 60))
    random = np.random.default_rng(seed)
    skips = np.where(np.arange(count) % 11 == 10, 3, 1)
    times = MONDAY_MS + np.cumsum(skips) * timeframe.milliseconds
    middle = int(np.sqrt(np.prod(symbol.price_range)) / symbol.tick)
    opened = middle + random.integers(0, 1 + middle // 100, count)
    close = opened + random.integers(1, 50, count)
    high, low = close + random.integers(0, 50, count), opened - random.integers(0, 50, count)
    volume = {
        "none": np.full(count, np.nan),
        "all": random.integers(1, 9_000, count).astype(np.float64),
        "some": np.where(random.random(count) < 0.5, np.nan, random.random(count)),
        "wide": 10 ** random.uniform(-9, 18, count),
    }[draw(st.sampled_from(["none", "all", "some", "wide"]))]
    return name, Bars(timeframe, symbol.tick, times, opened, high, low, close, volume)


@settings(max_examples=60, deadline=None)
@given(market=draw_markets(), form=st.sampled_from(["csv", "csv.gz"]))
def test_an_exported_csv_imports_back_bit_for_bit(
    market: tuple[str, Bars], form: ExportForm
) -> None:
    name, bars = market

    imported = read_bars(write_bars(bars, form), f"x.{form}", CATALOGUE[name], bars.timeframe)

    assert imported.bars.fingerprint() == bars.fingerprint()


# Few, for each is read by a process of its own.
@settings(max_examples=12, deadline=None)
@given(market=draw_markets())
def test_an_exported_parquet_imports_back_bit_for_bit(market: tuple[str, Bars]) -> None:
    name, bars = market

    imported = read_bars(write_bars(bars, "parquet"), "x.parquet", CATALOGUE[name], bars.timeframe)

    assert imported.bars.fingerprint() == bars.fingerprint()


@settings(max_examples=60, deadline=None)
@given(market=draw_markets())
def test_the_archive_gives_back_the_very_same_bars(market: tuple[str, Bars]) -> None:
    _, bars = market

    again = read_parquet(write_bars(bars, "parquet"), bars.timeframe, bars.tick)

    assert again.fingerprint() == bars.fingerprint()


def draw_two() -> Bars:
    times = np.array([MONDAY_MS, MONDAY_MS + 900_000])
    opened, high, low, close = np.array(
        [[200_003, 200_004], [200_013, 200_010], [199_990, 200_000], [200_005, 200_007]]
    )
    volume = np.array([5.0, np.nan])
    return Bars(Timeframe.M15, 0.1, times, opened, high, low, close, volume)


def test_a_csv_has_utc_times_and_the_decimals_of_the_tick() -> None:
    text = write_bars(draw_two(), "csv").decode()

    assert text == (
        "open_time,open,high,low,close,volume\n"
        "2025-05-04T22:00:00Z,20000.3,20001.3,19999.0,20000.5,5.0\n"
        "2025-05-04T22:15:00Z,20000.4,20001.0,20000.0,20000.7,\n"
    )


def test_the_same_bars_are_the_same_packed_file() -> None:
    once, again = (write_bars(draw_two(), "csv.gz") for _ in range(2))

    assert once == again
    assert gzip.decompress(once) == write_bars(draw_two(), "csv")


def test_the_parquet_schema_is_the_clean_one() -> None:
    table = pl.read_parquet(BytesIO(write_bars(draw_two(), "parquet")))

    assert dict(table.schema) == {
        "ts": pl.Datetime("ms", "UTC"),
        **dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64()),
    }
    assert table["volume"].to_list() == [5.0, None]
    assert table["open"].to_list() == pytest.approx([20000.3, 20000.4], abs=0)


FORMS: tuple[ExportForm, ...] = ("csv", "csv.gz", "parquet")


def trade_days_that_look_stamped_at_close() -> Bars:
    """Give M5 bars of ten Frankfurt sessions that begin one bar late and end one bar late."""
    first = datetime(2025, 3, 3, 8, 5, tzinfo=UTC)
    days = [day for day in range(14) if (first + timedelta(days=day)).weekday() < 5]
    starts = [int((first + timedelta(days=day)).timestamp() * 1000) for day in days]
    times = np.concatenate([start + 300_000 * np.arange(102) for start in starts])
    opened = 200_000 + np.arange(len(times)) % 7
    volume = np.full(len(times), np.nan)
    return Bars(Timeframe.M5, 0.1, times, opened, opened + 9, opened - 9, opened + 1, volume)


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_never_asked_where_its_bars_are_stamped(form: ExportForm) -> None:
    bars = trade_days_that_look_stamped_at_close()
    foreign = write_bars(bars, "csv").replace(b"open_time", b"time", 1)
    with pytest.raises(StampingNeededError):
        read_bars(foreign, "x.csv", CATALOGUE["GER40"], bars.timeframe)

    for accepts in (False, True):
        imported = read_bars(
            write_bars(bars, form),
            f"x.{form}",
            CATALOGUE["GER40"],
            bars.timeframe,
            accept_clock=accepts,
        )

        assert imported.bars.fingerprint() == bars.fingerprint()
        assert imported.source_format.startswith("Setupdesk ")


@pytest.mark.parametrize("form", FORMS)
def test_bars_that_moved_less_than_a_tick_are_exported_and_come_back(form: ExportForm) -> None:
    stamps = [f"2025-05-05T{8 + n // 4:02}:{n % 4 * 15:02}:00Z" for n in range(10)]
    rows = [f"{stamp},6000,6000.00{n + 1:02},6000,6000" for n, stamp in enumerate(stamps)]
    raw = "\n".join(["time,open,high,low,close", *rows]).encode()
    first = read_bars(raw, "fine.csv", CATALOGUE["US500"], Timeframe.M15)
    foreign = write_bars(first.bars, "csv").replace(b"open_time", b"time", 1)
    with pytest.raises(InvalidImportError, match="stands still for 10 bars"):
        read_bars(foreign, "x.csv", CATALOGUE["US500"], Timeframe.M15)

    again = read_bars(write_bars(first.bars, form), f"x.{form}", CATALOGUE["US500"], Timeframe.M15)

    assert again.bars.fingerprint() == first.bars.fingerprint()


@pytest.mark.parametrize("form", FORMS)
def test_simulated_bars_stay_simulated_with_their_seed(form: ExportForm) -> None:
    seed = 2**62 + 1
    raw = write_bars(draw_two(), form, seed)

    imported = read_bars(raw, f"x.{form}", CATALOGUE["GER40"], Timeframe.M15)

    assert imported.seed == seed
    assert imported.bars.fingerprint() == draw_two().fingerprint()


def test_real_bars_have_no_seed() -> None:
    imported = read_bars(write_bars(draw_two(), "csv"), "x", CATALOGUE["GER40"], Timeframe.M15)

    assert imported.seed is None


def test_a_seed_that_is_no_number_is_refused() -> None:
    raw = write_bars(draw_two(), "csv", 7).replace(b",7\n", b",x\n", 1)

    with pytest.raises(InvalidImportError, match="'simulated_seed' must hold one whole number"):
        read_bars(raw, "x.csv", CATALOGUE["GER40"], Timeframe.M15)
