"""On a market without drift and without costs no setup may win: what wins here looks ahead."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.market.bars import Bars
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup

SESSIONS = 1_500
MINUTES = 510


def draw(seed: int) -> tuple[Bars, list[Session]]:
    # Steps of one tick, so that every price between two others is traded.
    random = np.random.default_rng(seed)
    steps = random.integers(0, 2, size=(SESSIONS * MINUTES, 8)) * 2 - 1
    ends = np.cumsum(steps).reshape(-1, 8)
    path = 1_000_000 + np.column_stack((np.append(0, ends[:-1, -1]), ends))
    days = [date(2020, 1, 1) + timedelta(days=one) for one in range(SESSIONS)]
    opens = [int(datetime.combine(day, time(9), UTC).timestamp()) * 1000 for day in days]
    bars = Bars(
        Timeframe.M1,
        1.0,
        np.concatenate([one + np.arange(MINUTES) * 60_000 for one in opens]),
        path[:, 0],
        path.max(axis=1),
        path.min(axis=1),
        path[:, -1],
        np.full(len(path), np.nan),
    )
    closes = [one + MINUTES * 60_000 for one in opens]
    return bars, [Session(*one) for one in zip(days, opens, closes, strict=True)]


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M15])
def test_a_random_walk_cannot_be_beaten(
    make_setup: Callable[..., Setup], make_symbol: Callable[..., Symbol], timeframe: Timeframe
) -> None:
    bars, sessions = draw(seed=11)
    symbol = make_symbol(spread=0.0, slippage=0.0, tick=1.0, zone="UTC")

    result = run_setup(make_setup(rr=2.0), symbol, resample(bars, timeframe, "24x7"), sessions)

    r = np.array([trade.r for trade in result.trades])
    error = r.std(ddof=1) / np.sqrt(len(r))
    assert len(r) > 1_000
    assert r.mean() < 3 * error
    assert r.mean() > -6 * error
