from typing import Any

import pytest

from setupdesk.engine.notes import Note, write_notes
from setupdesk.engine.statistics import summarize
from tests.engine.results import G12, make_result


def notes_of(r: Any, how: dict[str, Any] | None = None, **columns: Any) -> dict[str, Note]:
    statistics = summarize(make_result(r, **columns), "UTC", **(how or {}))
    return {note.code: note for note in write_notes(statistics)}


def test_nothing_is_noted_of_no_trades() -> None:
    assert notes_of([]) == {}


def test_an_alarm_is_raised_where_the_order_in_a_bar_decides_the_sign() -> None:
    columns: dict[str, Any] = {
        "r_pessimistic": [-1.0, -1.0, 1.0],
        "r_optimistic": [2.0, 2.0, 1.0],
        "ambiguous": [True, True, False],
        "resolved": [False, True, False],
    }

    notes = notes_of([-1.0, 2.0, 1.0], **columns)

    assert next(iter(notes)) == "order_decides"
    assert notes["order_decides"].severity == "alarm"
    assert (
        "-0.33R with the stop first, +0.67R as counted, +1.67R with the target first"
        in notes["order_decides"].sentence
    )
    assert notes["ambiguous"].sentence.startswith(
        "In 2 of 3 trades a bar leaves open what came first; "
        "M1 bars settled 1, 1 counted as stopped"
    )


def test_ambiguous_trades_that_decide_nothing_ask_for_caution() -> None:
    notes = notes_of(
        [-1.0, 3.0],
        r_pessimistic=[-1.0, 3.0],
        r_optimistic=[2.0, 3.0],
        ambiguous=[True, False],
    )

    assert "order_decides" not in notes
    assert notes["ambiguous"].severity == "caution"
    assert "M1" not in notes["ambiguous"].sentence


def test_ambiguous_trades_that_are_all_settled_ask_for_none() -> None:
    note = notes_of([-1.0, 3.0], ambiguous=[True, False], resolved=[True, False])["ambiguous"]

    assert note.severity == "plain"
    assert "what came first; M1 bars settled all of them. The average" in note.sentence


def test_missing_costs_are_noted() -> None:
    assert "no_costs" not in notes_of(G12)
    assert notes_of(G12, costs_r=[0.0] * 10)["no_costs"].severity == "caution"


@pytest.mark.parametrize(
    ("shift", "severity", "words"),
    [
        (0.1, "plain", "At twice the spread 10 trades average +0.10R instead of +0.20R"),
        (0.3, "caution", "-1.00R in all: the profit does not bear it."),
    ],
)
def test_twice_the_spread_is_compared(shift: float, severity: str, words: str) -> None:
    dearer = make_result([r - shift for r in G12])

    note = notes_of(G12, {"dearer": dearer})["dearer"]

    assert note.severity == severity
    assert words in note.sentence


def test_without_a_dearer_run_nothing_is_said_of_one() -> None:
    assert "dearer" not in notes_of(G12)


def test_halves_on_either_side_of_zero_ask_for_caution() -> None:
    same, differ = notes_of([1.0, 2.0, 1.0, 0.5]), notes_of([1.0, 2.0, -1.0, -0.5])

    assert same["halves"].severity == "plain"
    assert differ["halves"].severity == "caution"
    assert differ["halves"].sentence == (
        "The first half of the sessions averaged +1.50R over 2 trades; "
        "the second, from 2025-05-07, -0.75R over 2."
    )


def test_halves_are_compared_where_both_have_trades() -> None:
    assert "halves" not in notes_of([1.0, 2.0], sessions=10)


def test_many_variants_ask_for_caution() -> None:
    r = [2.0, -1.0, 1.0] * 20

    alone, many = notes_of(r), notes_of(r, {"variants": 500})

    assert alone["luck"].severity == "plain"
    assert alone["luck"].sentence.endswith("if nothing else was tried.")
    assert many["luck"].severity == "caution"
    assert "the best of 500 variants without any skill" in many["luck"].sentence


def test_equal_results_say_nothing_of_luck() -> None:
    assert "luck" not in notes_of([1.0] * 10)


def test_ruin_is_told_at_the_risk_that_was_taken() -> None:
    careful, reckless = notes_of(G12), notes_of(G12, {"risk": 0.25})

    assert careful["ruin"].severity == "plain"
    assert careful["ruin"].sentence.startswith("At 1 % risk a trade, 0.0 % of 1,000 paths")
    assert reckless["ruin"].severity == "caution"
    assert reckless["ruin"].sentence.startswith("At 25 % risk a trade")
