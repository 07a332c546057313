import math

import numpy as np
import pytest

from setupdesk.detectors.kernel import feed
from setupdesk.engine.resampling import (
    RESAMPLES,
    RUIN_PATHS,
    SEED,
    _shuffle,
    bootstrap,
    find_ruin,
    reshuffle,
)

WORD = 2**64 - 1


class Splitmix:
    """The generator of the kernels, in whole numbers."""

    def __init__(self) -> None:
        self.state = SEED

    def __call__(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & WORD
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        return z ^ (z >> 31)


def days_of(*sums: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array(sums), np.ones(len(sums), np.int64)


def test_the_generator_is_splitmix64() -> None:
    draw = Splitmix()
    draw.state = 1234567

    # The first outputs of Vigna's reference program for this seed.
    assert [draw() for _ in range(2)] == [6457827717110365317, 3203168211198807973]


@pytest.mark.parametrize("days", [2, 3, 8])
def test_the_bootstrap_is_the_one_that_plain_code_gives(days: int) -> None:
    sums = np.random.default_rng(days).normal(0.1, 1.3, days)
    counts = np.random.default_rng(days).integers(1, 4, days)
    draw, means = Splitmix(), []
    for _ in range(RESAMPLES):
        bits = [draw() for _ in range((days + 1) // 2)]
        halves = [half for word in bits for half in (word & 0xFFFFFFFF, word >> 32)]
        if days % 2:
            halves[-2:] = halves[-1:]
        rows = [half * days >> 32 for half in halves]
        means.append(sums[rows].sum() / counts[rows].sum())

    found = bootstrap(sums, counts)

    assert found == pytest.approx(np.percentile(means, [2.5, 97.5]))


def test_days_with_more_trades_weigh_more() -> None:
    found = bootstrap(np.array([3.0, -1.0]), np.array([3, 1]))

    assert found == (-1.0, 1.0)


def test_trades_of_one_day_are_resampled_together() -> None:
    apart = bootstrap(*days_of(*[1.0, -1.0] * 20))
    together = bootstrap(np.array([10.0, -10.0] * 2), np.full(4, 10))

    assert apart is not None
    assert together is not None
    assert apart[1] < 0.35
    assert together == (-1.0, 1.0)


def test_one_day_has_no_interval() -> None:
    assert bootstrap(*days_of(1.0)) is None
    assert bootstrap(*days_of()) is None
    assert reshuffle(np.array([1.0])) is None
    assert find_ruin(np.array([0.9])) is None


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        sums, counts = days_of(*random.normal(0.1, 1.4, 60))
        low, high = bootstrap(sums, counts) or (0.0, 0.0)
        covered += low <= 0.1 <= high

    # A percentile bootstrap of 60 days is a little narrow; 400 samples scatter by 1.1 %.
    assert 0.91 <= covered / 400 <= 0.98


def test_the_bootstrap_agrees_with_the_normal_distribution_on_many_days() -> None:
    sums, counts = days_of(*np.random.default_rng(1).normal(0.2, 1.0, 1_000))

    low, high = bootstrap(sums, counts) or (0.0, 0.0)

    half = 1.96 * sums.std() / math.sqrt(1_000)
    assert (low, high) == pytest.approx((sums.mean() - half, sums.mean() + half), abs=0.006)


def test_reshuffled_drawdowns_keep_all_trades() -> None:
    losses = reshuffle(np.full(12, -1.0))
    pair = reshuffle(np.array([5.0, -3.0]))

    assert losses == (12.0, 12.0, 12.0)
    assert pair == (3.0, 3.0, 3.0)


def test_every_order_is_equally_probable() -> None:
    # Of the three orders of 2, -1, -1 only the one with 2 in the middle falls no deeper than 1.
    deepest = _shuffle(feed(np.array([2.0, -1.0, -1.0])), 6_000, SEED)

    assert (deepest == 1.0).mean() == pytest.approx(1 / 3, abs=0.025)
    assert set(deepest.tolist()) == {1.0, 2.0}


def test_ruin_is_the_share_of_paths_that_ever_lose_half() -> None:
    # Of two days drawn with replacement three of four paths hold the halving day.
    found = find_ruin(np.array([0.5, 1.0]))
    sound = find_ruin(np.array([0.99, 1.02]))

    assert found == pytest.approx(0.75, abs=4 * math.sqrt(0.75 * 0.25 / RUIN_PATHS))
    assert sound == 0.0


def test_an_account_at_exactly_half_is_ruined() -> None:
    assert find_ruin(np.array([0.5, 0.5])) == 1.0
