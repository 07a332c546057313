"""Drawn bars of the hours that markets keep, for tests of clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.clock import NEW_YORK, parse_clock

CATALOGUE = load_catalogue()
EURUSD, US500, BTCUSD = CATALOGUE["EURUSD"], CATALOGUE["US500"], CATALOGUE["BTCUSD"]


def ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def draw(times: Ints, timeframe: Timeframe = Timeframe.M15) -> Bars:
    steps = np.random.default_rng(7).integers(-20, 21, len(times))
    price = 110_000 + np.cumsum(steps)
    return Bars(timeframe, 0.00001, times, price, price, price, price, np.full(len(times), np.nan))


def trade(first: date, last: date, opens_hour: int = 17, minutes: int = 15) -> Bars:
    """Draw bars from Sunday *opens_hour* to Friday 17:00 New York."""
    utc = np.arange(ms(first), ms(last), minutes * 60_000, dtype=np.int64)
    wall = NEW_YORK.to_wall_ms(utc)
    minute = (wall // 60_000 - 4 * 1440) % (7 * 1440)
    is_open = (minute < 4 * 1440 + 17 * 60) | (minute >= 6 * 1440 + opens_hour * 60)
    return draw(utc[is_open], Timeframe(f"M{minutes}"))


def trade_cash(first: date, days: int, minutes: int, opens: int = 570, closes: int = 960) -> Bars:
    """Draw bars of the weekdays from minute *opens* to minute *closes* of New York."""
    dates = (first + timedelta(days=day) for day in range(days))
    offsets = np.arange(opens, closes, minutes) * 60_000
    wall = np.concatenate([ms(day) + offsets for day in dates if day.weekday() < 5])
    return draw(NEW_YORK.to_utc_ms(wall), Timeframe(f"M{minutes}"))


def crypto(first: date, last: date) -> Bars:
    return draw(np.arange(ms(first), ms(last), 300_000, dtype=np.int64), Timeframe.M5)


def shown_by(clock: str, bars: Bars) -> Bars:
    return replace(bars, time=parse_clock(clock).to_wall_ms(bars.time))


YEAR = trade(date(2025, 1, 1), date(2025, 12, 31))
