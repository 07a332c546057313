"""A detector finds the same at other prices, on other days, and upside down."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from setupdesk.market.bars import Bars
from tests.detectors.causality import Columns, columns_of, known_before
from tests.detectors.finders import FINDERS
from tests.detectors.goldens import GOLDENS
from tests.detectors.markets import move, turn_over, walk

MARKETS = {**GOLDENS, **{f"walk {seed}": walk(seed, 1_000) for seed in range(5)}}
PRICES = {"open", "high", "low", "close", "price", "level", "top", "bottom", "origin", "mid"}
PRICES |= {"extreme"}
MIRRORED = {"top": "bottom", "bottom": "top", "high": "low", "low": "high"}
SIGNED = {"sign", "size"}


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("name", FINDERS)
def test_prices_and_days_do_not_matter(name: str, market: str) -> None:
    bars = MARKETS[market]
    random = np.random.default_rng(len(bars))
    before = find(name, bars)

    for ticks, weeks in zip(random.integers(-5_000, 5_000, 5), range(5), strict=True):
        after = find(name, move(bars, int(ticks), 7 * weeks))

        for column, values in before.items():
            moved = values + ticks if column in PRICES else values
            np.testing.assert_allclose(after[column], moved, rtol=0, atol=1e-6, err_msg=column)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("name", sorted(FINDERS.keys() - {"sweep"}))  # told which side to watch
def test_a_mirrored_market_gives_mirrored_events(name: str, market: str) -> None:
    bars = MARKETS[market]
    upright = in_order(find(name, bars))

    mirrored = in_order(mirror(find(name, turn_over(bars, 41_000)), 41_000))

    for column, values in upright.items():
        np.testing.assert_allclose(mirrored[column], values, rtol=0, atol=1e-6, err_msg=column)


def find(name: str, bars: Bars) -> Columns:
    # Prices of what is not known, or of a window without bars, are 0 wherever the market is.
    found = known_before(columns_of(FINDERS[name].find(bars)), len(bars), ())
    filled = found.get("count", np.ones_like(found["known"])) > 0
    return {column: values[filled] for column, values in found.items()}


def mirror(columns: Columns, around: int) -> Columns:
    return {
        name: mirror_column(name, columns[MIRRORED.get(name, name)], around) for name in columns
    }


def mirror_column(name: str, values: NDArray[Any], around: int) -> NDArray[Any]:
    if name in PRICES:
        return around - values
    return -values if name in SIGNED else values


def in_order(columns: Columns) -> Columns:
    # Of one row, both directions may be known: these swap places.
    sign = columns.get("sign", columns["known"])
    order = np.lexsort((sign, columns["known"]))
    return {name: values[order] for name, values in columns.items() if name != "places"}
