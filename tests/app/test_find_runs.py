import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.caller import Caller, Role
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.core.run import Door
from setupdesk.core.run_search import write_cursor
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import Desk, build_desk

PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    built = build_desk(load_settings({"SETUPDESK_HOME": str(tmp_path)}), hands_over=True)
    built.data_desk.simulate_bars(MARKET)
    yield built
    built.close()


def accept(desk: Desk, *, user: str = "ann", door: Door = Door.CLI, **asked: Any) -> str:
    run_id = desk.start(PAYLOAD | asked, user=user, door=door).run_id
    assert run_id
    return run_id


def find(desk: Desk, **said: Any) -> list[str]:
    return [run["run_id"] for run in desk.find_runs(said, 100)["runs"]]


def find_codes(desk: Desk, **said: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequestError) as caught:
        desk.find_runs(said, 1)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_runs_are_found_by_what_was_asked_and_by_whom(desk: Desk) -> None:
    first = accept(desk, user="ann", door=Door.CLI, timeframe="M15")
    second = accept(desk, user="bob", door=Door.API, timeframe="M5")
    live = accept(desk, mode="live", start=None, end=None)
    desk.cancel(second, "anna", Door.CLI)

    assert find(desk) == [live, second, first]
    assert find(desk, user="bob") == find(desk, door="api") == [second]
    assert find(desk, timeframe="15m", mode="backtest") == [first]
    assert find(desk, mode="live") == [live]
    assert find(desk, state="cancelled") == find(desk, state=["cancelled", "failed"]) == [second]
    assert find(desk, state=["cancelled", "queued"]) == [live, second, first]
    assert find(desk, symbol="DE40", setup_id="IB_raid_v1") == [live, second, first]
    assert find(desk, symbol="EURUSD") == find(desk, setup_id="gone_v1") == []


def test_polls_of_watches_are_left_out_unless_they_or_their_watch_are_asked_for(
    desk: Desk,
) -> None:
    looks = {"setups": ["IB_raid_v1"], "symbols": ["GER40"], "timeframe": "M15"}
    watch = {"watch": desk.watch_desk.add(looks, Caller(user="ann", role=Role.TRADER))["watch_id"]}
    asked, look = accept(desk), accept(desk, mode="live", start=None, end=None)
    made = [
        desk.start({**watch, "mode": mode}, user="ann", door=Door.CLI).run_id
        for mode in ("live", "backtest")
    ]
    poll, comparison = made

    assert find(desk) == [comparison, look, asked]
    assert find(desk, polls=True) == [comparison, poll, look, asked]
    assert find(desk, **watch) == [comparison, poll]
    assert find(desk, **watch, mode="live") == [poll]
    assert find(desk, watch="watch_of_nobody") == []
    assert find_codes(desk, polls="perhaps") == [("polls", "wrong_type")]


def test_every_word_of_a_search_has_to_stand_somewhere(desk: Desk) -> None:
    first, second = accept(desk), accept(desk, timeframe="M5", user="bob")
    desk.cancel(second, "anna", Door.CLI)

    assert find(desk, search="ger40 m5") == [second]
    assert find(desk, search="CANCELLED before bob") == [second]
    assert find(desk, search=first[-3:]) == [first]
    assert find(desk, search="ger40 m1 ann M5") == []
    assert find(desk, search="%") == find(desk, search="GER_0") == []


def test_both_days_of_acceptance_are_inclusive(desk: Desk, tmp_path: Path) -> None:
    run_id = accept(desk)
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        ledger.execute("UPDATE run SET accepted_at = '2025-10-31T23:59:59.999000+00:00'")

    assert find(desk, since="2025-10-31", until="2025-10-31") == [run_id]
    assert find(desk, since="2025-11-01") == find(desk, until="2025-10-30") == []


def test_pages_shift_for_no_run_that_is_accepted_meanwhile(desk: Desk) -> None:
    runs = [accept(desk) for _ in range(5)]

    page = desk.find_runs({}, 2)
    pages = [page]
    while page["next_cursor"]:
        accept(desk)
        page = desk.find_runs({"cursor": page["next_cursor"]}, 2)
        pages.append(page)

    seen = [run["run_id"] for page in pages for run in page["runs"]]
    assert [len(page["runs"]) for page in pages] == [2, 2, 1]
    assert seen == runs[::-1]


def test_the_order_is_that_of_acceptance_also_when_the_clock_went_back(
    desk: Desk, tmp_path: Path
) -> None:
    first, second = accept(desk), accept(desk)
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        ledger.execute(
            "UPDATE run SET accepted_at = '2020-01-01T00:00:00+00:00' WHERE run_id = ?", (second,)
        )

    assert find(desk) == [second, first]


def test_a_search_is_refused_with_every_problem_at_once(desk: Desk) -> None:
    wrong = {
        "state": ["queued", "faild"],
        "timeframe": "M7",
        "mode": "past",
        "door": "window",
        "since": "soon",
        "until": "2025-13-01",
        "user": "x" * 201,
        "cursor": "???",
    }

    assert find_codes(desk, **wrong) == [
        ("state", "unknown_state"),
        ("timeframe", "unknown_timeframe"),
        ("mode", "unknown_mode"),
        ("door", "unknown_door"),
        ("user", "wrong_type"),
        ("since", "wrong_date"),
        ("until", "wrong_date"),
        ("cursor", "wrong_cursor"),
    ]


def test_a_wrong_state_is_told_the_right_one(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        desk.find_runs({"state": ["faild"]}, 1)

    [problem] = caught.value.problems
    assert problem.suggestion == "failed"
    assert "timed_out" in problem.allowed


def test_a_cursor_of_another_ledger_is_not_taken_for_the_end(desk: Desk) -> None:
    accept(desk)

    with pytest.raises(NotFoundError):
        desk.find_runs({"cursor": write_cursor("run_2020_01_01_001")}, 1)


def test_a_page_shows_no_secrets_of_the_machine(desk: Desk) -> None:
    accept(desk)

    [run] = desk.find_runs({}, 1)["runs"]

    assert not {"plan", "traceback", "result_sha256", "worker", "process"} & set(run)
    assert run["request"]["symbol"] == "GER40"


def test_runs_are_found_by_what_their_users_said_of_them(desk: Desk) -> None:
    first, second, third = (accept(desk) for _ in range(3))
    desk.run_desk.change(
        first, {"name": "First try", "tags": ["nightly", "Good one"]}, user="ann", door=Door.CLI
    )
    desk.run_desk.change(
        second, {"notes": "a\nlong_story", "tags": ["nightly"]}, user="ann", door=Door.CLI
    )

    assert find(desk, search="TRY first") == find(desk, search="good") == [first]
    assert find(desk, search="long_story") == [second]
    assert find(desk, search="longxstory") == []
    assert find(desk, tag="nightly") == find(desk, tag=["NIGHTLY"]) == [second, first]
    assert find(desk, tag=["nightly", "good one"]) == [first]
    assert find(desk, tag="night") == find(desk, tag="'") == []
    assert find_codes(desk, tag=" ") == [("tag", "wrong_type")]
    assert third in find(desk)
