import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.atr import find_atr
from setupdesk.market.bars import Bars

HIGH = [10, 11, 12, 11.5, 14]
LOW = [9, 9.5, 10.5, 10, 11]
CLOSE = [9.5, 11, 11, 10.5, 13.5]


def draw() -> Bars:
    high, low, close = (
        np.rint(np.array(prices) / 0.5).astype(np.int64) for prices in (HIGH, LOW, CLOSE)
    )
    stamps = np.arange(5, dtype=np.int64)
    return Bars(Timeframe.D1, 0.5, stamps, close, high, low, close, np.full(5, np.nan))


def test_golden_7_the_atr_is_wilders() -> None:
    atr = find_atr(draw(), 3) * 0.5

    np.testing.assert_allclose(atr, [np.nan, np.nan, 1.333333, 1.388889, 2.092593], atol=1e-6)


@pytest.mark.parametrize("rows", range(6))
def test_the_atr_of_a_bar_does_not_depend_on_later_bars(rows: int) -> None:
    whole = find_atr(draw(), 3)

    part = find_atr(draw()[:rows], 3)

    np.testing.assert_array_equal(part, whole[:rows])


def test_too_few_bars_have_no_atr() -> None:
    atr = find_atr(draw(), 6)

    assert np.isnan(atr).all()
