from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.offer import Coverage, Offer, SessionCount
from setupdesk.core.problem import Problem
from setupdesk.core.request import Mode, load_request, parse_request
from setupdesk.core.setup_terms import Param, SetupTerms
from setupdesk.core.symbol import Catalogue, Costs, Symbol, Window
from setupdesk.core.timeframe import Timeframe

GER40 = Symbol(
    name="GER40",
    title="DAX",
    aliases=("DE40",),
    tick=0.1,
    price_range=(1_000, 100_000),
    zone="Europe/Berlin",
    calendar="XETR",
    session=Window(start=time(9), end=time(17, 30), zone="Europe/Berlin"),
    week="24x5",
    windows={},
    costs=Costs(spread=((time(), 1.2),), slippage=0.5),
)
TERMS = SetupTerms(
    setup_id="IB_raid_v1",
    timeframes=(Timeframe.M1, Timeframe.M5, Timeframe.M15),
    params={
        "target": Param(default="opposite", choices=("opposite", "mid")),
        "min_rr": Param(default=1.0, minimum=0, maximum=10),
    },
    min_rr=1.0,
)
HOLE = (date(2025, 2, 3), date(2025, 2, 7))


def count_weekdays(start: date, end: date) -> SessionCount:
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    held = [day for day in days if day.weekday() < 5]
    return SessionCount(len(held), sum(not HOLE[0] <= day <= HOLE[1] for day in held))


OFFER = Offer(
    catalogue=Catalogue({"GER40": GER40}),
    setups={"IB_raid_v1": TERMS},
    find_coverage=lambda _symbol, timeframe: (
        Coverage(date(2024, 10, 31), date(2025, 10, 3)) if timeframe is Timeframe.M15 else None
    ),
    count_sessions=lambda _symbol, _timeframe, start, end: count_weekdays(start, end),
    find_today=lambda _zone: date(2025, 10, 4),
)
GOOD: dict[str, Any] = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-10-03",
    "mode": "backtest",
    "options": {"max_trades": 2, "rr_target": 2.0, "dry_run": False},
    "extra": {"target": "mid"},
}


def problems_of(payload: Mapping[str, Any]) -> dict[str, Problem]:
    with pytest.raises(InvalidRequestError) as refused:
        parse_request(payload, OFFER)
    return {problem.field: problem for problem in refused.value.problems}


def test_the_example_of_the_source_document_is_a_request() -> None:
    request = parse_request(GOOD, OFFER)

    assert request.symbol == "GER40"
    assert request.timeframe is Timeframe.M15
    assert request.start == date(2025, 5, 1)
    assert request.end == date(2025, 10, 3)
    assert request.options.max_trades == 2
    assert request.extra == {"target": "mid"}


def test_a_request_survives_being_stored() -> None:
    request = parse_request(GOOD, OFFER)

    assert load_request(request.to_json()) == request
    assert parse_request(request.to_json(), OFFER) == request


def test_every_problem_of_a_payload_is_named_at_once() -> None:
    payload = {
        "setup_id": "IB_raid_v9",
        "symbol": "GER4O",
        "timeframe": "M7",
        "start": "2025-10-31",
        "end": "2025-05-01",
        "options": {"max_trades": -1},
        "extra": {"targt": "mid"},
    }

    problems = problems_of(payload)

    assert set(problems) == {
        "setup_id",
        "symbol",
        "timeframe",
        "end",
        "options.max_trades",
        "extra.targt",
    }
    assert problems["symbol"].suggestion == "GER40"
    assert problems["symbol"].message == "'GER4O' is not known, did you mean 'GER40'?"
    assert problems["setup_id"].suggestion == "IB_raid_v1"
    assert problems["timeframe"].allowed == ("M1", "M5", "M15", "H1", "H4", "D1")
    assert "<" not in problems["timeframe"].message
    assert problems["end"].code == "end_before_start"
    assert problems["extra.targt"].suggestion == "target"


def test_a_period_that_runs_past_the_bars_says_which_part_has_none_and_what_to_type() -> None:
    problems = problems_of(GOOD | {"end": "2025-10-31"})

    assert problems["end"].message == "GER40 M15 has no bars from 2025-10-04 to 2025-10-31."
    assert problems["end"].suggestion == "2025-10-03"
    assert problems["end"].allowed == ("2024-10-31 to 2025-10-03",)


def test_a_period_that_begins_before_the_bars_is_refused_with_the_first_day() -> None:
    problems = problems_of(GOOD | {"start": "2024-05-01"})

    assert problems["start"].suggestion == "2024-10-31"


def test_a_weekend_after_the_last_bar_is_not_missing() -> None:
    request = parse_request(GOOD | {"end": "2025-10-05"}, OFFER)

    assert request.end == date(2025, 10, 5)


def test_a_timeframe_without_bars_says_how_to_import_some() -> None:
    problems = problems_of(GOOD | {"timeframe": "M5"})

    assert "setupdesk data import FILE --symbol GER40 --timeframe M5" in problems["symbol"].message


@pytest.mark.parametrize("name", ["15m", "15", "m15", "PERIOD_M15", "M15"])
def test_the_usual_names_of_a_timeframe_mean_the_canonical_one(name: str) -> None:
    assert parse_request(GOOD | {"timeframe": name}, OFFER).timeframe is Timeframe.M15


@pytest.mark.parametrize("text", ["2025-05-01", "20250501", "2025.05.01"])
def test_dates_are_read_as_traders_write_them(text: str) -> None:
    assert parse_request(GOOD | {"start": text}, OFFER).start == date(2025, 5, 1)


def test_a_relative_period_ends_yesterday_and_is_stored_as_dates() -> None:
    payload = {key: value for key, value in GOOD.items() if key not in ("start", "end")}

    request = parse_request(payload | {"last": "3m"}, OFFER)

    assert (request.start, request.end) == (date(2025, 7, 4), date(2025, 10, 3))
    assert "last" not in request.to_json()


def test_a_relative_period_ends_where_the_bars_end() -> None:
    payload = {key: value for key, value in GOOD.items() if key not in ("start", "end")}
    offer = replace(OFFER, find_today=lambda _zone: date(2026, 11, 23))

    request = parse_request(payload | {"last": "1w"}, offer)

    assert (request.start, request.end) == (date(2025, 9, 27), date(2025, 10, 3))


def test_a_relative_period_that_is_too_long_is_refused_with_the_longest_that_is_not() -> None:
    payload = {key: value for key, value in GOOD.items() if key not in ("start", "end")}

    problem = problems_of(payload | {"last": "5y"})["last"]

    assert problem.suggestion == "338d"
    assert parse_request(payload | {"last": "338d"}, OFFER).start == date(2024, 10, 31)


def test_a_period_without_a_session_is_refused() -> None:
    problems = problems_of(GOOD | {"start": "2025-05-03", "end": "2025-05-04"})

    assert problems["start"].code == "no_sessions"


def test_a_period_that_lies_in_a_hole_of_the_bars_is_refused() -> None:
    inside = {**GOOD, "start": "2025-02-03", "end": "2025-02-07"}
    across = {**GOOD, "start": "2025-02-03", "end": "2025-02-10"}

    problems = problems_of(inside)

    assert problems["start"].code == "no_bars"
    assert "has no bars in any of the 5 sessions" in problems["start"].message
    assert parse_request(across, OFFER).end == date(2025, 2, 10)


def test_a_wrong_extra_does_not_spoil_the_reading_of_the_options() -> None:
    problems = problems_of(GOOD | {"options": {"rr_target": 2}, "extra": {"min_rr": "abc"}})

    assert set(problems) == {"extra.min_rr"}


def test_a_live_request_has_no_period() -> None:
    payload = {key: value for key, value in GOOD.items() if key not in ("start", "end")}

    request = parse_request(payload | {"mode": "live"}, OFFER)

    assert request.mode is Mode.LIVE
    assert request.mode.flow_type == "live_scan_flow"
    assert set(problems_of(GOOD | {"mode": "live"})) == {"start", "end"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"options": {"max_trades": True}}, "options.max_trades"),
        ({"options": {"max_trades": 1.5}}, "options.max_trades"),
        ({"options": {"rr_target": float("nan")}}, "options.rr_target"),
        ({"options": {"rr_target": float("inf")}}, "options.rr_target"),
        ({"options": {"rr_target": 0.5}}, "options.rr_target"),
        ({"options": {"dry_run": "yes"}}, "options.dry_run"),
        ({"options": [1]}, "options"),
        ({"options": {"rr": 2}}, "options.rr"),
        ({"extra": {"min_rr": True}}, "extra.min_rr"),
        ({"extra": {"min_rr": 11}}, "extra.min_rr"),
        ({"extra": {"max_trades_total": 2.5}}, "extra.max_trades_total"),
        ({"mode": "paper"}, "mode"),
        ({"mode": None}, "mode"),
        ({"symbol": 5}, "symbol"),
        ({"symbol": "x" * 65}, "symbol"),
        ({"start": "yesterday"}, "start"),
        ({"start": None}, "start"),
        ({"last": "6m"}, "last"),
        ({"run_id": "run_2025_10_31_001"}, "run_id"),
        ({"timeframe": "H4"}, "timeframe"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(change: dict[str, Any], field: str) -> None:
    assert field in problems_of(GOOD | change)


def test_a_smaller_min_rr_lets_a_smaller_target_pass() -> None:
    change = {"options": {"rr_target": 0.5}, "extra": {"min_rr": 0.5}}

    assert parse_request(GOOD | change, OFFER).options.rr_target == 0.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "last", "junk"]), JSON))
def test_any_payload_is_answered_and_never_breaks_the_reader(change: dict[str, Any]) -> None:
    try:
        request = parse_request(GOOD | change, OFFER)
    except InvalidRequestError as refused:
        assert refused.problems  # noqa: PT017 (both ends are right)
    else:
        assert load_request(request.to_json()) == request
