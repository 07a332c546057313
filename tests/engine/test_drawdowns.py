from collections.abc import Sequence

import numpy as np
import pytest

from setupdesk.engine.drawdowns import Drawdowns, measure_drawdowns


def measure(
    r: Sequence[float],
    *,
    day: Sequence[int] | None = None,
    last_day: int = 0,
    risk: float = 0.01,
) -> Drawdowns:
    days = np.arange(len(r)) if day is None else np.array(day)
    _, session = np.unique(days, return_inverse=True)
    return measure_drawdowns(np.array(r, np.float64), session, days, last_day, risk)


def test_a_drawdown_begins_at_zero_where_the_first_trades_lose() -> None:
    found = measure([-1.0, -1.0, 3.0])

    assert found.max_drawdown_r == 2.0
    assert found.longest_drawdown_trades == 2
    assert found.recovery_factor == 0.5


def test_without_a_loss_there_is_no_drawdown() -> None:
    found = measure([1.0, 2.0])

    assert (found.max_drawdown_r, found.longest_drawdown_days) == (0.0, 0)
    assert found.recovery_factor is None


def test_the_longest_drawdown_lasts_from_a_high_to_the_trade_that_reached_it_again() -> None:
    found = measure([2.0, -1.0, 0.5, 0.5, 1.0, -1.0, 1.0], day=[0, 3, 5, 11, 12, 14, 15])

    assert found.longest_drawdown_trades == 2
    assert found.longest_drawdown_days == 11


def test_a_drawdown_that_lasts_ends_with_the_run() -> None:
    found = measure([2.0, -1.0, -1.0], day=[4, 6, 7], last_day=30)

    assert found.longest_drawdown_days == 26


def test_a_run_that_only_lost_was_down_since_its_first_trade() -> None:
    found = measure([-1.0, -1.0], day=[4, 6], last_day=10)

    assert found.longest_drawdown_days == 6


def test_the_account_is_compounded_at_the_risk_of_a_trade() -> None:
    found = measure([2.0, -1.0], risk=0.02)

    assert found.final_equity == pytest.approx(1.04 * 0.98)
    assert found.max_drawdown_pct == pytest.approx(2.0)
    assert found.risk == 0.02


def test_an_account_that_is_lost_stays_lost() -> None:
    found = measure([-150.0, 50.0])

    assert (found.final_equity, found.max_drawdown_pct) == (0.0, 100.0)
    assert found.ruin_probability is not None
    assert found.ruin_probability == pytest.approx(0.75, abs=0.05)


def test_two_halving_days_in_a_row_are_looked_at_day_by_day() -> None:
    apart = measure([-0.6, 5.0], day=[0, 1], risk=1.0)
    together = measure([-0.6, 5.0, 1.0], day=[0, 0, 1], risk=1.0)

    # A path of two days is ruined unless it avoids the day that halves the account.
    assert apart.ruin_probability == pytest.approx(0.5, abs=0.05)
    assert together.ruin_probability == 0.0
