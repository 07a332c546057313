"""Sessions, levels and trades stand at the right bars of the chart."""

from typing import Any

import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.picture.run import Rows, draw_run, to_ms

HOUR = 3_600_000
SYMBOL = {"session": "09:00-17:30", "zone": "Europe/Berlin", "tick": 0.1}
MONDAY = to_ms("2025-05-05T00:00:00Z")
"""Berlin is two hours before UTC: its session opens at 07:00Z, row 7."""

LEVELS = {"ib.high": 105.0, "ib.mid": None, "ib.range": 4.0, "atr": 900.0}
SESSION = {"day": "2025-05-05", "levels": LEVELS, "known_at": "2025-05-05T08:00:00Z"}
TRADE = {
    "number": 3,
    "side": "long",
    "exit_reason": "stop",
    "r": -1.0,
    "day": "2025-05-05",
    "entry_at": "2025-05-05T09:00:00Z",
    "exit_at": "2025-05-05T11:20:00Z",
    "entry": 101.30000001,
    "stop": 99.0,
    "target": None,
    "exit": 99.0,
    "lots": 1.0,
}


def columns_of(count: int, first_ms: int = MONDAY) -> dict[str, Any]:
    return {
        "time": [first_ms + HOUR * row for row in range(count)],
        "open": [101.0] * count,
        "high": [106.0] * count,
        "low": [98.0] * count,
        "close": [102.0] * count,
    }


def draw(columns: dict[str, Any], **report: Any) -> Any:
    told = {"zone": "Europe/Berlin", "sessions": [], "trades": []} | report
    return draw_run(columns, told, SYMBOL, Timeframe.H1)


def test_a_session_is_the_bars_from_its_open_to_its_close_in_the_zone_of_the_market() -> None:
    picture = draw(columns_of(24), sessions=[SESSION])

    assert picture["sessions"] == [(7, 15)]


def test_a_level_begins_where_it_is_known_and_what_is_no_price_is_not_drawn() -> None:
    picture = draw(columns_of(24), sessions=[SESSION])

    assert picture["levels"] == [{"name": "ib.high", "price": 105.0, "from": 8, "to": 15}]


def test_a_trade_stands_at_the_bars_in_which_it_was_entered_and_left() -> None:
    [trade] = draw(columns_of(24), trades=[TRADE])["trades"]

    assert (trade["number"], trade["from"], trade["to"]) == (3, 9, 11)
    assert (trade["entry"], trade["target"]) == (101.3, None)
    assert "lots" not in trade


@pytest.mark.parametrize("first", ["2025-05-05T12:00:00Z", "2025-05-06T00:00:00Z"])
def test_what_lies_before_the_first_bar_is_left_out(first: str) -> None:
    picture = draw(columns_of(3, to_ms(first)), sessions=[SESSION], trades=[TRADE])

    assert picture["trades"] == []
    assert all(0 <= row <= 2 for span in picture["sessions"] for row in span)


def test_a_moment_is_in_the_bar_that_was_open_then() -> None:
    rows = Rows(np.array([0, HOUR, 5 * HOUR]), [1.0] * 3, [1.0] * 3)

    assert [rows.at(moment) for moment in (-1, 0, HOUR - 1, HOUR, 4 * HOUR)] == [None, 0, 0, 1, 1]
    assert rows.span(2 * HOUR, 5 * HOUR) is None
    assert rows.span(0, 5 * HOUR + 1) == (0, 2)
