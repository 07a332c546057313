from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from setupdesk.doors.cli.report import render_plan, render_problems, render_report
from setupdesk.engine.report import build_report
from setupdesk.engine.statistics import summarize
from tests.engine.results import MIXED, MONDAY, make_candidates, make_result

RUN: dict[str, Any] = {
    "run_id": "run_2025_10_31_001",
    "request": {
        "setup_id": "IB_raid_v1",
        "symbol": "GER40",
        "timeframe": "M15",
        "start": "2025-05-01",
        "end": "2025-10-31",
        "options": {"max_trades": 1, "rr_target": None, "dry_run": False},
        "extra": {},
    },
    "user": "anna",
    "door": "cli",
    "accepted_at": "2025-10-31T10:00:00Z",
    "simulated": False,
    "provenance": {"setup_hash": "9f2c41d7" * 8, "engine_version": "0.1.0", "bars_source": None},
    "fill_rules": ["A market order fills at the open of the next bar."],
    "costs": {"spread": [["00:00", 2.5], ["09:00", 1.2]], "slippage": 0.5},
    "data_quality": "126 of 128 sessions complete",
    "look_ahead": {"checked": 40, "moved": 0, "sentence": "checked 40 of 40 signals, 0 moved"},
}
SECTIONS = (
    "UNDECIDED",
    "Total R",
    "Expectancy",
    "Win rate",
    "Profit factor",
    "Max drawdown",
    "Trades",
    "average is known to within",
    "Equity",
    "By weekday, side, half and size",
    "More figures",
    "How firm it is",
    "Fill rules and costs",
    "Why candidates were refused",
    "Data and provenance",
    "checked 40 of 40 signals, 0 moved",
    "setupdesk trades run_2025_10_31_001 --format csv",
    "setupdesk show run_2025_10_31_001 --json",
    "setupdesk logs run_2025_10_31_001",
)


def report_of(
    results: Sequence[float], refused: Mapping[str, str] | None = None, **how: Any
) -> dict[str, Any]:
    refused = refused or {}
    n = len(results)
    columns = {
        "side": [1 if number % 3 else -1 for number in range(n)],
        "ambiguous": [number == 1 for number in range(n)],
    }
    result = make_result(
        results,
        sessions=max(n, 3),
        size=[number / 10 for number in range(max(n, 3))],
        candidates=make_candidates((MONDAY,), list(refused), list(refused.values())),
        **(columns | how.pop("columns", {})),
    )
    statistics = summarize(result, "Europe/Berlin", **how)
    return build_report(result, statistics, tick=0.1, zone="Europe/Berlin")


def console_of(width: int = 100, *, colour: bool = False) -> Console:
    system: Any = "truecolor" if colour else None
    return Console(
        width=width, file=StringIO(), record=True, force_terminal=colour, color_system=system
    )


def render(report: dict[str, Any], run: dict[str, Any] = RUN, width: int = 100) -> str:
    console = console_of(width)
    render_report(run, report, console)
    return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_tells_its_sections_in_order(width: int) -> None:
    text = render(report_of(MIXED, {"rr_below_min": "RR 0.62 is below 1.0"}), width=width)

    unfolded = " ".join(text.split())
    places = [unfolded.find(section) for section in SECTIONS]
    assert -1 not in places
    # At 120 columns the labels of the cards share a line, so they still stand in order.
    assert places == sorted(places)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("results", [(), (1.5,), (1.0,) * 40, (-1.0,) * 40, (0.0,) * 40, MIXED])
def test_no_report_overflows_or_shows_what_is_undefined(
    width: int, results: Sequence[float]
) -> None:
    text = render(report_of(results), width=width)

    assert all(len(line) <= min(width, 120) for line in text.splitlines())
    words = text.replace(",", " ").split()
    assert not {"nan", "None", "inf", "-inf", "[]", "{}"} & set(words)


def test_colours_change_no_letter() -> None:
    plain, coloured = console_of(), console_of(colour=True)

    for console in (plain, coloured):
        render_report(RUN, report_of(MIXED), console)

    assert plain.export_text() == coloured.export_text()


def test_a_simulated_market_cannot_be_missed() -> None:
    simulated = render(report_of(MIXED), {**RUN, "simulated": True}, width=80)
    real = render(report_of(MIXED), width=80)

    assert "SIMULATED MARKET" in simulated
    assert simulated.index("SIMULATED MARKET") < simulated.index("UNDECIDED")
    assert "simulated" not in real.lower()


def test_the_equity_is_labelled_with_its_highest_and_lowest_point() -> None:
    text = render(report_of([2.0, -1.0, -1.0, -1.0, 3.0]))

    assert "high +2.00R 2025-05-05, low -1.00R 2025-05-08, end +2.00R" in text
    assert "█" in text


def test_refused_candidates_are_counted_and_explained() -> None:
    report = report_of([1.0], {"rr_below_min": "RR 0.62 is below 1.0"})

    text = " ".join(render(report).split())

    assert "3 sessions, 0 skipped. 1 candidate, 0 had enough reward to risk" in text
    assert "Reward to risk was below" in text
    assert "RR 0.62 is below 1.0" in text


def test_an_alarm_cannot_be_missed() -> None:
    columns = {"r_pessimistic": [-1.0] * 40, "r_optimistic": [2.0] * 40, "ambiguous": [True] * 40}

    text = render(report_of([2.0, -1.0] * 20, columns=columns), width=80)

    assert "DO NOT TRUST THIS" in text
    assert text.index("DO NOT TRUST THIS") < text.index("40 trades averaged")
    assert "DO NOT TRUST" not in render(report_of([2.0, -1.0] * 20))


def test_a_report_says_how_firm_it_is() -> None:
    dearer = make_result([2.0, -0.9] * 30)

    text = render(report_of([2.0, -0.8] * 30, dearer=dearer, variants=2), width=100)

    firm = " ".join(text[text.index("How firm it is") : text.index("Fill rules")].split())
    assert "At twice the spread 60 trades average +0.55R instead of +0.60R" in firm
    assert "The first half of the sessions averaged +0.60R over 30 trades" in firm
    assert "the best of 2 variants without any skill" in firm
    assert "At 1 % risk a trade, 0.0 % of 1,000 paths" in firm


def test_the_figures_of_the_field_are_shown() -> None:
    text = render(report_of(MIXED), width=100)

    for name in ("Sharpe, Sortino", "Calmar", "SQN, t", "Recovery factor", "Mean MAE, MFE"):
        assert name in text
    assert "Q1, to 2.98" in text
    assert "Second half" in text


def test_the_schedule_of_the_spread_is_told_in_words() -> None:
    text = render(report_of([1.0]))

    assert "00:00 2.5, 09:00 1.2" in text
    assert "0.05R in all, 0.050R a trade" in text


def test_a_record_without_the_optional_lines_is_rendered_too() -> None:
    bare = {key: RUN[key] for key in ("run_id", "request")}

    text = render(report_of([]), bare)

    assert "NO TRADES" in text
    assert "Data and provenance" not in text


def test_what_people_wrote_cannot_drive_the_terminal() -> None:
    text = render(report_of([]), {**RUN, "user": "\x1b[2Jeve[/bold][red]"})

    assert "\x1b" not in text
    assert "asked by [2Jeve[/bold][red] through cli" in text


def test_a_plan_is_told_as_keys_and_values() -> None:
    console = console_of(80)
    plan = {
        "setup_hash": "9f2c41d7" * 8,
        "sessions": 128,
        "bars": 4300,
        "warm_up_bars": 1900,
        "bars_source": "simulated market",
        "simulated": True,
        "estimated_seconds": None,
    }

    render_plan(RUN, plan, console)

    text = console.export_text()
    assert "PLANNED" in text
    assert "SIMULATED MARKET" in text
    assert "9f2c41d79f2c..." in text
    assert ["Estimated", "seconds", "--"] in [line.split() for line in text.splitlines()]


def test_problems_are_told_apart_and_end_with_the_corrected_command() -> None:
    console = console_of(80)
    problems = [
        {
            "field": "symbol",
            "code": "unknown_symbol",
            "message": "'GER4O' is not known.",
            "allowed": ("GER40", "UK100"),
            "suggestion": "GER40",
        },
        {"field": "options.max_trades", "code": "low", "message": "0 is below 1."},
    ]
    corrected = "setupdesk backtest IB_raid_v1 GER40 M15 --start 2025-05-01 --end 2025-10-31 --wait"

    render_problems({"status": "refused", "problems": problems}, console, corrected)

    text = console.export_text()
    assert "2 problems" in text
    assert "allowed: GER40, UK100" in text
    assert "did you mean GER40?" in text
    assert "options.max_trades" in text
    assert text.rstrip().endswith(corrected)


def test_a_refusal_without_a_corrected_command_says_nothing_of_one() -> None:
    console = console_of(80)

    render_problems({"problems": [{"field": "mode", "message": "mode is missing"}]}, console)

    assert "1 problem;" in console.export_text()
    assert "accepted" not in console.export_text()
