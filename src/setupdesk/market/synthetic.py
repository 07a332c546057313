"""The simulated market: GER40-like M1 bars for demos and tests, drawn from a seed.

It has the shape of the day, the fat tails and the bursts of volatility of the real index,
and no drift: no setup can have an edge in it. Every day is drawn from its own seed with
raw PCG64 bits and plain arithmetic only (no exp, log or sum whose last bit depends on the
machine), so the same seed and dates give the same bytes everywhere.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.random import PCG64, SeedSequence

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints

# Mean high-low range of GER40 by quarter hour of the Berlin day, in basis points of price.
# fmt: off
_RANGE_BP = (
    18,  8,  7,  6,   8, 11,  7,  7,  10, 16, 10,  9,  10,  9,  8,  8,   # 00:00
     7,  7,  7,  6,   7,  7,  7,  6,   8,  7,  7,  7,  10, 10, 11, 11,   # 04:00
    20, 15, 14, 16,  36, 27, 24, 21,  23, 21, 18, 17,  18, 16, 16, 16,   # 08:00
    18, 15, 15, 15,  17, 15, 16, 15,  17, 16, 21, 18,  19, 16, 24, 23,   # 12:00
    25, 21, 21, 18,  20, 16, 18, 15,  13, 13, 13, 12,  13, 15, 14, 12,   # 16:00
    12, 11, 11, 11,  10, 10, 12, 14,  11, 11,  7,  6,   2, 10,  9,  9,   # 20:00
)
# fmt: on

_MONDAY_TO_THURSDAY = 93 * 15
"""Minutes of a full day: 00:00 to the break at 23:15."""

_FRIDAY = 88 * 15
"""Minutes of a Friday: the week ends at 22:00."""

_STEPS = 4
"""Price changes within a minute, so that a bar has a high and a low of its own."""

_RANGE_PER_DEVIATION = 1.5
"""Mean range of a quarter hour drawn in these steps, in standard deviations of its return."""

_DAY_MEMORY = 60
"""Days after which a burst of volatility is forgotten."""


def simulate_bars(
    symbol: Symbol, first: date, last: date, seed: int, start_price: float = 20_000.0
) -> Bars:
    """Draw the M1 bid bars of *symbol* for ``[first, last]``, dates of its zone, both included.

    They trade from Monday 00:00 to Friday 22:00 with a break at 23:15, bank holidays too, as
    a CFD does. A later *last* adds days and never changes those before it.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    days = [day for day in days if day.weekday() < 5]
    price = round(start_price / symbol.tick)
    drawn: list[Ints] = []
    for day, volatility in zip(days, _day_volatilities(days, seed), strict=True):
        drawn.append(_draw_day(day, seed, price, float(volatility)))
        price = int(drawn[-1][3, -1])
    opened, high, low, close = np.concatenate(drawn, axis=1) if drawn else np.empty((4, 0), int)
    stamps = [_minutes_ms(day, symbol.zone) for day in days]
    times = np.concatenate(stamps) if stamps else np.empty(0, np.int64)
    volume = np.full(len(times), np.nan)
    return Bars(Timeframe.M1, symbol.tick, times, opened, high, low, close, volume)


def _draw_day(day: date, seed: int, last_price: int, volatility: float) -> Ints:
    # Rows: open, high, low, close, in ticks.
    minutes = _minutes(day)
    uniforms = _uniforms(seed, day, 1, 2 * 96 + 1 + minutes * _STEPS * 4)
    gap, quarters, noise = np.split(uniforms, [1, 2 * 96 + 1])
    deviation = np.repeat(_quarter_deviations(quarters, volatility), 15)[:minutes]
    steps = _bells(noise.reshape(4, minutes * _STEPS)) * np.repeat(deviation, _STEPS)
    opened_at = last_price * (1 + _gap_deviation(day) * volatility * _tail(gap)[0])
    path = np.rint(opened_at * (1 + np.cumsum(steps))).astype(np.int64).reshape(minutes, _STEPS)
    return _candles(path, round(opened_at))


def _candles(path: Ints, opened_at: int) -> Ints:
    close = path[:, -1]
    opened = np.append(opened_at, close[:-1])
    high = np.maximum(path.max(axis=1), opened)
    low = np.minimum(path.min(axis=1), opened)
    return np.stack((opened, high, low, close))


def _quarter_deviations(uniforms: Floats, volatility: float) -> Floats:
    # Standard deviation of one step in each quarter hour: the shape of the day, the day's
    # own volatility, bursts that fade within hours, and a rare piece of news.
    bursts, news = uniforms[:96], uniforms[96:]
    faded = _faded(np.sqrt(12.0) * (bursts - 0.5), 0.96)
    shock = np.where(news < 0.003, 5.0, 1.0)
    shape = np.array(_RANGE_BP) * (1e-4 / _RANGE_PER_DEVIATION / np.sqrt(15.0 * _STEPS))
    return shape * volatility * shock * _exp(0.35 * faded - 0.06)


def _faded(shocks: Floats, memory: float) -> Floats:
    # A first-order autoregression of unit variance, begun in its stationary state.
    state = np.empty_like(shocks)
    fresh = np.sqrt(1 - memory * memory)
    level = shocks[0]
    for index, shock in enumerate(shocks):
        level = memory * level + fresh * shock
        state[index] = level
    return state


def _day_volatilities(days: list[date], seed: int) -> Floats:
    # A moving sum over the days before, so that a day does not depend on where we begin.
    if not days:
        return np.empty(0)
    span = (days[-1] - days[0]).days + 1
    begin = days[0] - timedelta(days=_DAY_MEMORY)
    dates = [begin + timedelta(days=n) for n in range(span + _DAY_MEMORY)]
    shocks = np.array([_day_shock(seed, day) for day in dates])
    state = np.zeros(span)
    weight = np.sqrt(1 - 0.93 * 0.93)
    for lag in range(_DAY_MEMORY + 1):
        state += weight * shocks[_DAY_MEMORY - lag :][:span]
        weight *= 0.93
    rows = [(day - days[0]).days for day in days]
    return _exp(0.5 * state[rows] - 0.125)


def _day_shock(seed: int, day: date) -> float:
    return float(_bells(_uniforms(seed, day, 0, 4).reshape(4, 1))[0])


def _gap_deviation(day: date) -> float:
    return 0.0035 if day.weekday() == 0 else 0.0012


def _tail(uniforms: Floats) -> Floats:
    # A symmetric draw with fat tails, of variance near one.
    centred = 2 * uniforms - 1
    return centred * (0.9 + 2.2 * centred**8)


def _bells(uniforms: Floats) -> Floats:
    # Four uniforms make a bell of unit variance; an exact normal would need log and cos.
    return np.sqrt(3.0) * (uniforms[0] + uniforms[1] + uniforms[2] + uniforms[3] - 2.0)


def _exp(power: Floats) -> Floats:
    # (1 + x/64)^64 by six squarings: the libraries' exp differs in its last bit.
    base = 1 + power / 64
    for _ in range(6):
        base = base * base
    return base


def _uniforms(seed: int, day: date, stream: int, count: int) -> Floats:
    # NumPy promises that the raw bits of PCG64 never change; Generator's methods may.
    bits = PCG64(SeedSequence([seed, day.toordinal(), stream])).random_raw(count)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _minutes(day: date) -> int:
    return _FRIDAY if day.weekday() == 4 else _MONDAY_TO_THURSDAY


def _minutes_ms(day: date, zone: str) -> Ints:
    # Clocks change on Sundays, when nothing trades: one look-up a day is exact.
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).timestamp()
    return int(midnight) * 1000 + 60_000 * np.arange(_minutes(day), dtype=np.int64)
