from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from setupdesk.market.days import find_instants_ms, find_offsets_ms, find_wall_clock, to_ms

QUARTER_MS = 15 * 60_000


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_York",
        "Europe/Berlin",
        "Asia/Kolkata",
        "Africa/Casablanca",
        "Asia/Tehran",
        "UTC",
    ],
)
def test_the_wall_clock_is_that_of_the_zone_at_every_instant(zone: str) -> None:
    begin = to_ms(datetime(2021, 12, 30, 5, tzinfo=UTC))
    times = begin + QUARTER_MS * np.arange(0, 40_000, 3, dtype=np.int64)

    shown = find_wall_clock(times, zone)

    where = ZoneInfo(zone)
    moments = [datetime.fromtimestamp(each / 1000, where) for each in times.tolist()]
    assert shown.tolist() == [to_ms(moment.replace(tzinfo=UTC)) for moment in moments]


def test_no_instants_have_no_wall_clock() -> None:
    assert len(find_wall_clock(np.empty(0, np.int64), "Europe/Berlin")) == 0


ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", [time(0), time(2, 30), time(17)])
def test_instants_are_those_that_the_zone_gives_for_each_day(zone: str, at: time) -> None:
    days = [date(2023, 12, 20) + timedelta(days=count) for count in range(400)]

    instants = find_instants_ms(np.array([day.toordinal() for day in days]), at, zone)

    asked = [datetime.combine(day, at, ZoneInfo(zone)).timestamp() * 1000 for day in days]
    assert instants.tolist() == asked


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_are_those_that_the_zone_gives_also_on_the_days_that_change_clocks(
    zone: str,
) -> None:
    begun = int(datetime(2024, 12, 31, tzinfo=UTC).timestamp()) * 1000
    instants = begun + 1_800_000 * np.arange(366 * 48)

    offsets = find_offsets_ms(instants, zone)

    moments = (datetime.fromtimestamp(one / 1000, ZoneInfo(zone)) for one in instants.tolist())
    asked = [(one.utcoffset() or timedelta()).total_seconds() * 1000 for one in moments]
    assert offsets.tolist() == asked


def test_no_days_have_no_instants() -> None:
    nothing = np.empty(0, np.int64)

    assert not len(find_instants_ms(nothing, time(9), "UTC"))
    assert not len(find_offsets_ms(nothing, "UTC"))
