import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.core.errors import (
    ClockNeededError,
    ClockUnsureError,
    InvalidImportError,
    StampingNeededError,
)
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.data_set import ImportedBars

CATALOGUE = load_catalogue()
REAL = Path(__file__).parents[2].parent / "shared/data"
needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason="no real files in ../shared/data")


def write(stamps: list[str]) -> bytes:
    rows = [
        f"{stamp},{20_000 + n},{20_009 + n},{19_990 + n},{20_001 + n},{n + 1}"
        for n, stamp in enumerate(stamps)
    ]
    return "\n".join(["time,open,high,low,close,volume", *rows]).encode()


def read(raw: bytes, clock: str | None = None, timeframe: Timeframe = Timeframe.M5) -> ImportedBars:
    return read_bars(raw, "bars.csv", CATALOGUE["BTCUSD"], timeframe, clock)


def hour(day: str, clock_hour: int) -> list[str]:
    return [f"{day} {clock_hour:02}:{minute:02}:00" for minute in range(0, 60, 5)]


def shown(imported: ImportedBars) -> list[str]:
    moments = [datetime.fromtimestamp(t / 1000, UTC) for t in imported.bars.time.tolist()]
    return [f"{moment:%H:%M}" for moment in moments]


SPRING = "2025-03-30"
AUTUMN = "2025-10-26"


def test_an_unsure_clock_has_to_be_said_for_no_flag_accepts_it() -> None:
    raw = write(hour(SPRING, 12))
    advice = r"Give --clock UTC if you know .*such as NY\+7, .*--accept-clock takes no clock"

    for accepts in (False, True):
        with pytest.raises(ClockUnsureError, match=advice) as refused:
            read_bars(raw, "bars.csv", CATALOGUE["BTCUSD"], Timeframe.M5, accept_clock=accepts)

        assert (refused.value.clock, refused.value.confidence) == ("UTC", "unsure")
        assert "Cannot tell UTC from" in refused.value.evidence


def test_wall_times_without_a_clock_are_refused_with_a_proposal_and_the_flag() -> None:
    with pytest.raises(ClockNeededError, match=r"Give --clock Europe/Berlin .*--accept-clock"):
        read_ger40(trade_cash_hours(510, first="09:00"))


def test_a_likely_clock_is_accepted_with_a_warning() -> None:
    imported = read_ger40(trade_cash_hours(510, first="09:00", days=4), accept_clock=True)

    assert imported.clock == "Europe/Berlin"
    assert (
        "The clock was not declared. Proposed clock: Europe/Berlin (likely)"
        in (imported.warnings[0])
    )


def test_a_declared_clock_is_applied_and_kept() -> None:
    imported = read(write(hour(SPRING, 12)), "utc+2")

    assert imported.clock == "+02:00"
    assert shown(imported)[0] == "10:00"
    assert imported.warnings == ()


def test_a_clock_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidImportError, match="'Mars' is not known"):
        read(write(hour(SPRING, 12)), "Mars")


def test_a_doubled_hour_gives_every_bar_once() -> None:
    stamps = [*hour(AUTUMN, 2), *hour(AUTUMN, 3), *hour(AUTUMN, 3), *hour(AUTUMN, 4)]

    imported = read(write(stamps), "Europe/Athens")

    assert len(imported.bars) == 48
    assert (shown(imported)[0], shown(imported)[-1]) == ("23:00", "02:55")
    assert bool(np.all(np.diff(imported.bars.time) == 300_000))
    assert imported.quality["duplicates"] == 0


def test_a_bar_that_the_server_split_while_changing_its_clock_is_joined() -> None:
    stamps = [*hour(SPRING, 2), f"{SPRING} 03:00:00", *hour(SPRING, 4)]

    imported = read(write(stamps), "Europe/Athens")

    bars = imported.bars
    assert len(bars) == 24
    assert shown(imported)[12] == "01:00"
    assert (bars.open[12], bars.high[12], bars.low[12], bars.close[12], bars.volume[12]) == (
        2_001_200,
        2_002_200,
        2_000_200,
        2_001_400,
        27,
    )
    assert "1 bar stood in an hour that Europe/Athens leaves out" in imported.warnings[0]


def test_bars_in_all_of_an_hour_that_does_not_exist_refuse_the_clock() -> None:
    stamps = [*hour(SPRING, 2), *hour(SPRING, 3), *hour(SPRING, 4)]

    with pytest.raises(InvalidImportError, match=r"Line 14 .*Europe/Athens leaves this hour out"):
        read(write(stamps), "Europe/Athens")


def test_unix_times_are_read_with_a_declared_clock_and_said_so() -> None:
    raw = write([f"{1_743_336_000 + 300 * n}" for n in range(3)])

    imported = read(raw, "NY+7")

    assert shown(imported) == ["09:00", "09:05", "09:10"]
    assert imported.warnings == ("The file says UTC; its times were read as NY+7 instead.",)


def test_bars_stamped_at_close_are_converted_when_declared() -> None:
    imported = read_bars(
        write(hour(SPRING, 12)),
        "bars.csv",
        CATALOGUE["BTCUSD"],
        Timeframe.M5,
        "UTC",
        stamped_at="close",
    )

    assert shown(imported)[0] == "11:55"


def test_a_date_and_midnight_is_the_trade_date_of_a_daily_bar() -> None:
    imported = read(
        write([f"2025-03-{day:02} 00:00:00" for day in range(24, 29)]), None, Timeframe.D1
    )

    assert imported.clock == "UTC"
    assert len(imported.bars) == 5


def real(name: str) -> bytes:
    raw = (REAL / "raw" / name).read_bytes()
    content = gzip.decompress(raw) if name.endswith("gz") else raw
    header, _, body = content.partition(b"\n")
    return (b"time" + header if name.startswith("btpy") else header) + b"\n" + body


def dashed(raw: bytes) -> bytes:
    table = pl.read_csv(raw, infer_schema=False)
    return (
        table.with_columns(pl.col("Date").str.replace_all(".", "-", literal=True))
        .write_csv()
        .encode()
    )


@needs_real_files
@pytest.mark.parametrize(
    ("name", "data_set", "proposed", "clean"),
    [
        ("denik__US500.cash_M15.csv.gz", "US500 M15", "NY+7 sure", "US500_M15_ftmo"),
        ("smc__EURUSD_15M.csv.gz", "EURUSD M15", "Europe/Athens sure", "EURUSD_M15_mt5_2022"),
        ("mahmer__BTCUSD_M5.csv.gz", "BTCUSD M5", "Europe/Athens likely", "BTCUSD_M5_mt5_2025"),
        ("btpy__EURUSD.csv", "EURUSD H1", "UTC sure", "EURUSD_H1_btpy2017"),
    ],
)
def test_real_wall_times_are_proposed_their_clock_and_lose_no_bar(
    name: str, data_set: str, proposed: str, clean: str
) -> None:
    raw = dashed(real(name)) if name.startswith("smc") else real(name)
    symbol, timeframe = CATALOGUE[data_set.split(maxsplit=1)[0]], Timeframe(data_set.split()[1])
    expected = pl.read_parquet(REAL / f"clean/{clean}.parquet")["ts"].dt.epoch("ms")

    with pytest.raises(ClockNeededError) as refused:
        read_bars(raw, name, symbol, timeframe)
    imported = read_bars(raw, name, symbol, timeframe, accept_clock=True)

    assert f"{refused.value.clock} {refused.value.confidence}" == proposed
    assert imported.bars.time.tolist() == expected.to_list()


@needs_real_files
@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("rokas__FOREXCOM_GER40_M15.csv.gz", "GER40", "M15"),
        ("rokas__FOREXCOM_GER40_H1.csv", "GER40", "H1"),
        ("rokas__FOREXCOM_GER40_H4.csv", "GER40", "H4"),
        ("rokas__FOREXCOM_GER40_D1.csv", "GER40", "D1"),
        ("cobra__BTCUSDT_5m.csv.gz", "BTCUSD", "M5"),
        ("omega__EURUSD_m1.csv.gz", "EURUSD", "M1"),
        ("omega__US500F_m1.csv.gz", "US500", "M1"),
        ("omega__warmup_US30_M15.csv", "US30", "M15"),
    ],
)
def test_real_utc_files_are_imported_without_a_warning(
    name: str, symbol: str, timeframe: str
) -> None:
    raw = (REAL / "raw" / name).read_bytes()

    imported = read_bars(raw, name, CATALOGUE[symbol], Timeframe(timeframe))

    assert (imported.clock, imported.warnings) == ("UTC", ())


@needs_real_files
@pytest.mark.parametrize("declared", ["UTC", "Europe/Athens", "+03:00"])
def test_a_real_file_with_the_wrong_clock_is_warned_of(declared: str) -> None:
    raw = real("denik__US500.cash_M15.csv.gz")

    imported = read_bars(raw, "us500.csv", CATALOGUE["US500"], Timeframe.M15, declared)

    assert imported.warnings[-1].endswith("NY+7 would fit.")


def trade_cash_hours(minutes: int, *, first: str = "09:05", days: int = 10) -> bytes:
    """Write M5 bars of a day session, whose first bar is stamped at *first*."""
    begin = datetime.fromisoformat(f"2025-03-03T{first}")
    moments = [
        begin + timedelta(days=day, minutes=minute)
        for day in range(days)
        if (begin + timedelta(days=day)).weekday() < 5
        for minute in range(0, minutes, 5)
    ]
    return write([f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments])


def read_ger40(
    raw: bytes,
    clock: str | None = None,
    *,
    accept_clock: bool = False,
    stamped_at: Literal["open", "close"] | None = None,
) -> ImportedBars:
    return read_bars(
        raw,
        "dax.csv",
        CATALOGUE["GER40"],
        Timeframe.M5,
        clock,
        accept_clock=accept_clock,
        stamped_at=stamped_at,
    )


def test_a_day_session_stamped_at_close_is_asked_about_with_its_first_and_last_bar() -> None:
    raw = trade_cash_hours(510)

    with pytest.raises(
        StampingNeededError, match=r"--stamped-at close .*--accept-clock"
    ) as refused:
        read_ger40(raw, "Europe/Berlin")

    assert (
        "7 of 7 breaks begin after a bar stamped 17:30 and end with one stamped 09:05 "
        "Europe/Berlin; the session of GER40 is 09:00 to 17:30" in refused.value.evidence
    )


def test_a_clock_and_stamps_are_proposed_and_accepted_together() -> None:
    raw = trade_cash_hours(510)

    with pytest.raises(ClockNeededError, match="--clock Europe/Berlin --stamped-at close if"):
        read_ger40(raw)
    accepted = read_ger40(raw, accept_clock=True)

    assert shown(accepted)[0] == "08:00"
    assert "Stamped at close, converted to the open. Its bars look" in accepted.clock_found


def test_stamps_that_are_declared_are_not_asked_about() -> None:
    raw = trade_cash_hours(510)

    as_open = read_ger40(raw, "Europe/Berlin", stamped_at="open")
    as_close = read_ger40(raw, "Europe/Berlin", stamped_at="close")

    assert (shown(as_open)[0], as_open.clock_found) == ("08:05", "declared")
    assert shown(as_close)[0] == "08:00"
    assert as_close.clock_found == "declared. Stamped at close, converted to the open."


def test_a_day_session_stamped_at_open_asks_nothing() -> None:
    raw = trade_cash_hours(510, first="09:00")

    assert shown(read_ger40(raw, "Europe/Berlin"))[0] == "08:00"


@needs_real_files
@pytest.mark.parametrize(
    ("name", "symbol", "timeframe", "says"),
    [
        (
            "nautilus__6EH4_1min.csv.gz",
            "EURUSD",
            "M1",
            "stamped 17:00 and end with one stamped 18:01",
        ),
        (
            "backtrader__2006-min-005.txt",
            "EU50",
            "M5",
            "stamped 17:30 and end with one stamped 09:05",
        ),
    ],
)
def test_real_files_stamped_at_close_wait_for_an_answer(
    name: str, symbol: str, timeframe: str, says: str
) -> None:
    raw, of, size = real(name), CATALOGUE[symbol], Timeframe(timeframe)
    clock = "UTC" if symbol == "EURUSD" else "Europe/Berlin"

    with pytest.raises(StampingNeededError, match=says):
        read_bars(raw, name, of, size, clock)
    plain = read_bars(raw, name, of, size, clock, stamped_at="open")
    moved = read_bars(raw, name, of, size, clock, stamped_at="close")
    accepted = read_bars(raw, name, of, size, clock, accept_clock=True)

    assert moved.warnings == accepted.warnings == ()
    assert (plain.bars.time - moved.bars.time == size.milliseconds).all()
    assert accepted.bars.fingerprint() == moved.bars.fingerprint()


@needs_real_files
def test_us_cash_hours_of_four_days_are_proposed_new_york() -> None:
    raw = real("mplf__SP500_NOV2019_IDay.csv")

    with pytest.raises(ClockNeededError) as refused:
        read_bars(raw, "spx.csv", CATALOGUE["US500"], Timeframe.M1)

    assert (refused.value.clock, refused.value.confidence) == ("America/New_York", "likely")
    assert "opens 09:30 in 3" in refused.value.evidence


@needs_real_files
@pytest.mark.parametrize("declared", ["UTC", "Europe/Berlin", "America/Chicago"])
def test_a_wrong_clock_of_a_few_real_days_is_warned_of(declared: str) -> None:
    raw = real("mplf__SP500_NOV2019_IDay.csv")

    imported = read_bars(raw, "spx.csv", CATALOGUE["US500"], Timeframe.M1, declared)

    (warning,) = imported.warnings
    assert warning.startswith(f"The clock {declared} contradicts these bars.")
    assert warning.endswith("America/New_York would fit.")


def test_a_declared_clock_that_contradicts_four_days_of_cash_hours_is_warned_of() -> None:
    raw = trade_cash_hours(8 * 60 + 35, first="09:00", days=4)

    wrong, right = (read_ger40(raw, clock) for clock in ("America/New_York", "Europe/Berlin"))

    (warning,) = wrong.warnings
    assert warning.startswith("The clock America/New_York contradicts these bars.")
    assert warning.endswith("Europe/Berlin would fit.")
    assert right.warnings == ()


MT5_DAYS = (
    "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    "2025.03.25\t80000\t80009\t79990\t80001\t5\t0\t1\n"
    "2025.03.26\t80001\t80010\t79991\t80002\t6\t0\t1\n"
)


def test_daily_bars_without_times_say_what_is_done_with_their_dates() -> None:
    imported = read(MT5_DAYS.encode(), None, Timeframe.D1)

    assert imported.clock_found.endswith("each opens at 00:00 UTC of its date")
    assert shown(imported) == ["00:00", "00:00"]
    assert imported.warnings == ()


def test_daily_bars_without_times_never_said_utc_against_a_declared_clock() -> None:
    imported = read(MT5_DAYS.encode(), "NY+7", Timeframe.D1)

    assert (imported.clock, imported.clock_found) == ("NY+7", "declared")
    assert shown(imported) == ["21:00", "21:00"]
    assert imported.warnings == ()
