from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from setupdesk.market.days import find_instants_ms, find_offsets_ms

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
