import math
from statistics import NormalDist

import numpy as np
import pytest

from setupdesk.engine.sharpe import (
    annualize,
    find_best_by_luck,
    find_probabilistic_sharpe,
    weigh_luck,
)

# The example of Bailey and Lopez de Prado (2014): the best of N strategies has a Sharpe ratio of
# 2.5 a year over five years of 250 days; the ratios of all N have a variance of 1/2 a year.
OF_A_DAY = 2.5 / math.sqrt(250)
DAYS = 1250
VARIANCE = 0.5 / 250


def test_the_benchmark_of_the_paper_is_found() -> None:
    assert find_best_by_luck(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize(("variants", "probability"), [(100, 0.9004), (46, 0.9505)])
def test_the_deflated_sharpe_ratios_of_the_paper_are_found(
    variants: int, probability: float
) -> None:
    benchmark = find_best_by_luck(variants, VARIANCE)

    found = find_probabilistic_sharpe(OF_A_DAY, benchmark, DAYS, skew=-3, kurtosis=10)

    assert found == pytest.approx(probability, abs=1e-4)


def test_the_best_by_luck_is_about_the_mean_of_the_best_of_many_draws() -> None:
    best = np.random.default_rng(3).normal(0, 0.2, (20_000, 50)).max(axis=1)

    assert find_best_by_luck(50, 0.04) == pytest.approx(best.mean(), rel=0.02)


def test_a_single_variant_has_nothing_to_beat() -> None:
    assert find_best_by_luck(1, 0.04) == 0.0


def test_the_probability_is_that_of_a_normal_distribution_where_results_are_normal() -> None:
    quantiles = [NormalDist(0.1, 1.0).inv_cdf((k + 0.5) / 400) for k in range(400)]
    r = np.array(quantiles)
    sharpe = 0.1 / r.std(ddof=1)

    found = weigh_luck(r)

    # Kurtosis 3, skew 0: the error of a Sharpe ratio is sqrt((1 + SR^2 / 2) / (n - 1)).
    by_hand = NormalDist().cdf(sharpe * math.sqrt(399 / (1 + sharpe**2 / 2)))
    assert found.sharpe_per_trade == pytest.approx(sharpe)
    assert found.probabilistic_sharpe == pytest.approx(by_hand, abs=2e-4)
    assert found.deflated_sharpe is None


def test_the_probability_of_a_few_trades_is_computed_by_hand() -> None:
    # Mean 0.5, population variance 2.25, skew 0, kurtosis 1: two values equally often.
    found = weigh_luck(np.array([2.0, -1.0, 2.0, -1.0]))

    assert found.sharpe_per_trade == pytest.approx(0.5 / math.sqrt(3))
    assert found.probabilistic_sharpe == pytest.approx(NormalDist().cdf(0.5))


def test_trying_more_variants_lowers_the_odds() -> None:
    r = np.random.default_rng(5).normal(0.15, 1.3, 200)

    odds = [weigh_luck(r, variants).deflated_sharpe or 0.0 for variants in (2, 10, 100, 1000)]

    assert odds == sorted(odds, reverse=True)
    assert odds[0] < (weigh_luck(r, 2).probabilistic_sharpe or 0.0)


def test_without_a_known_variance_the_variants_scatter_by_their_error_alone() -> None:
    r = np.random.default_rng(5).normal(0.15, 1.3, 200)

    assert weigh_luck(r, 20) == weigh_luck(r, 20, variance=1 / 199)
    assert weigh_luck(r, 20, variance=0.0).deflated_sharpe == weigh_luck(r).probabilistic_sharpe


def test_the_best_of_many_skill_less_variants_is_not_taken_for_skill() -> None:
    random = np.random.default_rng(11)
    found = []
    for _ in range(200):
        tried = random.normal(0.0, 1.0, (20, 100))
        found.append(weigh_luck(tried[np.argmax(tried.mean(axis=1))], 20))

    fooled = np.mean([(one.probabilistic_sharpe or 0) > 0.95 for one in found])
    deflated = np.mean([(one.deflated_sharpe or 0) > 0.95 for one in found])
    assert fooled > 0.5
    assert deflated < 0.1


def test_equal_results_have_no_odds() -> None:
    found = weigh_luck(np.full(10, 0.1), 5)

    assert (found.sharpe_per_trade, found.probabilistic_sharpe) == (None, None)
    assert (found.variants, found.deflated_sharpe) == (5, None)


def test_the_sharpe_ratio_counts_the_sessions_without_a_trade() -> None:
    daily = np.array([1.0] * 10 + [-0.5] * 10 + [0.0] * 80)
    sd = math.sqrt(((daily - 0.05) ** 2).sum() / 99)

    found = annualize(daily, 100, 1.0, 5.0)

    assert found.sharpe == pytest.approx(0.05 / sd * math.sqrt(252))


def test_the_sortino_ratio_counts_losing_sessions_alone_as_risk() -> None:
    daily = np.array([1.0] * 10 + [-0.5] * 10 + [0.0] * 80)

    found = annualize(daily, 100, 1.0, 5.0)

    # Ten squares of 0.25 over all hundred sessions.
    assert found.sortino == pytest.approx(0.05 / math.sqrt(0.025) * math.sqrt(252))


def test_the_calmar_ratio_is_growth_a_year_over_the_deepest_drawdown() -> None:
    year = annualize(np.array([0.0, 1.0]), 366, 1.21, 10.0)
    half = annualize(np.array([0.0, 1.0]), 183, 1.1, 10.0)

    assert year.calmar == pytest.approx(2.1, abs=0.01)
    assert half.calmar == pytest.approx(2.1, abs=0.01)


def test_what_cannot_be_divided_by_is_none() -> None:
    found = annualize(np.ones(100), 100, 2.0, 0.0)

    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)


def test_below_ninety_days_nothing_is_annualised() -> None:
    daily = np.array([1.0, -0.5] * 30)

    assert annualize(daily, 89, 1.1, 5.0).sharpe is annualize(daily, 89, 1.1, 5.0).calmar is None
    assert annualize(daily, 90, 1.1, 5.0).sortino is not None
