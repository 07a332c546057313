from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from setupdesk.core.manner import SHORTEST_HOLD, USUAL, Manner, Quiet, load_manner

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Quiet(time(22), time(7), "Europe/Berlin")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(text: str, *, fold: int = 0) -> datetime:
    """Read a time of Berlin's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (NIGHT, "2026-06-01T21:59:59", None),
        (NIGHT, "2026-06-01T22:00:00", "2026-06-02T07:00:00"),
        (NIGHT, "2026-06-02T00:00:00", "2026-06-02T07:00:00"),
        (NIGHT, "2026-06-02T06:59:59", "2026-06-02T07:00:00"),
        (NIGHT, "2026-06-02T07:00:00", None),
        (Quiet(time(12), time(13, 30), "Europe/Berlin"), "2026-06-02T13:29:59", "2026-06-02T13:30"),
        (Quiet(time(12), time(13, 30), "Europe/Berlin"), "2026-06-02T11:59:59", None),
        # The nights in which the clock goes forward and back.
        (NIGHT, "2026-03-28T22:30:00", "2026-03-29T07:00:00"),
        (NIGHT, "2026-10-24T22:30:00", "2026-10-25T07:00:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_of_their_zone(
    quiet: Quiet, now: str, end: str | None
) -> None:
    assert quiet.find_end(at(now)) == (at(end) if end else None)


def test_quiet_hours_that_end_at_a_time_that_is_skipped_end_when_the_clock_goes_on() -> None:
    quiet = Quiet(time(22), time(2, 30), "Europe/Berlin")

    assert quiet.find_end(at("2026-03-29T01:59:00")) == at("2026-03-29T03:00:00")


def test_quiet_hours_that_end_at_a_time_that_comes_twice_begin_again_with_the_second() -> None:
    quiet = Quiet(time(22), time(2, 30), "Europe/Berlin")
    first, second = at("2026-10-25T02:30:00"), at("2026-10-25T02:30:00", fold=1)

    assert quiet.find_end(at("2026-10-25T01:00:00")) == first
    assert quiet.find_end(first) is None
    assert quiet.find_end(second - timedelta(minutes=10)) == second


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_quiet_hours_of_a_year_agree_with_the_wall_clock_at_every_quarter(zone: str) -> None:
    quiet = Quiet(time(22, 15), time(2, 15), zone)
    quarters = [
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15) * n for n in range(365 * 96)
    ]
    ends = [quiet.find_end(quarter) for quarter in quarters]

    for (quarter, end), (following, next_end) in pairwise(zip(quarters, ends, strict=True)):
        wall = quarter.astimezone(ZoneInfo(zone)).time()
        assert (end is None) == (time(2, 15) <= wall < time(22, 15))
        # Each quarter points at the first one after it that is not quiet.
        assert end is None or end == (next_end or following)


def test_alerts_are_told_as_long_as_there_are_fewer_than_the_most_of_an_hour() -> None:
    manner = Manner(kinds=USUAL.kinds, most_per_hour=2)
    told = [NOON - timedelta(minutes=5), NOON - timedelta(minutes=30)]

    assert manner.find_release(NOON, told[1:]) is None
    assert manner.find_release(NOON, told) == NOON + timedelta(minutes=30)


def test_what_is_too_much_is_held_for_some_minutes_at_least() -> None:
    manner = Manner(kinds=USUAL.kinds, most_per_hour=1)

    release = manner.find_release(NOON, [NOON - timedelta(minutes=59)])

    assert release == NOON + SHORTEST_HOLD


def test_what_is_too_much_is_not_told_in_quiet_hours_either() -> None:
    manner = Manner(kinds=USUAL.kinds, quiet=NIGHT, most_per_hour=1)
    evening = at("2026-06-01T21:30")

    assert manner.find_release(evening, []) is None
    assert manner.find_release(evening, [evening]) == at("2026-06-02T07:00")


def test_a_manner_that_is_read_back_is_the_same() -> None:
    manner = Manner(kinds=USUAL.kinds, quiet=NIGHT, most_per_hour=7)

    assert load_manner(manner.to_json()) == manner
    assert load_manner({"kinds": {}}) == USUAL
