import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.engine.averages import find_mean, find_student_interval
from setupdesk.engine.breakdowns import UNKNOWN, Cell, break_down
from tests.engine.results import G12, MONDAY, instant, make_result


def cells_of(
    name: str, r: Sequence[float], zone: str = "Europe/Berlin", **how: Any
) -> dict[str, Cell]:
    return {cell.key: cell for cell in break_down(make_result(r, **how), zone).cells[name]}


def test_weekdays_and_sides_have_their_own_expectancy() -> None:
    how: dict[str, Any] = {"session": [0, 0, 1], "side": [1, -1, -1]}

    weekdays = cells_of("weekday", [2.0, -1.0, -1.0], **how)
    sides = cells_of("side", [2.0, -1.0, -1.0], **how)

    assert weekdays["1"].expectancy_r == pytest.approx(0.5)
    assert (weekdays["2"].trades, weekdays["2"].wins) == (1, 0)
    assert list(sides) == ["long", "short"]
    assert sides["short"].total_r == pytest.approx(-2.0)


def test_a_week_has_seven_days_that_begin_on_monday() -> None:
    found = cells_of("weekday", [float(day) for day in range(7)])

    assert {int(key): cell.total_r for key, cell in found.items()} == {
        (MONDAY + timedelta(days=day)).isoweekday(): float(day) for day in range(7)
    }


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("Europe/Berlin", ["09", "10"]), ("Asia/Kolkata", ["13"]), ("America/New_York", ["03", "04"])],
)
def test_the_hour_of_entry_is_told_in_the_markets_zone(zone: str, hours: list[str]) -> None:
    summer, winter = (instant(date(2025, month, 1), 8) for month in (7, 12))

    found = cells_of("hour", [1.0, 1.0], zone, entry_ms=[summer, winter])

    assert list(found) == hours


def test_an_hour_begins_on_the_minute_also_where_the_zone_is_half_an_hour_off() -> None:
    entries = [instant(MONDAY, 8) + minute * 60_000 for minute in (29, 30)]

    found = cells_of("hour", [1.0, 1.0], "Asia/Kolkata", session=[0, 0], entry_ms=entries)

    assert list(found) == ["13", "14"]


def test_months_are_those_of_the_sessions() -> None:
    found = cells_of("month", [1.0] * 60)

    assert {key: cell.trades for key, cell in found.items()} == {
        "2025-05": 27,
        "2025-06": 30,
        "2025-07": 3,
    }


def test_levels_are_told_apart() -> None:
    found = cells_of("level", [1.0, -1.0, 2.0], level=["ib.low", "ib.high", "ib.low"])

    assert {key: cell.total_r for key, cell in found.items()} == {"ib.high": -1.0, "ib.low": 3.0}


def test_sizes_fall_into_the_quartiles_of_all_sessions() -> None:
    result = make_result([1.0, 2.0, 3.0], session=[0, 2, 7], size=[1, 2, 3, 4, 5, 6, 7, 8])

    found = break_down(result, "UTC")

    assert found.size_edges == (2.75, 4.5, 6.25)
    assert {cell.key: cell.total_r for cell in found.cells["size"]} == {
        "1": 1.0,
        "2": 2.0,
        "4": 3.0,
    }


def test_trades_of_a_session_without_a_size_stand_apart() -> None:
    found = cells_of("size", [1.0, 2.0], sessions=6, size=[math.nan, 1, 2, 3, 4, 5])

    assert {key: cell.total_r for key, cell in found.items()} == {"1": 2.0, UNKNOWN: 1.0}


def test_a_few_sessions_have_no_quartiles() -> None:
    found = break_down(make_result([1.0, 2.0, 3.0], size=[1, 2, 3]), "UTC")

    assert found.size_edges is None
    assert [cell.key for cell in found.cells["size"]] == [UNKNOWN]


def test_halves_are_halves_of_the_sessions_not_of_the_trades() -> None:
    result = make_result([1.0, 1.0, 1.0, -2.0], session=[0, 1, 1, 5], sessions=7)

    found = break_down(result, "UTC")

    # The fourth of seven sessions belongs to the first half.
    assert found.second_half == MONDAY + timedelta(days=4)
    assert [(cell.key, cell.trades, cell.total_r) for cell in found.cells["half"]] == [
        ("1", 3, 3.0),
        ("2", 1, -2.0),
    ]


def test_one_session_has_no_second_half() -> None:
    assert break_down(make_result([1.0]), "UTC").second_half is None


def test_the_interval_of_a_cell_is_students() -> None:
    long = cells_of("side", G12)["long"]

    # 0.2 -+ t(9) sqrt(2.4 / 10), t(9) = 2.262157.
    assert long.interval == pytest.approx((-0.908226, 1.308226), abs=1e-4)


def test_the_interval_of_a_cell_takes_days_as_a_whole() -> None:
    r, session = np.array([1.0, 1.0, -1.0, 2.0, 0.5, -1.0]), [0, 0, 1, 1, 2, 3]

    long = cells_of("side", r.tolist(), session=session)["long"]

    mean = find_mean(r) or 0.0
    sums, counts = np.bincount(session, r), np.bincount(session)
    squares = float(((sums - mean * counts) ** 2).sum())
    assert long.interval == pytest.approx(find_student_interval(mean, 6, 4, squares))


def test_a_cell_of_two_days_or_of_equal_results_has_no_interval() -> None:
    assert cells_of("side", [1.0, -1.0])["long"].interval is None
    assert cells_of("side", [-1.0] * 5)["long"].interval is None
