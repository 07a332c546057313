import inspect
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from setupdesk.adapters.executor_socket import ExecutorSocket, ExecutorUnavailableError
from setupdesk.adapters.machine import read_process_state
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.adapters.prefect_server import executor_environment

if TYPE_CHECKING:
    from tests.conftest import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

STAND_IN = '''
import json, logging, sys, threading, time
from pathlib import Path
from setupdesk.core.run import RunState
from setupdesk.executor.parent import Executor, Limits
from setupdesk.flows import build_flows

home = Path(sys.argv[1])
given = json.loads(sys.argv[2])

class Ledger:
    """A ledger of one file a run."""

    worker = ""

    def is_final(self, run_id):
        return (home / f"{run_id}.end").exists()

    def lay_to_rest(self, run_id, reason, end=RunState.CRASHED):
        if self.is_final(run_id):
            return RunState.COMPLETED
        (home / f"{run_id}.end").write_text(f"{end}: {reason}")
        return end

    def settle(self, run_id):
        (home / f"{run_id}.settled").touch()

    def register(self, pid):
        return "executor 1"

    def beat(self, name):
        with (home / "beats").open("a") as beats:
            beats.write("once ")
        return not (home / "taken for dead").exists()

    def end(self, name, reason):
        (home / "ended").write_text(reason)

def carry_out(run_id):
    log = logging.getLogger("setupdesk.flow")
    with (home / f"{run_id}.begun").open("a") as begun:
        begun.write("once ")
    log.info("task started: %s", run_id)
    other = threading.Thread(target=log.info, args=("from another thread",))
    other.start()
    other.join()
    if (home / f"{run_id}.fails").exists():
        (home / f"{run_id}.end").write_text("failed")
        raise ValueError("there are no bars")
    if (home / f"{run_id}.eats").exists():
        try:
            bytearray(300 * 2**20)
        except MemoryError:
            (home / f"{run_id}.end").write_text("out of memory")
            raise
    if (home / f"{run_id}.sleeps").exists():
        time.sleep(60)
    (home / f"{run_id}.end").write_text("completed")
    if (home / f"{run_id}.lingers").exists():
        time.sleep(60)

logging.getLogger("setupdesk").setLevel(logging.INFO)
ledger = Ledger()
executor = Executor(
    path=home / "executor.sock",
    journal=ledger,
    workers=ledger,
    flows=build_flows(carry_out),
    warm_up=lambda: (home / "warm").touch(),
    limits=Limits(**{"seconds": 60, "memory_mb": 256, "growth_mb": 512} | given),
)
executor.serve()
'''


class Desk:
    """An executor with a stand-in for the ledger, and the hands to start and kill runs."""

    def __init__(self, home: Path, api: PrefectApi, process: subprocess.Popen[bytes]) -> None:
        self.home = home
        self.api = api
        self.process = process
        self.executor = ExecutorSocket(home / "executor.sock")

    def begin(self, run_id: str, how: str = "plain") -> str:
        (self.home / f"{run_id}.{how}").touch()
        flow_run_id = self.api.create_flow_run("backtest_flow", run_id)
        self.executor.run(run_id, flow_run_id, "backtest_flow")
        begun = self.home / f"{run_id}.begun"
        await_that(lambda: begun.exists() and bool(begun.read_text()))
        return flow_run_id

    def await_end(self, run_id: str) -> str:
        path = self.home / f"{run_id}.end"
        await_that(path.exists)
        await_that(lambda: run_id not in self.executor.ping())
        return path.read_text()

    def find_children(self) -> list[int]:
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def running_executor(home: Path, server: "PrefectServer", **limits: float) -> Iterator[Desk]:
    environment = executor_environment(server.url, server.auth_string, home / "prefect")
    api = PrefectApi(server.url, server.auth_string)
    with (home / "executor.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", STAND_IN, str(home), json.dumps(limits)],
            env={**environment, "HOME": str(home), "PATH": os.defpath},
            cwd=home,
            stdout=output,
            stderr=output,
        )
    desk = Desk(home, api, process)
    try:
        await_that(lambda: is_listening(desk.executor) or process.poll() is not None, seconds=60)
        assert process.poll() is None, (home / "executor.log").read_text()
        yield desk
    finally:
        process.terminate()
        process.wait(10)
        api.close()


@pytest.fixture(scope="module")
def desk(
    prefect_server: "PrefectServer", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("desk")
    with running_executor(home, prefect_server) as desk:
        yield desk


def test_a_run_stands_in_prefect_with_its_states_and_its_log(desk: Desk) -> None:
    flow_run_id = desk.begin("run_2025_11_01_001")

    assert desk.await_end("run_2025_11_01_001") == "completed"
    assert [each["id"] for each in desk.api.find_flow_runs("run_2025_11_01_001")] == [flow_run_id]
    states = [each["type"] for each in desk.api.read_states(flow_run_id)]
    assert states == ["PENDING", "RUNNING", "COMPLETED"]
    lines = [each["message"] for each in desk.api.read_logs(flow_run_id)]
    assert lines == ["task started: run_2025_11_01_001", "from another thread"]


def test_a_run_that_fails_is_failed_in_prefect_with_its_reason(desk: Desk) -> None:
    flow_run_id = desk.begin("run_2025_11_01_002", "fails")

    assert desk.await_end("run_2025_11_01_002") == "failed"
    state = desk.api.read_flow_run(flow_run_id)["state"]
    assert (state["type"], state["message"]) == ("FAILED", "ValueError: there are no bars")


def test_a_run_whose_process_is_killed_is_crashed_at_once(desk: Desk) -> None:
    desk.begin("run_2025_11_01_003", "sleeps")
    (child,) = desk.find_children()

    os.kill(child, signal.SIGKILL)

    killed_at = time.monotonic()
    end = desk.await_end("run_2025_11_01_003")
    assert end == "crashed: its process was killed by SIGKILL"
    assert time.monotonic() - killed_at < 1


def test_prefect_is_told_the_end_of_a_run_whose_process_could_not_do_it(desk: Desk) -> None:
    desk.begin("run_2025_11_01_009", "lingers")
    (child,) = desk.find_children()
    end = desk.home / "run_2025_11_01_009.end"
    await_that(lambda: end.exists() and end.read_text() == "completed")

    os.kill(child, signal.SIGKILL)

    assert desk.await_end("run_2025_11_01_009") == "completed"
    await_that((desk.home / "run_2025_11_01_009.settled").exists)


def test_a_cancelled_run_is_gone_at_once(desk: Desk) -> None:
    desk.begin("run_2025_11_01_004", "sleeps")
    (child,) = desk.find_children()

    asked_at = time.monotonic()
    held = desk.executor.cancel("run_2025_11_01_004")

    assert held
    assert desk.await_end("run_2025_11_01_004") == "crashed: its process was killed by SIGKILL"
    assert time.monotonic() - asked_at < 1
    assert not is_alive(child)


def test_what_the_executor_does_not_hold_it_does_not_cancel(desk: Desk) -> None:
    assert not desk.executor.cancel("run_2025_11_01_005")


def test_a_run_sent_again_is_carried_out_once(desk: Desk) -> None:
    flow_run_id = desk.begin("run_2025_11_01_006", "sleeps")

    desk.executor.run("run_2025_11_01_006", flow_run_id, "backtest_flow")
    assert desk.executor.ping() == ["run_2025_11_01_006"]
    desk.executor.cancel("run_2025_11_01_006")
    desk.await_end("run_2025_11_01_006")
    desk.executor.run("run_2025_11_01_006", flow_run_id, "backtest_flow")

    assert desk.executor.ping() == []
    assert (desk.home / "run_2025_11_01_006.begun").read_text() == "once "


def test_a_run_that_prefect_does_not_know_is_not_carried_out(desk: Desk) -> None:
    flow_run_id = desk.api.create_flow_run("backtest_flow", "run_2025_11_01_007")
    desk.api._http.delete(f"/flow_runs/{flow_run_id}").raise_for_status()

    desk.executor.run("run_2025_11_01_007", flow_run_id, "backtest_flow")

    assert desk.await_end("run_2025_11_01_007") == "crashed: Prefect refused to run it"
    assert not (desk.home / "run_2025_11_01_007.begun").exists()


def test_a_message_that_makes_no_sense_is_answered_and_harms_nobody(desk: Desk) -> None:
    with pytest.raises(ExecutorUnavailableError, match="badly formed"):
        desk.executor.run("run_2025_11_01_008", "nonsense", "backtest_flow")
    with pytest.raises(ExecutorUnavailableError, match="KeyError"):
        desk.executor._ask({"run": "run_2025_11_01_008"})

    assert desk.executor.ping() == []


def test_the_executor_warms_up_and_shows_that_it_lives(desk: Desk) -> None:
    assert (desk.home / "warm").exists()
    beats = desk.home / "beats"
    await_that(lambda: beats.exists() and len(beats.read_text().split()) > 1, seconds=15)


def test_a_run_that_takes_too_long_is_ended(
    prefect_server: "PrefectServer", tmp_path: Path
) -> None:
    with running_executor(tmp_path, prefect_server, seconds=1) as desk:
        desk.begin("run_2025_11_04_001", "sleeps")

        end = desk.await_end("run_2025_11_04_001")

    assert end == "timed_out: it took longer than 1 s, the run_seconds of the desk"


def test_a_run_that_needs_too_much_memory_ends_and_no_other(
    prefect_server: "PrefectServer", tmp_path: Path
) -> None:
    with running_executor(tmp_path, prefect_server) as desk:
        desk.begin("run_2025_11_05_001", "eats")
        assert desk.await_end("run_2025_11_05_001") == "out of memory"

        desk.begin("run_2025_11_05_002")

        assert desk.await_end("run_2025_11_05_002") == "completed"


def test_an_executor_that_has_grown_ends_and_is_started_anew_by_its_supervisor(
    prefect_server: "PrefectServer", tmp_path: Path
) -> None:
    with running_executor(tmp_path, prefect_server, growth_mb=-1) as desk:
        with pytest.raises(ExecutorUnavailableError):
            desk.begin("run_2025_11_06_001")

        assert desk.process.wait(20) == 0


def test_an_executor_that_was_taken_for_dead_lets_go_of_its_runs(
    prefect_server: "PrefectServer", tmp_path: Path
) -> None:
    with running_executor(tmp_path, prefect_server) as desk:
        desk.begin("run_2025_11_07_001", "sleeps")
        (child,) = desk.find_children()

        (tmp_path / "taken for dead").touch()

        assert desk.process.wait(10) == 0
        assert not is_alive(child)


def test_nobody_but_the_owner_may_speak_to_the_executor(desk: Desk) -> None:
    assert desk.executor.path.stat().st_mode & 0o777 == 0o600


def test_no_child_outlives_a_killed_parent(prefect_server: "PrefectServer", tmp_path: Path) -> None:
    with running_executor(tmp_path, prefect_server) as desk:
        desk.begin("run_2025_11_02_001", "sleeps")
        (child,) = desk.find_children()

        desk.process.kill()

        await_that(lambda: not is_alive(child))
    with pytest.raises(ExecutorUnavailableError):
        desk.executor.ping()


def test_a_stop_ends_the_runs_and_says_so(prefect_server: "PrefectServer", tmp_path: Path) -> None:
    with running_executor(tmp_path, prefect_server) as desk:
        desk.begin("run_2025_11_03_001", "sleeps")
        (child,) = desk.find_children()

        desk.process.terminate()

        assert desk.process.wait(20) == 0
        assert not is_alive(child)
        end = (tmp_path / "run_2025_11_03_001.end").read_text()
        assert end == "queued: the desk was stopped while it ran"
        assert not desk.executor.path.exists()


def test_a_parent_with_a_second_thread_refuses_to_fork() -> None:
    from setupdesk.executor.machine import NotSingleThreadedError, refuse_threads

    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="a second thread")
    thread.start()
    try:
        with pytest.raises(NotSingleThreadedError, match="a second thread"):
            refuse_threads()
    finally:
        done.set()
        thread.join()


def test_a_parent_with_the_threads_of_a_library_refuses_to_fork(tmp_path: Path) -> None:
    script = """
from setupdesk.executor.machine import refuse_threads
refuse_threads()
print("alone")
import polars
refuse_threads()
"""
    environment = executor_environment("http://127.0.0.1:1/api", "a:b", tmp_path)
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, check=False
    )

    assert ended.stdout == b"alone\n"
    assert b"NotSingleThreadedError" in ended.stderr
    assert b"polars" in ended.stderr


def test_every_inner_name_of_prefect_that_we_lean_on_is_there() -> None:
    from prefect._flow_run_suspension import observe_flow_run_suspension
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.context import SyncClientContext
    from prefect.flow_engine import BaseFlowRunEngine, FlowRunEngine, run_flow
    from prefect.logging.handlers import APILogHandler
    from prefect.server.api.server import create_app
    from prefect.server.database.configurations import AioSqliteConfiguration

    assert {"flow", "flow_run", "return_type"} <= find_parameters(run_flow)
    assert "with_for_update" in find_parameters(AioSqliteConfiguration.begin_transaction)
    assert "auth_string" in find_parameters(SyncPrefectClient)
    assert callable(SyncClientContext.get_or_create)
    assert "if self.flow_run.deployment_id:" in inspect.getsource(
        BaseFlowRunEngine.setup_flow_run_suspension_request
    )
    assert callable(observe_flow_run_suspension)
    assert "client.update_flow_run(" in inspect.getsource(FlowRunEngine.initialize_run)
    assert "client.read_flow_run(" in inspect.getsource(FlowRunEngine.setup_run_context)
    assert callable(SyncPrefectClient.read_server_default_result_storage)
    assert "flow_run_id" in inspect.getsource(APILogHandler.prepare)
    assert callable(create_app)


def find_parameters(function: Callable[..., object]) -> set[str]:
    return set(inspect.signature(function).parameters)


def is_listening(executor: ExecutorSocket) -> bool:
    try:
        executor.ping()
    except ExecutorUnavailableError:
        return False
    return True


def is_alive(pid: int) -> bool:
    # In a container nobody may bury an orphan: a zombie is dead as well.
    return read_process_state(pid) not in ("", "Z")


def await_that(happens: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
