"""The ledger, Prefect and the executor disagree, for real; the reconciler puts it right."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.executor_socket import ExecutorSocket
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.reconciliation import Reconciliation
from setupdesk.adapters.ledger.repairs import Repairs
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.adapters.result_store import ResultStore
from setupdesk.app.differences import Deed, Remedy
from setupdesk.app.dispatcher import Dispatcher
from setupdesk.app.reconciler import Reconciler
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe
from tests.faults.stand_in import StandIn

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

REQUEST = Request(setup_id="IB_raid_v1", symbol="GER40", timeframe=Timeframe.M15, mode=Mode.LIVE)
GHOST = "run_2025_01_01_001"


class Desk:
    """A real ledger, a real Prefect, a stand-in executor; time passes when a test says so."""

    def __init__(self, home: Path, prefect: PrefectApi) -> None:
        self.home, self.prefect = home, prefect
        self.later = timedelta()
        ledger = open_database(home / "ledger.db")
        self.start = StartLedger(ledger, self.now)
        self.outbox = Outbox(ledger, self.now)
        self.reads = Reads(ledger)
        self.repaired = Repairs(ledger, self.now)
        self.journal = Journal(ledger, self.now, "executor 1")
        self.executor = StandIn(home / "executor.sock", self.journal)
        self.ledger = Reconciliation(ledger, self.now)
        self.results = ResultStore(home / "runs")
        workers = ExecutorSocket(home / "executor.sock")
        kinds = ("start", "cancel", "settle")
        self.dispatcher = Dispatcher(self.outbox, prefect, workers, 2, kinds)
        self.reconciler = Reconciler(
            self.ledger, prefect, workers, self.results, lambda: None, self.now
        )

    def now(self) -> datetime:
        return clock.now() + self.later

    def dispatch(self, way: str = "does") -> str:
        """Accept a run, and have it sent to an executor of that way."""
        self.executor.way = way  # type: ignore[assignment]
        receipt = self.start.accept(REQUEST, {}, "ann", Door.CLI)
        assert receipt.run_id
        self.work()
        return receipt.run_id

    def work(self) -> None:
        while self.dispatcher.work_once():
            pass

    def look(self, seconds: float = 0) -> None:
        """Let time pass, look, and have the dispatcher do what is to be done then."""
        self.later += timedelta(seconds=seconds)
        self.reconciler.look()
        self.work()

    def row(self, run_id: str) -> dict[str, Any]:
        return dict(self.reads.load_run(run_id))

    def states_in_prefect(self, run_id: str) -> list[str]:
        return sorted(each["state_type"] for each in self.prefect.find_flow_runs(run_id))

    def repairs(self, run_id: str) -> list[tuple[str, str]]:
        """Give findings and deeds of a run, the oldest first."""
        rows = reversed(self.repaired.load_repairs(1000))
        return [(row["finding"], row["deed"]) for row in rows if row["run_id"] == run_id]


@pytest.fixture
def desk(prefect_api: PrefectApi, tmp_path: Path) -> Iterator[Desk]:
    # Every ledger here begins with the same run_id.
    while found := prefect_api.call("POST", "/flow_runs/filter", {"limit": 200}):
        for flow_run in found:
            prefect_api._http.delete(f"/flow_runs/{flow_run['id']}").raise_for_status()
    desk = Desk(tmp_path, prefect_api)
    yield desk
    desk.executor.close()


def test_nothing_is_put_right_where_nothing_is_wrong(desk: Desk) -> None:
    held, waiting = desk.dispatch("holds"), desk.dispatch("holds")
    desk.dispatch("holds")
    desk.results.draft(held, {}).publish()

    for seconds in (0, 60, 3600):
        desk.look(seconds)

    assert desk.repaired.load_repairs(10) == []
    assert [desk.row(each)["state"] for each in (held, waiting)] == ["running", "running"]


def test_a_run_that_prefect_forgot_before_it_began_is_made_and_started_anew(desk: Desk) -> None:
    run_id = desk.dispatch("loses")
    forgotten = desk.row(run_id)["flow_run_id"]
    desk.prefect._http.delete(f"/flow_runs/{forgotten}").raise_for_status()
    desk.executor.way = "does"

    desk.look(5)
    assert desk.row(run_id)["state"] == "queued"
    desk.look(6)

    assert desk.row(run_id)["state"] == "completed"
    assert desk.row(run_id)["flow_run_id"] != forgotten
    assert desk.states_in_prefect(run_id) == ["PENDING"]
    assert desk.repairs(run_id) == [("Prefect has forgotten its flow run", ANEW)]


def test_a_run_that_runs_while_prefect_forgets_it_is_left_alone(desk: Desk) -> None:
    run_id = desk.dispatch("holds")
    desk.prefect._http.delete(f"/flow_runs/{desk.row(run_id)['flow_run_id']}").raise_for_status()

    for _ in range(3):
        desk.look(60)
    desk.executor.held.clear()
    desk.journal.finish_completed(run_id, {}, "")
    for _ in range(3):
        desk.look(60)

    assert desk.executor.order == [run_id]
    assert desk.states_in_prefect(run_id) == []


def test_flow_runs_without_a_run_are_cancelled_in_prefect_and_say_why(desk: Desk) -> None:
    run_id = desk.dispatch("holds")
    flow_run_id = desk.row(run_id)["flow_run_id"]
    ghost = desk.prefect.create_flow_run("backtest_flow", GHOST)
    deployment = desk.prefect.call("GET", "/deployments/name/live_scan_flow/setupdesk")
    second = desk.prefect.call(
        "POST",
        f"/deployments/{deployment['id']}/create_flow_run",
        {"parameters": {"run_id": run_id}},
    )["id"]

    desk.look()
    desk.look(60)

    states = [desk.prefect.read_flow_run(each)["state"] for each in (ghost, second)]
    assert [state["type"] for state in states] == ["CANCELLED", "CANCELLED"]
    assert "that the ledger does not have" in states[0]["message"]
    assert "that the desk did not make" in states[1]["message"]
    assert desk.prefect.read_flow_run(flow_run_id)["state"]["type"] == "PENDING"
    cancelled = str(Deed.CANCEL_GHOST)
    assert [deed for _, deed in desk.repairs(GHOST) + desk.repairs(run_id)] == 2 * [cancelled]


def test_ghosts_beyond_one_page_are_all_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setupdesk.adapters.prefect_api.PAGE", 3)
    made = [desk.prefect.create_flow_run("backtest_flow", f"{GHOST}{n}") for n in range(7)]

    desk.look()

    assert {desk.prefect.read_flow_run(each)["state_type"] for each in made} == {"CANCELLED"}


def test_an_end_that_prefect_never_heard_of_is_told(desk: Desk) -> None:
    run_id = desk.dispatch("does")
    desk.results.draft(run_id, {}).publish()

    desk.look(20)
    early = desk.states_in_prefect(run_id)
    desk.look(20)

    assert early == ["PENDING"]
    assert desk.states_in_prefect(run_id) == ["COMPLETED"]
    finding = "it is completed, and stands in Prefect as if it had not ended"
    assert desk.repairs(run_id) == [(finding, str(Deed.SETTLE))]


def test_a_run_that_never_begins_is_started_anew_and_reported_in_the_end(desk: Desk) -> None:
    run_id = desk.dispatch("loses")

    for _ in range(6):
        desk.look(31)

    assert desk.row(run_id)["state"] == "crashed"
    assert desk.executor.order == 3 * [run_id]
    assert desk.states_in_prefect(run_id) == ["CRASHED"]
    reason = "it was handed over, and the executor neither began nor holds it"
    assert desk.row(run_id)["reason"] == reason
    assert desk.repairs(run_id) == [(reason, ANEW), (reason, ANEW), (reason, CRASHED)]


def test_a_run_that_its_executor_does_not_hold_any_more_is_crashed(desk: Desk) -> None:
    run_id = desk.dispatch("holds")
    desk.executor.held.clear()

    desk.look(60)
    assert desk.row(run_id)["state"] == "running"
    desk.look(60)

    assert desk.row(run_id)["state"] == "crashed"
    assert desk.states_in_prefect(run_id) == ["CRASHED"]
    assert desk.repairs(run_id) == [("it was running, and the executor does not hold it", CRASHED)]


@pytest.mark.parametrize("held", [True, False])
def test_a_cancel_that_got_lost_is_asked_again_or_the_run_is_ended(
    desk: Desk, *, held: bool
) -> None:
    run_id = desk.dispatch("holds")
    desk.outbox.ask_to_cancel(run_id)
    errand = desk.outbox.take_due(("cancel",))
    assert errand
    desk.outbox.finish(errand)
    if not held:
        desk.executor.held.clear()

    desk.look(9)
    assert desk.row(run_id)["state"] == "cancelling"
    desk.look(2)

    assert desk.row(run_id)["state"] == "cancelled"
    assert desk.states_in_prefect(run_id) == ["CANCELLED"]


def test_a_report_without_a_completed_run_is_set_aside(desk: Desk) -> None:
    run_id = desk.dispatch("loses")
    desk.outbox.ask_to_cancel(run_id)
    desk.work()
    for stray in (run_id, GHOST):
        desk.results.draft(stray, {"of": stray}).publish()
    (desk.home / "runs" / "notes").mkdir()

    desk.look()

    for stray in (run_id, GHOST):
        folder = desk.home / "runs" / stray
        assert [each.name for each in folder.iterdir()] == ["report.stray.json"]
        assert json.loads((folder / "report.stray.json").read_text()) == {"of": stray}
        assert [deed for _, deed in desk.repairs(stray)] == [str(Deed.SET_ASIDE)]


def test_a_completed_run_without_its_report_is_written_down_once(desk: Desk) -> None:
    run_id = desk.dispatch("does")

    desk.look()
    desk.reconciler.looks = 0
    desk.look()

    assert desk.repairs(run_id) == [
        ("it is completed, and its report is not there", str(Deed.NOTE))
    ]
    assert desk.row(run_id)["state"] == "completed"


def test_while_nobody_answers_nothing_is_put_right_and_all_is_later(desk: Desk) -> None:
    run_id = desk.dispatch("loses")
    desk.later += timedelta(seconds=60)
    nobody = PrefectApi("http://127.0.0.1:1/api", "a:b")
    alone = Reconciler(
        desk.ledger,
        nobody,
        ExecutorSocket(desk.home / "nowhere.sock"),
        desk.results,
        lambda: None,
        desk.now,
    )

    assert not alone.look()
    assert desk.repaired.load_repairs(10) == []
    assert desk.reconciler.look()
    assert [one["run_id"] for one in desk.repaired.load_repairs(10)] == [run_id]
    nobody.close()


@pytest.mark.parametrize("deed", ["create_again", "lay_to_rest", "stop_again", "settle"])
def test_a_run_that_has_moved_on_since_the_look_is_left_alone(desk: Desk, deed: str) -> None:
    run_id = desk.dispatch("loses")
    seen = desk.ledger.load_runs([run_id])[run_id]
    remedy = Remedy(deed=Deed.CREATE, finding="it was so", run_id=run_id, run=seen)
    desk.journal.begin(run_id)
    before = desk.row(run_id)

    assert not getattr(desk.ledger, deed)(remedy)

    assert desk.row(run_id) == before
    assert desk.repaired.load_repairs(10) == []
    assert not desk.dispatcher.work_once()


ANEW = "the run was started anew"
CRASHED = "the run is crashed"
