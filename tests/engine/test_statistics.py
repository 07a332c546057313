import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setupdesk.engine import brief, resampling
from setupdesk.engine.statistics import Statistics, summarize, summarize_trades, warm_up
from tests.engine.results import G12, make_result

RESULTS = st.lists(
    st.floats(-5, 5, allow_nan=False).map(lambda r: round(r, 3)), min_size=2, max_size=40
)


def summarize_daily(r: Sequence[float], **how: Any) -> Statistics:
    return summarize(make_result(r, **how), "Europe/Berlin")


def plain(statistics: Statistics) -> dict[str, Any]:
    return {name: value for name, value in asdict(statistics).items() if name != "equity"}


def test_the_golden_trades_give_the_golden_outcomes() -> None:
    found = summarize_daily(G12)

    assert found.outcomes.win_rate == pytest.approx(0.4)
    assert found.outcomes.win_rate_interval == pytest.approx((0.16818, 0.687326), abs=1e-6)
    assert found.outcomes.total_r == pytest.approx(2.0)
    assert found.outcomes.profit_factor == pytest.approx(1.333333, abs=1e-6)
    assert found.outcomes.payoff == pytest.approx(2.0)
    assert found.outcomes.max_consecutive_wins == 1
    assert found.outcomes.max_consecutive_losses == 3


def test_the_golden_trades_give_the_golden_expectancy() -> None:
    found = summarize_daily(G12).expectancy

    assert found.expectancy_r == pytest.approx(0.2)
    assert found.expectancy_interval == pytest.approx((-0.7, 1.1), abs=1e-12)
    assert found.half_width_r == pytest.approx(0.9)
    assert found.sqn == pytest.approx(0.408248, abs=1e-6)
    assert found.t_stat == pytest.approx(0.408248, abs=1e-6)

    # 1.96 sd / 0.2 squared, with sd = sqrt(2.4).
    assert found.trades_needed == 231


def test_the_golden_trades_give_the_golden_drawdowns() -> None:
    found = summarize_daily(G12).drawdowns

    assert found.max_drawdown_r == pytest.approx(3.0)
    assert found.max_drawdown_pct == pytest.approx(2.9701, abs=1e-6)
    assert found.final_equity == pytest.approx(1.019088, abs=1e-6)
    assert found.longest_drawdown_trades == 4
    assert found.recovery_factor == pytest.approx(2 / 3)
    assert found.likely_drawdown_r == (3.0, 5.0, 6.0)


def test_the_same_result_always_gives_the_same_statistics() -> None:
    first, second = summarize_daily(G12 * 4), summarize_daily(G12 * 4)

    assert plain(first) == plain(second)
    assert first.equity.r.tolist() == second.equity.r.tolist()


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([], "no_trades"),
        ([2.0] * 29, "too_few"),
        ([2.0, 1.0] * 15, "positive"),
        ([-1.0, -0.9] * 15, "negative"),
        (G12 * 3, "undecided"),
    ],
)
def test_the_verdict_is_read_from_the_interval(results: Sequence[float], verdict: str) -> None:
    assert summarize_daily(results).verdict == verdict


def test_many_trades_of_a_single_day_prove_nothing() -> None:
    found = summarize_daily([1.0] * 40, session=[0] * 40)

    assert found.expectancy.expectancy_interval is None
    assert found.verdict == "undecided"


def test_no_trades_leave_every_average_undefined() -> None:
    found = summarize_daily([], sessions=5)

    assert (found.sessions, found.sessions_traded, found.outcomes.trades) == (5, 0, 0)
    assert (found.outcomes.total_r, found.drawdowns.final_equity, found.exposure) == (0.0, 1.0, 0)
    assert found.expectancy.expectancy_r is found.outcomes.win_rate is found.expectancy.sqn is None
    assert found.drawdowns.ruin_probability is found.luck.probabilistic_sharpe is None
    assert len(found.equity.r) == 0


def test_no_sessions_at_all_are_summarized_too() -> None:
    found = summarize_daily([])

    assert (found.verdict, found.sessions, found.exposure) == ("no_trades", 0, None)
    assert set(found.breakdowns.cells.values()) == {()}


def test_one_trade_has_no_spread_and_no_interval() -> None:
    found = summarize_daily([1.5])

    assert found.expectancy.expectancy_r == 1.5
    assert (found.expectancy.expectancy_interval, found.expectancy.sd_r) == (None, None)
    assert (found.expectancy.trades_needed, found.drawdowns.likely_drawdown_r) == (None, None)


def test_equal_results_have_no_spread_whatever_rounding_says() -> None:
    assert summarize_daily([0.1] * 50).expectancy.t_stat is None


def test_the_equity_follows_the_exits_not_the_numbers() -> None:
    equity = summarize_daily([2.0, -1.0], session=[0, 0], hour=[14, 9]).equity

    assert equity.trade.tolist() == [2, 1]
    assert equity.r.tolist() == [-1.0, 1.0]
    assert np.diff(equity.at_ms).tolist() == [5 * 3_600_000]


def test_exposure_is_the_share_of_all_bars_in_which_a_trade_was_open() -> None:
    found = summarize_daily([1.0, -1.0], sessions=10, bars_held=[20, 14])

    # Ten sessions of 34 bars.
    assert found.exposure == pytest.approx(34 / 340)


def test_the_three_expectancies_differ_by_what_came_first_in_a_bar() -> None:
    found = summarize_daily(
        [-1.0, 2.0, 1.0], r_pessimistic=[-1.0, -1.0, 1.0], r_optimistic=[2.0, 2.0, 1.0]
    ).expectancy

    assert found.expectancy_pessimistic_r == pytest.approx(-1 / 3)
    assert found.expectancy_r == pytest.approx(2 / 3)
    assert found.expectancy_optimistic_r == pytest.approx(5 / 3)
    assert found.order_decides


@pytest.mark.parametrize(("worst", "best"), [(0.5, 1.0), (-1.0, -0.5), (-1.0, 0.0)])
def test_the_order_in_a_bar_decides_nothing_on_one_side_of_zero(worst: float, best: float) -> None:
    found = summarize_daily([worst] * 3, r_pessimistic=[worst] * 3, r_optimistic=[best] * 3)

    assert not found.expectancy.order_decides


def test_a_dearer_run_is_told_beside_its_own() -> None:
    dearer = make_result([1.8, -1.2, -1.2])

    found = summarize(make_result([2.0, -1.0, -1.0]), "UTC", dearer=dearer)

    assert found.dearer == summarize_trades(dearer.trades)
    assert found.dearer.total_r == pytest.approx(-0.6)
    assert found.outcomes.total_r == 0.0


def test_the_risk_of_a_trade_scales_the_account_and_not_the_r() -> None:
    small, large = (summarize(make_result(G12), "UTC", risk=risk) for risk in (0.01, 0.1))

    assert large.drawdowns.max_drawdown_pct == pytest.approx(100 * (1 - 0.9**3))
    assert large.drawdowns.max_drawdown_r == small.drawdowns.max_drawdown_r


@settings(deadline=None, max_examples=60)
@given(RESULTS)
def test_mirrored_results_have_mirrored_figures(results: list[float]) -> None:
    found, mirror = summarize_daily(results), summarize_daily([-r for r in results])

    assert mirror.outcomes.wins == found.outcomes.losses
    assert mirror.outcomes.total_r == pytest.approx(-found.outcomes.total_r)
    assert mirror.outcomes.max_consecutive_wins == found.outcomes.max_consecutive_losses
    low, high = found.expectancy.expectancy_interval or (math.nan, math.nan)
    assert mirror.expectancy.expectancy_interval == pytest.approx((-high, -low), nan_ok=True)
    if found.outcomes.profit_factor and mirror.outcomes.profit_factor:
        product = found.outcomes.profit_factor * mirror.outcomes.profit_factor
        assert product == pytest.approx(1.0)
    if found.luck.probabilistic_sharpe is not None:
        assert mirror.luck.probabilistic_sharpe == pytest.approx(
            1 - found.luck.probabilistic_sharpe
        )
    for name, cells in found.breakdowns.cells.items():
        means = [cell.expectancy_r for cell in mirror.breakdowns.cells[name]]
        assert means == pytest.approx([-cell.expectancy_r for cell in cells])


@settings(deadline=None, max_examples=60)
@given(st.data(), RESULTS)
def test_the_order_of_days_matters_to_paths_alone(
    data: st.DataObject, results: list[float]
) -> None:
    shuffled = data.draw(st.permutations(results))

    found, other = summarize_daily(results), summarize_daily(shuffled)

    for part in ("outcomes", "excursions", "luck"):
        streaks = {"max_consecutive_wins": 0, "max_consecutive_losses": 0}
        one, two = (asdict(getattr(of, part)) | streaks for of in (found, other))
        exits = [of.pop("exit_reasons", {}) for of in (one, two)]
        assert exits[0] == exits[1]
        interval = [of.pop("win_rate_interval", None) for of in (one, two)]
        assert interval[0] == interval[1]
        assert one == pytest.approx(two)
    assert other.expectancy.t_stat == pytest.approx(found.expectancy.t_stat)
    assert other.drawdowns.final_equity == pytest.approx(found.drawdowns.final_equity)


@settings(deadline=None, max_examples=40)
@given(RESULTS, st.floats(0.001, 0.2))
def test_no_figure_leaves_its_range(results: list[float], risk: float) -> None:
    found = summarize(make_result(results, size=results), "UTC", risk=risk, variants=7)

    assert 0 <= found.drawdowns.max_drawdown_pct <= 100
    assert 0 <= (found.drawdowns.ruin_probability or 0.0) <= 1
    assert 0 <= (found.luck.deflated_sharpe or 0.0) <= (found.luck.probabilistic_sharpe or 1.0) <= 1
    half, most, worst = found.drawdowns.likely_drawdown_r or (0.0, 0.0, 0.0)
    assert 0 <= half <= most <= worst <= sum(abs(r) for r in results) + 1e-9
    for cells in found.breakdowns.cells.values():
        assert sum(cell.trades for cell in cells) == len(results)
        assert sum(cell.total_r for cell in cells) == pytest.approx(found.outcomes.total_r)


def test_a_result_is_left_as_it_was() -> None:
    result = make_result(G12)
    before = result.trades.r.copy()

    summarize(result, "UTC")

    assert result.trades.r.tolist() == before.tolist()


def test_nothing_is_compiled_after_the_warm_up() -> None:
    kernels: list[Any] = [
        resampling._resample,
        resampling._shuffle,
        resampling._count_ruined,
        brief._walk,
    ]

    warm_up()
    summarize(make_result(G12), "UTC", dearer=make_result(G12, session=[0] * 10))

    assert [len(kernel.signatures) for kernel in kernels] == [1, 1, 1, 1]
