from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from setupdesk.engine.result import Result, SessionLevels, Side, Trade
from setupdesk.engine.statistics import Cell, Statistics, summarize

G12 = (2.0, -1.0, -1.0, 2.0, -1.0, 2.0, -1.0, -1.0, -1.0, 2.0)
MONDAY = date(2025, 5, 5)


def trade(number: int, r: float, day: date, *, hour: int = 8, side: Side = "long") -> Trade:
    entry_at = datetime(day.year, day.month, day.day, hour, number % 60, tzinfo=UTC)
    return Trade(
        number=number,
        day=day,
        side=side,
        level="ib.low",
        signal_at=entry_at,
        entry_at=entry_at,
        exit_at=entry_at + timedelta(minutes=45),
        entry=100.0,
        stop=95.0,
        target=110.0,
        exit=100.0 + 5 * r,
        risk=5.0,
        r=r,
        costs_r=0.05,
        mae_r=0.5,
        mfe_r=1.0,
        exit_reason="target" if r > 0 else "stop",
        ambiguous=number == 1,
    )


def session(day: date) -> SessionLevels:
    return SessionLevels(day=day, skipped=None, levels={}, known_at=None)


def result_of(trades: Sequence[Trade], sessions: int = 0) -> Result:
    days = [MONDAY + timedelta(days=number) for number in range(sessions)]
    return Result(sessions=tuple(map(session, days)), candidates=(), trades=tuple(trades))


def summarize_daily(results: Sequence[float], sessions: int = 0) -> Statistics:
    trades = [trade(n, r, MONDAY + timedelta(days=n)) for n, r in enumerate(results)]
    return summarize(result_of(trades, sessions), "Europe/Berlin")


def cells_of(statistics: Statistics, name: str) -> dict[str, Cell]:
    return {cell.key: cell for cell in statistics.breakdowns[name]}


def test_the_golden_trades_give_the_golden_statistics() -> None:
    found = summarize_daily(G12)

    assert found.win_rate == pytest.approx(0.4)
    assert found.expectancy_r == pytest.approx(0.2)
    assert found.total_r == pytest.approx(2.0)
    assert found.profit_factor == pytest.approx(1.333333, abs=1e-6)
    assert found.payoff == pytest.approx(2.0)
    assert found.sqn == pytest.approx(0.408248, abs=1e-6)
    assert found.t_stat == pytest.approx(0.408248, abs=1e-6)
    assert (found.max_consecutive_wins, found.max_consecutive_losses) == (1, 3)


def test_the_golden_trades_give_the_golden_drawdowns() -> None:
    found = summarize_daily(G12)

    assert found.max_drawdown_r == pytest.approx(3.0)
    assert found.max_drawdown_pct == pytest.approx(2.9701, abs=1e-6)
    assert found.final_equity == pytest.approx(1.019088, abs=1e-6)
    assert found.longest_drawdown_trades == 4
    assert found.recovery_factor == pytest.approx(2 / 3)
    assert found.likely_drawdown_r == (3.0, 5.0, 6.0)


def test_the_golden_trades_give_the_golden_intervals() -> None:
    found = summarize_daily(G12)

    assert found.win_rate_interval == pytest.approx((0.16818, 0.687326), abs=1e-6)
    assert found.expectancy_interval == pytest.approx((-0.7, 1.1), abs=1e-12)
    assert found.half_width_r == pytest.approx(0.9)


def test_the_trades_needed_are_those_that_shrink_the_error_to_the_expectancy() -> None:
    found = summarize_daily(G12)

    # 1.96 sd / 0.2 squared, with sd = sqrt(2.4).
    assert found.trades_needed == 231


def test_the_best_and_worst_win_rates_stay_between_zero_and_one() -> None:
    won, lost = summarize_daily([1.0] * 10), summarize_daily([-1.0] * 10)

    assert won.win_rate_interval == pytest.approx((0.722467, 1.0), abs=1e-5)
    assert lost.win_rate_interval == pytest.approx((0.0, 0.277533), abs=1e-5)


def test_trades_of_one_day_are_resampled_together() -> None:
    apart = [trade(n, r, MONDAY + timedelta(days=n)) for n, r in enumerate([1.0, 1.0, -1.0, -1.0])]
    together = [trade(n, t.r, MONDAY + timedelta(days=n // 2)) for n, t in enumerate(apart)]

    alone = summarize(result_of(apart), "UTC").expectancy_interval
    clustered = summarize(result_of(together), "UTC").expectancy_interval

    assert alone == pytest.approx((-1.0, 1.0))
    assert clustered == (-1.0, 1.0)
    assert summarize(result_of(together), "UTC").sessions_traded == 2


def test_days_with_more_trades_weigh_more() -> None:
    busy = [trade(n, 1.0, MONDAY) for n in range(3)]
    quiet = trade(3, -1.0, MONDAY + timedelta(days=1))

    found = summarize(result_of([*busy, quiet]), "UTC")

    assert found.expectancy_r == pytest.approx(0.5)
    assert found.expectancy_interval == (-1.0, 1.0)


def test_the_same_result_always_gives_the_same_statistics() -> None:
    assert summarize_daily(G12 * 4) == summarize_daily(G12 * 4)


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
    found = summarize(result_of([trade(n, 1.0, MONDAY) for n in range(40)]), "UTC")

    assert found.expectancy_interval is None
    assert found.verdict == "undecided"


def test_no_trades_leave_every_average_undefined() -> None:
    found = summarize_daily([], sessions=5)

    assert (found.sessions, found.trades, found.total_r, found.final_equity) == (5, 0, 0.0, 1.0)
    undefined = (found.expectancy_r, found.win_rate, found.profit_factor, found.best_r, found.sqn)
    assert undefined == (None,) * 5
    assert found.equity == ()


def test_one_trade_has_no_spread_and_no_interval() -> None:
    found = summarize_daily([1.5])

    assert found.expectancy_r == 1.5
    assert (found.expectancy_interval, found.sd_r, found.trades_needed) == (None, None, None)
    assert found.likely_drawdown_r is None


def test_without_losing_trades_the_profit_factor_is_undefined() -> None:
    found = summarize_daily([1.0, 2.0])

    assert (found.profit_factor, found.payoff, found.recovery_factor) == (None, None, None)
    assert found.max_drawdown_r == 0.0


def test_without_winning_trades_the_profit_factor_is_zero() -> None:
    found = summarize_daily([-1.0, -1.0])

    assert (found.profit_factor, found.payoff) == (0.0, None)
    assert found.longest_drawdown_trades == 2


def test_breakeven_trades_are_neither_won_nor_lost() -> None:
    found = summarize_daily([0.0] * 40)

    assert (found.wins, found.losses, found.breakeven, found.win_rate) == (0, 0, 40, 0.0)
    assert (found.max_consecutive_wins, found.max_consecutive_losses) == (0, 0)
    assert found.verdict == "undecided"


def test_equal_results_have_no_spread_whatever_rounding_says() -> None:
    assert summarize_daily([0.1] * 50).t_stat is None


def test_the_equity_follows_the_exits_not_the_numbers() -> None:
    late, early = trade(1, 2.0, MONDAY, hour=14), trade(2, -1.0, MONDAY, hour=9)

    points = summarize(result_of([late, early]), "UTC").equity

    assert [(point.trade, point.r) for point in points] == [(2, -1.0), (1, 1.0)]
    assert points[0].at == early.exit_at


def test_the_hour_of_entry_is_told_in_the_markets_zone() -> None:
    summer, winter = trade(1, 1.0, date(2025, 7, 1)), trade(2, 1.0, date(2025, 12, 1))

    found = summarize(result_of([summer, winter]), "Europe/Berlin")

    assert list(cells_of(found, "hour")) == ["09", "10"]
    assert list(cells_of(found, "month")) == ["2025-07", "2025-12"]


def test_weekdays_and_sides_have_their_own_expectancy() -> None:
    trades = [
        trade(1, 2.0, MONDAY),
        trade(2, -1.0, MONDAY, side="short"),
        trade(3, -1.0, MONDAY + timedelta(days=1), side="short"),
    ]

    found = summarize(result_of(trades), "UTC")

    assert cells_of(found, "weekday")["1"].expectancy_r == pytest.approx(0.5)
    assert cells_of(found, "weekday")["2"].trades == 1
    assert cells_of(found, "side")["short"].total_r == pytest.approx(-2.0)


def test_the_interval_of_a_cell_is_students() -> None:
    long = cells_of(summarize_daily(G12), "side")["long"]

    # 0.2 -+ t(9) sqrt(2.4 / 10), t(9) = 2.262157.
    assert long.interval == pytest.approx((-0.908226, 1.308226), abs=1e-4)


def test_a_cell_of_two_days_or_of_equal_results_has_no_interval() -> None:
    two, equal = summarize_daily([1.0, -1.0]), summarize_daily([-1.0] * 5)

    assert cells_of(two, "side")["long"].interval is None
    assert cells_of(equal, "side")["long"].interval is None


def test_the_sharpe_ratio_counts_the_days_without_a_trade() -> None:
    daily = [1.0] * 10 + [-0.5] * 10 + [0.0] * 80
    traded = summarize_daily(daily[:20], sessions=100)

    mean = sum(daily) / 100
    sd = (sum((r - mean) ** 2 for r in daily) / 99) ** 0.5

    assert traded.sharpe == pytest.approx(mean / sd * 252**0.5)


def test_the_sharpe_ratio_needs_ninety_days() -> None:
    assert summarize_daily(G12, sessions=89).sharpe is None
    assert summarize_daily(G12, sessions=90).sharpe is not None


def test_costs_holding_times_exits_and_ambiguous_bars_are_counted() -> None:
    found = summarize(result_of([trade(n, r, MONDAY) for n, r in enumerate(G12)]), "UTC")

    assert found.costs_r_total == pytest.approx(0.5)
    assert found.costs_r_mean == pytest.approx(0.05)
    assert found.avg_hold_minutes == 45.0
    assert found.exit_reasons == {"stop": 6, "target": 4}
    assert found.ambiguous == 1


def test_an_account_that_is_lost_stays_lost() -> None:
    found = summarize_daily([-150.0, 50.0])

    assert (found.final_equity, found.max_drawdown_pct) == (0.0, 100.0)
