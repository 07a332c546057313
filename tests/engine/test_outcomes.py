import numpy as np
import pytest

from setupdesk.engine.outcomes import (
    Excursions,
    Outcomes,
    count_outcomes,
    find_longest,
    measure_excursions,
)
from tests.engine.results import G12, make_result


def count(*r: float, **columns: object) -> Outcomes:
    trades = make_result(r, **columns).trades  # type: ignore[arg-type]
    return count_outcomes(trades, np.argsort(trades.exit_ms, kind="stable"))


def measure(*r: float, **columns: object) -> Excursions:
    return measure_excursions(make_result(r, **columns).trades)  # type: ignore[arg-type]


def test_the_best_and_worst_win_rates_stay_between_zero_and_one() -> None:
    won, lost = count(*[1.0] * 10), count(*[-1.0] * 10)

    assert won.win_rate_interval == pytest.approx((0.722467, 1.0), abs=1e-5)
    assert lost.win_rate_interval == pytest.approx((0.0, 0.277533), abs=1e-5)


def test_without_losing_trades_the_profit_factor_is_undefined() -> None:
    found = count(1.0, 2.0)

    assert (found.profit_factor, found.payoff, found.avg_loss_r) == (None, None, None)


def test_without_winning_trades_the_profit_factor_is_zero() -> None:
    found = count(-1.0, -1.0)

    assert (found.profit_factor, found.payoff) == (0.0, None)


def test_breakeven_trades_are_neither_won_nor_lost() -> None:
    found = count(*[0.0] * 40)

    assert (found.wins, found.losses, found.breakeven, found.win_rate) == (0, 0, 40, 0.0)
    assert (found.max_consecutive_wins, found.max_consecutive_losses) == (0, 0)


def test_streaks_follow_the_exits() -> None:
    by_number = count(1.0, -1.0, 1.0, -1.0)
    by_exit = count(1.0, -1.0, 1.0, -1.0, session=[0] * 4, hour=[8, 10, 9, 11])

    assert (by_number.max_consecutive_wins, by_number.max_consecutive_losses) == (1, 1)
    assert (by_exit.max_consecutive_wins, by_exit.max_consecutive_losses) == (2, 2)


@pytest.mark.parametrize(
    ("flags", "longest"), [("", 0), ("0", 0), ("1", 1), ("0110111", 3), ("1110", 3), ("0101", 1)]
)
def test_the_longest_run_is_found_wherever_it_stands(flags: str, longest: int) -> None:
    assert find_longest(np.array([flag == "1" for flag in flags], bool)) == longest


def test_exits_are_counted_by_reason_the_commonest_first() -> None:
    found = count(1.0, -1.0, -1.0, 0.2, reason=[1, 0, 0, 2])

    assert list(found.exit_reasons.items()) == [("stop", 2), ("target", 1), ("flat", 1)]


def test_costs_are_set_against_what_was_won_before_them() -> None:
    found, losing = count(*G12), count(-1.0, -1.0)

    # 2R after costs of 0.5R: a fifth of 2.5R.
    assert found.costs_r_total == pytest.approx(0.5)
    assert found.costs_r_mean == pytest.approx(0.05)
    assert found.costs_share == pytest.approx(0.2)
    assert losing.costs_share is None


def test_holding_times_and_ambiguous_trades_are_counted() -> None:
    found = count(
        1.0,
        -1.0,
        -1.0,
        ambiguous=[True, True, False],
        resolved=[True, False, False],
        exit_ms=np.array([1, 2, 3]) + 10**12,
        entry_ms=np.array([1, 2, 3]) + 10**12 - np.array([30, 60, 90]) * 60_000,
    )

    assert found.avg_hold_minutes == 60.0
    assert (found.ambiguous, found.resolved) == (2, 1)


def test_excursions_are_averaged_apart_for_winners_and_losers() -> None:
    found = measure(2.0, 1.0, -1.0, -1.0, mae_r=[0.2, 0.4, 1.0, 1.2], mfe_r=[2.0, 1.4, 0.5, 0.3])

    assert (found.mae_r, found.mfe_r) == pytest.approx((0.7, 1.05))
    assert found.mae_of_winners_r == pytest.approx(0.3)
    assert found.mfe_of_losers_r == pytest.approx(0.4)
    assert found.edge_ratio == pytest.approx(1.5)


def test_no_trades_have_no_excursions() -> None:
    found = measure()

    assert found == Excursions(
        mae_r=None, mfe_r=None, mae_of_winners_r=None, mfe_of_losers_r=None, edge_ratio=None
    )
