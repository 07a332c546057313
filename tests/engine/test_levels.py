"""What days, patterns and averages are to a setup, and since when they are known."""

from datetime import date, timedelta

import pytest

from tests.engine.examples import EXAMPLES, NARROW, YESTERDAY, change, find_setup, pick, run_with
from tests.engine.tape import (
    Story,
    Tape,
)


def test_the_previous_day_of_a_monday_is_friday() -> None:
    monday = date(2025, 5, 12)
    tape = Tape({}, day=monday, days={date(2025, 5, 9): NARROW})

    levels = tape.run(find_setup("PDHL_sweep_v1")).sessions[0].levels

    assert (levels["pd.high"], levels["pd.low"]) == (24_050, 23_950)


@pytest.mark.parametrize("is_session", [True, False], ids=["no bars", "no session"])
def test_the_previous_day_of_a_holiday_is_the_day_before_it(*, is_session: bool) -> None:
    tape = Tape({}, days={YESTERDAY - timedelta(days=1): NARROW}, absent=frozenset([YESTERDAY]))
    earlier = [one for one in tape.sessions[:-1] if is_session or one.day != YESTERDAY]

    levels = run_with(tape, find_setup("PDHL_sweep_v1"), earlier).sessions[0].levels

    assert (levels["pd.high"], levels["pd.low"]) == (24_050, 23_950)


def test_the_previous_day_counts_regular_hours_or_all_from_roll_to_roll() -> None:
    # The trading day ends at 17:00 New York, 23:00 Berlin.
    evening: Story = {
        "07:00": (24_000, 24_000, 23_800, 24_000),
        "12:00": (24_000, 24_100, 23_900, 24_000),
        "20:00": (24_000, 24_200, 24_000, 24_000),
    }
    whole = change(
        "PDHL_sweep_v1",
        levels={
            "pd": {"kind": "previous_day", "hours": "full"},
            "atr": {"kind": "atr", "timeframe": "D1", "length": 14},
        },
    )
    tape = Tape({"07:00": (24_000, 24_300, 24_000, 24_000)}, days={YESTERDAY: evening})

    regular, full = (
        tape.run(setup).sessions[0].levels for setup in (find_setup("PDHL_sweep_v1"), whole)
    )

    assert (regular["pd.high"], regular["pd.low"]) == (24_100, 23_900)
    assert (full["pd.high"], full["pd.low"]) == (24_200, 23_800)


def test_without_a_previous_day_there_is_no_trade() -> None:
    tape = EXAMPLES[6].tape

    result = run_with(tape, find_setup("PDHL_sweep_v1"), [])

    assert result.sessions[0].skipped == "no_history"
    assert len(result.candidates) == 0


def test_a_previous_day_with_holes_is_none() -> None:
    tape = EXAMPLES[6].tape
    hole = tape.sessions[-2]
    bars = tape.bars
    gone = (bars.time > hole.opens_ms) & (bars.time < hole.opens_ms + 2 * 3_600_000)
    thinned = pick(bars, ~gone)

    result = run_with(tape, find_setup("PDHL_sweep_v1"), tape.sessions[:-1], thinned)

    assert result.sessions[0].skipped == "data_gap"
