"""Open, high, low and close of the previous day or week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from setupdesk.detectors.kernel import Candles, feed, feed_candles, kernel
from setupdesk.market.bars import Bars, Ints


@dataclass(frozen=True, slots=True, eq=False)
class PreviousDays:
    """What each session knows of the day, or the week, before it; a value per session.

    Candles are in ticks, 0 where there is no such day.
    """

    of: Ints
    """Place of that day among the sessions, or of that week among the weeks; -1 if none."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    known: Ints
    """The row before the first one of the new day or week.

    So it can be used from the open of the first bar, as soon as the clock says that the day has
    begun. The number of bars if the day has no bars yet, or none before it has any.
    """


def find_previous_days(bars: Bars, first: Ints, stop: Ints) -> PreviousDays:
    """Give each session the prices of the last session before it that has bars.

    The sessions' rows ``[first, stop)`` say which hours count: those of the cash session, or
    whole days.
    """
    return _look_back(bars, first, stop, np.arange(len(first)))


def find_previous_weeks(bars: Bars, first: Ints, stop: Ints, days: Sequence[date]) -> PreviousDays:
    """Give each session the prices of the last ISO week before its own that has bars.

    *days* are the sessions' dates. Only bars within sessions count.
    """
    weeks = [day.isocalendar()[:2] for day in days]
    begins = [week != before for week, before in zip(weeks[1:], weeks, strict=False)]
    return _look_back(bars, first, stop, np.cumsum([0, *begins])[: len(weeks)])


def _look_back(bars: Bars, first: Ints, stop: Ints, group: Ints) -> PreviousDays:
    days = _gather(feed_candles(bars), feed(first), feed(stop), feed(group))
    begun = days[:, 0] < len(bars)
    last = np.maximum.accumulate(np.where(begun, np.arange(len(days)), -1))
    before = np.append(-1, last)[: len(days)]
    known = np.where(begun & (before >= 0), days[:, 0] - 1, len(bars))
    opened, high, low, close = np.where(before >= 0, days[before, 1:].T, 0)[:, group]
    return PreviousDays(before[group], opened, high, low, close, known[group])


@kernel
def _gather(candles: Candles, first: Ints, stop: Ints, group: Ints) -> Ints:
    # First row, open, high, low and close of each group of sessions.
    rows = len(candles.open)
    days = np.zeros((group[-1] + 1 if len(group) > 0 else 0, 5), np.int64)
    days[:, 0] = rows
    for session in range(len(first)):
        start, end, day = first[session], stop[session], days[group[session]]
        if start >= end:
            continue
        if day[0] == rows:
            day[0], day[1] = start, candles.open[start]
            day[2], day[3] = candles.high[start], candles.low[start]
        day[2] = max(day[2], candles.high[start:end].max())
        day[3] = min(day[3], candles.low[start:end].min())
        day[4] = candles.close[end - 1]
    return days
