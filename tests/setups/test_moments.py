from datetime import time

import pytest

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.setups.moments import Duration, Moment, Span


@pytest.mark.parametrize(
    ("text", "timeframe", "bars"),
    [
        ("45m", Timeframe.M15, 3),
        ("45m", Timeframe.M1, 45),
        ("1h", Timeframe.M5, 12),
        ("3bars", Timeframe.M5, 3),
        ("20m", Timeframe.M15, 1),
        ("5m", Timeframe.M15, 1),
    ],
)
def test_a_duration_is_counted_in_whole_bars(text: str, timeframe: Timeframe, bars: int) -> None:
    duration = Duration.parse(text)

    assert duration.in_bars(timeframe) == bars


@pytest.mark.parametrize("text", ["45 min", "45", 45, "0m", "-1h", "1.5h", "", None, "m"])
def test_a_wrong_duration_is_answered_with_examples(text: object) -> None:
    with pytest.raises(ValueError, match="write a duration such as 45m, 1h or 3bars"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "of", "edge", "shift_ms"),
    [
        ("ib.end", "ib", "end", 0),
        ("session.end - 2h", "session", "end", -7_200_000),
        ("session.start+30m", "session", "start", 1_800_000),
        ("orb.end + 1bars", "orb", "end", 900_000),
    ],
)
def test_a_moment_is_an_edge_and_a_shift(text: str, of: str, edge: str, shift_ms: int) -> None:
    moment = Moment.parse(text)

    assert (moment.of, moment.edge, moment.shift_ms(Timeframe.M15)) == (of, edge, shift_ms)


@pytest.mark.parametrize(
    ("text", "at", "zone"),
    [
        ("10:00 America/New_York", time(10), "America/New_York"),
        ("17:30", time(17, 30), None),
    ],
)
def test_a_moment_is_a_wall_clock_of_a_zone(text: str, at: time, zone: str | None) -> None:
    moment = Moment.parse(text)

    assert (moment.at, moment.zone) == (at, zone)


def test_a_span_is_the_name_of_a_window_or_its_hours() -> None:
    assert Span.parse("initial_balance").name == "initial_balance"
    assert Span.parse("00:00-07:00 Europe/London").in_zone("Europe/Berlin") == Window(
        start=time(0), end=time(7), zone="Europe/London"
    )
    assert Span.parse("09:00 - 09:30").in_zone("Europe/Berlin").zone == "Europe/Berlin"


@pytest.mark.parametrize(
    "text", ["9:00-10:00", "09:00", "09:00-24:00", "IB", 9, "09:00-10:00 Berlin"]
)
def test_a_wrong_span_is_answered_with_examples(text: object) -> None:
    with pytest.raises(ValueError, match=r"write a window such as|is not an IANA time zone"):
        Span.parse(text)


@pytest.mark.parametrize(
    "text",
    ["9:00", "24:00", "10:00 New_York", "ib", "ib.high", "ib.end -", "ib.end - two", 600, None],
)
def test_a_wrong_moment_is_answered_with_examples(text: object) -> None:
    with pytest.raises(ValueError, match=r"write a (moment|duration) such as|not an IANA"):
        Moment.parse(text)
