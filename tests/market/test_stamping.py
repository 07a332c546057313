from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.clock import NEW_YORK, Clock
from setupdesk.market.resample import resample
from setupdesk.market.stamping import find_stamping
from setupdesk.market.synthetic import simulate_bars

CATALOGUE = load_catalogue()
EURUSD, GER40, US500 = CATALOGUE["EURUSD"], CATALOGUE["GER40"], CATALOGUE["US500"]
BERLIN = Clock("Europe/Berlin", "Europe/Berlin")
SIMULATED = simulate_bars(GER40, date(2025, 3, 3), date(2025, 5, 2), 1)


def draw(times: Ints, timeframe: Timeframe) -> Bars:
    price = np.full(len(times), 200_000)
    return Bars(timeframe, 0.1, times, price, price, price, price, np.full(len(times), np.nan))


def trade(timeframe: Timeframe, clock: Clock, opens: int, closes: int, days: int = 10) -> Bars:
    """Draw bars from minute *opens* to minute *closes* of each weekday."""
    first = round(datetime(2025, 3, 3, tzinfo=UTC).timestamp() / 60)
    weekdays = [day for day in range(days) if day % 7 < 5]
    minutes = [np.arange(opens, closes, timeframe.minutes) + 1440 * day for day in weekdays]
    return draw(clock.to_utc_ms((np.concatenate(minutes) + first) * 60_000), timeframe)


def trade_weeks(timeframe: Timeframe, weeks: int = 5) -> Bars:
    """Draw bars from Sunday 17:00 to Friday 17:00 New York."""
    sunday = datetime(2025, 4, 6, 17, tzinfo=UTC)
    open_for = timedelta(days=5) // timedelta(minutes=timeframe.minutes)
    begins = [
        round((sunday + timedelta(days=7 * week)).timestamp()) * 1000 for week in range(weeks)
    ]
    spans = [begin + np.arange(open_for) * timeframe.milliseconds for begin in begins]
    return draw(NEW_YORK.to_utc_ms(np.concatenate(spans)), timeframe)


def move(bars: Bars, minutes: int) -> Bars:
    return replace(bars, time=bars.time + minutes * 60_000)


FINE = [Timeframe.M1, Timeframe.M5, Timeframe.M15]


@pytest.mark.parametrize("timeframe", FINE)
def test_a_day_session_one_bar_late_is_stamped_at_close(timeframe: Timeframe) -> None:
    of_dax = trade(timeframe, BERLIN, 540, 1050)
    of_spx = trade(timeframe, NEW_YORK, 570, 960)

    for bars, symbol in ((of_dax, GER40), (of_spx, US500)):
        assert find_stamping(bars, symbol).at == "open"
        assert find_stamping(move(bars, timeframe.minutes), symbol).at == "close"
        assert find_stamping(move(bars, -timeframe.minutes), symbol).at == "open"


@pytest.mark.parametrize("timeframe", FINE)
def test_a_week_of_fx_one_bar_late_is_stamped_at_close(timeframe: Timeframe) -> None:
    bars = trade_weeks(timeframe)

    late = find_stamping(move(bars, timeframe.minutes), EURUSD)

    assert late.at == "close"
    assert "4 of 4 breaks begin after a bar stamped 17:00 and end with one stamped 17:" in (
        late.evidence
    )
    for minutes in (0, -timeframe.minutes, 30, -30, 60):
        assert find_stamping(move(bars, minutes), EURUSD).at == "open"


@pytest.mark.parametrize("timeframe", [Timeframe.M5, Timeframe.M15])
def test_where_breaks_say_nothing_the_opening_does(timeframe: Timeframe) -> None:
    bars = resample(SIMULATED, timeframe, "24x5")
    nights = np.diff(bars.time, prepend=bars.time[0]) > timeframe.milliseconds
    # Without the bars beside each break these are at no fixed hour.
    ragged = np.flatnonzero(~nights & (np.arange(len(bars)) % 7 > 0))
    bars = Bars(bars.timeframe, bars.tick, *(getattr(bars, name)[ragged] for name in COLUMNS))

    late = find_stamping(move(bars, timeframe.minutes), GER40)

    assert find_stamping(bars, GER40).at == "open"
    assert late.at == "close"
    assert f"bars become wide at 09:{timeframe.minutes:02} Europe/Berlin" in late.evidence


COLUMNS = ("time", "open", "high", "low", "close", "volume")


def test_the_opening_overrules_odd_hours_of_a_feed() -> None:
    # Open from 01:15 to 22:15, as a feed may be: the same minutes as of bars stamped at close.
    minutes = BERLIN.to_wall_ms(SIMULATED.time) // 60_000 % 1440
    inside = (minutes >= 75) & (minutes < 22 * 60 + 15)
    bars = Bars(
        SIMULATED.timeframe,
        SIMULATED.tick,
        *(getattr(SIMULATED, name)[inside] for name in COLUMNS),
    )

    assert find_stamping(resample(bars, Timeframe.M15, "24x5"), GER40).at == "open"


@pytest.mark.parametrize("timeframe", [Timeframe.H1, Timeframe.H4])
def test_an_hour_more_may_be_the_clock_so_nothing_is_said(timeframe: Timeframe) -> None:
    bars = resample(SIMULATED, timeframe, "24x5")

    assert find_stamping(move(bars, timeframe.minutes), GER40).at == "open"


def test_two_breaks_prove_nothing() -> None:
    bars = trade(Timeframe.M5, BERLIN, 545, 1055, days=3)

    assert find_stamping(bars, GER40).at == "open"
