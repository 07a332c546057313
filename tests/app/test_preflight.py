from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.caller import Caller, Role
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.run import Door
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import Desk, build_desk

PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "DE40",
    "timeframe": "15m",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    built = build_desk(load_settings({"SETUPDESK_HOME": str(tmp_path)}), hands_over=True)
    yield built
    built.close()


@pytest.fixture
def inline(tmp_path: Path) -> Iterator[InlineDesk]:
    opened = open_inline(load_settings({"SETUPDESK_HOME": str(tmp_path)}), Door.CLI)
    opened.simulate_bars(MARKET)
    yield opened
    opened.desk.close()


def foresee(desk: Desk, **asked: Any) -> dict[str, Any]:
    return desk.preflight(PAYLOAD | asked, user="ann", door=Door.CLI)


def test_what_is_foreseen_is_what_the_run_will_plan(desk: Desk, inline: InlineDesk) -> None:
    foreseen = foresee(desk)

    receipt = inline.ask(PAYLOAD | {"options": {"dry_run": True}})
    plan = inline.run(receipt["run_id"])["plan"]
    assert {key: foreseen["plan"][key] for key in plan if key in foreseen["plan"]} == {
        key: value for key, value in plan.items() if key not in ("variants", "fine_fingerprint")
    }
    assert foreseen["request"] == receipt["request"] | {
        "options": {"max_trades": None, "rr_target": None, "dry_run": False}
    }
    assert foreseen["coverage"]["share"] == 1.0
    assert foreseen["flow_type"] == "backtest_flow"


@pytest.mark.usefixtures("inline")
def test_a_poll_of_a_watch_of_ones_own_has_a_place_in_the_queue_and_no_plan(desk: Desk) -> None:
    looks = {"setups": ["IB_raid_v1"], "symbols": ["GER40"], "timeframe": "M15"}
    made = desk.watch_desk.add(looks, Caller(user="ann", role=Role.TRADER))
    payload = {"mode": "live", "watch": made["watch_id"]}

    foreseen = desk.preflight(payload, user="ann", door=Door.CLI)

    assert foreseen["request"]["watch"] == made["watch_id"]
    assert (foreseen["plan"], foreseen["coverage"]) == (None, None)
    assert foreseen["queue"]["has_room"]
    with pytest.raises(InvalidRequestError, match="There is no watch"):
        desk.preflight(payload, user="bob", door=Door.CLI)


def test_nothing_is_written_or_started(desk: Desk, inline: InlineDesk) -> None:
    foresee(desk)
    with pytest.raises(InvalidRequestError):
        foresee(desk, symbol="GER4O")

    assert inline.runs(10)["runs"] == []
    assert inline.audit_log(10) == []


@pytest.mark.usefixtures("inline")
def test_every_problem_is_said_at_once_as_start_says_it(desk: Desk) -> None:
    wrong = PAYLOAD | {"symbol": "GER4O", "timeframe": "M7", "end": "soon", "extra": {"x": 1}}

    with pytest.raises(InvalidRequestError) as caught:
        desk.preflight(wrong, user="ann", door=Door.CLI)

    refused = desk.start(wrong, user="ann", door=Door.CLI)
    assert caught.value.problems == refused.problems
    assert len(refused.problems) == 4


def test_days_without_enough_bars_are_named_and_counted(desk: Desk) -> None:
    days = ("2025-05-05", "2025-05-06", "2025-05-07", "2025-05-08")
    rows = [
        f"{day}T{hour:02}:{minute:02}:00Z,20000,20010,19990,20005"
        for day in days
        for hour in range(7, 16)
        for minute in (0, 15, 30, 45)
        if (day, hour) < ("2025-05-07", 9) or (day != "2025-05-07" and (day, hour) != (days[3], 9))
    ]
    text = "\n".join(["time,open,high,low,close", *rows])
    desk.data_desk.import_bars(text.encode(), "dax.csv", "GER40", "M15")

    coverage = foresee(desk, start="2025-05-05", end="2025-05-08")["coverage"]

    assert [one["day"] for one in coverage["incomplete"]] == ["2025-05-07", "2025-05-08"]
    assert (coverage["sessions_left_out"], coverage["sessions_without_bars"]) == (1, 0)
    assert coverage["missing_bars"] == sum(
        one["expected"] - one["present"] for one in coverage["incomplete"]
    )


@pytest.mark.usefixtures("inline")
def test_a_live_request_is_foreseen_on_the_newest_session(desk: Desk) -> None:
    foreseen = foresee(desk, mode="live", start=None, end=None)

    assert foreseen["plan"]["last_session"] == "2025-05-30"
    assert foreseen["queue"]["priority"] == "live"


def test_its_place_in_the_queue_is_the_one_that_it_gets(desk: Desk, inline: InlineDesk) -> None:
    inline.ask(PAYLOAD)
    first = foresee(desk)["queue"]
    for _ in range(3):
        desk.start(PAYLOAD, user="ann", door=Door.CLI)

    manual, live = foresee(desk)["queue"], foresee(desk, mode="live", start=None, end=None)["queue"]
    run_id = desk.start(PAYLOAD, user="ann", door=Door.CLI).run_id

    assert (first["position"], first["starts_in_seconds"], first["has_room"]) == (1, 0.0, True)
    assert (manual["position"], live["position"]) == (4, 1)
    waiting = desk.show_queue(10)["waiting"]
    assert waiting[3]["run_id"] == run_id
    assert waiting[3]["position"] == manual["position"]
    assert waiting[3]["starts_in_seconds"] == manual["starts_in_seconds"] > 0
    assert waiting[3]["ahead"] == manual["ahead"]


def test_the_seconds_are_those_of_earlier_runs_by_their_bars(
    desk: Desk, inline: InlineDesk
) -> None:
    before = foresee(desk)["plan"]["estimated_seconds"]
    inline.ask(PAYLOAD)

    month, week = foresee(desk)["plan"], foresee(desk, start="2025-05-26")["plan"]

    assert before is None
    assert month["estimated_seconds"] > 0
    per_bar = [plan["estimated_seconds"] / plan["bars"] for plan in (month, week)]
    assert per_bar[0] == pytest.approx(per_bar[1], rel=0.05)
