from datetime import UTC, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from setupdesk.core.rhythm import (
    AtBarClose,
    Cron,
    Every,
    find_before,
    find_mistake,
    read_span,
    write_span,
)
from setupdesk.core.symbol import Roll
from setupdesk.core.timeframe import Timeframe
from tests.core.cron_oracle import compare

BERLIN = ZoneInfo("Europe/Berlin")


CHANGES = [
    ("Europe/Berlin", "2026-03-20"),
    ("Europe/Berlin", "2026-10-18"),
    ("Australia/Lord_Howe", "2026-03-28"),
    ("America/St_Johns", "2010-10-31"),
    ("Pacific/Apia", "2011-12-24"),
    ("Africa/Cairo", "2024-04-20"),
]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_what_brute_force_finds_minute_by_minute_is_what_a_cron_gives(zone: str, day: str) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC)

    counted = compare(zone, begin, begin + timedelta(days=12))

    assert sum(ticks for ticks, _, _ in counted.values()) > 12 * 1440
    assert {(missing, double) for _, missing, double in counted.values()} == {(0, 0)}


def ticks_of(expression: str, year: int, month: int, day: int) -> list[datetime]:
    begin = datetime(year, month, day, tzinfo=BERLIN)
    end = begin + timedelta(days=1)
    ticks = Cron(expression, "Europe/Berlin").after(begin.astimezone(UTC) - timedelta(seconds=1))
    return list(takewhile(lambda tick: tick < end.astimezone(UTC), ticks))


@pytest.mark.parametrize(
    ("expression", "in_march", "in_october"),
    [
        ("30 2 * * *", 1, 1),
        ("0 9 * * *", 1, 1),
        ("*/10 * * * *", 138, 150),
        ("0 * * * *", 23, 25),
        ("*/10 2 * * *", 0, 12),
    ],
)
def test_the_days_of_2026_on_which_berlin_changes_its_clocks(
    expression: str, in_march: int, in_october: int
) -> None:
    assert len(ticks_of(expression, 2026, 3, 29)) == in_march
    assert len(ticks_of(expression, 2026, 10, 25)) == in_october


def test_a_time_that_is_skipped_comes_at_the_first_minute_after_and_a_repeated_one_first() -> None:
    (skipped,) = ticks_of("30 2 * * *", 2026, 3, 29)
    (repeated,) = ticks_of("30 2 * * *", 2026, 10, 25)

    assert skipped.astimezone(BERLIN).isoformat() == "2026-03-29T03:00:00+02:00"
    assert repeated.astimezone(BERLIN).isoformat() == "2026-10-25T02:30:00+02:00"


def test_who_asks_within_the_repeated_hour_gets_no_tick_a_second_time() -> None:
    within = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time

    tick = next(Cron("30 2 * * *", "Europe/Berlin").after(within))

    assert tick.astimezone(BERLIN).isoformat() == "2026-10-26T02:30:00+01:00"


def test_every_five_minutes_is_five_minutes_of_real_time() -> None:
    begin = datetime(2026, 3, 29, 0, 57, 1, tzinfo=UTC)

    ticks = list(islice(Every(timedelta(minutes=5)).after(begin), 3))

    assert [tick.minute for tick in ticks] == [0, 5, 10]
    assert next(Every(timedelta(minutes=5)).after(ticks[0])) == ticks[1]


def test_bars_close_on_the_grid_and_the_offset_comes_after() -> None:
    rhythm = AtBarClose(Timeframe.M15, timedelta(seconds=3))

    tick = next(rhythm.after(datetime(2026, 1, 5, 9, 0, 3, tzinfo=UTC)))

    assert tick == datetime(2026, 1, 5, 9, 15, 3, tzinfo=UTC)


def test_bars_of_four_hours_and_days_close_as_they_are_made_at_the_roll() -> None:
    begin = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)  # New York's day of 25 hours
    roll = Roll(at=time(17), zone="America/New_York")

    four = list(islice(AtBarClose(Timeframe.H4, roll=roll).after(begin), 7))
    days = list(islice(AtBarClose(Timeframe.D1, roll=roll).after(begin), 2))

    assert [tick.hour for tick in four] == [1, 5, 9, 13, 17, 21, 22]
    assert [tick.isoformat() for tick in days] == [
        "2026-11-01T22:00:00+00:00",
        "2026-11-02T22:00:00+00:00",
    ]


def test_the_tick_before_is_found_over_a_leap_day_and_over_a_minute() -> None:
    leap = Cron("0 0 29 2 *", "UTC")

    assert find_before(leap, datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2024, 2, 29, tzinfo=UTC)
    assert find_before(Every(timedelta(hours=1)), datetime(2026, 1, 1, tzinfo=UTC)) == datetime(
        2025, 12, 31, 23, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "0 0 2 * * *",
        "61 * * * *",
        "0 0 31 2 *",
        "a b c d e",
        "* * * * 1#2/3",
        "*" * 99,
    ],
)
def test_an_expression_that_never_comes_or_cannot_be_read_says_why(expression: str) -> None:
    assert find_mistake(expression)


def test_spans_are_read_as_they_are_written() -> None:
    for text in ("30s", "5m", "1h", "2d", "90m"):
        span = read_span(text)

        assert span
        assert write_span(span) == text
    assert read_span("1 fortnight") is None
