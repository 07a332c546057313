from dataclasses import replace
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest

from setupdesk.detectors.vwap import find_vwap
from setupdesk.market.bars import Bars, Floats
from tests.detectors.goldens import VWAP
from tests.detectors.markets import draw, move, spans_of, walk

START, STOP = np.array([0]), np.array([4])


def weigh(bars: Bars, *volume: float) -> Bars:
    return replace(bars, volume=np.array(volume, np.float64))


def test_golden_8_the_price_of_a_bar_includes_that_bar() -> None:
    bars = weigh(VWAP, 10, 20, 10, 40)

    found = find_vwap(bars, START, STOP)

    mid, sd = [100.666667, 102.0, 101.75, 100.541667], [0, 0.942809, 0.924211, 1.373737]
    np.testing.assert_allclose(found.mid * 0.1, mid, atol=1e-6)
    np.testing.assert_allclose(found.sd * 0.1, sd, atol=1e-6)


def test_a_band_lies_so_many_deviations_from_the_average() -> None:
    found = find_vwap(weigh(VWAP, 10, 20, 10, 40), START, STOP)

    np.testing.assert_allclose(found.band(2) * 0.1, found.mid * 0.1 + 2 * found.sd * 0.1)
    np.testing.assert_allclose(found.band(-1) * 0.1, (found.mid - found.sd) * 0.1)


@pytest.mark.parametrize("seed", range(10))
def test_the_sums_agree_with_the_exact_fractions(seed: int) -> None:
    bars = walk(seed, rows=600)

    found = find_vwap(bars, *spans_of(bars))

    mid, sd = average_slowly(bars)
    assert np.isfinite(mid).sum() > 100
    np.testing.assert_allclose(found.mid, mid, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.sd, sd, rtol=0, atol=1e-6)


def average_slowly(bars: Bars) -> tuple[Floats, Floats]:
    mid, sd = np.full(len(bars), np.nan), np.full(len(bars), np.nan)
    for first, stop in zip(*spans_of(bars), strict=True):
        for row in range(first, stop):
            rows = range(first, row + 1)
            if np.isnan(bars.volume[first : row + 1]).any():
                continue
            weights = [int(bars.volume[one]) for one in rows]
            sums = [bars.high[one] + bars.low[one] + bars.close[one] for one in rows]
            prices = [Fraction(int(one), 3) for one in sums]
            if total := sum(weights):
                pairs = list(zip(prices, weights, strict=True))
                mean = sum(price * weight for price, weight in pairs) / Fraction(total)
                squares = sum(price * price * weight for price, weight in pairs) / total
                mid[row], sd[row] = float(mean), sqrt(squares - mean * mean)
    return mid, sd


def test_the_deviation_loses_no_digits_at_high_prices() -> None:
    bars = weigh(VWAP, 10, 20, 10, 40)

    found, high = find_vwap(bars, START, STOP), find_vwap(move(bars, 10**9, 0), START, STOP)

    assert found.sd.tobytes() == high.sd.tobytes()


def test_outside_of_the_spans_there_is_no_value() -> None:
    bars = weigh(VWAP, 10, 20, 10, 40)

    found = find_vwap(bars, np.array([1, 3]), np.array([2, 3]))

    assert np.isfinite(found.mid).tolist() == [False, True, False, False]


def test_each_anchor_begins_anew() -> None:
    bars = weigh(VWAP, 10, 20, 10, 40)

    found = find_vwap(bars, np.array([0, 2]), np.array([2, 4]))

    assert found.mid[2] * 0.1 == pytest.approx(101)
    assert found.sd[2] == 0


@pytest.mark.parametrize(
    ("volume", "has_value"),
    [
        ((0, 0, 10, 0), [False, False, True, True]),
        ((np.nan, 1, 1, 1), [False, False, False, False]),
        ((1, 1, np.nan, 1), [True, True, False, False]),
        ((0, 0, 0, 0), [False, False, False, False]),
    ],
)
def test_without_volume_there_is_no_value(volume: tuple[float, ...], has_value: list[bool]) -> None:
    found = find_vwap(weigh(VWAP, *volume), START, STOP)

    assert np.isfinite(found.mid).tolist() == has_value
    assert np.isfinite(found.sd).tolist() == has_value


@pytest.mark.parametrize("rows", [0, 1])
def test_few_bars_have_few_values(rows: int) -> None:
    bars = weigh(draw([(10, 11, 9, 10)] * rows), *[3] * rows)

    found = find_vwap(bars, np.array([0]), np.array([rows]))

    assert (found.mid.tolist(), found.sd.tolist()) == ([100] * rows, [0] * rows)
