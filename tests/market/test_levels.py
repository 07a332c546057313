from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.levels import find_levels, summarize_levels
from setupdesk.market.sessions import Session

GER40 = load_catalogue()["GER40"]
IB = GER40.windows["initial_balance"]
BAR = Timeframe.M15.milliseconds
MONDAY = date(2025, 5, 5)
OPENS, HOURS = 7, 3


def ms(day: date, hour: int) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * 1000


def draw_day(day: date, after: list[tuple[int, int, int]]) -> tuple[Session, Bars]:
    # An hour from 980 to 1000, then bars of (high, low, close), then quiet ones.
    quiet = [(995, 985, 990)] * (4 * HOURS - 4 - len(after))
    rows = [(1000, 985, 990), (995, 980, 990), *[(995, 985, 990)] * 2, *after, *quiet]
    high, low, close = np.array(rows, np.int64).T
    session = Session(day, ms(day, OPENS), ms(day, OPENS + HOURS))
    times = session.opens_ms + BAR * np.arange(len(rows), dtype=np.int64)
    nothing = np.full(len(rows), np.nan)
    return session, Bars(Timeframe.M15, 0.5, times, close, high, low, close, nothing)


def test_a_raid_needs_a_bar_strictly_beyond_the_range() -> None:
    session, bars = draw_day(MONDAY, [(1000, 980, 990)])

    [day] = find_levels(bars, IB, [session])

    assert (day.ib_high, day.ib_low, day.ib_range) == (500.0, 490.0, 10.0)
    assert not day.raid_high
    assert not day.raid_low
    assert day.to_json()["first_high_at"] is None


def test_a_raid_names_its_first_bar_and_whether_price_came_back() -> None:
    session, bars = draw_day(MONDAY, [(998, 985, 990), (1010, 995, 1005), (1012, 990, 999)])

    [day] = find_levels(bars, IB, [session])

    assert day.raid_high
    assert day.reclaimed_high
    assert day.to_json()["first_high_at"] == "2025-05-05T08:15:00Z"
    assert (day.day_high, day.day_low, day.bars, day.coverage) == (506.0, 490.0, 12, 1.0)
    assert day.extension_high == pytest.approx(12 / 20)
    assert day.extension_low == 0


def test_a_close_on_the_level_is_not_back_inside() -> None:
    session, bars = draw_day(MONDAY, [(990, 979, 980)] * 8)

    [day] = find_levels(bars, IB, [session])

    assert day.raid_low
    assert not day.reclaimed_low


def test_what_happens_after_the_cash_session_is_no_raid() -> None:
    session, bars = draw_day(MONDAY, [(995, 985, 990)] * 7 + [(2000, 10, 990)])
    early = Session(session.day, session.opens_ms, session.closes_ms - BAR)

    [day] = find_levels(bars, IB, [early])

    assert not day.raid_high
    assert day.day_high == 500.0


def test_a_window_with_too_few_bars_has_no_range_and_is_left_out() -> None:
    session, bars = draw_day(MONDAY, [(1010, 970, 990)])

    [day] = find_levels(bars[1:], IB, [session])
    summary = summarize_levels([day])

    assert day.ib_high is None
    assert not day.raid_high
    assert day.day_high == 505.0
    assert (summary["days"], summary["left_out"]) == (0, ["2025-05-05"])
    assert summary["high"] == {"count": 0, "percent": None, "interval": None}


def test_a_session_without_bars_is_a_row_without_prices() -> None:
    session, bars = draw_day(MONDAY, [])
    tuesday = Session(
        MONDAY + timedelta(days=1),
        session.opens_ms + 86_400_000,
        session.closes_ms + 86_400_000,
    )

    _, empty = find_levels(bars, IB, [session, tuesday])

    assert (empty.bars, empty.day_high, empty.counted) == (0, None, False)


def test_a_window_after_the_close_is_the_one_of_the_evening_before() -> None:
    session, bars = draw_day(MONDAY, [(1100, 900, 990)])
    asia = Window(start=time(20), end=time(0), zone="America/New_York")
    times = ms(MONDAY, 0) + BAR * np.arange(16, dtype=np.int64)
    opened, high, low, close = (np.full(16, price) for price in (990, 1050, 950, 990))
    night = Bars(Timeframe.M15, 0.5, times, opened, high, low, close, np.full(16, np.nan))
    names = ("time", "open", "high", "low", "close", "volume")
    whole = Bars(
        Timeframe.M15,
        0.5,
        *(np.concatenate((getattr(night, name), getattr(bars, name))) for name in names),
    )

    [day] = find_levels(whole, asia, [session])

    assert (day.ib_high, day.ib_low) == (525.0, 475.0)
    assert day.raid_high
    assert day.raid_low


def test_the_summary_counts_sides_extensions_and_weekdays() -> None:
    afters: list[list[tuple[int, int, int]]] = [
        [(1005, 985, 990)],
        [(995, 960, 990)],
        [(1040, 979, 990)],
        [],
    ]
    drawn = [
        draw_day(MONDAY + timedelta(days=number), after) for number, after in enumerate(afters)
    ]
    days = [find_levels(bars, IB, [session])[0] for session, bars in drawn]

    summary = summarize_levels(days)

    counts = {side: summary[side]["count"] for side in ("high", "low", "both", "none")}
    assert counts == {"high": 2, "low": 2, "both": 1, "none": 1}
    assert summary["high"]["percent"] == 50.0
    assert summary["high"]["interval"] == [15.0, 85.0]
    assert summary["reclaimed"]["high"]["percent"] == 100.0
    reached = {of["percent"]: of["either"]["count"] for of in summary["extensions"]}
    assert reached == {25: 3, 50: 2, 100: 2, 150: 1, 200: 1}
    assert [row["weekday"] for row in summary["by_weekday"]] == [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
    ]
    assert summary["by_weekday"][3]["none"]["count"] == 1


def test_the_real_dax_breaks_its_initial_balance_as_was_measured_elsewhere(
    real_ger40: tuple[Bars, list[Session]],
) -> None:
    bars, sessions = real_ger40

    summary = summarize_levels(find_levels(bars, IB, sessions))

    assert summary["days"] == 233
    assert 67 <= summary["high"]["percent"] <= 68
    assert 61.5 <= summary["low"]["percent"] <= 64
    assert 30.5 <= summary["both"]["percent"] <= 32
    assert summary["none"]["count"] == 3
    assert summary["median_range"] == 109.0
