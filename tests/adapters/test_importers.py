import gzip
import hashlib
import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.adapters.importers.rows import NotReadableError
from setupdesk.adapters.importers.unpacking import unpack
from setupdesk.core.errors import InvalidImportError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.data_set import ImportedBars

CATALOGUE = load_catalogue()
SHARED = (parent / "shared/data" for parent in Path(__file__).parents)
REAL = next((folder for folder in SHARED if folder.is_dir()), Path("shared/data"))
needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason="no real files in ../shared/data")

HEADER = "time,open,high,low,close"
BARS = (
    "2025-03-28T08:00:00Z,22000,22010,21990,22005",
    "2025-03-28T08:15:00Z,22005,22020.3,22000,22015",
    "2025-03-31T08:30:00+01:00,22015,22016,22001,22002.1",
)


def read(
    lines: Sequence[str],
    header: str = HEADER,
    symbol: str = "GER40",
    timeframe: Timeframe = Timeframe.M15,
) -> ImportedBars:
    raw = "\n".join([header, *lines]).encode()
    return read_bars(raw, "bars.csv", CATALOGUE[symbol], timeframe)


def stamps(imported: ImportedBars) -> list[str]:
    moments = [datetime.fromtimestamp(t / 1000, UTC) for t in imported.bars.time.tolist()]
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in moments]


def quarter_hours(prices: Sequence[float], start: int = 1_743_148_800) -> list[str]:
    return [
        f"{start + 900 * n},{price},{price + 1},{price},{price}" for n, price in enumerate(prices)
    ]


def test_a_tradingview_export_is_read_with_offsets_that_change() -> None:
    imported = read(BARS)

    assert stamps(imported) == ["2025-03-28 08:00", "2025-03-28 08:15", "2025-03-31 07:30"]
    assert imported.bars.open.tolist() == [220_000, 220_050, 220_150]
    assert imported.bars.high.tolist() == [220_100, 220_203, 220_160]
    assert imported.bars.low.tolist() == [219_900, 220_000, 220_010]
    assert imported.bars.close.tolist() == [220_050, 220_150, 220_021]
    assert bool(np.all(np.isnan(imported.bars.volume)))


def test_the_format_and_the_bytes_of_the_file_are_named() -> None:
    raw = "\n".join([HEADER, *BARS]).encode()

    imported = read_bars(raw, "bars.csv", CATALOGUE["GER40"], Timeframe.M15)

    assert imported.source_format == "TradingView"
    assert imported.source_sha256 == hashlib.sha256(raw).hexdigest()
    assert imported.quality == {
        "rows": 3,
        "unsorted": 0,
        "duplicates": 0,
        "off_tick": 0,
        "flat": 0,
    }


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_unix_times_are_read_in_any_unit(unit: int) -> None:
    lines = [f"{(1_743_148_800 + 900 * n) * unit},22000,22010,21990,22005" for n in range(3)]

    imported = read(lines)

    assert stamps(imported) == ["2025-03-28 08:00", "2025-03-28 08:15", "2025-03-28 08:30"]


def test_the_unit_of_unix_times_may_change_inside_a_file() -> None:
    lines = [
        "1743148800000,22000,22010,21990,22005",
        "1743149700000,22000,22010,21990,22005",
        "1743150600000000,22000,22010,21990,22005",
    ]

    imported = read(lines)

    assert stamps(imported) == ["2025-03-28 08:00", "2025-03-28 08:15", "2025-03-28 08:30"]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("Date;Open;High;Low;Close;Volume", "2025-03-28 08:00:00+00:00;22000;22010;21990;22005;7"),
        ("<TS>\t<O>\t<H>\t<L>\t<C>\t<Vol>", "1743148800\t22000\t22010\t21990\t22005\t7"),
        ("Volume,Close,Low,High,Open,time", "7,22005,21990,22010,22000,2025-03-28T08:00Z"),
        ("Time (UTC),Open,High,Low,Close,Volume", "2025-03-28 08:00:00,22000,22010,21990,22005,7"),
        ("Etc/UTC,Open,High,Low,Close,Volume", "2025-03-28 08:00:00.000,22000,22010,21990,22005,7"),
        (
            "\ufefftime,open,high,low,close,vol",
            "2025-03-28T09:00:00+0100,22000,22010,21990,22005,7",
        ),
    ],
)
def test_columns_are_found_by_their_names(header: str, line: str) -> None:
    imported = read([line], header)

    bars = imported.bars
    row = (bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.volume[0])
    assert stamps(imported) == ["2025-03-28 08:00"]
    assert row == (220_000, 220_100, 219_900, 220_050, 7)


def test_windows_line_ends_and_utf_16_are_understood() -> None:
    raw = "\r\n".join([HEADER, *BARS, ""]).encode("utf-16")

    imported = read_bars(raw, "bars.csv", CATALOGUE["GER40"], Timeframe.M15)

    assert len(imported.bars) == 3


def test_a_volume_that_is_always_zero_is_none() -> None:
    imported = read([f"{bar},0" for bar in BARS], f"{HEADER},Volume")

    assert bool(np.all(np.isnan(imported.bars.volume)))


@pytest.mark.parametrize("stamp", ["2025-03-28", "2025-03-28T00:00:00Z"])
def test_a_daily_bar_may_be_stamped_with_its_date_alone(stamp: str) -> None:
    imported = read([f"{stamp},22000,22010,21990,22005"], timeframe=Timeframe.D1)

    assert stamps(imported) == ["2025-03-28 00:00"]


def test_unsorted_and_doubled_bars_are_mended_and_counted() -> None:
    imported = read([BARS[1], BARS[0], BARS[2], BARS[1]])

    quality = imported.quality

    assert stamps(imported) == ["2025-03-28 08:00", "2025-03-28 08:15", "2025-03-31 07:30"]
    assert (quality["unsorted"], quality["duplicates"]) == (2, 1)


def test_prices_between_ticks_are_rounded_and_counted() -> None:
    imported = read(["2025-03-28T08:00:00Z,22000.04,22010.26,21990,22005"])

    assert imported.bars.open.tolist() == [220_000]
    assert imported.bars.high.tolist() == [220_103]
    assert imported.quality["off_tick"] == 2


@pytest.mark.parametrize("packing", ["gzip", "zip"])
def test_packed_files_are_unpacked(packing: str) -> None:
    plain = "\n".join([HEADER, *BARS]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bars.csv", plain)
    packed = gzip.compress(plain) if packing == "gzip" else buffer.getvalue()

    imported = read_bars(packed, "bars", CATALOGUE["GER40"], Timeframe.M15)

    assert len(imported.bars) == 3


def test_a_bomb_is_never_unpacked_beyond_the_limit() -> None:
    bomb = gzip.compress(b"0" * 1_000_000)

    with pytest.raises(NotReadableError, match=r"larger than 0\.5 MiB when unpacked"):
        unpack(bomb, max_bytes=2**19)


def test_an_archive_of_several_files_is_one_data_set() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.csv", "\n".join([HEADER, *BARS[:2]]))
        archive.writestr("two.csv", "\n".join([HEADER, *BARS[1:]]))

    imported = read_bars(buffer.getvalue(), "bars.zip", CATALOGUE["GER40"], Timeframe.M15)

    assert len(imported.bars) == 3
    assert imported.quality["duplicates"] == 1


@pytest.mark.parametrize("raw", [b"\x1f\x8b\x08broken", b"PK\x03\x04broken"])
def test_a_broken_archive_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidImportError, match="cannot be unpacked"):
        read_bars(raw, "bars.gz", CATALOGUE["GER40"], Timeframe.M15)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "It has no rows"),
        ([BARS[0], "2025-03-28 08:15,22000,22010,21990,22005"], "Line 3: .* while other lines do"),
        (["28.13.2025 08:00,22000,22010,21990,22005"], "Line 2: .* is not a time"),
        (["5/6/2025 08:00,22000,22010,21990,22005"], "begin with the day or with the month"),
        (["1e300,22000,22010,21990,22005"], "Line 2: '1e300' is not a time"),
        (["2025-03-28T08:00:00Z,22000,inf,21990,22005"], "inf is not a price of GER40"),
        (["99,22000,22010,21990,22005"], "Line 2: '99' is not a time"),
        ([BARS[0], "", BARS[1]], "Line 3: .* is not a time"),
        (["2025-03-28T08:00:00Z,22000,,21990,22005"], "Line 2: a price is not a number"),
        (["2025-03-28T08:00:00Z,22000,x,21990,22005"], "Line 2: a price is not a number"),
        (["2025-03-28T08:00:00Z,22000,nan,21990,22005"], "Line 2: a price is not a number"),
        (["2025-03-28T08:00:00Z,22000,22010,0,22005"], "Line 2: a price is not above 0"),
        (["2025-03-28T08:00:00Z,22000,22010,-1,22005"], "Line 2: a price is not above 0"),
        (["2025-03-28T08:00:00Z,1.08,1.09,1.07,1.08"], "1.08 is not a price of GER40.*3,000 to"),
        (["2025-03-28T08:00:00Z,220000,220100,219900,220050"], "220,000 is not a price of GER40"),
        (["2025-03-28T08:00:00Z,22000,22010,21990,22011"], "Line 2: open or close is outside"),
        (["2025-03-28T08:00:00Z,21980,22010,21990,22005"], "Line 2: open or close is outside"),
        ([BARS[0], BARS[1].replace("T08:15:00", "T08:15:07")], "Line 3: no bar of .* 08:15:07 UTC"),
        ([BARS[0], BARS[0].replace("22005", "22006")], "08:00:00 UTC stands twice"),
        (["2025-03-28T08:00:00Z,22000,22010"], "columns"),
        ([BARS[0] + ",5", BARS[1]], "columns|lines differ"),
    ],
)
def test_a_mistake_is_refused_and_says_where(lines: list[str], reason: str) -> None:
    with pytest.raises(InvalidImportError, match=f"^bars.csv was not imported: .*{reason}"):
        read(lines)


@pytest.mark.parametrize("header", ["a,b,c,d,e", "time,open,high,low", "open,high,low,close"])
def test_a_header_without_the_names_is_refused(header: str) -> None:
    with pytest.raises(InvalidImportError, match="The first line must name the columns"):
        read(BARS, header)


def test_bars_of_another_timeframe_are_refused_with_the_one_they_have() -> None:
    with pytest.raises(
        InvalidImportError, match=r"15 min apart, those of H1 are 60 min\. Import it as M15\."
    ):
        read(BARS, timeframe=Timeframe.H1)


def test_no_timeframe_is_advised_that_there_is_not() -> None:
    half_hours = [f"{1_743_148_800 + 1800 * n},200{n},210{n},200{n},200{n}" for n in range(10)]
    lines = [line.replace(",2", ",22") for line in half_hours]

    with pytest.raises(InvalidImportError) as refused:
        read(lines)

    assert "The desk has no timeframe of 30 min, only M1, M5, M15, H1, H4, D1." in str(
        refused.value
    )


def test_a_file_of_two_bar_sizes_is_refused() -> None:
    fine = quarter_hours(range(22_000, 22_030))
    coarse = [f"{1_743_120_000 - 3600 * n},22000,22010,21990,22005" for n in range(12)]

    with pytest.raises(InvalidImportError, match="12 bars are 60 min apart, while most are 15"):
        read([*coarse, *fine])


def test_a_price_that_stands_still_for_hours_is_refused() -> None:
    lines = [f"{1_743_148_800 + 900 * n},22000,22000,22000,22000" for n in range(8)]

    with pytest.raises(InvalidImportError, match="stands still for 8 bars from 2025-03-28 08:00"):
        read([*lines, *quarter_hours([22_001] * 3, 1_743_148_800 + 900 * 8)])


def test_a_price_that_stands_still_for_a_moment_is_counted() -> None:
    lines = [f"{1_743_148_800 + 900 * n},22000,22000,22000,22000" for n in range(7)]

    imported = read(lines)

    assert imported.quality["flat"] == 7


def test_h4_bars_may_begin_at_any_hour_and_shift_with_new_york() -> None:
    lines = [
        "2025-03-07T18:00:00Z,22000,22010,21990,22005",
        "2025-03-07T22:00:00Z,22000,22010,21990,22005",
        "2025-03-08T02:00:00Z,22000,22010,21990,22005",
        "2025-03-10T01:00:00Z,22000,22010,21990,22005",
        "2025-03-10T04:00:00Z,22000,22010,21990,22005",
    ]

    imported = read(lines, timeframe=Timeframe.H4)

    assert len(imported.bars) == 5


def test_h4_bars_that_overlap_are_refused() -> None:
    lines = [f"2025-03-10T{hour:02}:00:00Z,22000,22010,21990,22005" for hour in (0, 4, 8, 10)]

    with pytest.raises(InvalidImportError, match="Line 5: the bar opens only 120 min after"):
        read(lines, timeframe=Timeframe.H4)


def test_all_mistakes_are_named_at_once() -> None:
    lines = ["2025-03-28 08:00:00,22000,21000,21990,22005", "2025-03-28T08:15:07Z,0,1,0,1"]

    with pytest.raises(InvalidImportError) as refused:
        read(lines)

    for reason in ("in which time zone", "outside low to high", "not above 0", "08:15:07"):
        assert reason in str(refused.value)


@needs_real_files
def test_the_real_export_loses_and_doubles_no_bar() -> None:
    raw = (REAL / "raw/rokas__FOREXCOM_GER40_M15.csv.gz").read_bytes()
    clean = pl.read_parquet(REAL / "clean/GER40_M15_forexcom.parquet")

    bars = read_bars(raw, "FOREXCOM_GER40, 15.csv.gz", CATALOGUE["GER40"], Timeframe.M15).bars

    assert len(bars) == 21_861
    assert bars.time.tolist() == clean["ts"].dt.epoch("ms").to_list()
    for name in ("open", "high", "low", "close"):
        ticks = np.rint(clean[name].to_numpy() / 0.1).astype(np.int64)
        assert getattr(bars, name).tolist() == ticks.tolist()


@needs_real_files
@pytest.mark.parametrize(
    ("file_name", "symbol", "timeframe", "reason"),
    [
        ("flat_bars_epoch_ms_GER40_M15.csv", "GER40", "M15", "Line 10: the price stands still"),
        ("mixed_grain_EURUSD_M30.csv", "EURUSD", "M15", "1440 min apart, while most are 30 min"),
        ("offgrid_first_bar_MGC_M30.csv", "XAUUSD", "M15", "Line 2: no bar of .* 11:26:07"),
        ("two_column_eras_BTCUSDT_1m.csv", "BTCUSD", "M1", "Line 32: .* two sources were joined"),
    ],
)
def test_every_dirty_file_is_refused(
    file_name: str, symbol: str, timeframe: str, reason: str
) -> None:
    raw = (REAL / "raw/dirty" / file_name).read_bytes()

    with pytest.raises(InvalidImportError, match=reason):
        read_bars(raw, file_name, CATALOGUE[symbol], Timeframe(timeframe))


@pytest.mark.parametrize(
    ("symbol", "price"),
    [
        *[("GER40", 83_000), ("GER40", 2_400), ("US30", 430_000), ("US30", 4_800)],
        *[("NAS100", 150_000), ("US500", 48_000), ("JPN225", 300_000), ("UK100", 75_000)],
        *[("FRA40", 70_000), ("EU50", 40_000), ("XAUUSD", 19_000), ("XAGUSD", 300)],
        *[("BTCUSD", 740_000), ("ETHUSD", 25_000), ("EURUSD", 11), ("USDJPY", 1_500)],
    ],
)
def test_prices_of_another_scale_are_refused(symbol: str, price: float) -> None:
    with pytest.raises(InvalidImportError, match=f"is not a price of {symbol}, which is"):
        read(quarter_hours([price] * 3), symbol=symbol)


@pytest.mark.parametrize(
    ("symbol", "low", "high"),
    [
        *[("GER40", 3_588, 24_700), ("US30", 6_470, 50_000), ("NAS100", 1_018, 30_000)],
        *[("US500", 667, 7_700), ("JPN225", 6_995, 60_000), ("UK100", 3_461, 11_000)],
        *[("FRA40", 2_466, 8_600), ("EU50", 1_766, 6_200), ("XAUUSD", 411, 5_600)],
        *[("XAGUSD", 6.4, 122), ("BTCUSD", 152, 126_300), ("ETHUSD", 6, 4_960)],
    ],
)
def test_what_was_paid_since_2005_is_within_the_range(symbol: str, low: float, high: float) -> None:
    least, most = CATALOGUE[symbol].price_range

    assert least <= low
    assert high <= most / 2


@pytest.mark.parametrize("prices", [[23_000, 23_010, 4_000], [4_000, 4_001, 40_100, 40_000]])
def test_a_step_from_one_scale_to_another_is_refused_with_its_line(prices: list[float]) -> None:
    with pytest.raises(InvalidImportError) as refused:
        read(quarter_hours(prices))

    assert "Line 4: the close goes from" in str(refused.value)
    assert "in another scale" in str(refused.value)


def test_half_a_file_in_another_scale_is_refused() -> None:
    prices = [40_000.0 + n for n in range(40)]

    with pytest.raises(InvalidImportError, match=r"Line 22: .* from 40,019 to 4,002 at 2025"):
        read(quarter_hours([price if n < 20 else price / 10 for n, price in enumerate(prices)]))


def test_a_coin_may_treble_in_a_day_but_not_in_a_quarter_of_an_hour() -> None:
    days = [f"2025-03-0{n}T00:00:00Z,{p},{p},{p},{p}" for n, p in ((1, 900), (2, 3_000))]

    assert len(read(days, symbol="ETHUSD", timeframe=Timeframe.D1).bars) == 2
    with pytest.raises(InvalidImportError, match="from 900 to 3,000"):
        read(quarter_hours([900, 3_000]), symbol="ETHUSD")


def test_years_between_two_bars_excuse_another_price() -> None:
    then = quarter_hours([3_700.0, 3_701.0, 3_702.0], start=1_236_326_400)
    now = quarter_hours([22_000.0, 22_001.0, 22_002.0])

    assert len(read([*then, *now]).bars) == 6


def test_a_lone_wrong_price_is_imported_with_a_warning_that_names_it() -> None:
    lines = quarter_hours([22_000.0 + n for n in range(40)])
    lines[20] = lines[20].replace("22021.0", "59000.0")

    (warning,) = read(lines).warnings

    assert warning.startswith(
        "The bar of 2025-03-28 13:00 UTC reaches 59,000, 36,978 points beyond the bars beside it: "
    )
