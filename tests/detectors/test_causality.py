"""Every detector passes the causality gate, and the gate catches look-ahead planted in each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from tests.detectors.causality import assert_causal, columns_of
from tests.detectors.finders import FINDERS
from tests.detectors.markets import spans_of, walk

SHARED = (parent / "shared/data/clean" for parent in Path(__file__).parents)
REAL = next((folder for folder in SHARED if folder.is_dir()), Path("shared/data/clean"))

# These have a value for each session: not all of them are known.
BY_SESSION = {"session_range", "previous_day", "previous_week", "gap"}


@pytest.fixture(scope="module")
def real_bars() -> Bars:
    file = REAL / "GER40_M15_forexcom.parquet"
    if not file.is_file():
        pytest.skip("no real bars in ../shared/data")
    import polars as pl

    table = pl.read_parquet(file)
    prices = (
        np.rint(table[name].to_numpy() / 0.1).astype(np.int64)
        for name in ("open", "high", "low", "close")
    )
    times = table["ts"].dt.epoch("ms").to_numpy().astype(np.int64)
    opened, high, low, close = prices
    volume = (high - low).astype(np.float64)
    return Bars(Timeframe.M15, 0.1, times, opened, high, low, close, volume)


@pytest.mark.parametrize("name", FINDERS)
def test_no_later_bar_changes_what_was_known(name: str) -> None:
    bars = walk(seed=3, rows=1_200)
    finder = FINDERS[name]
    known = columns_of(finder.find(bars))["known"]
    assert (known < len(bars)).sum() > 2, "there is nothing to compare"

    assert_causal(finder.find, bars, [*range(300), *range(300, 1_200, 3)], finder.later)


@pytest.mark.parametrize("name", FINDERS)
def test_no_later_bar_changes_what_was_known_in_the_real_market(name: str, real_bars: Bars) -> None:
    finder = FINDERS[name]
    random = np.random.default_rng(5)

    for first in random.integers(0, len(real_bars) - 1_500, 10):
        bars = real_bars[int(first) : int(first) + 1_500]
        assert_causal(finder.find, bars, random.integers(0, 1_500, 50), finder.later)


@pytest.mark.parametrize("name", sorted(FINDERS.keys() - BY_SESSION))
def test_events_are_in_the_order_in_which_they_are_known(name: str) -> None:
    bars = walk(seed=4, rows=1_200)

    known = columns_of(FINDERS[name].find(bars))["known"]

    assert (np.diff(known) >= 0).all()
    assert (known < len(bars)).all()


def peek(bars: Bars) -> Bars:
    """Give each bar the prices of the next one."""
    rows = np.minimum(np.arange(len(bars)) + 1, len(bars) - 1)
    return Bars(
        bars.timeframe,
        bars.tick,
        bars.time,
        bars.open[rows],
        bars.high[rows],
        bars.low[rows],
        bars.close[rows],
        bars.volume[rows],
    )


@pytest.mark.parametrize("name", sorted(FINDERS.keys() - {"previous_day", "previous_week"}))
def test_the_gate_catches_a_detector_that_sees_the_next_bar(name: str) -> None:
    finder = FINDERS[name]

    with pytest.raises(AssertionError, match=r"of the first \d+ bars"):
        assert_causal(lambda bars: finder.find(peek(bars)), walk(3, 600), range(600), finder.later)


@pytest.mark.parametrize("name", sorted(FINDERS.keys() - {"atr", "vwap", "day_pattern"}))
def test_the_gate_catches_a_detector_that_knows_a_bar_too_early(name: str) -> None:
    finder = FINDERS[name]

    def find(bars: Bars) -> object:
        found = finder.find(bars)
        return replace(found, known=np.where(found.known < len(bars), found.known - 1, len(bars)))

    with pytest.raises(AssertionError, match=r"of the first \d+ bars"):
        assert_causal(find, walk(3, 1_200), range(1_200), finder.later)


@pytest.mark.parametrize("name", ["touch", "ce", "fill", "invert"])
def test_the_gate_catches_a_state_told_a_bar_too_early(name: str) -> None:
    finder = FINDERS["fvg"]

    def find(bars: Bars) -> object:
        found = finder.find(bars)
        state = getattr(found, name)
        return replace(found, **{name: np.where(state < len(bars), state - 1, len(bars))})

    with pytest.raises(AssertionError, match=f"{name} of the first"):
        assert_causal(find, walk(3, 300), range(300), finder.later)


@pytest.mark.parametrize("name", ["previous_day", "previous_week"])
def test_the_gate_catches_levels_of_a_day_that_is_not_over(name: str) -> None:
    finder = FINDERS[name]

    def find(bars: Bars) -> object:
        first, stop = spans_of(bars)
        today = [
            bars.high[begin:end].max(initial=0) for begin, end in zip(first, stop, strict=True)
        ]
        return replace(finder.find(bars), high=np.array(today, np.int64))

    with pytest.raises(AssertionError, match=r"high of the first \d+ bars"):
        assert_causal(find, walk(3, 1_200), range(1_200), finder.later)
