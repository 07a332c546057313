from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.queue import QueueReads
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.app.ports import EngineUnavailableError
from setupdesk.app.queue import Estimate, ShowQueue, find_starts
from setupdesk.core.errors import NotFoundError, NotWaitingError
from setupdesk.core.run import Door, Priority
from setupdesk.core.run_change import RunChange
from tests.app.test_dispatcher import BACKTEST, REQUEST, Desk
from tests.drafts import NoDraft

NOON = datetime(2025, 10, 31, 12, tzinfo=UTC)


class QueuedDesk(Desk):
    """A desk with a clock that can be set, and its queue."""

    def __init__(self, folder: Path, places: int = 2) -> None:
        super().__init__(folder, places)
        ledger = self.outbox.engine
        self.now = NOON
        self.start = StartLedger(ledger, lambda: self.now)
        self.outbox = Outbox(ledger, lambda: self.now)
        self.journal = Journal(ledger, lambda: self.now, "executor 1")
        self.dispatcher = replace(self.dispatcher, outbox=self.outbox)
        self.show = ShowQueue(QueueReads(ledger), places, lambda: self.now)

    def complete(self, run_id: str, seconds: float, bars: int = 1000) -> None:
        self.dispatcher.work_once()
        self.journal.begin(run_id)
        self.journal.note_plan(run_id, {"bars": bars})
        self.now += timedelta(seconds=seconds)
        self.journal.finish_completed(run_id, {}, NoDraft())

    def begin(self, run_id: str) -> None:
        self.dispatcher.work_once()
        self.journal.begin(run_id)


@pytest.fixture
def desk(tmp_path: Path) -> QueuedDesk:
    return QueuedDesk(tmp_path)


def causes_of(queue: Mapping[str, Any]) -> list[str]:
    return [run["waits_for"]["code"] for run in queue["waiting"]]


def test_an_empty_queue_has_places_and_nothing_else(desk: QueuedDesk) -> None:
    assert desk.show(20) == {
        "places": 2,
        "running_count": 0,
        "waiting_count": 0,
        "running": [],
        "waiting": [],
    }


def test_a_run_that_waits_has_position_who_what_and_what_is_ahead(tmp_path: Path) -> None:
    desk = QueuedDesk(tmp_path, places=1)
    running = desk.accept(BACKTEST)
    desk.begin(running)
    desk.journal.note_stage(running, "finding signals")
    nightly = desk.accept(BACKTEST, Door.SCHEDULER)
    manual, manual_too = desk.accept(BACKTEST), desk.accept(BACKTEST)

    queue = desk.show(20)

    first, second, third = queue["waiting"]
    assert [run["stage"] for run in queue["running"]] == ["finding signals"]
    assert (first["position"], first["run_id"], first["user"]) == (1, manual, "ann")
    assert (first["priority"], first["door"]) == ("manual", "cli")
    assert first["request"]["setup_id"] == "IB_raid_v1"
    assert (second["run_id"], third["run_id"]) == (manual_too, nightly)
    assert third["ahead"] == {"running": 1, "waiting": 2, "higher": 2}
    assert causes_of(queue) == ["places", "turn", "priority"]
    assert third["waits_for"]["text"] == "the one place is taken; ahead: 2 of higher priority"


def test_a_run_that_is_handed_over_holds_a_place_and_is_starting(desk: QueuedDesk) -> None:
    desk.accept()
    desk.dispatcher.work_once()

    queue = desk.show(20)

    assert [run["stage"] for run in queue["running"]] == ["starting"]
    assert queue["waiting_count"] == 0


def test_an_estimate_is_the_median_of_the_setups_own_runs(tmp_path: Path) -> None:
    desk = QueuedDesk(tmp_path, places=1)
    for seconds in (10, 20, 90):
        desk.complete(desk.accept(BACKTEST), seconds)
    desk.complete(desk.accept(replace(BACKTEST, setup_id="ORB_v1")), 500)
    desk.complete(desk.accept(REQUEST), 1)
    running = desk.accept(BACKTEST)
    desk.begin(running)
    desk.now += timedelta(seconds=5)
    desk.accept(BACKTEST)
    desk.accept(replace(BACKTEST, setup_id="ORB_v1"))
    desk.accept(replace(BACKTEST, setup_id="NR7_v1"))

    queue = desk.show(20)

    first, second, third = queue["waiting"]
    assert queue["running"][0]["ends_in_seconds"] == 15
    assert first["estimate"] == {"seconds": 20, "bars": 1000, "runs": 3, "of": "IB_raid_v1"}
    assert [run["starts_in_seconds"] for run in (first, second, third)] == [15, 35, 535]
    assert third["estimate"] == {"seconds": 55, "bars": 1000, "runs": 4, "of": "all setups"}


def test_a_desk_that_has_completed_nothing_promises_no_time(tmp_path: Path) -> None:
    desk = QueuedDesk(tmp_path, places=1)
    desk.begin(desk.accept())
    desk.accept()

    queue = desk.show(20)

    assert queue["running"][0]["ends_in_seconds"] is None
    assert queue["waiting"][0]["starts_in_seconds"] is None
    assert queue["waiting"][0]["estimate"] is None


def test_a_run_that_takes_longer_than_usual_may_end_at_any_moment(tmp_path: Path) -> None:
    desk = QueuedDesk(tmp_path, places=1)
    desk.complete(desk.accept(), 1)
    desk.begin(desk.accept())
    desk.accept()
    desk.now += timedelta(seconds=30)

    queue = desk.show(20)

    assert queue["running"][0]["ends_in_seconds"] == 0
    assert queue["waiting"][0]["starts_in_seconds"] == 0


def test_what_is_down_is_named_and_no_time_is_promised(desk: QueuedDesk) -> None:
    desk.complete(desk.accept(), 1)
    desk.accept()
    desk.accept()
    desk.engine.is_up = False
    with pytest.raises(EngineUnavailableError):
        desk.dispatcher.work_once()

    queue = desk.show(20)

    assert causes_of(queue) == ["unreachable", "unreachable"]
    assert queue["waiting"][1]["waits_for"]["text"] == "Prefect cannot be reached: it is down"
    assert [run["starts_in_seconds"] for run in queue["waiting"]] == [None, None]


def test_a_start_that_goes_wrong_is_told_and_others_are_not_blamed(
    desk: QueuedDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.engine.poison = desk.accept()
    desk.accept()
    desk.dispatcher.work_once()

    queue = desk.show(20)

    assert causes_of(queue) == ["error", "starting"]
    assert "refused by its schema" in queue["waiting"][0]["waits_for"]["text"]
    assert "went wrong" in caplog.text


def test_without_a_desk_every_run_waits_for_one(desk: QueuedDesk) -> None:
    desk.accept()

    queue = desk.show(20, desk_runs=False)

    assert causes_of(queue) == ["no_desk"]
    assert queue["waiting"][0]["starts_in_seconds"] is None


def test_a_run_that_waits_can_be_given_another_turn(desk: QueuedDesk) -> None:
    first, second = desk.accept(BACKTEST), desk.accept(BACKTEST)

    earlier = desk.outbox.change(second, RunChange({"priority": Priority.LIVE}))

    assert earlier == {"priority": Priority.MANUAL}
    assert [run["run_id"] for run in desk.show(20)["waiting"]] == [second, first]
    assert desk.carry_out_all() == [second, first]


def test_the_turn_of_what_does_not_wait_cannot_change(desk: QueuedDesk) -> None:
    starting, running = desk.accept(), desk.accept()
    desk.dispatcher.work_once()
    desk.begin(running)

    for run_id, state in ((starting, "starting"), (running, "running")):
        with pytest.raises(NotWaitingError, match=f"it is {state}"):
            desk.outbox.change(run_id, RunChange({"priority": Priority.NIGHTLY, "name": "a"}))
    with pytest.raises(NotFoundError):
        desk.outbox.change("run_2025_10_31_999", RunChange({"name": "a"}))

    row = desk.reads.load_run(running)
    assert (row["priority"], row["name"]) == (Priority.LIVE, None)


def test_a_long_queue_is_counted_whole_and_shown_as_far_as_asked(desk: QueuedDesk) -> None:
    for _ in range(5):
        desk.accept()

    queue = desk.show(2)

    assert queue["waiting_count"] == 5
    assert [run["position"] for run in queue["waiting"]] == [1, 2]


def test_runs_take_the_place_that_is_free_first() -> None:
    ten = Estimate(seconds=10, bars=1, runs=1, of="IB_raid_v1")

    assert find_starts([4, 1], 2, [ten, ten, ten]) == [1, 4, 11]
    assert find_starts([], 2, [ten, ten, ten]) == [0, 0, 10]
    assert find_starts([3, None], 2, [ten]) == [None]
    assert find_starts([], 1, [None, ten]) == [0, None]
