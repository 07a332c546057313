from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setupdesk.engine.brief import Brief, summarize_briefly
from setupdesk.engine.statistics import summarize, summarize_trades
from tests.engine.results import G12, make_result


def brief_of(r: Sequence[float], day: Sequence[int] | None = None) -> Brief:
    days = np.arange(len(r)) if day is None else np.array(day, np.int64)
    return summarize_briefly(np.array(r, np.float64), days)


def test_the_golden_trades_give_the_golden_figures() -> None:
    found = brief_of(G12)

    assert (found.trades, found.total_r, found.win_rate) == (10, 2.0, 0.4)
    assert found.expectancy_r == pytest.approx(0.2)
    assert found.profit_factor == pytest.approx(1.333333, abs=1e-6)
    assert found.max_drawdown_r == 3.0
    assert found.win_rate_interval == pytest.approx((0.16818, 0.687326), abs=1e-6)

    # Student's, not the bootstrap: 0.2 -+ 2.262157 sqrt(2.4 / 10).
    assert found.expectancy_interval == pytest.approx((-0.908226, 1.308226), abs=1e-4)


def test_no_trades_have_no_averages() -> None:
    found = brief_of([])

    assert (found.trades, found.total_r, found.max_drawdown_r) == (0, 0.0, 0.0)
    assert found.expectancy_r is found.profit_factor is found.win_rate is None
    assert found.expectancy_interval is found.win_rate_interval is None


def test_trades_of_two_days_have_no_interval() -> None:
    assert brief_of([1.0, -1.0, 1.0, -1.0], [0, 0, 1, 1]).expectancy_interval is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-300, 300), st.integers(0, 12)), min_size=1, max_size=40))
def test_the_brief_agrees_with_the_statistics(drawn: list[tuple[int, int]]) -> None:
    drawn.sort(key=lambda pair: pair[1])
    result = make_result([r / 100 for r, _ in drawn], session=[day for _, day in drawn])

    brief, full = summarize_trades(result.trades), summarize(result, "UTC")

    assert brief.trades == full.outcomes.trades
    assert brief.total_r == full.outcomes.total_r
    assert brief.win_rate == full.outcomes.win_rate
    assert brief.win_rate_interval == full.outcomes.win_rate_interval
    assert brief.profit_factor == pytest.approx(full.outcomes.profit_factor)
    assert brief.expectancy_r == pytest.approx(full.expectancy.expectancy_r)
    assert brief.max_drawdown_r == pytest.approx(full.drawdowns.max_drawdown_r)
    assert brief.expectancy_interval == pytest.approx(
        full.breakdowns.cells["side"][0].interval, nan_ok=True
    )
