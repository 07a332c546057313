import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.fills import (
    AT_TARGET,
    FLAT,
    STOPPED,
    TRADED,
    Caps,
    Orders,
    Outcome,
    TickCosts,
    fill,
)
from setupdesk.market.bars import Bars

Candle = tuple[float, float, float, float]
TICK = 0.1


def hold(*candles: Candle, side: int = 1, spread: float = 0, slippage: float = 0) -> Outcome:
    """Hold one trade from 100 with its stop at 95 and its target at 105, shorts mirrored."""
    prices = np.rint(np.array([(100, 100, 100, 100), *candles]) / TICK).astype(np.int64)
    opened, high, low, close = prices.T
    stamps = np.arange(len(prices), dtype=np.int64) * 900_000
    bars = Bars(Timeframe.M15, TICK, stamps, opened, high, low, close, np.full(len(prices), np.nan))
    stop, target = (950, 1050) if side > 0 else (1050, 950)
    row = (0, side, 0, len(candles), 1000, stop, target, TRADED, TRADED)
    orders = Orders(*(np.array([value]) for value in row))
    spreads = np.full(1440, round(spread / TICK))
    costs = TickCosts(spreads, np.zeros(1, np.int64), round(slippage / TICK))
    verdicts, outcomes = fill(bars, orders, costs, Caps(1, 1, 1))
    assert verdicts.tolist() == [TRADED]
    return Outcome(*outcomes[:, 0].tolist())


def mirror(candle: Candle) -> Candle:
    opened, high, low, close = candle
    return 200 - opened, 200 - low, 200 - high, 200 - close


@pytest.mark.parametrize(
    ("candle", "price", "reason", "ambiguous"),
    [
        ((100, 106, 94, 101), 95, STOPPED, 1),
        ((93, 94, 92, 93), 93, STOPPED, 0),
        ((107, 108, 106, 107), 105, AT_TARGET, 0),
        ((107, 108, 94, 95), 105, AT_TARGET, 0),
        ((93, 106, 92, 105), 93, STOPPED, 0),
        ((95, 106, 94, 105), 95, STOPPED, 0),
        ((105, 106, 94, 95), 105, AT_TARGET, 0),
        ((100, 101, 95, 100), 95, STOPPED, 0),
        ((100, 105, 99, 104), 105, AT_TARGET, 0),
        ((100, 104.9, 95.1, 103), 103, FLAT, 0),
    ],
    ids=[
        "both in range",
        "gap beyond the stop",
        "gap beyond the target",
        "gap beyond the target, then the stop",
        "gap beyond the stop, then the target",
        "open at the stop",
        "open at the target",
        "stop on touch",
        "target on touch",
        "neither",
    ],
)
@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
def test_golden_11_a_held_position(
    candle: Candle, price: float, reason: int, ambiguous: int, side: int
) -> None:
    outcome = hold(candle if side > 0 else mirror(candle), side=side)

    expected = price if side > 0 else 200 - price
    assert outcome.price == round(expected / TICK)
    assert (outcome.row, outcome.reason, outcome.ambiguous) == (1, reason, ambiguous)


@pytest.mark.parametrize(("high", "reason"), [(103.5, STOPPED), (102.9, FLAT)])
def test_golden_11_the_stop_of_a_short_is_met_by_the_ask(high: float, reason: int) -> None:
    outcome = hold((100, high, 99, 100), side=-1, spread=2)

    assert outcome.reason == reason


@pytest.mark.parametrize(("low", "reason"), [(93, AT_TARGET), (93.1, FLAT)])
def test_the_target_of_a_short_is_met_by_the_ask(low: float, reason: int) -> None:
    outcome = hold((100, 101, low, 100), side=-1, spread=2)

    assert outcome.reason == reason


@pytest.mark.parametrize("side", [1, -1])
def test_a_long_leaves_at_the_bid_and_a_short_at_the_ask(side: int) -> None:
    outcome = hold((100, 101, 99, 100.5), side=side, spread=2, slippage=0.5)

    assert outcome.price == (1000 if side > 0 else 1030)


@pytest.mark.parametrize(
    ("candle", "price"),
    [((100, 101, 94, 95), 945), ((93, 94, 92, 93), 925), ((100, 106, 99, 105), 1050)],
    ids=["stop", "gap", "target"],
)
def test_slippage_is_paid_at_the_stop_and_not_at_the_target(candle: Candle, price: int) -> None:
    outcome = hold(candle, slippage=0.5)

    assert outcome.price == price


@pytest.mark.parametrize(
    ("candles", "worst", "best"),
    [
        ([(100, 103, 98, 102), (102, 110, 90, 95)], 950, 1030),
        ([(100, 103, 98, 102), (102, 110, 97, 105)], 970, 1050),
        ([(100, 103, 98, 102), (107, 110, 90, 95)], 980, 1050),
        ([(100, 103, 98, 102), (90, 104, 89, 95)], 900, 1030),
        ([(100, 103, 98, 102), (102, 104, 97, 100)], 970, 1040),
    ],
    ids=["stop", "target", "gap beyond the target", "gap beyond the stop", "flat"],
)
def test_excursions_end_where_the_trade_ends(candles: list[Candle], worst: int, best: int) -> None:
    outcome = hold(*candles)

    assert (outcome.worst, outcome.best) == (worst, best)
