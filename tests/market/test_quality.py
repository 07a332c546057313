from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.quality import measure_quality
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session
from setupdesk.market.synthetic import simulate_bars

GER40 = load_catalogue()["GER40"]
BAR = Timeframe.M15.milliseconds
MONDAY = date(2025, 5, 5)


def ms(day: date, hour: int, minute: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).timestamp()) * 1000


def draw_sessions(count: int = 5) -> list[Session]:
    # XETRA in summer: 09:00 to 17:30 Berlin.
    days = [MONDAY + timedelta(days=day) for day in range(count)]
    return [Session(day, ms(day, 7), ms(day, 15, 30)) for day in days if day.weekday() < 5]


def draw_bars(days: int = 5) -> Bars:
    # Only the cash session, at an ever rising price.
    times = np.concatenate(
        [np.arange(one.opens_ms, one.closes_ms, BAR) for one in draw_sessions(days)]
    )
    price = 200_000 + 2 * np.arange(len(times), dtype=np.int64)
    nothing = np.full(len(times), np.nan)
    return Bars(Timeframe.M15, 0.1, times, price, price + 50, price - 50, price + 2, nothing)


def without(bars: Bars, *rows: int) -> Bars:
    kept = np.delete(np.arange(len(bars)), rows)
    names = ("time", "open", "high", "low", "close", "volume")
    return Bars(bars.timeframe, bars.tick, *(getattr(bars, name)[kept] for name in names))


def test_whole_sessions_have_the_figure_of_100() -> None:
    quality = measure_quality(draw_bars(), GER40, draw_sessions())

    assert quality.figure == 100
    assert quality.coverage == 1
    assert quality.incomplete == ()
    assert quality.to_short()["sentence"] == (
        "5 of 5 sessions complete; history quality 100 of 100"
    )


def test_a_hole_names_its_session_its_start_and_its_length() -> None:
    bars = without(draw_bars(), 36, 37, 40)

    quality = measure_quality(bars, GER40, draw_sessions())

    [tuesday] = quality.incomplete
    assert (tuesday.day, tuesday.present, tuesday.expected) == (date(2025, 5, 6), 31, 34)
    assert [(gap.starts_ms, gap.bars) for gap in quality.gaps] == [
        (ms(date(2025, 5, 6), 7, 30), 2),
        (ms(date(2025, 5, 6), 8, 30), 1),
    ]
    assert quality.figure == 98.2


def test_a_session_that_cannot_be_traded_counts_as_nothing() -> None:
    bars = without(draw_bars(), *range(10))

    quality = measure_quality(bars, GER40, draw_sessions())

    assert not quality.sessions[0].tradable
    assert quality.figure == 80


def test_a_session_without_any_bar_is_incomplete_and_no_gap() -> None:
    bars = without(draw_bars(), *range(34))

    quality = measure_quality(bars, GER40, draw_sessions())

    assert [one.day for one in quality.incomplete] == [MONDAY]
    assert quality.gaps == ()


def test_a_price_that_stands_still_is_a_flat_run() -> None:
    bars = draw_bars()
    for column in (bars.open, bars.high, bars.low, bars.close):
        column[4:8] = 200_000

    quality = measure_quality(bars, GER40, draw_sessions())

    assert [(run.starts_ms, run.bars) for run in quality.flat_runs] == [(ms(MONDAY, 8), 4)]
    assert quality.figure < 100


def test_a_jump_is_named_and_a_gap_over_night_is_none() -> None:
    bars = draw_bars()
    bars.high[20] += 2_000
    for column in (bars.open, bars.high, bars.low, bars.close):
        column[68:] += 5_000

    quality = measure_quality(bars, GER40, draw_sessions())

    (jump,) = quality.jumps
    assert (jump.at_ms, round(jump.points, 6)) == (int(bars.time[20]), 210)
    assert quality.to_json()["jumps"]["first"] == [
        {"at": "2025-05-05T12:00:00Z", "points": 210.0, "ranges": 21.0}
    ]
    assert quality.figure == 100


def test_jumps_of_a_long_history_are_those_of_wilders_average() -> None:
    random = np.random.default_rng(11)
    count, price = 3_500, np.int64(200_000)
    times = ms(MONDAY, 0) + np.arange(count) * BAR
    half = random.integers(5, 50, count) * np.where(random.random(count) < 0.02, 12, 1)
    level = np.full(count, price)
    nothing = np.full(count, np.nan)
    bars = Bars(Timeframe.M15, 0.1, times, level, level + half, level - half, level, nothing)
    atr, expected = float(2 * half[:14].mean()), []
    for row in range(14, count):
        if 2 * half[row] > 8 * atr:
            expected.append(int(times[row]))
        atr = (13 * atr + 2 * half[row]) / 14

    jumps = measure_quality(bars, GER40, draw_sessions()).jumps

    assert len(expected) > 20
    assert [jump.at_ms for jump in jumps] == expected


def test_weekend_bars_are_counted_for_a_market_that_has_weekends() -> None:
    bars = draw_bars()
    weekend = replace(bars[:4], time=bars.time[:4] + 5 * 86_400_000)
    columns = (
        np.concatenate((getattr(bars, name), getattr(weekend, name)))
        for name in ("time", "open", "high", "low", "close", "volume")
    )
    bars = Bars(Timeframe.M15, 0.1, *columns)

    assert measure_quality(bars, GER40, draw_sessions()).weekend_bars == 4
    assert measure_quality(bars, replace(GER40, week="24x7"), []).weekend_bars == 0


def test_bars_off_the_grid_crossed_or_without_volume_are_counted() -> None:
    bars = draw_bars()
    bars.time[3] += 60_000
    bars.close[5] = bars.high[5] + 1
    bars = replace(bars, volume=np.where(np.arange(len(bars)) < 7, 0.0, 1.0))

    quality = measure_quality(bars, GER40, draw_sessions())

    assert (quality.off_grid, quality.mixed, quality.crossed) == (1, 1, 1)
    assert quality.zero_volume == 7
    assert [one.day for one in quality.incomplete] == [MONDAY]


def test_integer_points_are_a_suspected_scale() -> None:
    bars = draw_bars()
    scaled = (column * 10_000 for column in (bars.open, bars.high, bars.low, bars.close))
    opened, high, low, close = scaled
    bars = Bars(Timeframe.M15, 0.1, bars.time, opened, high, low, close, bars.volume)

    quality = measure_quality(bars, GER40, draw_sessions())

    assert quality.suspicions[0].startswith("scale: its median price is 200,")
    assert quality.figure == 50


@pytest.mark.parametrize("late", [-60, -15, 0, 15, 60])
def test_a_clock_that_is_wrong_by_a_bar_or_an_hour_is_suspected(late: int) -> None:
    minutes = simulate_bars(GER40, MONDAY, MONDAY + timedelta(days=60), 1)
    bars = resample(minutes, Timeframe.M15, "24x5")
    bars = replace(bars, time=bars.time + late * 60_000)

    quality = measure_quality(bars, GER40, draw_sessions(60))

    assert bool(quality.suspicions) is bool(late)
    assert not late or "the session opens at 09:00" in quality.suspicions[0]
    assert not late or quality.figure <= 50


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_a_simulated_market_is_whole_in_every_timeframe(timeframe: Timeframe) -> None:
    minutes = simulate_bars(GER40, MONDAY - timedelta(days=3), MONDAY + timedelta(days=11), 1)

    quality = measure_quality(resample(minutes, timeframe, "24x5"), GER40, draw_sessions(12))

    assert quality.figure == 100
    assert quality.incomplete == ()
    assert quality.mixed == quality.off_grid == 0


def test_no_bars_and_no_sessions_are_measured_too() -> None:
    bars = draw_bars()

    assert measure_quality(bars, GER40, []).coverage is None
    assert measure_quality(bars[:0], GER40, draw_sessions()).figure == 0
    assert measure_quality(bars, GER40, []).to_json()["figure"] == 0


def test_the_real_ger40_is_whole(real_ger40: tuple[Bars, list[Session]]) -> None:
    bars, sessions = real_ger40

    quality = measure_quality(bars, GER40, sessions)

    assert (len(quality.sessions), len(quality.incomplete)) == (233, 0)
    assert quality.figure == 100
    assert quality.suspicions == ()


@pytest.mark.parametrize("late", [-60, -30, -15, 15, 30, 60])
def test_the_real_ger40_moved_by_a_quarter_hour_is_suspected(
    real_ger40: tuple[Bars, list[Session]], late: int
) -> None:
    bars, sessions = real_ger40

    quality = measure_quality(replace(bars, time=bars.time + late * 60_000), GER40, sessions)

    assert quality.figure == 50
    assert "but the session opens at 09:00" in quality.suspicions[0]


def test_a_part_in_another_scale_is_suspected() -> None:
    bars = draw_bars()
    for prices in (bars.open, bars.high, bars.low, bars.close):
        prices[100:] //= 4

    quality = measure_quality(bars, GER40, draw_sessions())

    assert quality.figure == 50
    assert quality.suspicions == (
        "scale: the close goes from 20,020 to 5,005 at 2025-05-07T15:00:00Z",
    )


@pytest.mark.parametrize("row", [0, 70, 169])
def test_a_lone_wrong_high_is_a_spike_and_caps_the_figure(row: int) -> None:
    bars = draw_bars()
    beside = max(bars.high[n] for n in (row - 1, row + 1) if 0 <= n < len(bars)) / 10
    bars.high[row] = 900_000

    quality = measure_quality(bars, GER40, draw_sessions())

    (spike,) = quality.spikes
    assert (spike.at_ms, spike.price) == (int(bars.time[row]), 90_000)
    assert spike.beside == pytest.approx(beside)
    assert quality.figure == 95
    assert "a spike to 90,000 at 2025-05-0" in quality.to_short()["sentence"]


def test_spikes_are_suspect_bars_that_lower_the_figure() -> None:
    bars = draw_bars()
    bars.low[5:170:10] -= 40_000

    quality = measure_quality(bars, GER40, draw_sessions())

    assert [spike.beside > spike.price for spike in quality.spikes] == [True] * 17
    assert quality.figure == 90


def test_a_market_that_goes_there_and_stays_has_no_spike() -> None:
    bars = draw_bars()
    bars.high[70:] += 40_000
    bars.close[70:] += 40_000

    assert measure_quality(bars, GER40, draw_sessions()).spikes == ()


def test_the_real_ger40_has_no_spike(real_ger40: tuple[Bars, list[Session]]) -> None:
    bars, sessions = real_ger40
    high = bars.high.copy()
    high[9_000] = high[9_000] * 108 // 100

    assert measure_quality(bars, GER40, sessions).spikes == ()
    assert len(measure_quality(replace(bars, high=high), GER40, sessions).spikes) == 1


def test_a_hole_between_two_parts_is_named_as_what_lowers_the_figure() -> None:
    whole = draw_bars(40)
    parted = without(whole, *range(5 * 34, 20 * 34))

    found = measure_quality(parted, GER40, draw_sessions(40)).to_json()

    assert found["hole"] == {"first": "2025-05-12", "last": "2025-05-30", "sessions": 15}
    assert measure_quality(whole, GER40, draw_sessions(40)).hole is None
    assert measure_quality(without(whole, 3, 40), GER40, draw_sessions(40)).hole is None
