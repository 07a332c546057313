"""On a market without drift and without costs no setup may win: what wins here looks ahead."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.causality import Run
from setupdesk.engine.null_test import (
    PRICE,
    NullSize,
    NullTest,
    check_null,
    draw_walk,
    find_weekdays,
    null_symbol,
)
from setupdesk.setups.definition import Setup
from tests.engine.markets import peeking

MakeSetup = Callable[..., Setup]
MakeSymbol = Callable[..., Symbol]


@pytest.fixture
def symbol(make_symbol: MakeSymbol) -> Symbol:
    return make_symbol()


@pytest.fixture
def run(make_setup: MakeSetup, symbol: Symbol) -> Run:
    setup, market = make_setup(rr=2.0), null_symbol(symbol)
    return lambda bars, sessions: run_setup(setup, market, bars, sessions)


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M15])
def test_a_random_walk_cannot_be_beaten(run: Run, symbol: Symbol, timeframe: Timeframe) -> None:
    size = NullSize(enough_trades=1_000)

    found = check_null(run, symbol, timeframe, 1, size=size)

    assert found.trades > 1_000
    assert found.verdict == "passed"
    assert -6 * found.error < found.mean < 3 * found.error
    assert f"{found.mean:+.2f}R ± {found.error:.2f} (standard error) over" in found.sentence
    assert found.sentence.endswith("a leak smaller than three of these would not be seen.")


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M15])
def test_a_run_that_reads_one_bar_ahead_wins_and_is_caught(
    run: Run, symbol: Symbol, timeframe: Timeframe
) -> None:
    found = check_null(peeking(run), symbol, timeframe, 1)

    assert found.verdict == "failed"
    assert found.mean > 3 * found.error
    assert "it knows the future" in found.sentence


def test_too_few_trades_are_a_result_of_their_own(make_setup: MakeSetup, symbol: Symbol) -> None:
    setup, market = make_setup(filters=["ib.range < 0"]), null_symbol(symbol)
    size = NullSize(sessions=20, most_sessions=40)

    found = check_null(
        lambda bars, sessions: run_setup(setup, market, bars, sessions),
        symbol,
        Timeframe.M15,
        1,
        size=size,
    )

    assert (found.verdict, found.trades, found.sessions) == ("too_few", 0, 40)
    assert found.to_json()["mean_r"] is None
    assert "300 are needed to judge" in found.sentence


def test_every_price_between_two_is_traded_and_nothing_drifts() -> None:
    days = find_weekdays(date(2024, 1, 1), 60)

    bars = draw_walk(1.0, days, (11, 0))

    moved = bars.close[-1] - PRICE
    assert (bars.open[1:] == bars.close[:-1]).all()
    assert (bars.high - bars.low).max() <= 8
    assert abs(moved) < 4 * np.sqrt(len(bars) * 8)


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (0.49, "is not distinguishable from zero: +0.49R ± 0.26 (standard error) over 349 trades"),
        (-0.49, "is not distinguishable from zero: -0.49R ± 0.26"),
        (-0.9, "does not win: -0.90R ± 0.26"),
        (0.9, "wins on a random walk, +0.90R ± 0.26"),
    ],
)
def test_the_words_claim_no_more_than_the_figures(mean: float, words: str) -> None:
    found = NullTest(
        timeframe=Timeframe.M1, sessions=500, trades=349, enough=300, mean=mean, error=0.259
    )

    assert words in found.sentence
