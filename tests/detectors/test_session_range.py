from datetime import UTC, date, datetime, time

import numpy as np
import pytest

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.session_range import find_ranges
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session, find_instants

HIGH = [90, 100, 104, 103, 101, 108, 99]
LOW = [80, 96, 99, 98, 97, 95, 94]
IB = Window(start=time(9), end=time(10), zone="Europe/Berlin")


def draw(first: datetime) -> Bars:
    start = int(first.timestamp()) * 1000
    stamps = start + np.arange(len(HIGH), dtype=np.int64) * 900_000
    high, low = np.array(HIGH), np.array(LOW)
    return Bars(Timeframe.M15, 1.0, stamps, low, high, low, low, np.full(len(HIGH), np.nan))


def session_of(day: date) -> Session:
    return Session(day, 0, 0)


@pytest.mark.parametrize(
    "first",
    [datetime(2025, 3, 28, 7, 45, tzinfo=UTC), datetime(2025, 3, 31, 6, 45, tzinfo=UTC)],
    ids=["winter time", "summer time"],
)
def test_golden_1_the_range_is_known_when_its_last_bar_closes(first: datetime) -> None:
    bars = draw(first)

    found = find_ranges(bars, *find_instants(IB, [session_of(first.date())]))

    assert (found.high[0], found.low[0], found.count[0], found.known[0]) == (104, 96, 4, 4)


def test_an_extension_is_a_share_of_the_range_beyond_its_edge() -> None:
    bars = draw(datetime(2025, 3, 31, 6, 45, tzinfo=UTC))

    found = find_ranges(bars, *find_instants(IB, [session_of(date(2025, 3, 31))]))

    assert (found.above(0.5)[0], found.below(0.25)[0]) == (108, 94)


def test_the_range_does_not_change_once_it_is_known() -> None:
    bars = draw(datetime(2025, 3, 31, 6, 45, tzinfo=UTC))
    window = find_instants(IB, [session_of(date(2025, 3, 31))])

    found = [find_ranges(bars[:rows], *window) for rows in (5, 6, 7)]

    assert {(int(one.high[0]), int(one.low[0]), int(one.known[0])) for one in found} == {
        (104, 96, 4)
    }


def test_a_range_whose_window_has_not_ended_is_not_known() -> None:
    bars = draw(datetime(2025, 3, 31, 6, 45, tzinfo=UTC))[:4]

    found = find_ranges(bars, *find_instants(IB, [session_of(date(2025, 3, 31))]))

    assert found.known[0] == len(bars)


def test_after_a_hole_the_range_is_known_when_the_first_later_bar_closes() -> None:
    whole = draw(datetime(2025, 3, 31, 6, 45, tzinfo=UTC))
    kept = np.array([0, 1, 2, 3, 5, 6])
    bars = Bars(
        whole.timeframe,
        whole.tick,
        whole.time[kept],
        whole.open[kept],
        whole.high[kept],
        whole.low[kept],
        whole.close[kept],
        whole.volume[kept],
    )

    found = find_ranges(bars, *find_instants(IB, [session_of(date(2025, 3, 31))]))

    assert (found.count[0], bars.high[found.known[0]]) == (3, 108)


def test_a_window_without_bars_has_no_count() -> None:
    bars = draw(datetime(2025, 3, 31, 6, 45, tzinfo=UTC))

    found = find_ranges(bars, *find_instants(IB, [session_of(date(2025, 3, 30))]))

    assert found.count[0] == 0
