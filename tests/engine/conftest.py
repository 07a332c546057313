"""Hand-made markets for the tests of the engine."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.core.symbol import Costs, Symbol, Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.result import Result
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import Rule, read_rule

BERLIN = "Europe/Berlin"
DAY = date(2025, 5, 14)
TICK = 0.1
Candle = tuple[float, float, float, float]
DrawDay = Callable[..., Bars]
MakeSymbol = Callable[..., Symbol]
MakeSetup = Callable[..., Setup]
RunDay = Callable[..., Result]

INITIAL_BALANCE: list[Candle] = [
    (24010, 24030, 23995, 24020),
    (24020, 24060, 24010, 24050),
    (24050, 24055, 23980, 23990),
    (23990, 24020, 23985, 24000),
]


@pytest.fixture
def raid() -> Rule:
    rule = load_registry().find("IB_raid_v1")
    assert rule is not None
    return rule


@pytest.fixture
def make_symbol() -> MakeSymbol:
    def make(
        spread: float | tuple[tuple[time, float], ...] = 1.2,
        slippage: float = 0.5,
        tick: float = TICK,
        zone: str = BERLIN,
    ) -> Symbol:
        schedule = spread if isinstance(spread, tuple) else ((time(0), spread),)
        return Symbol(
            name="GER40",
            title="Germany 40",
            aliases=(),
            tick=tick,
            price_range=(1_000, 100_000),
            zone=zone,
            calendar="XETR",
            session=Window(start=time(9), end=time(17, 30), zone=zone),
            week="24x5",
            windows={"initial_balance": Window(start=time(9), end=time(10), zone=zone)},
            costs=Costs(spread=schedule, slippage=slippage),
        )

    return make


@pytest.fixture
def session() -> Session:
    return Session(DAY, _instant_ms(DAY, time(9)), _instant_ms(DAY, time(17, 30)))


@pytest.fixture
def draw_day() -> DrawDay:
    """Draw one M15 day after twenty quiet ones with a daily range of 200 points."""

    def draw(
        after: Sequence[Candle], before: Sequence[Candle] = INITIAL_BALANCE, tick: float = TICK
    ) -> Bars:
        days = [DAY - timedelta(days=back) for back in range(30, 0, -1)]
        quiet = [_instant_ms(day, time(12)) for day in days if day.isoweekday() < 6]
        opened = _instant_ms(DAY, time(9))
        drawn = [opened + 900_000 * row for row in range(len(before) + len(after))]
        calm: Candle = (24000, 24100, 23900, 24000)
        candles = [*[calm] * len(quiet), *before, *after]
        return make_bars([*quiet, *drawn], candles, tick)

    return draw


@pytest.fixture
def make_setup(raid: Rule) -> MakeSetup:
    """Make a raid without ATR and filters, changed as told."""

    def make(
        params: dict[str, Any] | None = None,
        rr: float | None = None,
        max_trades: int | None = None,
        **changes: Any,
    ) -> Setup:
        levels = {"ib": raid.raw["levels"]["ib"]}
        raw = {**raid.raw, "levels": levels, "filters": [], **changes}
        return read_rule("changed", raw).resolve(params or {}, rr, max_trades)

    return make


@pytest.fixture
def run_day(make_symbol: MakeSymbol, session: Session) -> RunDay:
    """Run a setup on the one drawn day, with a spread of 1.2 and a slippage of 0.5."""

    def run(setup: Setup, bars: Bars, **more: Any) -> Result:
        return run_setup(setup, make_symbol(), bars, [session], **more)

    return run


def make_bars(stamps: Sequence[int], candles: Sequence[Candle], tick: float) -> Bars:
    prices = np.rint(np.array(candles, float).reshape(-1, 4) / tick).astype(np.int64)
    opened, high, low, close = prices.T
    empty = np.full(len(stamps), np.nan)
    return Bars(Timeframe.M15, tick, np.array(stamps, np.int64), opened, high, low, close, empty)


def _instant_ms(day: date, at: time) -> int:
    # Berlin in summer, so that no test depends on the code under test.
    return int(datetime.combine(day, at, UTC).timestamp()) * 1000 - 7_200_000
