from dataclasses import dataclass

import numpy as np
import pytest

from setupdesk.detectors.equal_levels import Pools, find_pools
from setupdesk.detectors.swing import Swings, find_swings
from setupdesk.market.bars import Bars, Floats
from tests.detectors.goldens import EQUAL_HIGHS
from tests.detectors.markets import draw, walk

Found = list[tuple[int, ...]]


def rows_of(found: Pools) -> Found:
    columns = (found.anchor, found.known, found.sign, found.level, found.count, found.swept)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def highs_at(bars: Bars, *rows: int) -> Swings:
    row = np.array(rows)
    return Swings(row, row + 1, bars.high[row], np.ones(len(row), np.int64))


def draw_highs(*highs: float) -> Bars:
    return draw([(high - 1, high, high - 2, high - 1) for high in highs])


def test_golden_9_a_pool_is_born_extended_and_swept() -> None:
    found = find_pools(EQUAL_HIGHS, find_swings(EQUAL_HIGHS, 1, 1), np.full(11, 3.0))

    assert rows_of(found) == [(1, 5, 1, 1002, 2, 9), (1, 8, 1, 1002, 3, 9)]


@pytest.mark.parametrize("steady", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_the_scan_agrees_with_the_definition(seed: int, steady: bool) -> None:  # noqa: FBT001
    bars = walk(seed, rows=500)
    swings = find_swings(bars, 1, 1)
    tolerance = np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 3.0, 9.5, np.nan], len(bars))
    tolerance = np.full(len(bars), 2.0) if steady else tolerance

    found = find_pools(bars, swings, tolerance)

    assert len(found.known) > 20
    assert sorted(rows_of(found)) == sorted(gather_slowly(bars, swings, tolerance))


@dataclass
class Pool:
    anchor: int
    price: int
    level: int
    slack: float
    swept: int
    versions: list[tuple[int, int, int]]
    count: int = 1


def gather_slowly(bars: Bars, swings: Swings, tolerance: Floats) -> Found:
    found: Found = []
    for sign, reach in ((1, bars.high), (-1, -bars.low)):
        pools: list[Pool] = []
        for row in range(len(bars)):
            for pool in pools:
                if pool.swept == len(bars) and reach[row] > pool.level + pool.slack:
                    pool.swept = row
            for place in np.flatnonzero((swings.known == row) & (swings.sign == sign)):
                add_slowly(pools, sign * int(swings.price[place]), row, len(bars), tolerance)
                if pools and pools[-1].anchor < 0:
                    pools[-1].anchor = int(swings.row[place])
        found += [
            (pool.anchor, known, sign, sign * level, count, pool.swept)
            for pool in pools
            for known, level, count in pool.versions
        ]
    return found


def add_slowly(pools: list[Pool], price: int, row: int, never: int, tolerance: Floats) -> None:
    for pool in pools:
        if pool.swept == never and abs(price - pool.price) <= pool.slack:
            pool.level, pool.count = max(pool.level, price), pool.count + 1
            pool.versions.append((row, pool.level, pool.count))
            return
    if not np.isnan(tolerance[row]):
        pools.append(Pool(-1, price, price, float(tolerance[row]), never, []))


def test_a_high_that_was_traded_through_is_no_longer_an_anchor() -> None:
    bars = draw_highs(98, 100, 98, 105, 98, 100, 98)

    found = find_pools(bars, highs_at(bars, 1, 5), np.full(7, 3.0))

    assert rows_of(found) == []


@pytest.mark.parametrize(("second", "count"), [(100.3, 1), (100.4, 0), (99.7, 1), (99.6, 0)])
def test_a_member_is_at_most_the_tolerance_from_the_anchor(second: float, count: int) -> None:
    bars = draw_highs(98, 100, 98, second, 98)

    found = find_pools(bars, highs_at(bars, 1, 3), np.full(5, 3.0))

    assert len(found.known) == count


@pytest.mark.parametrize(("last", "swept"), [(100.5, 6), (100.6, 5)])
def test_a_pool_is_swept_strictly_beyond_level_and_tolerance(last: float, swept: int) -> None:
    bars = draw_highs(98, 100, 98, 100.2, 98, last)

    found = find_pools(bars, highs_at(bars, 1, 3), np.full(6, 3.0))

    assert rows_of(found) == [(1, 4, 1, 1002, 2, swept)]


def test_of_several_pools_a_swing_joins_the_oldest() -> None:
    bars = draw_highs(98, 100, 98, 99.6, 98, 99.8, 98)

    found = find_pools(bars, highs_at(bars, 1, 3, 5), np.full(7, 3.0))

    assert rows_of(found) == [(1, 6, 1, 1000, 2, 7)]


def test_the_tolerance_of_a_pool_is_that_of_its_anchor() -> None:
    bars = draw_highs(98, 100, 98, 100.2, 98)
    tolerance = np.array([np.nan, np.nan, 0.0, 9.0, 9.0])

    found = find_pools(bars, highs_at(bars, 1, 3), tolerance)

    assert rows_of(found) == []


def test_without_a_tolerance_there_is_no_pool() -> None:
    found = find_pools(EQUAL_HIGHS, find_swings(EQUAL_HIGHS, 1, 1), np.full(11, np.nan))

    assert rows_of(found) == []


@pytest.mark.parametrize("rows", [0, 1])
def test_without_swings_there_is_no_pool(rows: int) -> None:
    bars = EQUAL_HIGHS[:rows]

    found = find_pools(bars, find_swings(bars, 1, 1), np.full(rows, 3.0))

    assert rows_of(found) == []


def test_a_long_fall_with_many_pools_left_behind_is_no_slower() -> None:
    # Each high lower than the last, each of them an anchor that nothing sweeps.
    bars = draw_highs(*(high - 3 * (row % 2) for row, high in enumerate(range(200_000, 0, -1))))

    found = find_pools(bars, find_swings(bars, 1, 1), np.full(len(bars), 3.0))

    assert rows_of(found) == []
