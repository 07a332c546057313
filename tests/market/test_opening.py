from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.opening import find_opening
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars

CATALOGUE = load_catalogue()
GER40, EURUSD = CATALOGUE["GER40"], CATALOGUE["EURUSD"]
MINUTES = simulate_bars(GER40, date(2025, 3, 3), date(2025, 5, 2), 1)


@pytest.mark.parametrize("late", [-240, -60, -30, -15, 0, 15, 30, 60, 300])
@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M5, Timeframe.M15])
def test_the_opening_tells_by_how_much_bars_are_late(timeframe: Timeframe, late: int) -> None:
    bars = resample(MINUTES, timeframe, "24x5")

    opening = find_opening(replace(bars, time=bars.time + late * 60_000), GER40)

    assert opening is not None
    assert opening.late == late


def test_it_is_said_in_local_time() -> None:
    bars = resample(MINUTES, Timeframe.M15, "24x5")

    opening = find_opening(replace(bars, time=bars.time + 15 * 60_000), GER40)

    assert opening is not None
    assert opening.explain() == (
        "bars become wide at 09:15 Europe/Berlin, but the session opens at 09:00"
    )


def test_an_opening_off_the_grid_is_in_the_bar_that_holds_it() -> None:
    bars = resample(MINUTES, Timeframe.H1, "24x5")
    half_past = replace(GER40.session, start=GER40.session.start.replace(minute=30))

    opening = find_opening(bars, replace(GER40, session=half_past))

    assert opening is not None
    assert opening.late == 0


def test_few_days_coarse_bars_and_markets_without_an_opening_tell_nothing() -> None:
    bars = resample(MINUTES, Timeframe.M15, "24x5")

    assert find_opening(bars[:1500], GER40) is None
    assert find_opening(resample(MINUTES, Timeframe.H4, "24x5"), GER40) is None
    assert find_opening(bars, EURUSD) is None
    assert find_opening(replace(bars, high=bars.low), GER40) is None


@pytest.mark.parametrize("seed", range(5))
def test_bars_that_are_as_wide_at_any_hour_are_not_late(seed: int) -> None:
    bars = resample(MINUTES, Timeframe.M15, "24x5")
    order = np.random.default_rng(seed).permutation(len(bars))

    opening = find_opening(replace(bars, high=bars.low + (bars.high - bars.low)[order]), GER40)

    assert opening is None or opening.late == 0
