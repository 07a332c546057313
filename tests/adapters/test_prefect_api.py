from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from setupdesk.adapters import clock
from setupdesk.adapters import prefect_api as module
from setupdesk.adapters.prefect_api import PrefectApi, PrefectUnavailableError
from setupdesk.app.ports import EngineUnavailableError

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]


def test_a_run_sent_twice_is_one_flow_run_under_its_own_name(prefect_api: PrefectApi) -> None:
    first = prefect_api.create_flow_run("backtest_flow", "run_2025_10_01_001", ["GER40"])
    again = prefect_api.create_flow_run("backtest_flow", "run_2025_10_01_001", ["GER40"])

    (flow_run,) = prefect_api.find_flow_runs("run_2025_10_01_001")
    assert first == again == flow_run["id"]
    assert flow_run["state"]["type"] == "PENDING"
    assert flow_run["parameters"] == {"run_id": "run_2025_10_01_001"}
    assert set(flow_run["tags"]) == {"setupdesk", "GER40"}


def test_writers_at_the_same_time_wait_for_each_other(prefect_api: PrefectApi) -> None:
    run_ids = [f"run_2025_10_02_{number:03}" for number in range(1, 25)]
    prefect_api.register("backtest_flow")

    with ThreadPoolExecutor(8) as threads:
        made = list(
            threads.map(
                lambda run_id: prefect_api.create_flow_run("backtest_flow", run_id), run_ids
            )
        )

    assert len(set(made)) == len(run_ids)


def test_a_name_that_is_no_run_id_is_refused(prefect_api: PrefectApi) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="409") as refused:
        prefect_api.create_flow_run("backtest_flow", "nonsense")

    assert "does not match" in refused.value.__notes__[0]


def test_registering_again_finds_the_same_deployment(prefect_api: PrefectApi) -> None:
    assert prefect_api.register("live_scan_flow") == prefect_api.register("live_scan_flow")


def test_a_deployment_that_somebody_deleted_is_made_again(prefect_api: PrefectApi) -> None:
    deleted = prefect_api.register("live_scan_flow")
    prefect_api._http.delete(f"/deployments/{deleted}").raise_for_status()

    flow_run_id = prefect_api.create_flow_run("live_scan_flow", "run_2025_10_03_001")

    assert prefect_api.read_flow_run(flow_run_id)["deployment_id"] != deleted


@pytest.mark.parametrize(
    ("run_id", "state", "shown"),
    [
        ("run_2025_10_04_001", "planned", ("COMPLETED", "Planned")),
        ("run_2025_10_04_002", "completed", ("COMPLETED", "Completed")),
        ("run_2025_10_04_003", "failed", ("FAILED", "Failed")),
        ("run_2025_10_04_004", "timed_out", ("FAILED", "TimedOut")),
        ("run_2025_10_04_005", "cancelled", ("CANCELLED", "Cancelled")),
        ("run_2025_10_04_006", "crashed", ("CRASHED", "Crashed")),
    ],
)
def test_the_ledger_has_the_last_word(
    prefect_api: PrefectApi, run_id: str, state: str, shown: tuple[str, str]
) -> None:
    flow_run_id = prefect_api.create_flow_run("backtest_flow", run_id)

    prefect_api.settle(flow_run_id, state, "because")
    prefect_api.settle(flow_run_id, state, "because")

    states = prefect_api.read_states(flow_run_id)
    assert [(each["type"], each["name"]) for each in states[1:]] == [shown]
    assert states[-1]["message"] == "because"


def test_the_ledger_overrules_an_end_that_prefect_has_written(prefect_api: PrefectApi) -> None:
    flow_run_id = prefect_api.create_flow_run("backtest_flow", "run_2025_10_05_001")

    prefect_api.settle(flow_run_id, "completed", "")
    prefect_api.settle(flow_run_id, "crashed", "its process was killed by SIGKILL")

    assert prefect_api.read_flow_run(flow_run_id)["state"]["type"] == "CRASHED"


def test_a_flow_run_that_somebody_deleted_is_let_go(prefect_api: PrefectApi) -> None:
    flow_run_id = prefect_api.create_flow_run("backtest_flow", "run_2025_10_06_001")
    prefect_api._http.delete(f"/flow_runs/{flow_run_id}").raise_for_status()

    prefect_api.settle(flow_run_id, "crashed", "")


def test_a_server_that_is_not_there_is_an_error_to_retry() -> None:
    nobody_listens_here = 1
    api = PrefectApi(f"http://127.0.0.1:{nobody_listens_here}/api", "a:b")

    assert not api.is_ready()
    with pytest.raises(PrefectUnavailableError, match="Prefect cannot be reached"):
        api.create_flow_run("backtest_flow", "run_2025_10_07_001")
    assert issubclass(PrefectUnavailableError, EngineUnavailableError)
    api.close()


def test_an_answer_of_5xx_is_an_error_to_retry(prefect_api: PrefectApi) -> None:
    busy = httpx.MockTransport(lambda _: httpx.Response(503))
    prefect_api._http = httpx.Client(base_url="http://prefect.test", transport=busy)

    with pytest.raises(PrefectUnavailableError, match="it answered 503"):
        prefect_api.register("backtest_flow")


def test_all_our_flow_runs_are_listed_over_several_pages(
    prefect_api: PrefectApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    made = {
        prefect_api.create_flow_run("live_scan_flow", f"run_2025_11_01_{number:03}")
        for number in range(1, 6)
    }

    listed = list(prefect_api.list_flow_runs(["live_scan_flow"]))

    assert made <= {flow_run["id"] for flow_run in listed}
    assert len({flow_run["id"] for flow_run in listed}) == len(listed)
    assert {flow_run["state_type"] for flow_run in listed if flow_run["id"] in made} == {"PENDING"}
    assert list(prefect_api.list_flow_runs(["another_flow"])) == []


def test_the_server_tells_its_time(prefect_api: PrefectApi) -> None:
    assert abs(prefect_api.read_clock() - clock.now()) < timedelta(minutes=1)
