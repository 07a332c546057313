"""The gate lets honest rules through and names what the others know too early."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.causality import Run
from setupdesk.engine.compile import compile_setup
from setupdesk.engine.gate import GateSize, draw_market, examine, make_run
from setupdesk.engine.hours import find_wrong_hours
from setupdesk.engine.null_test import FIRST_DAY, NullSize, draw_walk, find_weekdays
from setupdesk.market.bars import Ints
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import load_registry
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
    assert report.never_traded
    assert report.to_json()["never_traded"]
    assert re.fullmatch(
        r"It never traded on 15 sessions of a simulated market on M1, M5, M15 "
        r"\([\d,]+ candidates: filtered [\d,]+\): look at its filters and its window\.",
        report.sentences[-2],
    )


def test_what_never_triggers_says_so(
    make_setup: Callable[..., Setup], make_symbol: MakeSymbol
) -> None:
    trigger = {
        "kind": "sweep_reclaim",
        "levels": ["ib.high", "ib.low"],
        "reclaim_within": "reclaim_within",
        "min_penetration": "100000*tick",
    }

    report = examine(make_setup(trigger=trigger), make_symbol(), QUICK)

    assert report.sentences[-2].startswith("It never triggered on 15 sessions of a simulated")
    assert report.sentences[-2].endswith("on M1, M5, M15: look at its filters and its window.")


@pytest.mark.parametrize(
    ("parts", "mistake"),
    [
        (
            {"window": {"from": "session.end - 2h", "to": "ib.end"}},
            "window: it ends (10:00) before it begins (15:30) on GER40",
        ),
        ({"window": {"from": "ib.end", "to": "10:00"}}, "window: it ends as it begins (10:00) on"),
        (
            {"exit": {"flat": "ib.end"}},
            "exit.flat: 10:00 is not after the beginning of the window (10:00) on GER40",
        ),
        (
            {"window": {"from": "session.start", "to": "ib.end"}},
            "levels.ib: it is known at 10:00, after the window has ended (10:00) on GER40",
        ),
    ],
)
def test_hours_that_never_come_together_are_a_mistake(
    make_setup: Callable[..., Setup], make_symbol: MakeSymbol, parts: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(InvalidRuleError) as refused:
        examine(make_setup(**parts), make_symbol(), QUICK)

    [told] = refused.value.mistakes
    assert told.startswith(mistake)


def test_the_hours_of_what_ships_come_together() -> None:
    symbol = load_catalogue()["GER40"]

    for rule in load_registry():
        bars, sessions = draw_market(symbol, rule.default.timeframes[0], 12, QUICK)
        compiled = compile_setup(rule.default, symbol, bars, sessions)
        assert list(find_wrong_hours(compiled, symbol)) == []


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
