"""The badge of every run: signals are found again without any later bar."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import numpy as np
import pytest

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.causality import Run, Told
from setupdesk.engine.gate import GateSize, draw_market
from setupdesk.engine.look_ahead import check_look_ahead
from setupdesk.engine.result import Candidate, SessionLevels, Trade
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.rule import Rule

MakeSymbol = Callable[..., Symbol]
Market = tuple[Bars, list[Session]]


@dataclass(frozen=True)
class Changed:
    candidates: Sequence[Candidate]
    trades: Sequence[Trade]
    sessions: Sequence[SessionLevels]


@pytest.fixture
def market(make_symbol: MakeSymbol) -> Market:
    return draw_market(make_symbol(), Timeframe.M15, 26, GateSize(sessions=60))


@pytest.fixture
def run(raid: Rule, make_symbol: MakeSymbol) -> Run:
    return partial(run_setup, raid.default, make_symbol())


def test_an_honest_run_moves_nothing(run: Run, market: Market) -> None:
    found = check_look_ahead(run, run(*market), *market)

    assert found.to_json() == {
        "checked": 40,
        "moved": 0,
        "sentence": "checked 40 of 40 signals, 0 moved",
        "first": None,
    }


def test_a_verdict_that_stands_on_earlier_sessions_is_found_again(
    raid: Rule, make_symbol: MakeSymbol, market: Market
) -> None:
    run = partial(run_setup, raid.default, make_symbol(), max_trades_total=3)
    result = run(*market)
    assert "run_limit" in {one.verdict for one in result.candidates}

    found = check_look_ahead(run, result, *market, count=1_000)

    assert (found.checked, found.moved) == (len(result.candidates), 0)


def test_a_run_that_reads_one_bar_ahead_is_caught(run: Run, market: Market) -> None:
    def peek(bars: Bars, sessions: Sequence[Session]) -> Told:
        rows = np.minimum(np.arange(len(bars)) + 1, len(bars) - 1)
        return run(replace(bars, close=bars.close[rows]), sessions)

    found = check_look_ahead(peek, peek(*market), *market)

    assert found.moved > 0
    assert found.first is not None
    assert found.first.sentence in found.sentence
    assert found.to_json()["first"]["what"].startswith("the candidate ib.")


def test_a_candidate_of_which_only_the_extreme_is_of_later_is_caught(
    run: Run, market: Market
) -> None:
    result = run(*market)
    [first, *others] = result.candidates
    assert first.extreme is not None
    moved = replace(first, extreme=first.extreme + 1)
    told = Changed((moved, *others), result.trades, result.sessions)

    found = check_look_ahead(run, told, *market, count=1_000)

    assert (found.moved, found.first and found.first.at) == (1, first.known_at)
    assert found.first is not None
    assert (found.first.was, found.first.became) == (
        f"extreme {first.extreme!r}",
        f"extreme {first.extreme + 1!r}",
    )


def test_without_signals_nothing_is_claimed(run: Run, market: Market) -> None:
    bars, sessions = market
    later = [
        replace(
            one,
            opens_ms=one.opens_ms + int(timedelta(days=999).total_seconds()) * 1000,
            closes_ms=one.closes_ms + int(timedelta(days=999).total_seconds()) * 1000,
        )
        for one in sessions
    ]

    found = check_look_ahead(run, run(bars, later), bars, later)

    assert (found.checked, found.sentence) == (0, "no signal to check")
