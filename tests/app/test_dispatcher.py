import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.keys import Keys
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.queue import QueueReads
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.app.dispatcher import Dispatcher
from setupdesk.app.ports import EngineUnavailableError
from setupdesk.app.queue import ShowQueue
from setupdesk.core.caller import NewKey, Role
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe
from tests.drafts import NoDraft

REQUEST = Request(setup_id="IB_raid_v1", symbol="GER40", timeframe=Timeframe.M15, mode=Mode.LIVE)
BACKTEST = replace(REQUEST, mode=Mode.BACKTEST, start=date(2025, 5, 1), end=date(2025, 5, 30))


@dataclass
class RecordingEngine:
    """Prefect and the executor in one, as far as the dispatcher sees them."""

    is_up: bool = True
    holds: set[str] = field(default_factory=set)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    poison: str = ""
    hangs: bool = False
    before_answer: Callable[[], object] = lambda: None

    def create_flow_run(self, flow_name: str, run_id: str, tags: Sequence[str]) -> str:
        self._record("create", flow_name, run_id, *tags)
        if run_id == self.poison:
            raise ValueError("refused by its schema")
        self.before_answer()
        return f"flow-{run_id}"

    def reopen(self, flow_run_id: str) -> None:
        self._record("reopen", flow_run_id)

    def settle(self, flow_run_id: str, state: str, message: str) -> None:
        self._record("settle", flow_run_id, state, message)

    def run(self, run_id: str, flow_run_id: str, flow: str) -> None:
        self._record("run", run_id, flow_run_id, flow)
        self.holds.add(run_id)

    def cancel(self, run_id: str) -> bool:
        self._record("cancel", run_id)
        if self.hangs:
            raise EngineUnavailableError("the executor", "it does not answer")
        return run_id in self.holds

    def _record(self, *call: str) -> None:
        if not self.is_up:
            raise EngineUnavailableError("Prefect", "it is down")
        self.calls.append(call)


class Desk:
    """A real ledger with a dispatcher on it."""

    def __init__(self, folder: Path, places: int = 2) -> None:
        ledger = open_database(folder / "ledger.db")
        self.engine = RecordingEngine()
        self.start = StartLedger(ledger, clock.now)
        self.outbox = Outbox(ledger, clock.now)
        self.journal = Journal(ledger, clock.now, "executor 1")
        self.reads = Reads(ledger)
        kinds = ("start", "cancel", "settle")
        self.dispatcher = Dispatcher(self.outbox, self.engine, self.engine, places, kinds)

    def accept(self, request: Request = REQUEST, door: Door = Door.CLI) -> str:
        receipt = self.start.accept(request, {}, "ann", door)
        assert receipt.run_id
        return receipt.run_id

    def carry_out_all(self) -> list[str]:
        """Complete what waits, one after the other, and give the order."""
        order = []
        while self.dispatcher.work_once():
            if self.engine.calls[-1][0] == "run":
                order.append(self.engine.calls[-1][1])
                self.journal.begin(order[-1])
                self.journal.finish_completed(order[-1], {}, NoDraft())
        return order


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_accepted_run_is_created_in_prefect_and_handed_to_the_executor_once(desk: Desk) -> None:
    run_id = desk.accept()

    assert desk.dispatcher.work_once()
    assert not desk.dispatcher.work_once()

    assert desk.engine.calls == [
        ("create", "live_scan_flow", run_id, "IB_raid_v1", "GER40", "M15"),
        ("run", run_id, f"flow-{run_id}", "live_scan_flow"),
    ]
    assert desk.reads.load_run(run_id)["flow_run_id"] == f"flow-{run_id}"


def test_a_key_has_no_more_runs_carried_out_at_once_than_it_allows(tmp_path: Path) -> None:
    desk = Desk(tmp_path, places=3)
    keys = Keys(desk.outbox.engine, clock.now)
    wanted = NewKey(name="one", user="ann", role=Role.TRADER, days=None, most_running=1)
    quota = keys.find_caller(keys.add(wanted)[0]).quota
    first, second = (
        str(desk.start.accept(REQUEST, {}, "ann", Door.API, quota=quota).run_id) for _ in range(2)
    )
    other = desk.accept()
    queue = ShowQueue(QueueReads(desk.outbox.engine), 3, clock.now)

    while desk.dispatcher.work_once():
        pass

    assert desk.engine.holds == {first, other}
    assert queue(9)["waiting"][0]["waits_for"]["code"] == "quota"
    desk.journal.begin(first)
    desk.journal.finish_completed(first, {}, NoDraft())
    while desk.dispatcher.work_once():
        pass
    assert desk.engine.holds == {first, other, second}


def test_live_goes_before_manual_before_nightly_and_equals_in_the_order_of_acceptance(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, places=1)
    asked = [
        (BACKTEST, Door.SCHEDULER),
        (BACKTEST, Door.CLI),
        (REQUEST, Door.SCHEDULER),
        (BACKTEST, Door.SCHEDULER),
        (BACKTEST, Door.API),
        (REQUEST, Door.TELEGRAM),
    ]
    nightly, manual, live, nightly_too, manual_too, live_too = [desk.accept(*one) for one in asked]

    started = desk.carry_out_all()

    assert started == [live, live_too, manual, manual_too, nightly, nightly_too]


def test_a_live_run_waits_for_no_backtest_that_came_before_but_ends_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path, places=1)
    begun, waiting = desk.accept(BACKTEST), desk.accept(BACKTEST)
    desk.dispatcher.work_once()
    desk.journal.begin(begun)
    live = desk.accept(REQUEST)

    assert not desk.dispatcher.work_once()
    assert [desk.reads.count_ahead(run_id) for run_id in (live, waiting)] == [0, 1]

    assert desk.reads.load_run(begun)["state"] == "running"
    desk.journal.finish_completed(begun, {}, NoDraft())
    assert desk.carry_out_all() == [live, waiting]


def test_a_run_that_is_started_anew_keeps_its_turn(tmp_path: Path) -> None:
    desk = Desk(tmp_path, places=1)
    first, second = desk.accept(), desk.accept()
    desk.dispatcher.work_once()

    desk.journal.lay_to_rest(first, "Prefect could not be reached")

    assert desk.carry_out_all() == [first, second]


def test_a_run_waits_for_a_free_place(tmp_path: Path) -> None:
    desk = Desk(tmp_path, places=1)
    first, second = desk.accept(), desk.accept()
    desk.dispatcher.work_once()

    assert not desk.dispatcher.work_once()
    desk.journal.begin(first)
    assert not desk.dispatcher.work_once()
    desk.journal.finish_completed(first, {}, NoDraft())
    assert desk.dispatcher.work_once()

    assert [call[1] for call in desk.engine.calls if call[0] == "run"] == [first, second]


def test_an_engine_that_is_down_delays_a_run_and_never_loses_it(desk: Desk) -> None:
    run_id = desk.accept()
    desk.engine.is_up = False

    with pytest.raises(EngineUnavailableError):
        desk.dispatcher.work_once()

    assert desk.reads.load_run(run_id)["state"] == "queued"
    assert desk.reads.find_outbox_error(run_id) == "Prefect cannot be reached: it is down"


def test_runs_start_in_the_order_in_which_they_came_also_after_an_outage(desk: Desk) -> None:
    desk.engine.is_up = False
    first = desk.accept()
    with pytest.raises(EngineUnavailableError):
        desk.dispatcher.work_once()
    second = desk.accept()
    desk.engine.is_up = True

    while desk.dispatcher.work_once():
        pass

    assert [call[1] for call in desk.engine.calls if call[0] == "run"] == [first, second]


def test_an_errand_that_always_goes_wrong_holds_up_nobody_and_ends_its_run(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    poison, good = desk.accept(), desk.accept()
    desk.engine.poison = poison

    deadline = time.monotonic() + 30
    while desk.reads.load_run(poison)["state"] == "queued":
        assert time.monotonic() < deadline
        desk.dispatcher.work_once()
        if desk.reads.load_run(poison)["state"] == "queued":
            assert desk.reads.find_outbox_error(poison)

    assert desk.reads.load_run(poison)["state"] == "failed"
    assert "refused by its schema" in desk.reads.load_run(poison)["reason"]
    assert good in desk.engine.holds
    assert "went wrong" in caplog.text


def test_a_run_cancelled_while_prefect_is_asked_is_settled_in_prefect(desk: Desk) -> None:
    run_id = desk.accept()
    desk.engine.before_answer = lambda: desk.outbox.ask_to_cancel(run_id)

    while desk.dispatcher.work_once():
        pass

    assert desk.reads.load_run(run_id)["state"] == "cancelled"
    assert [call[0] for call in desk.engine.calls] == ["create", "settle"]


def test_a_run_in_the_callers_own_process_holds_no_place(tmp_path: Path) -> None:
    desk = Desk(tmp_path, places=1)
    inline, waiting = desk.accept(), desk.accept()
    Journal(desk.journal.engine, clock.now, "inline 1").begin(inline)

    while desk.dispatcher.work_once():
        pass

    assert desk.engine.holds == {waiting}


def test_a_run_cancelled_before_prefect_heard_of_it_stands_there_as_cancelled(desk: Desk) -> None:
    run_id = desk.accept()
    desk.outbox.ask_to_cancel(run_id)

    while desk.dispatcher.work_once():
        pass

    assert desk.engine.calls == [
        ("create", "live_scan_flow", run_id, "IB_raid_v1", "GER40", "M15"),
        ("settle", f"flow-{run_id}", "cancelled", "cancelled before it started"),
    ]
    assert desk.reads.load_run(run_id)["flow_run_id"] == f"flow-{run_id}"


@pytest.mark.parametrize("begun", [False, True])
def test_a_run_that_holds_a_place_gives_it_to_the_next_when_cancelled(
    tmp_path: Path, *, begun: bool
) -> None:
    desk = Desk(tmp_path, places=1)
    cancelled, waiting = desk.accept(), desk.accept()
    desk.dispatcher.work_once()
    if begun:
        desk.journal.begin(cancelled)
    assert not desk.dispatcher.work_once()

    assert desk.outbox.ask_to_cancel(cancelled) == "cancelling"
    desk.dispatcher.work_once()
    desk.journal.lay_to_rest(cancelled, "its process was killed by SIGKILL")
    while desk.dispatcher.work_once():
        pass

    row = desk.reads.load_run(cancelled)
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled on demand")
    assert desk.engine.holds == {cancelled, waiting}
    assert ("settle", f"flow-{cancelled}", "cancelled", "cancelled on demand") in desk.engine.calls


def test_a_cancel_waits_for_no_prefect(desk: Desk) -> None:
    run_id = desk.accept()
    desk.dispatcher.work_once()
    desk.journal.begin(run_id)
    down = RecordingEngine(is_up=False)
    cancels = replace(desk.dispatcher, flow_engine=down, kinds=("cancel",))

    desk.outbox.ask_to_cancel(run_id)
    assert cancels.work_once()

    assert desk.engine.calls[-1] == ("cancel", run_id)


def test_a_run_that_has_ended_stays_as_it_ended(desk: Desk) -> None:
    run_id = desk.accept()
    desk.carry_out_all()
    row = desk.reads.load_run(run_id)

    assert desk.outbox.ask_to_cancel(run_id) == "completed"

    assert not desk.dispatcher.work_once()
    assert desk.reads.load_run(run_id) == row


def test_prefect_is_told_of_ends_while_starts_wait_for_a_place(tmp_path: Path) -> None:
    desk = Desk(tmp_path, places=1)
    running, waiting, cancelled = desk.accept(), desk.accept(), desk.accept()
    desk.dispatcher.work_once()
    desk.journal.begin(running)
    desk.outbox.ask_to_cancel(cancelled)

    while desk.dispatcher.work_once():
        pass

    assert desk.engine.calls[-1][:3] == ("settle", f"flow-{cancelled}", "cancelled")
    assert desk.reads.load_run(waiting)["state"] == "queued"


def test_a_cancel_of_a_run_that_the_executor_does_not_hold_ends_it(desk: Desk) -> None:
    run_id = desk.accept()
    desk.dispatcher.work_once()
    desk.engine.holds.clear()

    desk.outbox.ask_to_cancel(run_id)
    while desk.dispatcher.work_once():
        pass

    assert desk.reads.load_run(run_id)["state"] == "cancelled"
    assert desk.engine.calls[-2:] == [
        ("cancel", run_id),
        ("settle", f"flow-{run_id}", "cancelled", "cancelled on demand"),
    ]


def test_a_cancel_needs_no_executor_that_answers(desk: Desk) -> None:
    run_id = desk.accept()
    desk.dispatcher.work_once()
    desk.journal.begin(run_id)
    desk.engine.hangs = True

    desk.outbox.ask_to_cancel(run_id)
    desk.dispatcher.work_once()

    assert desk.reads.load_run(run_id)["state"] == "cancelled"
    desk.journal.finish_completed(run_id, {}, NoDraft())
    assert desk.reads.load_run(run_id)["state"] == "cancelled"


def test_a_run_that_is_tried_again_is_pending_again_in_prefect(desk: Desk) -> None:
    run_id = desk.accept(BACKTEST)
    desk.dispatcher.work_once()
    desk.journal.begin(run_id)
    desk.journal.lay_to_rest(run_id, "its process was killed by SIGKILL")

    desk.dispatcher.work_once()

    assert [call[0] for call in desk.engine.calls] == ["create", "run", "create", "reopen", "run"]
