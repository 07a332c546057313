import gzip
import lzma
import random
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import READERS, read_bars, read_folder
from setupdesk.adapters.importers.joining import Part, join_parts
from setupdesk.adapters.importers.rows import NotReadableError, Reader, Rows
from setupdesk.adapters.importers.unpacking import unpack
from setupdesk.core.errors import ClockNeededError, InvalidImportError
from setupdesk.core.timeframe import Timeframe
from tests.adapters.vendor_files import (
    FILES,
    PRICES,
    START,
    VendorFile,
    candles_bi5,
    frame,
    history,
    lines_of,
    oanda,
    text,
    ticks_bi5,
    zipped,
)

GER40 = load_catalogue()["GER40"]
M15 = Timeframe.M15
SHARED = (parent / "shared/data" for parent in Path(__file__).parents)
REAL = next((folder for folder in SHARED if folder.is_dir()), Path("shared/data"))
needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason="no real files in ../shared/data")
SLOW = (".feather", ".parquet")
"""Each of them takes a process of its own."""

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def find_reader(content: bytes, name: str) -> Reader:
    return next(reader for reader in READERS if reader.recognises(content, name))


def read_rows(raw: bytes, name: str, timeframe: Timeframe = M15) -> Part:
    parts = []
    for inner, content in unpack(raw, name):
        reader = find_reader(content, inner)
        rows = reader.read(content, inner, timeframe)
        parts.append(Part(file_name=inner, source_format=reader.name, rows=rows))
    return replace(parts[0], rows=join_parts(parts))


def read_text(raw: bytes | str, name: str = "bars.csv", timeframe: Timeframe = M15) -> Rows:
    return read_rows(raw.encode() if isinstance(raw, str) else raw, name, timeframe).rows


def assert_the_three_bars(rows: Rows, file: VendorFile) -> None:
    assert rows.time.tolist() == [START * 1000 + 900_000 * n for n in range(3)]
    assert rows.clock == file.clock
    assert rows.prices.T.tolist() == [list(prices) for prices in PRICES]
    assert list(rows.mistakes) == []
    if file.volume is not None:
        assert rows.volume.tolist() == list(file.volume)


@every_file
def test_each_vendor_is_recognised_and_read(file: VendorFile) -> None:
    part = read_rows(file.content, file.name)

    assert part.source_format == file.source
    assert part.rows.is_wall == file.is_wall
    assert_the_three_bars(part.rows, file)


@every_file
def test_a_source_can_be_forced_and_wall_clocks_wait_for_a_clock(file: VendorFile) -> None:
    source = file.source.upper().replace(" ", "-")

    if file.is_wall and file.clock is None:
        with pytest.raises(ClockNeededError):
            read_bars(file.content, file.name, GER40, M15, source=source)
    else:
        imported = read_bars(file.content, file.name, GER40, M15, source=source)
        assert imported.source_format == file.source
        assert len(imported.bars) == 3


@every_file
@pytest.mark.parametrize("packing", ["gzip", "zip"])
def test_each_vendor_may_be_packed(file: VendorFile, packing: str) -> None:
    name = Path(file.name).name
    packed = gzip.compress(file.content) if packing == "gzip" else zipped({name: file.content})
    outer = file.name + (".gz" if packing == "gzip" else "")
    if packing == "zip":
        outer = str(Path(file.name).parent)

    part = read_rows(packed, outer)

    assert part.source_format == file.source
    assert_the_three_bars(part.rows, file)


def test_a_source_that_is_not_known_is_refused_with_the_ones_that_are() -> None:
    with pytest.raises(InvalidImportError, match=r"'mt6' is not a format\. Formats: .*MT5 export"):
        read_bars(b"", "bars.csv", GER40, M15, source="mt6")


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@pytest.mark.parametrize("content", [b"", b"\n", b"abc", b"1,2,3", b"\0" * 200])
def test_a_forced_reader_refuses_what_it_cannot_read(reader: Reader, content: bytes) -> None:
    with pytest.raises(InvalidImportError):
        read_bars(content, "bars.csv", GER40, M15, source=reader.name)


def test_the_bars_of_a_closed_market_are_left_out_and_counted() -> None:
    csv = next(file for file in FILES if file.name.startswith("DEU.IDX"))
    candles = candles_bi5(silent=4)

    imported = read_bars(csv.content, csv.name, GER40, M15)
    packed = read_bars(candles, "DEUIDXEUR/2025/02/28/BID_candles_min_1.bi5", GER40, M15)

    assert imported.quality["silent"] == 1
    assert packed.quality["silent"] == 4


def test_unfinished_candles_are_left_out_and_counted() -> None:
    imported = read_bars(oanda(unfinished=True), "candles.json", GER40, M15)

    assert imported.quality["unfinished"] == 1


def test_oanda_ask_prices_are_no_bars() -> None:
    with pytest.raises(InvalidImportError, match="no bid and no mid prices"):
        read_bars(oanda("ask"), "candles.json", GER40, M15)


def test_a_daily_mt5_export_has_dates_alone_which_say_no_clock() -> None:
    header = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    raw = f"{header}\n2025.03.28\t22000\t22010\t21990\t22005\t9\t0\t1\n"

    part = read_rows(raw.encode(), "GER40_Daily.csv", Timeframe.D1)

    assert part.source_format == "MT5 export"
    assert part.rows.is_wall
    assert part.rows.time.tolist() == [START * 1000 - 8 * 3_600_000]


def test_a_zone_in_some_lines_only_is_a_mistake() -> None:
    rows = read_text(
        "time,open,high,low,close\n2025-03-28 08:00:00,1,1,1,1\n2025-03-28T08:15:00Z,1,1,1,1\n"
    )

    assert not rows.is_wall
    assert rows.mistakes[0].startswith("Line 2: '2025-03-28 08:00:00' does not say")


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (("3/28/2025", "3/31/2025"), "2025-03-28"),
        (("28/3/2025", "31/3/2025"), "2025-03-28"),
        (("3/5/2025", "3/6/2025"), "2025-03-05"),
        (("5/3/2025", "6/3/2025"), "2025-03-05"),
    ],
)
def test_dates_with_slashes_are_read_the_way_that_makes_sense(
    dates: tuple[str, str], first: str
) -> None:
    lines = [f"{date} 9:30,1,1,1,1" for date in dates]

    rows = read_text("\n".join(["Date,Open,Close,High,Low", *lines]))

    assert np.datetime64(int(rows.time[0]), "ms") == np.datetime64(f"{first}T09:30")


def test_columns_of_mplfinance_are_not_taken_by_place() -> None:
    rows = read_text("Date,Open,Close,High,Low,Volume\n1743148800,2,3,4,1,7\n")

    assert rows.prices[:, 0].tolist() == [2, 4, 1, 3]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.bi5", candles_bi5(), "Its symbol, day and hour are not known"),
        ("2025/02/28/BID_candles_min_1.bi5", candles_bi5(), "The scale of its prices is not known"),
        ("BTCUSD/2025/02/28/09h_ticks.bi5", ticks_bi5(), "'BTCUSD' is no pair of currencies"),
        ("EURUSD/2025/12/28/09h_ticks.bi5", ticks_bi5(), "names no day: month must be"),
        ("EURUSD/2025/02/09h_ticks.bi5", ticks_bi5(), "Its day is not known"),
        ("EURUSD/2025/02/28/ASK_candles_min_1.bi5", candles_bi5(), "It holds ask prices"),
        ("EURUSD/2025/02/28/BID_candles_min_1.bi5", candles_bi5()[:-9], "cut off|cannot be unp"),
        ("EURUSD/2025/02/28/BID_candles_min_1.bi5", ticks_bi5(), "outside of the file's own|rec"),
        ("DEUIDXEUR/2025/02/28/08h_ticks.bi5", b"", "It has no rows"),
        ("20250328.csv", b"0,1,2,0,1,0,1,2,0,1,0\n", "Its day is not known, for LEAN"),
        ("20251328_quote.csv", b"0,1,2,0,1,0,1,2,0,1,0\n", "Its day is not known, for LEAN"),
        ("GER40.hst", history(401)[:-7], "It was cut off: 53 bytes"),
        ("ticks.csv", b"20120201 000003660,1.306600,1.306770,0\n", "It holds ticks"),
        (
            "two.csv",
            b"Price,Close,High,Low,Open\nTicker,A,A,B,B\nDate,,,,\n2025-03-28,1,1,1,1\n",
            "It holds 2 tickers: A, B",
        ),
    ],
)
def test_what_is_missing_is_named(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(InvalidImportError, match=reason):
        read_bars(content, name, GER40, M15)


@pytest.mark.parametrize(
    ("symbol", "close"), [("USDJPY", 22_005), ("EURUSD", 220.05), ("DEUIDXEUR", 22_005)]
)
def test_the_scale_of_bi5_prices_goes_by_the_symbol(symbol: str, close: float) -> None:
    rows = read_text(candles_bi5(), f"{symbol}/2025/02/28/BID_candles_min_1.bi5")

    assert rows.prices[3, 0] == close


def test_shares_of_lean_are_scaled_and_in_new_york() -> None:
    raw = zipped({"20250328_spy_minute_trade.csv": b"34200000,5600000,5610000,5590000,5600000,9\n"})

    rows = read_text(raw, "equity/usa/minute/spy/20250328_trade.zip")

    assert rows.prices[:, 0].tolist() == [560, 561, 559, 560]
    assert (rows.is_wall, rows.clock) == (True, "America/New_York")


def test_minutes_without_a_bid_are_left_out() -> None:
    lines = b"0,,,,,0,1,2,0,1,0\n60000,1,2,0.5,1,0,1,2,0,1,0\n"

    rows = read_text(lines, "forex/oanda/minute/eurusd/20250328_quote.csv")

    assert rows.left_out == {"no_bid": 1}
    assert len(rows.time) == 1


def test_a_folder_is_one_data_set_and_equal_overlaps_are_fine() -> None:
    lines = lines_of("1000")
    header = "ts,open,high,low,close,volume"
    files = [("b.csv", text(header, lines[1:])), ("a.csv", text(header, lines[:2]))]

    imported = read_folder(files, GER40, M15)
    again = read_folder(reversed(files), GER40, M15)

    assert len(imported.bars) == 3
    assert imported.quality["duplicates"] == 1
    assert imported.source_sha256 == again.source_sha256
    assert imported.bars.fingerprint() == again.bars.fingerprint()


def test_files_of_a_folder_that_disagree_are_named_with_the_time() -> None:
    lines = lines_of("1000")
    header = "ts,open,high,low,close,volume"
    other = [line.replace("22015.0", "22014.0") for line in lines]
    files = [("a.csv", text(header, lines)), ("b.csv", text(header, other))]

    with pytest.raises(InvalidImportError, match=r"a.csv and b.csv disagree .* 2025-03-28 08:15"):
        read_folder(files, GER40, M15)


def test_a_mistake_in_a_folder_is_named_with_its_file() -> None:
    lines = lines_of("1000")
    header = "ts,open,high,low,close,volume"
    wrong = lines[2].replace("22001.0", "0")
    files = [("a.csv", text(header, lines[:2])), ("b.csv", text(header, [wrong]))]

    with pytest.raises(InvalidImportError, match=r"b.csv was not imported: Line 2: a price is not"):
        read_folder(files, GER40, M15)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([], "It holds no files"),
        ([("a.txt", b"hello")], "a.txt was not imported: Its format is not known"),
        ([(f.name, f.content) for f in FILES[:3:2]], "Import them one by one"),
    ],
)
def test_a_folder_of_other_things_is_refused(files: list[tuple[str, bytes]], reason: str) -> None:
    with pytest.raises(InvalidImportError, match=reason):
        read_folder(files, GER40, M15)


def test_an_archive_in_an_archive_in_an_archive_is_refused() -> None:
    packed = gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"x"))))

    with pytest.raises(NotReadableError, match="packed too often"):
        unpack(packed)


def test_the_report_beside_a_histdata_file_is_left_alone() -> None:
    file = next(file for file in FILES if file.source == "HistData")
    packed = zipped({file.name: file.content, file.name.replace(".csv", ".txt"): b"gaps"})

    assert len(read_bars(packed, "HISTDATA_COM.zip", GER40, M15).bars) == 3


@every_file
def test_a_spoiled_file_gives_a_typed_error_or_bars(file: VendorFile) -> None:
    draw = random.Random(file.name)  # noqa: S311
    count = 6 if file.name.endswith(SLOW) else 300

    for _ in range(count):
        spoiled = spoil_within(file, draw)
        try:
            imported = read_bars(spoiled, file.name, GER40, M15)
        except InvalidImportError:
            continue
        assert bool(np.all(np.diff(imported.bars.time) > 0))


def spoil_within(file: VendorFile, draw: random.Random) -> bytes:
    # What is packed breaks at its checksum, so what is inside is spoiled as often.
    if file.name.endswith(".bi5") and draw.random() < 0.5:
        content = spoil(lzma.decompress(file.content), draw)
        return lzma.compress(content, lzma.FORMAT_ALONE)
    return spoil(file.content, draw)


def spoil(content: bytes, draw: random.Random) -> bytes:
    spoiled = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(spoiled) + 1)
        match draw.randrange(5):
            case 0:
                del spoiled[place : place + draw.randint(1, 40)]
            case 1:
                spoiled[place:place] = draw.randbytes(draw.randint(1, 8))
            case 2:
                spoiled[place : place + 1] = draw.choice(
                    [b"0", b"9", b",", b"-", b"\n", b'"', b"["]
                )
            case 3:
                spoiled[place:place] = spoiled[place // 2 : place]
            case _:
                del spoiled[place:]
    return bytes(spoiled)


RAW_FILES = (
    ("backtrader__2006-min-005.txt", "M5", "CSV with a header", 2142, True),
    ("btpy__EURUSD.csv", "H1", "CSV with a header", 5000, True),
    ("cobra__BTCUSDT_5m.csv.gz", "M5", "CSV with a header", 25_920, False),
    ("denik__US500.cash_M15.csv.gz", "M15", "CSV with a header", 47_149, True),
    ("freqtrade__ETH_BTC-5m.feather", "M5", "freqtrade feather", 5760, False),
    ("freqtrade__XRP_USDT_USDT-1h-futures.json.gz", "H1", "freqtrade json", 100, False),
    ("freqtrade__XRP_USDT_USDT-5m-futures.feather", "M5", "freqtrade feather", 1999, False),
    ("lean__Data_cfd_oanda_minute_de30eur", "M1", "LEAN", 3638, False),
    ("lean__Data_cfd_oanda_minute_xauusd", "M1", "LEAN", 15_222, False),
    ("mahmer__BTCUSD_M5.csv.gz", "M5", "CSV with a header", 20_000, True),
    ("mplf__SP500_NOV2019_IDay.csv", "M1", "CSV with a header", 1563, True),
    ("nautilus__6EH4_1min.csv.gz", "M1", "CSV with a header", 29_996, False),
    ("nautilus__ADABTC-1m-2021-11-27.csv", "M1", "Binance klines", 10, False),
    ("omega__EURUSD_m1.csv.gz", "M1", "CSV with a header", 23_397, False),
    ("omega__US500F_m1.csv.gz", "M1", "CSV with a header", 19_073, False),
    ("omega__warmup_US30_M15.csv", "M15", "CSV with a header", 5760, False),
    ("rokas__FOREXCOM_GER40_D1.csv", "D1", "TradingView", 240, False),
    ("rokas__FOREXCOM_GER40_H1.csv", "H1", "TradingView", 5615, False),
    ("rokas__FOREXCOM_GER40_H4.csv", "H4", "TradingView", 1430, False),
    ("rokas__FOREXCOM_GER40_M15.csv.gz", "M15", "TradingView", 21_861, False),
    ("smc__EURUSD_15M.csv.gz", "M15", "MT5 script", 24_424, True),
)


@needs_real_files
@pytest.mark.parametrize(("name", "timeframe", "source", "count", "is_wall"), RAW_FILES)
def test_every_real_file_is_recognised(
    name: str, timeframe: str, source: str, count: int, *, is_wall: bool
) -> None:
    place = REAL / "raw" / name
    paths = sorted(place.iterdir()) if place.is_dir() else [place]

    parts = [
        read_rows(path.read_bytes(), str(path.relative_to(REAL)), Timeframe(timeframe))
        for path in paths
    ]

    rows = join_parts(parts)
    assert {part.source_format for part in parts} == {source}
    assert (len(rows.time), rows.is_wall, list(rows.mistakes)) == (count, is_wall, [])


@needs_real_files
def test_the_table_of_real_files_is_complete() -> None:
    present = {path.name for path in (REAL / "raw").iterdir()} - {"dirty", "SOURCE.md"}

    assert present == {name for name, *_ in RAW_FILES}


@needs_real_files
@pytest.mark.parametrize(
    ("name", "timeframe", "symbol"),
    [
        ("btpy__EURUSD.csv", "H1", "EURUSD"),
        ("denik__US500.cash_M15.csv.gz", "M15", "US500"),
        ("mahmer__BTCUSD_M5.csv.gz", "M5", "BTCUSD"),
        ("mplf__SP500_NOV2019_IDay.csv", "M1", "US500"),
        ("smc__EURUSD_15M.csv.gz", "M15", "EURUSD"),
    ],
)
def test_real_files_without_a_zone_are_refused_for_that_alone(
    name: str, timeframe: str, symbol: str
) -> None:
    raw = (REAL / "raw" / name).read_bytes()

    with pytest.raises(ClockNeededError):
        read_bars(raw, name, load_catalogue()[symbol], Timeframe(timeframe))


DUKASCOPY = (
    "Gmt time,Open,High,Low,Close,Volume\n28.03.2025 08:00:00.000,22000,22010,21990,22005,1\n"
)
DUKASCOPY_NODE = "timestamp,open,high,low,close,volume\n1743148800000,22000,22010,21990,22005,1\n"


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("DEUIDXEUR_Candlestick_15_M_ASK_28.03.2025-28.03.2025.csv", DUKASCOPY),
        ("DEU.IDXEUR_15 Mins_Ask_2025.03.28_2025.03.28.csv", DUKASCOPY),
        ("deuidxeur-m15-ask-2025-03-28.csv", DUKASCOPY_NODE),
    ],
)
def test_a_dukascopy_csv_of_ask_prices_by_its_name_is_refused(name: str, raw: str) -> None:
    with pytest.raises(InvalidImportError, match=r"ask prices by its name.*Import the BID file"):
        read_bars(raw.encode(), name, GER40, M15)

    for bids in (
        name.replace("ASK", "BID").replace("Ask", "Bid").replace("ask", "bid"),
        "task.csv",
    ):
        assert len(read_bars(raw.encode(), bids, GER40, M15).bars) == 1


def yfinance_parquet(*tickers: str, ticker_first: bool = False, index: str = "Datetime") -> bytes:
    """Write what pandas does: each name of two levels as the text of a pair."""
    stamps = frame()["date"].dt.cast_time_unit("ns").alias(index)
    columns = [stamps]
    for name in ("close", "high", "low", "open", "volume"):
        for ticker in tickers:
            pair = (ticker, name.title()) if ticker_first else (name.title(), ticker)
            columns.append(frame()[name].alias(str(pair)))
    target = BytesIO()
    pl.DataFrame(columns).write_parquet(target)
    return target.getvalue()


@pytest.mark.parametrize("ticker_first", [False, True])
@pytest.mark.parametrize("index", ["Datetime", "('Datetime', '')"])
def test_a_yfinance_frame_saved_as_parquet_is_read(*, ticker_first: bool, index: str) -> None:
    raw = yfinance_parquet("^GDAXI", ticker_first=ticker_first, index=index)

    imported = read_bars(raw, "dax.parquet", GER40, M15)

    assert imported.bars.time.tolist() == [START * 1000 + 900_000 * n for n in range(3)]
    assert (imported.bars.open * imported.bars.tick).tolist() == pytest.approx(
        [price[0] for price in PRICES]
    )


def test_a_yfinance_frame_of_two_tickers_is_refused_with_their_names() -> None:
    raw = yfinance_parquet("^GDAXI", "^FCHI")

    with pytest.raises(InvalidImportError, match=r"2 tickers: \^FCHI, \^GDAXI"):
        read_bars(raw, "two.parquet", GER40, M15)
