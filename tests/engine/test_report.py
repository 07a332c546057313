import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.engine.report import build_report
from setupdesk.engine.result import Candidate, Result, SessionLevels, Trade
from setupdesk.engine.statistics import summarize

MONDAY = date(2025, 5, 5)
NINE = datetime(2025, 5, 5, 7, tzinfo=UTC)


def trade(number: int, r: float, *, costs_r: float = 0.05, ambiguous: bool = False) -> Trade:
    return Trade(
        number=number,
        day=MONDAY + timedelta(days=number),
        side="short",
        level="ib.high",
        signal_at=NINE + timedelta(days=number),
        entry_at=NINE + timedelta(days=number),
        exit_at=NINE + timedelta(days=number, minutes=15),
        entry=24000.123456,
        stop=24010.0,
        target=math.nan,
        exit=23990.0,
        risk=9.876544,
        r=r,
        costs_r=costs_r,
        mae_r=0.123456789,
        mfe_r=1.0,
        exit_reason="flat",
        ambiguous=ambiguous,
    )


def candidate(verdict: str, detail: str = "") -> Candidate:
    return Candidate(
        day=MONDAY,
        side="short",
        level="ib.high",
        level_price=24005.06,
        started_at=NINE,
        known_at=NINE,
        extreme=24009.94,
        verdict=verdict,
        detail=detail,
    )


def session(number: int, skipped: str | None = None) -> SessionLevels:
    return SessionLevels(
        day=MONDAY + timedelta(days=number),
        skipped=skipped,
        levels={"ib.high": 24005.06, "atr": math.nan},
        known_at=None if skipped else NINE,
    )


def report_of(
    results: Sequence[float] = (),
    candidates: Sequence[Candidate] = (),
    sessions: Sequence[SessionLevels] = (),
    tick: float = 0.1,
) -> dict[str, Any]:
    trades = tuple(trade(number, r) for number, r in enumerate(results))
    result = Result(sessions=tuple(sessions), candidates=tuple(candidates), trades=trades)
    return build_report(result, summarize(result, "Europe/Berlin"), tick=tick)


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
    [[], [1.0], [1.0] * 40, [-1.0] * 40, [0.0] * 40, [2.0, -1.0] * 20, [1e-9, -1e-9]],
    ids=["none", "one", "all won", "all lost", "all even", "mixed", "tiny"],
)
def test_a_report_is_plain_json_without_nan_and_infinity(results: Sequence[float]) -> None:
    report = report_of(results, [candidate("traded")], [session(0), session(1, "data_gap")])

    assert all(math.isfinite(leaf) for leaf in leaves(report) if isinstance(leaf, float))
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert "nan" not in json.dumps(report["verdict"]).lower()


def test_prices_have_the_decimals_of_the_tick_and_results_six() -> None:
    only = report_of([0.123456789])["trades"][0]

    assert (only["entry"], only["risk"], only["target"]) == (24000.1, 9.9, None)
    assert (only["r"], only["mae_r"]) == (0.123457, 0.123457)


@pytest.mark.parametrize(
    ("tick", "price"), [(1.0, 24000.0), (0.25, 24000.12), (0.01, 24000.12), (1e-05, 24000.12346)]
)
def test_any_tick_gives_its_decimals(tick: float, price: float) -> None:
    assert report_of([1.0], tick=tick)["trades"][0]["entry"] == price


def test_times_are_utc_with_a_z_and_dates_are_iso() -> None:
    report = report_of([1.0], [candidate("traded")], [session(0)])

    assert report["trades"][0]["entry_at"] == "2025-05-05T07:00:00Z"
    assert report["equity"] == [{"trade": 0, "at": "2025-05-05T07:15:00Z", "r": 1.0}]
    assert report["candidates"][0]["day"] == "2025-05-05"
    assert report["sessions"][0]["levels"] == {"ib.high": 24005.1, "atr": None}


def test_numbers_of_numpy_become_plain_numbers() -> None:
    numpy_trade = trade(0, np.float64(1.0), ambiguous=np.bool_(1))  # type: ignore[arg-type]
    result = Result(sessions=(), candidates=(), trades=(numpy_trade,))

    report = build_report(result, summarize(result, "UTC"), tick=0.1)

    assert type(report["trades"][0]["r"]) is float
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_funnel_tells_what_became_of_every_session_and_candidate() -> None:
    refusals = [
        candidate("traded"),
        candidate("rr_below_min", "RR 0.62 is below 1.0"),
        candidate("outside_window", "12:00 is after 11:30"),
        candidate("rr_below_min", "RR 0.70 is below 1.0"),
    ]

    funnel = report_of([1.0], refusals, [session(0), session(1, "data_gap")])["funnel"]

    assert (funnel["sessions"], funnel["skipped"]) == (2, {"data_gap": 1})
    assert funnel["candidates"] == 4
    assert list(funnel["verdicts"].items()) == [
        ("outside_window", 1),
        ("rr_below_min", 2),
        ("traded", 1),
    ]


def test_every_reason_comes_with_a_sentence_and_its_first_example() -> None:
    refusals = [
        candidate("rr_below_min", "RR 0.62 is below 1.0"),
        candidate("rr_below_min", "RR 0.70 is below 1.0"),
        candidate("moon_was_full"),
    ]

    known, unknown = report_of([], refusals)["funnel"]["reasons"]

    assert known["sentence"].startswith("Reward to risk")
    assert (known["count"], known["example"]) == (2, "RR 0.62 is below 1.0")
    assert unknown["sentence"] == "Moon was full."


def test_breakdowns_have_labels_and_mark_small_rows() -> None:
    rows = report_of([1.0, -1.0] * 15)["breakdowns"]

    assert rows["weekday"][0]["label"] == "Mon"
    assert rows["weekday"][0]["small"] is True
    assert (rows["side"][0]["label"], rows["side"][0]["small"]) == ("Short", False)
    assert rows["hour"][0]["label"] == "09:00"


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
    golden = [2.0, -1.0, -1.0, 2.0, -1.0, 2.0, -1.0, -1.0, -1.0, 2.0]

    sentence = report_of(golden)["verdict"]["sample_size"]

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


def test_ambiguous_bars_and_missing_costs_are_noted() -> None:
    trades = (trade(0, 1.0, costs_r=0.0, ambiguous=True), trade(1, 1.0, costs_r=0.0))
    result = Result(sessions=(), candidates=(), trades=trades)

    notes = build_report(result, summarize(result, "UTC"), tick=0.1)["notes"]

    assert notes[0].startswith("1 of 2 trades met stop and target in the same bar")
    assert notes[1].startswith("No costs were charged")
