"""Four hundred years of twelve cron expressions in twenty zones, against brute force."""

from datetime import UTC, datetime

import pytest

from tests.core.cron_oracle import TWENTY, compare

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("zone", TWENTY)
def test_no_tick_of_twenty_years_is_missing_or_double(zone: str) -> None:
    ticks = 0
    for year in range(2007, 2027):
        begin = datetime(year, 1, 1, tzinfo=UTC)
        counted = compare(zone, begin, datetime(year + 1, 1, 1, tzinfo=UTC))

        assert {(missing, double) for _, missing, double in counted.values()} == {(0, 0)}
        ticks += sum(found for found, _, _ in counted.values())
    print(f"\n{zone}: 20 years, 12 expressions, {ticks:,} ticks, 0 missing, 0 double")
