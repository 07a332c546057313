import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.engine.report import build_report
from setupdesk.engine.result import Condition, Result
from setupdesk.engine.statistics import summarize
from tests.engine.results import G12, MONDAY, make_candidates, make_result, make_sessions

NINE = datetime(2025, 5, 5, 7, tzinfo=UTC)


def build(result: Result, tick: float = 0.1, **how: Any) -> dict[str, Any]:
    zone = "Europe/Berlin"
    return build_report(result, summarize(result, zone, **how), tick=tick, zone=zone)


def report_of(r: Sequence[float] = (), tick: float = 0.1, **how: Any) -> dict[str, Any]:
    return build(make_result(r, **how), tick)


def leaves(thing: Any) -> Iterator[Any]:
    if isinstance(thing, dict):
        thing = list(thing.values())
    if not isinstance(thing, list):
        yield thing
        return
    for item in thing:
        yield from leaves(item)


@pytest.mark.parametrize(
    "results",
    [[], [1.0], [1.0] * 40, [-1.0] * 40, [0.0] * 40, [2.0, -1.0] * 60, [1e-9, -1e-9]],
    ids=["none", "one", "all won", "all lost", "all even", "mixed", "tiny"],
)
def test_a_report_is_plain_json_without_nan_and_infinity(results: Sequence[float]) -> None:
    nan, n = [math.nan] * len(results), len(results)
    result = make_result(
        results,
        sessions=n + 2,
        skipped=["data_gap"],
        size=[math.nan, *range(n + 1)],
        candidates=make_candidates((MONDAY,), ["traded", "filtered"]),
        target=nan,
    )

    report = build(result, variants=3, dearer=result)

    assert all(math.isfinite(leaf) for leaf in leaves(report) if isinstance(leaf, float))
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert "nan" not in json.dumps(report).lower().replace("finance", "")


def test_every_figure_is_in_the_report() -> None:
    dearer = make_result([r - 0.1 for r in G12])

    figures = build(make_result(G12), variants=3, dearer=dearer)["statistics"]

    expected = """
        sessions sessions_traded trades wins losses breakeven win_rate win_rate_interval
        avg_win_r avg_loss_r expectancy_r expectancy_interval profit_factor payoff total_r
        max_drawdown_r max_drawdown_pct risk longest_drawdown_trades longest_drawdown_days
        recovery_factor sharpe sortino calmar sqn t_stat mae_r mfe_r mae_of_winners_r
        mfe_of_losers_r edge_ratio avg_hold_minutes exposure max_consecutive_wins
        max_consecutive_losses exit_reasons costs_share costs_r_total costs_r_mean best_r worst_r
        likely_drawdown_r ruin_probability expectancy_pessimistic_r expectancy_optimistic_r
        order_decides dearer sharpe_per_trade probabilistic_sharpe deflated_sharpe variants
        half_width_r trades_needed sd_r final_equity ambiguous resolved profit_factor_note
    """
    assert set(figures) == set(expected.split())
    assert figures["dearer"]["expectancy_r"] == pytest.approx(0.1)
    assert figures["expectancy_interval"] == [-0.7, 1.1]


def test_prices_have_the_decimals_of_the_tick_and_results_six() -> None:
    only = report_of(
        [0.123456789], entry=[24000.123456], risk=[9.876544], target=[math.nan], mae_r=[0.123456789]
    )["trades"][0]

    assert (only["entry"], only["risk"], only["target"]) == (24000.1, 9.9, None)
    assert (only["r"], only["mae_r"]) == (0.123457, 0.123457)


@pytest.mark.parametrize(
    ("tick", "price"), [(1.0, 24000.0), (0.25, 24000.12), (0.01, 24000.12), (1e-05, 24000.12346)]
)
def test_any_tick_gives_its_decimals(tick: float, price: float) -> None:
    assert report_of([1.0], tick, entry=[24000.123456])["trades"][0]["entry"] == price


def test_times_are_utc_with_a_z_and_local_with_their_offset() -> None:
    report = report_of([1.0], candidates=make_candidates((MONDAY,), ["traded"]))

    trade, candidate = report["trades"][0], report["candidates"][0]
    assert report["zone"] == "Europe/Berlin"
    assert (trade["entry_at"], trade["entry_local"]) == (
        "2025-05-05T08:00:00Z",
        "2025-05-05T10:00:00+02:00",
    )
    assert (trade["exit_at"], trade["exit_local"]) == (
        "2025-05-05T08:45:00Z",
        "2025-05-05T10:45:00+02:00",
    )
    assert report["equity"] == [{"trade": 1, "at": "2025-05-05T08:45:00Z", "r": 1.0}]
    assert (candidate["day"], candidate["known_local"]) == (
        "2025-05-05",
        "2025-05-05T09:00:00+02:00",
    )


def test_a_trade_has_all_that_a_spreadsheet_needs() -> None:
    (trade,) = report_of(
        [1.5], side=[-1], r_pessimistic=[-1.0], r_optimistic=[2.0], ambiguous=[True]
    )["trades"]

    assert list(trade) == [
        *("number", "day", "side", "level", "signal_at", "entry_at", "exit_at"),
        *("signal_local", "entry_local", "exit_local"),
        *("entry", "stop", "target", "exit", "risk", "lots"),
        *("r", "r_pessimistic", "r_optimistic", "costs_r", "mae_r", "mfe_r"),
        *("exit_reason", "ambiguous", "resolved", "bars_held", "candidate"),
    ]
    assert (trade["side"], trade["exit_reason"], trade["candidate"]) == ("short", "target", 1)
    assert (trade["r_pessimistic"], trade["r"], trade["r_optimistic"]) == (-1.0, 1.5, 2.0)
    assert (trade["ambiguous"], trade["resolved"]) == (True, False)


def test_a_candidate_brings_its_evidence() -> None:
    asked = (
        Condition(name="levels", text="IB high 24005.1", at=NINE, met=True),
        Condition(name="rr", text="RR 0.62 is below 1.0", at=None, met=False),
    )
    candidates = make_candidates((MONDAY,), ["rr_below_min"], ["RR 0.62"], lambda _: asked)

    (candidate,) = report_of(candidates=candidates)["candidates"]

    assert candidate["detail"] == "RR 0.62"
    assert candidate["evidence"] == [
        {"name": "levels", "text": "IB high 24005.1", "at": "2025-05-05T07:00:00Z", "met": True},
        {"name": "rr", "text": "RR 0.62 is below 1.0", "at": None, "met": False},
    ]


def test_sessions_have_their_levels_or_the_reason_why_not() -> None:
    sessions = make_sessions(
        [MONDAY, MONDAY + timedelta(days=1)], [0.4, math.nan], [None, "no_bars"]
    )
    sessions.known_ms[1] = -1

    first, second = build(
        Result(sessions=sessions, candidates=make_candidates(), trades=make_result().trades)
    )["sessions"]

    assert first["levels"] == {"ib.high": 24005.1, "atr": None}
    assert (first["known_at"], first["size"]) == ("2025-05-05T07:00:00Z", 0.4)
    assert (second["skipped"], second["known_at"], second["size"]) == ("no_bars", None, None)


def test_breakdowns_have_labels_and_mark_small_rows() -> None:
    rows = report_of([1.0, -1.0] * 15, size=np.arange(30) / 10)["breakdowns"]

    assert rows["weekday"][0]["label"] == "Mon"
    assert rows["weekday"][0]["small"] is True
    assert (rows["side"][0]["label"], rows["side"][0]["small"]) == ("Long", False)
    assert rows["hour"][0]["label"] == "10:00"
    assert [row["label"] for row in rows["half"]] == ["First half", "Second half"]
    assert [row["label"] for row in rows["size"]] == [
        "Q1, to 0.725",
        "Q2, to 1.45",
        "Q3, to 2.18",
        "Q4, above",
    ]
    assert rows["level"][0]["label"] == "ib.low"


@pytest.mark.parametrize(("size", "label"), [(1234.5, "Q1, to 1230"), (0.00123, "Q1, to 0.00123")])
def test_sizes_in_points_are_written_without_an_exponent(size: float, label: str) -> None:
    rows = report_of([1.0] * 4, size=[size] * 4)["breakdowns"]["size"]

    assert [row["label"] for row in rows] == [label]


def test_sessions_without_a_size_are_labelled_so() -> None:
    assert report_of([1.0])["breakdowns"]["size"][0]["label"] == "Size unknown"


def test_notes_are_told_with_their_severity() -> None:
    notes = report_of(G12, costs_r=[0.0] * 10)["notes"]

    assert notes[0]["code"] == "no_costs"
    assert notes[0]["severity"] == "caution"
    assert notes[0]["sentence"].startswith("No costs were charged")


@pytest.mark.parametrize(
    ("results", "code", "words"),
    [
        ([], "no_trades", "found no trade"),
        ([1.0], "too_few", "Too few to judge: 1 trade."),
        ([1.0, 0.5] * 20, "positive", "40 trades averaged +0.75R"),
        ([-1.0, -0.5] * 20, "negative", "40 trades averaged -0.75R"),
        ([2.0, -1.0, -1.0] * 20, "undecided", "includes zero"),
    ],
)
def test_the_verdict_is_one_sentence(results: Sequence[float], code: str, words: str) -> None:
    verdict = report_of(results)["verdict"]

    assert verdict["code"] == code
    assert words in verdict["sentence"]


def test_the_sample_size_sentence_says_how_many_trades_would_prove_it() -> None:
    sentence = report_of(G12)["verdict"]["sample_size"]

    assert "known to within 0.90R" in sentence
    assert "+0.20R from zero takes about 231 trades" in sentence


def test_an_expectancy_next_to_zero_asks_for_no_precise_number_of_trades() -> None:
    sentence = report_of([1.0, -0.999] * 20)["verdict"]["sample_size"]

    assert "more than 100,000 trades" in sentence
    assert "average of 0.00R" in sentence


def test_a_missing_profit_factor_says_why() -> None:
    assert report_of([1.0])["statistics"]["profit_factor_note"] == "no losing trade"
    assert report_of([])["statistics"]["profit_factor_note"] == "no trade"
    assert report_of([1.0, -1.0])["statistics"]["profit_factor_note"] is None
