from collections.abc import Sequence
from typing import Any

import pytest

from setupdesk.engine.compile import NO_BARS, TOO_EARLY
from setupdesk.engine.explain import VERDICTS
from setupdesk.engine.funnel import build_funnel
from setupdesk.engine.levels import DATA_GAP, NO_ATR, NO_HISTORY, NO_VOLUME
from setupdesk.engine.result import TRADED
from tests.engine.results import MONDAY, make_candidates, make_result


def funnel_of(
    verdicts: Sequence[str] = (), details: Sequence[str] = (), skipped: Sequence[str | None] = ()
) -> dict[str, Any]:
    candidates = make_candidates((MONDAY,), verdicts, details)
    return build_funnel(make_result(sessions=2, skipped=skipped, candidates=candidates))


def test_the_funnel_tells_what_became_of_every_session_and_candidate() -> None:
    funnel = funnel_of(
        ["traded", "rr_below_min", "outside_window", "rr_below_min"], skipped=[None, "data_gap"]
    )

    assert (funnel["sessions"], funnel["skipped"]) == (2, {"data_gap": 1})
    assert funnel["candidates"] == 4
    assert list(funnel["verdicts"].items()) == [
        ("outside_window", 1),
        ("rr_below_min", 2),
        ("traded", 1),
    ]


def test_the_sentence_counts_what_was_left_after_each_question() -> None:
    verdicts = ["outside_window"] * 225 + ["rr_below_min"] * 46 + ["traded"] * 41

    funnel = funnel_of(verdicts)

    assert funnel["sentence"] == (
        "312 candidates, 87 came in the trading hours, 41 had enough reward to risk "
        "and were traded."
    )
    assert [(step["code"], step["left"]) for step in funnel["steps"]] == [
        ("outside_window", 87),
        ("rr_below_min", 41),
    ]


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        ([], "0 candidates."),
        (["traded"], "1 candidate, all traded."),
        (["not_reached"], "1 candidate, 0 had their order reached and were traded."),
    ],
)
def test_a_short_funnel_has_a_sentence_too(verdicts: Sequence[str], sentence: str) -> None:
    assert funnel_of(verdicts)["sentence"] == sentence


def test_every_reason_comes_with_a_sentence_and_its_first_example() -> None:
    known, unknown = funnel_of(
        ["rr_below_min", "rr_below_min", "moon_was_full"],
        ["RR 0.62 is below 1.0", "RR 0.70 is below 1.0"],
    )["reasons"]

    assert known["sentence"].startswith("Reward to risk")
    assert (known["count"], known["example"]) == (2, "RR 0.62 is below 1.0")
    assert unknown["sentence"] == "Moon was full."


@pytest.mark.parametrize("code", sorted(set(VERDICTS.values()) - {TRADED}))
def test_every_verdict_of_the_engine_has_its_sentence(code: str) -> None:
    funnel = funnel_of([code])

    (reason,), (step,) = funnel["reasons"], funnel["steps"]
    assert reason["of"] == "candidate"
    assert reason["sentence"] != f"{code.replace('_', ' ').capitalize()}."
    assert step["passed"] != f"passed {code.replace('_', ' ')}"


@pytest.mark.parametrize("code", [NO_BARS, TOO_EARLY, DATA_GAP, NO_ATR, NO_HISTORY, NO_VOLUME])
def test_every_reason_to_skip_a_session_has_its_sentence(code: str) -> None:
    (reason,) = funnel_of(skipped=[code])["reasons"]

    assert reason["of"] == "session"
    assert reason["sentence"] != f"{code.replace('_', ' ').capitalize()}."


def test_a_bar_gap_means_one_thing_of_a_session_and_another_of_a_candidate() -> None:
    session, candidate = funnel_of(["data_gap"], skipped=["data_gap"])["reasons"]

    assert (session["of"], candidate["of"]) == ("session", "candidate")
    assert session["sentence"] != candidate["sentence"]
