"""The gate lets honest rules through and names what the others know too early."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.causality import Run
from setupdesk.engine.gate import GateSize, draw_market, examine, make_run
from setupdesk.engine.null_test import FIRST_DAY, NullSize, draw_walk, find_weekdays
from setupdesk.market.bars import Ints
from setupdesk.setups.definition import Setup
from setupdesk.setups.rule import Rule

MakeSymbol = Callable[..., Symbol]


def test_the_flagship_passes_on_all_its_timeframes(raid: Rule, make_symbol: MakeSymbol) -> None:
    stages: list[str] = []

    report = examine(raid.default, make_symbol(), note=lambda stage, *_: stages.append(stage))

    assert report.passed
    assert not report.refused
    assert [one.timeframe for one in report.causality] == ["M1", "M5", "M15"]
    assert all(one.trades > 10 for one in report.causality)
    assert report.null.trades >= 300
    assert report.sentences[-1] == "The gate is passed."
    assert list(dict.fromkeys(stages)) == [
        "looking for what later bars change, M1",
        "looking for what later bars change, M5",
        "looking for what later bars change, M15",
        "trading a random walk, M1",
    ]


def test_what_cannot_be_judged_is_no_pass_and_no_refusal(
    make_setup: Callable[..., Setup], make_symbol: MakeSymbol
) -> None:
    never = make_setup(filters=["ib.range < 0"])

    report = examine(never, make_symbol(), QUICK)

    assert not report.passed
    assert not report.refused
    assert "could not be judged" in report.sentences[-1]


def test_what_looks_ahead_is_refused(raid: Rule, make_symbol: MakeSymbol) -> None:
    # No rule that can be written looks ahead, so the bars are moved under an honest one.
    def peek(setup: Setup, symbol: Symbol) -> Run:
        run = make_run(setup, symbol)
        return lambda bars, sessions: run(replace(bars, close=_ahead(bars.close)), sessions)

    report = examine(raid.default, make_symbol(), QUICK, make_run=peek)

    first = report.causality[0].first
    assert report.refused
    assert not report.passed
    assert first is not None
    assert first.sentence in report.sentences[0]
    assert report.to_json()["causality"][0]["first"]["row"] == first.row > 0
    assert report.sentences[-1].startswith("The gate is closed")


def test_a_window_that_the_symbol_lacks_is_a_mistake(
    make_setup: Callable[..., Setup], make_symbol: MakeSymbol
) -> None:
    setup = make_setup(levels={"ib": {"kind": "session_range", "window": "asia"}})

    with pytest.raises(InvalidRuleError, match="no window 'asia'"):
        examine(setup, make_symbol())


def test_the_markets_of_the_gate_have_volume_and_holes(make_symbol: MakeSymbol) -> None:
    bars, sessions = draw_market(make_symbol(), Timeframe.M5, 12, GateSize(sessions=10))

    spans = np.diff(bars.time)
    assert len(sessions) == 10
    assert (bars.volume > 0).all()
    assert 0.01 < (spans > 300_000).mean() < 0.03
    assert (draw_walk(1.0, find_weekdays(FIRST_DAY, 2), (1,)).volume > 0).all()


QUICK = GateSize(sessions=15, prefixes=20, null=NullSize(sessions=20, most_sessions=40))


def _ahead(column: Ints) -> Ints:
    return np.append(column[1:], column[-1:])
