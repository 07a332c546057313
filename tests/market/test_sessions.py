from datetime import UTC, date, datetime, time

import numpy as np
import pytest

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.days import find_offsets_ms
from setupdesk.market.sessions import (
    Session,
    find_instants,
    find_rows,
    fits,
)


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1000


def draw(first_ms: int, count: int) -> Bars:
    stamps = first_ms + np.arange(count, dtype=np.int64) * 900_000
    flat = np.ones(count, np.int64)
    return Bars(Timeframe.M15, 1.0, stamps, flat, flat, flat, flat, np.ones(count))


def day_of(year: int, month: int, day: int) -> Session:
    return Session(date(year, month, day), ms(year, month, day, 8), ms(year, month, day, 16))


def test_a_session_has_the_bars_that_open_in_its_hours() -> None:
    bars = draw(ms(2025, 5, 14), 96)
    full = Session(date(2025, 5, 14), ms(2025, 5, 14, 7), ms(2025, 5, 14, 15, 30))

    first, stop = find_rows(bars.time, [full])

    assert (first.tolist(), stop.tolist()) == ([28], [62])


def test_a_half_day_ends_early() -> None:
    bars = draw(ms(2024, 12, 30), 96)
    half = Session(date(2024, 12, 30), ms(2024, 12, 30, 8), ms(2024, 12, 30, 13))

    first, stop = find_rows(bars.time, [half])

    assert stop[0] - first[0] == 20


def test_a_session_without_bars_has_no_rows() -> None:
    bars = draw(ms(2025, 5, 14), 96)

    first, stop = find_rows(bars.time, [day_of(2025, 5, 12), day_of(2025, 5, 20)])

    assert (first == stop).all()


def test_no_sessions_have_no_rows() -> None:
    first, stop = find_rows(draw(ms(2025, 5, 14), 4).time, [])

    assert len(first) == len(stop) == 0


@pytest.mark.parametrize(
    ("day", "hour"), [((2025, 3, 28), 8), ((2025, 3, 31), 7), ((2025, 10, 27), 8)]
)
def test_a_window_keeps_its_wall_clock_when_the_clocks_change(
    day: tuple[int, int, int], hour: int
) -> None:
    window = Window(start=time(9), end=time(10), zone="Europe/Berlin")

    starts, ends = find_instants(window, [day_of(*day)])

    assert starts[0] == ms(*day, hour)
    assert ends[0] - starts[0] == 3_600_000


@pytest.mark.parametrize(
    ("day", "berlin_hour"), [((2025, 3, 7), 15), ((2025, 3, 10), 14), ((2025, 3, 31), 15)]
)
def test_new_york_opens_an_hour_earlier_in_berlin_for_three_weeks(
    day: tuple[int, int, int], berlin_hour: int
) -> None:
    window = Window(start=time(9, 30), end=time(16), zone="America/New_York")
    session = day_of(*day)

    starts, _ = find_instants(window, [session])

    local = starts + find_offsets_ms(starts, "Europe/Berlin")
    assert local[0] == ms(*day, berlin_hour, 30)


def test_a_window_that_wraps_ends_on_the_next_date() -> None:
    window = Window(start=time(20), end=time(0), zone="America/New_York")

    starts, ends = find_instants(window, [day_of(2025, 5, 14)])

    assert (starts[0], ends[0]) == (ms(2025, 5, 15), ms(2025, 5, 15, 4))


@pytest.mark.parametrize(
    ("timeframe", "fitting"),
    [
        (Timeframe.M1, True),
        (Timeframe.M15, True),
        (Timeframe.H1, True),
        (Timeframe.H4, False),
        (Timeframe.D1, False),
    ],
)
def test_only_bars_that_divide_a_window_fit_it(timeframe: Timeframe, *, fitting: bool) -> None:
    window = Window(start=time(9), end=time(10), zone="Europe/Berlin")

    assert fits(window, timeframe) is fitting


def test_both_edges_of_a_window_count() -> None:
    window = Window(start=time(9), end=time(9, 5), zone="Europe/Berlin")

    assert fits(window, Timeframe.M5)
    assert not fits(window, Timeframe.M15)
