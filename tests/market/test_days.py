from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from setupdesk.market.days import find_wall_clock, to_ms

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
