import csv
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from setupdesk.core.symbol import Roll
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.resample import day_ends_ms, resample

REAL = Path(__file__).parents[2].parent / "shared/data"
NEW_YORK = ZoneInfo("America/New_York")
needs_real_bars = pytest.mark.skipif(not REAL.is_dir(), reason="no real bars in ../shared/data")


def ms(text: str, zone: ZoneInfo | None = None) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp()) * 1000


def count_up(timeframe: Timeframe, times: Ints, volume: float = np.nan) -> Bars:
    rows = np.arange(len(times), dtype=np.int64) * 10
    return Bars(
        timeframe, 0.1, times, rows, rows + 3, rows - 2, rows + 1, np.full(len(times), volume)
    )


def hours(first: str, count: int) -> Bars:
    return count_up(Timeframe.H1, ms(first) + 3_600_000 * np.arange(count))


def test_a_coarse_bar_has_the_first_open_the_extremes_and_the_last_close() -> None:
    minutes = count_up(Timeframe.M1, ms("2025-03-03T09:00") + 60_000 * np.arange(10), volume=2.0)

    coarse = resample(minutes, Timeframe.M5, "24x5")

    assert coarse.timeframe is Timeframe.M5
    assert coarse.time.tolist() == [ms("2025-03-03T09:00"), ms("2025-03-03T09:05")]
    assert coarse.open.tolist() == [0, 50]
    assert coarse.high.tolist() == [43, 93]
    assert coarse.low.tolist() == [-2, 48]
    assert coarse.close.tolist() == [41, 91]
    assert coarse.volume.tolist() == [10.0, 10.0]


def test_a_bar_is_stamped_with_the_open_of_its_span_even_when_trading_began_later() -> None:
    late = count_up(Timeframe.M1, np.array([ms("2025-03-03T09:07"), ms("2025-03-03T09:31")]))

    coarse = resample(late, Timeframe.M15, "24x5")

    assert coarse.time.tolist() == [ms("2025-03-03T09:00"), ms("2025-03-03T09:30")]


def test_volume_is_unknown_only_where_no_bar_has_any() -> None:
    minutes = count_up(Timeframe.M1, ms("2025-03-03T09:00") + 60_000 * np.arange(10))
    minutes.volume[7] = 4.0

    coarse = resample(minutes, Timeframe.M5, "24x5")

    assert np.isnan(coarse.volume[0])
    assert coarse.volume[1] == 4.0


def test_the_same_timeframe_comes_back_as_it_is() -> None:
    bars = hours("2025-03-03T00:00", 5)

    same = resample(bars, Timeframe.H1, "24x5")

    assert same is bars


def test_no_bars_make_no_bars() -> None:
    none = resample(hours("2025-03-03T00:00", 0), Timeframe.D1, "24x5")

    assert none.timeframe is Timeframe.D1
    assert len(none) == 0
    assert len(day_ends_ms(none)) == 0


def test_coarse_bars_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="H1 bars cannot be split into M15"):
        resample(hours("2025-03-03T00:00", 5), Timeframe.M15, "24x5")


def test_h4_follows_new_york_through_its_change_of_clocks() -> None:
    bars = hours("2025-03-07T00:00", 24 * 5)

    h4 = resample(bars, Timeframe.H4, "24x7")

    opened = [datetime.fromtimestamp(t / 1000, NEW_YORK) for t in h4.time[1:].tolist()]
    sunday = [t.hour for t in opened if t.date() == date(2025, 3, 9)]
    assert {t.hour for t in opened if t.date() != date(2025, 3, 9)} == {1, 5, 9, 13, 17, 21}
    assert sunday == [1, 6, 10, 14, 17, 21]


def test_no_h4_bar_lasts_longer_than_four_hours_on_a_day_of_25() -> None:
    bars = hours("2025-11-01T21:00", 25)

    h4 = resample(bars, Timeframe.H4, "24x7")

    assert len(h4) == 7
    assert np.diff(h4.time).max() == Timeframe.H4.milliseconds


def test_a_five_day_market_has_no_weekend_days() -> None:
    bars = hours("2025-03-03T00:00", 24 * 14)

    five, seven = (resample(bars, Timeframe.D1, week) for week in ("24x5", "24x7"))

    ends = [datetime.fromtimestamp(t / 1000, NEW_YORK) for t in day_ends_ms(five).tolist()]
    assert len(seven) == 15
    assert {end.weekday() for end in ends} == {0, 1, 2, 3, 4}
    assert len(five) == 11


def test_a_day_is_complete_at_the_next_new_york_roll_however_it_is_stamped() -> None:
    rolls = [ms("2025-03-06T17:00", NEW_YORK), ms("2025-03-09T17:00", NEW_YORK)]
    midnights = [ms("2025-03-07T00:00"), ms("2025-03-10T00:00")]

    ends = [day_ends_ms(count_up(Timeframe.D1, np.array(t))).tolist() for t in (rolls, midnights)]

    assert ends[0] == ends[1]
    assert ends[0] == [ms("2025-03-07T17:00", NEW_YORK), ms("2025-03-10T17:00", NEW_YORK)]
    assert ends[0] == [ms("2025-03-07T22:00"), ms("2025-03-10T21:00")]


def test_a_last_bar_whose_span_goes_on_is_partial_and_not_closed() -> None:
    minutes = count_up(Timeframe.M1, ms("2025-03-03T09:00") + 60_000 * np.arange(14))

    coarse = resample(minutes, Timeframe.M5, "24x5")

    assert coarse.partial
    assert len(coarse) == 3
    assert coarse.closed().time.tolist() == coarse.time[:2].tolist()
    assert not coarse[:2].partial
    assert coarse[1:].partial
    assert resample(minutes[:10], Timeframe.M5, "24x5").closed().time.tolist() == [
        ms("2025-03-03T09:00"),
        ms("2025-03-03T09:05"),
    ]


@pytest.mark.parametrize("timeframe", [Timeframe.H4, Timeframe.D1])
def test_a_day_is_partial_until_the_roll(timeframe: Timeframe) -> None:
    whole = hours("2025-03-03T00:00", 22)

    assert not resample(whole, timeframe, "24x5").partial
    assert resample(whole[:-1], timeframe, "24x5").partial


def test_what_is_made_from_a_partial_bar_is_partial() -> None:
    minutes = count_up(Timeframe.M1, ms("2025-03-03T09:00") + 60_000 * np.arange(59))

    hour = resample(resample(minutes, Timeframe.M5, "24x5"), Timeframe.H1, "24x5")

    assert hour.partial


def test_days_may_be_anchored_at_another_roll() -> None:
    utc = Roll(at=time(0), zone="UTC")
    bars = hours("2025-03-03T00:00", 24 * 7)

    five, seven = (resample(bars, Timeframe.D1, week, utc) for week in ("24x5", "24x7"))
    h4 = resample(bars, Timeframe.H4, "24x7", utc)

    days = [ms(f"2025-03-0{day}T00:00") for day in range(3, 10)]
    assert seven.time.tolist() == days
    assert five.time.tolist() == days[:5]
    assert day_ends_ms(five, utc).tolist() == days[1:6]
    assert (h4.time % Timeframe.H4.milliseconds == 0).all()


def load_real() -> Bars:
    table = pl.read_parquet(REAL / "clean/GER40_M15_forexcom.parquet")
    opened, high, low, close = (
        np.rint(table[name].to_numpy() / 0.1).astype(np.int64)
        for name in ("open", "high", "low", "close")
    )
    times = table["ts"].dt.epoch("ms").to_numpy()
    volume = np.full(len(times), np.nan)
    return Bars(Timeframe.M15, 0.1, times, opened, high, low, close, volume)


def load_vendor(timeframe: Timeframe) -> dict[str, list[str]]:
    with (REAL / f"raw/rokas__FOREXCOM_GER40_{timeframe}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in ("time", "open", "high", "low", "close")}


def ticks(prices: list[str]) -> list[int]:
    return np.rint(np.array(prices, dtype=np.float64) / 0.1).astype(int).tolist()


@needs_real_bars
def test_real_h4_bars_are_those_of_the_vendor() -> None:
    vendor = load_vendor(Timeframe.H4)

    h4 = resample(load_real(), Timeframe.H4, "24x5")

    assert len(h4) == 1430
    assert h4.time.tolist() == [ms(text[:19]) for text in vendor["time"]]
    assert h4.open.tolist() == ticks(vendor["open"])
    assert h4.high.tolist() == ticks(vendor["high"])
    assert h4.low.tolist() == ticks(vendor["low"])

    # The vendor's last bar was still open when the file was made.
    assert h4.close[:-1].tolist() == ticks(vendor["close"])[:-1]


@needs_real_bars
def test_real_days_have_the_dates_and_extremes_of_the_vendor() -> None:
    vendor = load_vendor(Timeframe.D1)

    daily = resample(load_real(), Timeframe.D1, "24x5")

    ends = [datetime.fromtimestamp(t / 1000, NEW_YORK) for t in day_ends_ms(daily).tolist()]
    lows = zip(vendor["time"], daily.low.tolist(), ticks(vendor["low"]), strict=True)
    assert [f"{end:%Y-%m-%d}" for end in ends] == [text[:10] for text in vendor["time"]]
    assert daily.high.tolist() == ticks(vendor["high"])

    # On these two days the low lies in the stub at 17:00, which the vendor's daily bars
    # leave out though its H4 bars have it.
    differ = [text[:10] for text, ours, theirs in lows if ours != theirs]
    assert differ == ["2025-04-18", "2025-06-27"]
