"""Tiny files as each vendor writes them, built by hand: three M15 bars of GER40 in each."""

import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

START = 1_743_148_800
"""2025-03-28 08:00:00 UTC, a Friday."""

PRICES = (
    (22000.0, 22010.0, 21990.0, 22005.0),
    (22005.0, 22020.3, 22000.0, 22015.0),
    (22015.0, 22016.0, 22001.0, 22002.1),
)
VOLUMES = (812, 640, 77)


class VendorFile(NamedTuple):
    name: str
    content: bytes
    source: str
    is_wall: bool = False
    volume: Sequence[float] | None = VOLUMES
    clock: str | None = None
    """The clock that the format fixes."""


def lines_of(stamp: str, line: str = "{t},{o},{h},{l},{c},{v}", hours: int = 0) -> list[str]:
    found = []
    for n, ((o, h, l, c), v) in enumerate(zip(PRICES, VOLUMES, strict=True)):  # noqa: E741
        seconds = START + 900 * n
        moment = datetime.fromtimestamp(seconds + 3600 * hours, UTC)
        t = f"{moment:{stamp}}" if "%" in stamp else str(seconds * int(stamp))
        end = seconds * 1000 + 899_999
        found.append(line.format(t=t, o=o, h=h, l=l, c=c, v=v, end=end))
    return found


def text(header: str, lines: Sequence[str], encoding: str = "utf-8") -> bytes:
    return "\n".join([*([header] if header else []), *lines, ""]).encode(encoding)


def zipped(entries: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def history(version: int) -> bytes:
    head = struct.pack("<i64s12siiii", version, b"(C)", b"GER40", 15, 1, 0, 0).ljust(148, b"\0")
    bars = b""
    for n, ((o, h, l, c), v) in enumerate(zip(PRICES, VOLUMES, strict=True)):  # noqa: E741
        at = START + 900 * n
        if version == 400:
            bars += struct.pack("<i5d", at, o, l, h, c, v)
        else:
            bars += struct.pack("<q4dqiq", at, o, h, l, c, v, 12, 0)
    return head + bars


def candles_bi5(*, silent: int = 0) -> bytes:
    packed = b""
    for n, ((o, h, l, c), v) in enumerate(zip(PRICES, VOLUMES, strict=True)):  # noqa: E741
        figures = [round(price * 1000) for price in (o, c, l, h)]
        packed += struct.pack(">5If", 8 * 3600 + 900 * n, *figures, v)
    for n in range(3, 3 + silent):
        packed += struct.pack(">5If", 8 * 3600 + 900 * n, *[22_002_100] * 4, 0)
    return lzma.compress(packed, lzma.FORMAT_ALONE)


def ticks_bi5() -> bytes:
    packed = b""
    for n, (o, h, l, c) in enumerate(PRICES):  # noqa: E741
        for k, bid in enumerate((o, h, l, c)):
            figure = round(bid * 1000)
            packed += struct.pack(">3i2f", 900_000 * n + 60_000 * k, figure + 900, figure, 1, 1)
    return lzma.compress(packed, lzma.FORMAT_ALONE)


def frame() -> pl.DataFrame:
    opened, high, low, close = zip(*PRICES, strict=True)
    stamps = pl.Series([(START + 900 * n) * 1000 for n in range(3)]).cast(pl.Datetime("ms", "UTC"))
    columns = {"date": stamps, "open": opened, "high": high, "low": low, "close": close}
    return pl.DataFrame({**columns, "volume": [float(volume) for volume in VOLUMES]})


def naive_frame() -> pl.DataFrame:
    return frame().with_columns(pl.col("date").dt.replace_time_zone(None).dt.cast_time_unit("ns"))


def epoch_frame() -> pl.DataFrame:
    return frame().with_columns(pl.col("date").dt.epoch("s"))


def stored(table: pl.DataFrame, *, parquet: bool) -> bytes:
    buffer = io.BytesIO()
    if parquet:
        table.write_parquet(buffer)
    else:
        table.write_ipc(buffer)
    return buffer.getvalue()


def oanda(side: str = "mid", *, unfinished: bool = False) -> bytes:
    candles = [
        {
            "complete": True,
            "volume": VOLUMES[n],
            "time": f"{datetime.fromtimestamp(START + 900 * n, UTC):%Y-%m-%dT%H:%M:%S}.000000000Z",
            side: dict(zip("ohlc", map(str, prices), strict=True)),
        }
        for n, prices in enumerate(PRICES)
    ]
    if unfinished:
        candles.append({**candles[-1], "complete": False, "time": "2025-03-28T08:45:00Z"})
    return json.dumps({"instrument": "DE30_EUR", "granularity": "M15", "candles": candles}).encode()


_ISO = "%Y-%m-%d %H:%M:%S"
_HEADER = "open,high,low,close,volume"
_MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
_MT5_LINE = "{t}\t{o}\t{h}\t{l}\t{c}\t{v}\t0\t15"
_KLINE = "{t},{o},{h},{l},{c},{v},{end},1.03,79,19523.0,0.55,0"
_LEAN_LINES = [
    f"{28_800_000 + 900_000 * n},{o},{h},{l},{c},0,{o + 1},{h + 1},{l + 1},{c + 1},0"
    for n, (o, h, l, c) in enumerate(PRICES)  # noqa: E741
]
_JSON = [[(START + 900 * n) * 1000, *PRICES[n], VOLUMES[n]] for n in range(3)]

_YAHOO = "Price,Close,High,Low,Open,Volume\nTicker,^GDAXI,^GDAXI,^GDAXI,^GDAXI,^GDAXI\n"
_DAY_PATH = "DEUIDXEUR/2025/02/28"

FILES = (
    VendorFile(
        "GER4015.csv",
        text("", lines_of("%Y.%m.%d,%H:%M")),
        "MT4 CSV",
        is_wall=True,
    ),
    VendorFile(
        "DAT_MT_GRXEUR_M1_2025.csv",
        text("", lines_of("%Y.%m.%d,%H:%M")),
        "MT4 CSV",
        is_wall=True,
        clock="Etc/GMT+5",
    ),
    VendorFile("GER4015.hst", history(400), "MT4 history", is_wall=True),
    VendorFile("new/GER4015.hst", history(401), "MT4 history", is_wall=True),
    VendorFile(
        "GER40_M15.csv",
        text(_MT5, lines_of("%Y.%m.%d\t%H:%M:%S", _MT5_LINE)),
        "MT5 export",
        is_wall=True,
    ),
    VendorFile(
        "GER40_M15_utf16.csv",
        text(_MT5, lines_of("%Y.%m.%d\t%H:%M:%S", _MT5_LINE), "utf-16"),
        "MT5 export",
        is_wall=True,
    ),
    VendorFile(
        "GER40_M15_utf16_no_mark.csv",
        text(_MT5, lines_of("%Y.%m.%d\t%H:%M:%S", _MT5_LINE), "utf-16-le"),
        "MT5 export",
        is_wall=True,
    ),
    VendorFile(
        "script.csv",
        text(
            "Date,Open,High,Low,Close,Tickvol,Volume,Spread",
            lines_of("%Y.%m.%d %H:%M:%S", "{t},{o},{h},{l},{c},{v},0,20"),
        ),
        "MT5 script",
        is_wall=True,
    ),
    VendorFile(
        "dump.csv", text(f"datetime,{_HEADER}", lines_of(_ISO)), "CSV with a header", is_wall=True
    ),
    VendorFile(
        "rates.csv",
        text(
            "time,open,high,low,close,tick_volume,spread,real_volume",
            lines_of("1", "{t},{o},{h},{l},{c},{v},2,0"),
        ),
        "MT5 Python",
        is_wall=True,
    ),
    VendorFile(
        "FOREXCOM_GER40, 15 (3).csv",
        text(
            'time,open,high,low,close,Volume,"MA (9, close)"',
            lines_of("1", "{t},{o},{h},{l},{c},{v},1"),
        ),
        "TradingView",
    ),
    VendorFile(
        "DEU.IDX-EUR_15Minute_BID_2025-03-28_Etc_UTC.csv",
        text(
            "Etc/UTC,Open,High,Low,Close,Volume", [*lines_of(_ISO), "2025-03-29 08:00:00,1,1,1,1,0"]
        ),
        "Dukascopy CSV",
    ),
    VendorFile(
        "old.csv",
        text("Gmt time,Open,High,Low,Close,Volume", lines_of("%d.%m.%Y %H:%M:%S.000")),
        "Dukascopy CSV",
    ),
    VendorFile(
        "local.csv",
        text(
            "Local time,Open,High,Low,Close,Volume",
            lines_of("%d.%m.%Y %H:%M:%S.000 GMT+0100", hours=1),
        ),
        "Dukascopy CSV",
    ),
    VendorFile(
        "deuidxeur-m15-bid.csv", text(f"timestamp,{_HEADER}", lines_of("1000")), "dukascopy-node"
    ),
    VendorFile(f"{_DAY_PATH}/BID_candles_min_1.bi5", candles_bi5(silent=2), "Dukascopy bi5"),
    VendorFile(f"{_DAY_PATH}/08h_ticks.bi5", ticks_bi5(), "Dukascopy bi5", volume=(4, 4, 4)),
    VendorFile(
        "tickstory.csv",
        text("Date,Timestamp,Open,High,Low,Close,Volume", lines_of("%Y%m%d,%H:%M:%S")),
        "Tickstory",
        is_wall=True,
    ),
    VendorFile(
        "DAT_ASCII_GRXEUR_M1_2025.csv",
        text("", lines_of("%Y%m%d %H%M%S", "{t};{o};{h};{l};{c};{v}")),
        "HistData",
        is_wall=True,
        clock="Etc/GMT+5",
    ),
    VendorFile("klines-ms.csv", text("", lines_of("1000", _KLINE)), "Binance klines"),
    VendorFile("klines-us.csv", text("", lines_of("1000000", _KLINE)), "Binance klines"),
    VendorFile(
        "klines-futures.csv",
        text(
            f"open_time,{_HEADER},close_time,quote_volume,count,taker_buy_volume,"
            "taker_buy_quote_volume,ignore",
            lines_of("1000", _KLINE),
        ),
        "Binance klines",
    ),
    VendorFile("GER40-15m.json", json.dumps(_JSON).encode(), "freqtrade json"),
    VendorFile("GER40-15m.json.gz", gzip.compress(json.dumps(_JSON).encode()), "freqtrade json"),
    VendorFile("GER40-15m.feather", stored(frame(), parquet=False), "freqtrade feather"),
    VendorFile(
        "bars.feather",
        stored(frame().rename({"date": "ts"}), parquet=False),
        "Feather",
    ),
    VendorFile("bars.parquet", stored(frame(), parquet=True), "Parquet"),
    VendorFile(
        "yahoo.csv",
        text(f"{_YAHOO}Datetime,,,,,", lines_of(f"{_ISO}+00:00", "{t},{c},{h},{l},{o},{v}")),
        "yfinance",
    ),
    VendorFile("candles.json", oanda(unfinished=True), "OANDA JSON"),
    VendorFile("candles-bid.json", oanda("bid"), "OANDA JSON"),
    VendorFile(
        "cfd/oanda/minute/de30eur/20250328_quote.zip",
        zipped({"20250328_de30eur_minute_quote.csv": text("", _LEAN_LINES)}),
        "LEAN",
        volume=None,
    ),
    VendorFile(
        "future/eurex/minute/fdax/20250328_trade.zip",
        zipped(
            {
                "20250328_fdax_minute_trade_202506_20250620.csv": text(
                    "",
                    [
                        f"{28_800_000 + 900_000 * n},{','.join(map(str, PRICES[n]))},{VOLUMES[n]}"
                        for n in range(3)
                    ],
                )
            }
        ),
        "LEAN",
        is_wall=True,
    ),
    VendorFile("20250328_quote.csv", text("", _LEAN_LINES), "LEAN", is_wall=True, volume=None),
    VendorFile("naive.parquet", stored(naive_frame(), parquet=True), "Parquet", is_wall=True),
    VendorFile("epochs.parquet", stored(epoch_frame(), parquet=True), "Parquet"),
    VendorFile(
        "days.csv",
        text(
            "Date,Time,Open,High,Low,Close,Volume,OpenInterest",
            lines_of("%Y-%m-%d,%H:%M:%S", "{t},{o},{h},{l},{c},{v},0"),
        ),
        "CSV with a header",
        is_wall=True,
    ),
    VendorFile(
        "german.csv",
        text(
            "Date;Open;Close;High;Low;Volume",
            [line.replace(".", ",") for line in lines_of("1", "{t};{o};{c};{h};{l};{v}")],
        ),
        "CSV with a header",
    ),
)
