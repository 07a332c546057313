"""Requests that are made in Prefect, as its UI makes them, on a real server."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.app.adopter import build_parameters
from setupdesk.core.period import to_iso
from setupdesk.core.request import Mode
from setupdesk.core.run import Door
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk
from setupdesk.wiring.works import build_adopter
from tests.faults.toxic_proxy import Toxic, ToxicProxy

if TYPE_CHECKING:
    from tests.conftest import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
CHILD = """
import sys
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk
from setupdesk.wiring.works import build_adopter

home, url, auth_string = sys.argv[1:]
desk = build_desk(load_settings({"SETUPDESK_HOME": home}), hands_over=True)
prefect = PrefectApi(url, auth_string)
adopter = build_adopter(desk, prefect)
prefect.offer_start({})
adopter.adopt_all()
"""


class Desk:
    """A desk without an executor, whose door in Prefect is open."""

    def __init__(self, home: Path, prefect: PrefectApi) -> None:
        self.home = home
        (home / "setupdesk.toml").write_text("most_waiting = 2\n")
        self.desk = build_desk(load_settings({"SETUPDESK_HOME": str(home)}), hands_over=True)
        self.desk.data_desk.simulate_bars(MARKET)
        self.prefect = prefect
        self.adopter = build_adopter(self.desk, prefect)
        prefect.offer_start(build_parameters(self.adopter.build_offer()))

    def ask(self, parameters: dict[str, Any], wait: timedelta | None = None) -> str:
        """Send what the form of Prefect's UI sends when its button is pressed."""
        deployment = self.prefect.call("GET", "/deployments/name/start/setupdesk")
        due = None if wait is None else to_iso(clock.now() + wait)
        left_empty = {"extra": {"__prefect_kind": "json"}, "options": {"dry_run": False}}
        body: dict[str, Any] = {
            "name": "kappa2-vesalius-band",
            "parameters": left_empty | parameters,
            "tags": ["setupdesk"],
            "state": {
                "type": "SCHEDULED",
                "message": "",
                "state_details": {"scheduled_time": due, "cache_expiration": None},
            },
            "empirical_policy": {"retries": None, "pause_keys": [], "resuming": False},
            "work_queue_name": None,
            "job_variables": {},
            "enforce_parameter_schema": False,
        }
        path = f"/deployments/{deployment['id']}/create_flow_run"
        flow_run_id: str = self.prefect.call("POST", path, body)["id"]
        return flow_run_id

    def read_state(self, flow_run_id: str) -> dict[str, Any]:
        state: dict[str, Any] = self.prefect.read_flow_run(flow_run_id)["state"]
        return state

    def runs(self) -> list[dict[str, Any]]:
        return self.desk.find_runs({}, 100)["runs"]

    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in reversed(self.desk.queries.audit_log(100))]


@pytest.fixture
def desk(prefect_api: PrefectApi, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, prefect_api)
    yield desk
    for delivery in prefect_api.find_deliveries(clock.now() + timedelta(days=1)):
        prefect_api.answer(delivery.flow_run_id, "left by a test", accepted=False)
    desk.desk.close()


def test_a_run_made_in_prefect_passes_start_and_gets_a_run_id(desk: Desk) -> None:
    flow_run_id = desk.ask(PAYLOAD)

    desk.adopter.adopt_all()

    [run] = desk.runs()
    assert (run["state"], run["door"], run["priority"]) == ("queued", "prefect", "manual")
    assert run["user"] == desk.desk.settings.owner
    state = desk.read_state(flow_run_id)
    assert (state["type"], state["name"]) == ("COMPLETED", "Accepted")
    assert state["message"].startswith(f"Accepted as {run['run_id']}.")
    [row] = desk.desk.queries.audit_log(10)
    assert (row["outcome"], row["idempotency_key"]) == ("accepted", f"prefect:{flow_run_id}")
    assert row["payload"] == PAYLOAD | {"options": {"dry_run": False}}


def test_the_form_sends_what_start_understands(desk: Desk) -> None:
    offered = desk.prefect.call("GET", "/deployments/name/start/setupdesk")
    form = offered["parameter_openapi_schema"]["properties"]
    assert "GER40" in form["symbol"]["enum"]
    assert "IB_raid_v1" in form["setup_id"]["enum"]
    filled = {
        **dict.fromkeys(form),
        **PAYLOAD,
        "mode": form["mode"]["default"],
        "options": {**dict.fromkeys(form["options"]["properties"]), "dry_run": True},
    }
    flow_run_id = desk.ask(filled)

    desk.adopter.adopt_all()

    assert desk.read_state(flow_run_id)["name"] == "Accepted"
    assert desk.runs()[0]["request"]["options"]["dry_run"]


def test_what_start_refuses_fails_in_prefect_with_every_reason_in_words(desk: Desk) -> None:
    wrong = {**PAYLOAD, "symbol": "GER4O", "timeframe": "M7", "colour": "red", "symbols": ["a"]}
    flow_run_id = desk.ask(wrong)

    desk.adopter.adopt_all()

    state = desk.read_state(flow_run_id)
    assert (state["type"], state["name"]) == ("FAILED", "Refused")
    assert all(word in state["message"] for word in ("GER4O", "M7", "colour", "symbols"))
    assert desk.runs() == []
    assert desk.outcomes() == ["refused"]


def test_a_run_is_adopted_once_however_often_it_is_looked_for(desk: Desk) -> None:
    desk.ask(PAYLOAD)

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(desk.adopter.adopt_all) for _ in range(8)]:
            each.result()
    desk.adopter.adopt_all()

    assert len(desk.runs()) == 1
    assert desk.outcomes().count("accepted") == 1
    assert set(desk.outcomes()) <= {"accepted", "replayed"}


def test_a_run_that_is_scheduled_for_later_waits_for_its_time(desk: Desk) -> None:
    live = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": Mode.LIVE}
    flow_run_id = desk.ask(live, timedelta(minutes=10))

    desk.adopter.adopt_all()
    before = desk.read_state(flow_run_id)["type"]
    replace(desk.adopter, clock=lambda: clock.now() + timedelta(minutes=11)).adopt_all()

    assert before == "SCHEDULED"
    assert desk.read_state(flow_run_id)["name"] == "Accepted"
    assert [run["priority"] for run in desk.runs()] == ["live"]


def test_a_full_queue_leaves_requests_waiting_in_prefect_and_writes_nothing(desk: Desk) -> None:
    waiting = [desk.ask(PAYLOAD) for _ in range(3)]

    desk.adopter.adopt_all()
    desk.adopter.adopt_all()

    assert [desk.read_state(each)["type"] for each in waiting] == 2 * ["COMPLETED"] + ["SCHEDULED"]
    assert desk.outcomes() == ["accepted", "accepted"]
    desk.desk.cancel(desk.runs()[0]["run_id"], "anna", Door.CLI)
    desk.adopter.adopt_all()
    assert desk.read_state(waiting[2])["name"] == "Accepted"


def test_a_desk_killed_before_it_answered_answers_later_and_starts_nothing_again(
    desk: Desk, prefect_server: "PrefectServer"
) -> None:
    flow_run_id = desk.ask(PAYLOAD)
    with ToxicProxy(prefect_server.url) as proxy:
        proxy.poison("/set_state", Toxic.STUCK)
        words = [sys.executable, "-c", CHILD, str(desk.home), proxy.url, prefect_server.auth_string]
        with subprocess.Popen(words) as child:
            await_that(lambda: proxy.count(Toxic.STUCK) > 0)
            child.send_signal(signal.SIGKILL)
    [killed_with] = desk.runs()

    desk.adopter.adopt_all()

    assert [run["run_id"] for run in desk.runs()] == [killed_with["run_id"]]
    assert killed_with["run_id"] in desk.read_state(flow_run_id)["message"]
    assert desk.outcomes() == ["accepted", "replayed"]


def test_the_adopter_waits_quietly_while_prefect_is_down(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    nobody_listens_here = PrefectApi("http://127.0.0.1:1/api", "a:b")
    stop = Event()
    adopter = replace(desk.adopter, door=nobody_listens_here)
    thread = Thread(target=adopter.run_for_ever, args=(stop,))

    thread.start()
    time.sleep(0.3)
    stop.set()
    thread.join(5)

    assert not thread.is_alive()
    assert not caplog.records
    nobody_listens_here.close()


def await_that(is_true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_cancel_pressed_in_prefect_stops_the_run_and_no_other(desk: Desk) -> None:
    pressed, other = (
        str(desk.desk.start(PAYLOAD, user="ann", door=Door.CLI).run_id) for _ in range(2)
    )
    flow_run_ids = [
        desk.prefect.create_flow_run("live_scan_flow", run_id) for run_id in (pressed, other)
    ]
    for run_id, flow_run_id in zip((pressed, other), flow_run_ids, strict=True):
        desk.desk.outbox.note_flow_run(run_id, flow_run_id)
    cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling", "message": "by hand"}}
    desk.prefect.call("POST", f"/flow_runs/{flow_run_ids[0]}/set_state", cancelling)

    desk.adopter.pass_on_cancels()

    states = {run["run_id"]: run["state"] for run in desk.runs()}
    assert states == {pressed: "cancelling", other: "queued"}
