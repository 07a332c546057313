"""Levels, sessions and alerts of a watch stand at the right bars of the chart."""

from typing import Any

from setupdesk.picture.run import to_ms
from setupdesk.picture.watched import draw_watch

HOUR = 3_600_000
MONDAY = to_ms("2025-05-05T00:00:00Z")
STANDING = {"day": "2025-05-05", "levels": {"ib.high": 105.0, "ib.mid": None, "atr": 900.0}}
SAID = {"entry": 101.0, "stop": 99.0, "target": 105.0}
TRADED = {
    "verdict": "traded",
    "exit_reason": "target",
    "r": 2.0,
    "entry": 101.0,
    "entry_at": "2025-05-05T09:00:00Z",
    "exit": 105.0,
    "exit_at": "2025-05-05T11:20:00Z",
}


def bars_of(count: int) -> dict[str, Any]:
    return {
        "watch_id": "watch_1",
        "symbol": "GER40",
        "timeframe": "H1",
        "zone": "Europe/Berlin",
        "tick": 0.1,
        "time": [MONDAY + HOUR * row for row in range(count)],
        "open": [101.0] * count,
        "high": [106.0] * count,
        "low": [98.0] * count,
        "close": [102.0] * count,
        "sessions": [
            {"day": "2025-05-05", "opens_at": "2025-05-05T07:00:00Z", "closes_at": CLOSES},
            {"day": "2025-05-06", "opens_at": "2025-05-06T07:00:00Z", "closes_at": CLOSES},
        ],
    }


CLOSES = "2025-05-05T12:00:00Z"
"""A half day."""


def alert_of(**said: Any) -> dict[str, Any]:
    usual = {"number": 1, "kind": "signal", "side": "long", "outcome": None, "said": SAID}
    return {**usual, "bar_at": "2025-05-05T08:00:00Z"} | said


def draw(count: int, *alerts: dict[str, Any], standing: Any = STANDING) -> Any:
    return draw_watch(bars_of(count), {"setup_id": "IB_raid_v1", "standing": standing}, alerts)


def test_a_session_has_its_real_hours_and_the_levels_of_the_day_stand_in_it() -> None:
    picture = draw(16)

    assert picture["sessions"] == [(7, 11)]
    level = {"name": "ib.high", "price": 105.0, "from": 7, "to": 11, "isNamed": True}
    assert picture["levels"] == [level]


def test_a_look_that_has_no_levels_yet_draws_none() -> None:
    assert draw(16, standing=None)["levels"] == []


def test_an_open_signal_is_marked_with_its_prices_up_to_the_last_bar() -> None:
    picture = draw(10, alert_of(), standing=None)

    assert picture["alerts"] == [{"number": 1, "side": "long", "row": 8, "isOpen": True}]
    assert [(one["name"], one["price"]) for one in picture["levels"]] == [
        ("#1 entry", 101.0),
        ("#1 stop", 99.0),
        ("#1 target", 105.0),
    ]
    assert {(one["from"], one["to"]) for one in picture["levels"]} == {(8, 9)}
    assert picture["trades"] == []


def test_a_signal_that_was_traded_is_a_trade_with_its_result() -> None:
    picture = draw(16, alert_of(outcome=TRADED), standing=None)

    [trade] = picture["trades"]
    assert (trade["number"], trade["from"], trade["to"]) == (1, 9, 11)
    assert (trade["stop"], trade["target"], trade["r"]) == (99.0, 105.0, 2.0)
    assert (picture["alerts"], picture["levels"]) == ([], [])


def test_what_the_rule_does_not_trade_is_marked_without_prices() -> None:
    unpriced = {"entry": None, "stop": None, "target": None}
    further = alert_of(kind="further", said=unpriced)
    filtered = alert_of(number=2, outcome={"verdict": "not_reached"})

    picture = draw(16, further, filtered, standing=None)

    assert [one["isOpen"] for one in picture["alerts"]] == [False, False]
    assert picture["levels"] == []


def test_an_alert_from_before_the_first_bar_is_left_out() -> None:
    picture = draw(16, alert_of(bar_at="2025-05-04T08:00:00Z"), standing=None)

    assert (picture["alerts"], picture["levels"]) == ([], [])
