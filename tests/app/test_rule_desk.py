"""The rule desk lets no rule in that the gate has caught."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.rule_files import RuleFiles
from setupdesk.app.rule_desk import RuleDesk, Stage
from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.engine.causality import Run
from setupdesk.engine.gate import GateReport, GateSize, examine, make_run
from setupdesk.engine.null_test import NullSize
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import RuleRegistry
from setupdesk.setups.template import fill_template

QUICK = GateSize(sessions=15, prefixes=20, null=NullSize(sessions=20, most_sessions=40))
MINE = fill_template("mine_v1")
WINDOW = ("window: {", "window: it ends (10:00) before it begins (15:30) on GER40")
LEVEL = ("ib: {", "levels.ib: it is known at 10:00, after the window has ended (10:00)")


def open_desk(folder: Path, *, peeks: bool = False, catalogue: Catalogue | None = None) -> RuleDesk:
    def run(setup: Setup, symbol: Symbol) -> Run:
        honest = make_run(setup, symbol)
        if not peeks:
            return honest
        return lambda bars, sessions: honest(
            replace(bars, close=np.append(bars.close[1:], bars.close[-1:])), sessions
        )

    def quick(setup: Setup, symbol: Symbol, note: Stage) -> GateReport:
        return examine(setup, symbol, QUICK, note, run)

    rules = RuleFiles(folder)
    return RuleDesk(RuleRegistry(rules), rules, catalogue or load_catalogue(), quick)


def test_what_looks_ahead_is_not_published(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, peeks=True)

    with pytest.raises(InvalidRuleError) as refused:
        desk.add(MINE, "mine.yaml", "ann")

    assert "M1: it looks ahead. At 2024-" in str(refused.value)
    assert refused.value.mistakes[-1].startswith("The gate is closed")
    assert refused.value.problems[0].field == ""
    assert "mine_v1" not in [setup["setup_id"] for setup in desk.setups()]
    assert not (tmp_path / "published.json").exists()


def test_what_cannot_be_judged_is_published_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = open_desk(tmp_path)
    stages: list[str] = []

    with caplog.at_level("INFO", logger="setupdesk.app.rule_desk"):
        answer = desk.add(MINE, "mine.yaml", "ann", note=lambda stage, *_: stages.append(stage))

    assert answer["outcome"] == "added"
    assert (answer["gate"]["passed"], answer["gate"]["refused"]) == (False, False)
    assert "could not be judged" in answer["gate"]["sentences"][-1]
    assert "trading a random walk, M1" in stages
    [added] = caplog.records
    assert (added.message, vars(added)["user"]) == ("rule added", "ann")


def test_a_dry_run_keeps_nothing(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)

    answer = desk.add(MINE, "mine.yaml", "ann", dry_run=True)

    assert (answer["outcome"], answer["own"]) == ("checked", False)
    assert list(tmp_path.iterdir()) == []


def test_the_gate_takes_the_first_symbol_that_has_all_windows(tmp_path: Path) -> None:
    symbols = load_catalogue().symbols
    some = Catalogue({name: symbols[name] for name in ("BTCUSD", "JPN225", "US500")})

    answer = open_desk(tmp_path, catalogue=some).add(MINE, "mine.yaml", "ann", dry_run=True)

    assert answer["gate"]["symbol"] == "JPN225"


def test_windows_that_no_symbol_has_together_are_a_mistake(tmp_path: Path) -> None:
    bitcoin = load_catalogue().symbols["BTCUSD"]
    lonely = Catalogue({"BTCUSD": bitcoin})

    with pytest.raises(InvalidRuleError) as refused:
        open_desk(tmp_path, catalogue=lonely).add(MINE, "mine.yaml", "ann")

    [mistake] = refused.value.mistakes
    assert "no symbol has all windows of this rule: initial_balance" in mistake
    assert mistake.startswith("line ")


def test_a_timeframe_that_cuts_a_window_is_a_mistake(tmp_path: Path) -> None:
    text = MINE.replace("timeframes: [M1, M5, M15]", "timeframes: [H4]")

    with pytest.raises(InvalidRuleError, match="cannot be measured with H4 bars"):
        open_desk(tmp_path).add(text, "mine.yaml", "ann")


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        ("from: ib.end, to: session.end - 2h", "from: session.end - 2h, to: ib.end", *WINDOW),
        ("flat: session.end", "flat: '08:00'", "exit: {", "exit.flat: 08:00 is not after"),
        ("from: ib.end, to: session.end - 2h", "from: session.start, to: ib.end", *LEVEL),
    ],
)
def test_what_only_a_market_shows_is_a_mistake_with_its_line(
    tmp_path: Path, old: str, new: str, at: str, told: str
) -> None:
    text = MINE.replace(old, new)

    with pytest.raises(InvalidRuleError) as refused:
        open_desk(tmp_path).add(text, "mine.yaml", "ann")

    [mistake] = refused.value.mistakes
    line, _, words = mistake.removeprefix("line ").partition(": ")
    assert text.splitlines()[int(line) - 1].lstrip().startswith(at)
    assert words.startswith(told)
