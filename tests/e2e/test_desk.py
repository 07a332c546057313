"""The desk as its user has it: real processes, real Prefect, the real command line."""

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.adapters.machine import read_process_state
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.client import Client, connect
from setupdesk.core.errors import InvalidRequestError
from setupdesk.settings import load_settings
from setupdesk.supervisor import find_desk
from tests.commands import SETUPDESK, run_command
from tests.doors.telegram.bot_api import TOKEN, BotApi, serving_bot_api

BACKTEST = ("backtest", "-s", "IB_raid_v1", "-p", "GER40", "-i", "M15")
PERIOD = ("--start", "2025-05-01", "--end", "2025-05-30")


class Desk:
    """A desk in a home of its own, used by its command line."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **{key: text for key, text in os.environ.items() if not key.startswith("PREFECT")},  # noqa: TID251
            "SETUPDESK_HOME": str(home),
            "SETUPDESK_PORT": "0",
            "SETUPDESK_PREFECT_PORT": "0",
        }

    def call(self, *words: str, exit_code: int = 0) -> str:
        return self._run(words, exit_code).stdout

    def say(self, *words: str, exit_code: int = 0) -> str:
        return self._run(words, exit_code).stderr

    def _run(self, words: tuple[str, ...], exit_code: int) -> subprocess.CompletedProcess[str]:
        done = run_command(*words, environment=self.environment)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    def ask(self, *words: str, exit_code: int = 0) -> Any:
        return json.loads(self.call(*words, "--json", exit_code=exit_code))

    def processes(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("status")["processes"]
        return found

    def prefect(self) -> PrefectApi:
        key = (self.home / "prefect.key").read_text()
        return PrefectApi(f"{self.processes()['prefect']['address']}/api", key)


@pytest.fixture(scope="module")
def bot_api() -> Iterator[BotApi]:
    with serving_bot_api() as api:
        yield api


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, bot_api: BotApi) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.environment |= {"TELEGRAM_BOT_TOKEN": TOKEN, "SETUPDESK_TELEGRAM_API": bot_api.address}
    desk.call("data", "simulate", "--start", "2024-10-01", "--end", "2025-05-30")
    desk.call("up", "--detach")
    try:
        wait_until(lambda: all(one["state"] == "ready" for one in desk.processes().values()), 180)
        yield desk
    finally:
        pids = [one["pid"] for one in desk.processes().values()]
        desk.call("down")
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.fixture
def prefect(desk: Desk) -> Iterator[PrefectApi]:
    prefect = desk.prefect()
    yield prefect
    prefect.close()


def wait_until(is_true: Callable[[], bool], seconds: float = 60) -> float:
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < seconds, "it never came true"
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_backtest_goes_the_whole_road_and_stands_in_prefect_under_its_run_id(
    desk: Desk, prefect: PrefectApi
) -> None:
    answer = desk.ask(*BACKTEST, *PERIOD)

    receipt, run, report = answer["receipt"], answer["run"], answer["report"]
    run_id = receipt["run_id"]
    assert receipt["status"] == "accepted"
    assert receipt["flow_type"] == "backtest_flow"
    assert receipt["door"] == "cli"
    assert run["state"] == "completed"
    assert report["simulated"] is True
    assert report["funnel"]["sessions"] == 21
    [flow_run] = prefect.find_flow_runs(run_id)
    wait_until(lambda: prefect.read_flow_run(flow_run["id"])["state_type"] == "COMPLETED")
    told = "task started  setup_id=IB_raid_v1  symbol=GER40  timeframe=M15  user="
    wait_until(lambda: any(told in line["message"] for line in prefect.read_logs(flow_run["id"])))


def test_a_notebook_asks_the_desk_and_gets_the_trades(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETUPDESK_HOME", str(desk.home))
    monkeypatch.delenv("SETUPDESK_SERVER", raising=False)
    market: dict[str, Any] = {"setup": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}

    with Client() as client:
        run = client.backtest(**market, last="6m", rr_target=2).wait(60)
        trades, equity, report = run.trades(), run.equity(), run.result()
        planned = client.backtest(**market, last="6m", dry_run=True).wait(60)
        with pytest.raises(InvalidRequestError, match="'GER4O' is not known"):
            client.backtest(**market | {"symbol": "GER4O"}, last="6m")
        states = [run.state, planned.state, client.handle(run.run_id).wait(20).state]

    address = desk.processes()["service"]["address"]
    with Client(address, (desk.home / "api.key").read_text()) as elsewhere:
        assert elsewhere.trades(run.run_id) == trades
    assert trades
    assert trades.frame()["r"].to_list() == [trade["r"] for trade in trades]
    assert states == ["completed", "planned", "completed"]
    assert len(equity) == len(trades) == len(report["trades"])


def test_a_run_has_one_story_from_the_request_to_the_last_step(
    desk: Desk, prefect: PrefectApi
) -> None:
    run_id = desk.ask(*BACKTEST, *PERIOD)["receipt"]["run_id"]
    wait_until(lambda: desk.ask("logs", run_id)[-1]["event"] == "process ended")

    story = desk.ask("logs", run_id)

    assert {event["run_id"] for event in story} == {run_id}
    told = [(event["process"], event["event"]) for event in story]
    assert told[:2] == [("service", "request accepted"), ("service", "handed to Prefect")]
    # The service and the executor tell of the same moment, each of its side.
    assert sorted(told[2:4]) == [
        ("executor", "process started"),
        ("service", "handed to the executor"),
    ]
    assert told[4:] == [
        ("run", "task started"),
        ("run", "stage: planning"),
        ("run", "stage: finding signals"),
        ("run", "task ended"),
        ("run", "end told to Prefect"),
        ("executor", "process ended"),
    ]
    first, last = story[0], story[-1]
    assert (first["at"], first["priority"]) == (
        desk.ask("show", run_id)["run"]["accepted_at"],
        "manual",
    )
    assert (first["user"], first["door"], last["exit_code"]) == (getpass.getuser(), "cli", 0)
    [flow_run] = prefect.find_flow_runs(run_id)
    assert flow_run["id"] in json.dumps(story)
    assert len(desk.call("logs", run_id).splitlines()) == len(story)


def test_the_doctor_finds_a_desk_that_runs_in_order_and_it_can_be_backed_up(
    desk: Desk, tmp_path: Path
) -> None:
    found = desk.ask("doctor")
    desk.call("backup", str(tmp_path / "desk.tar.gz"))
    other = Desk(tmp_path / "other")
    other.call("restore", str(tmp_path / "desk.tar.gz"))

    checks = {one["check"]: one for one in found["checks"]}
    assert found["running"]
    assert {"supervisor", "service", "executor", "prefect"} < set(checks)
    assert [one for one in found["checks"] if one["grade"] == "bad"] == []
    assert checks["agreement"]["seen"].startswith("Prefect agrees on ")
    assert checks["ghosts"]["grade"] == "ok"
    assert [run["run_id"] for run in other.ask("runs")["runs"]] == [
        run["run_id"] for run in desk.ask("runs")["runs"]
    ]
    assert other.ask("doctor")["grade"] != "bad"
    assert "a desk that runs" in desk.say("restore", str(tmp_path / "desk.tar.gz"), exit_code=3)


def test_six_problems_come_back_in_one_receipt_and_start_nothing(
    desk: Desk, prefect: PrefectApi
) -> None:
    before, flow_runs_before = len(desk.ask("audit")), count_flow_runs(prefect)

    receipt = desk.ask(
        *("backtest", "-s", "IB_raid_v9", "-p", "GER4O", "-i", "M7"),
        *("--start", "2025-10-31", "--end", "2025-05-01"),
        *("--set", "colour=red", "--max-trades", "-1"),
        exit_code=3,
    )

    assert receipt["status"] == "refused"
    assert receipt["run_id"] is None
    assert len(receipt["problems"]) == 6
    audit = desk.ask("audit")
    assert len(audit) == before + 1
    assert audit[0]["outcome"] == "refused"
    assert len(audit[0]["problems"]) == 6
    refusal = (desk.home / "logs/service.jsonl").read_text().splitlines()[-1]
    assert json.loads(refusal)["event"] == "request refused"
    assert len(json.loads(refusal)["problems"]) == 6
    assert count_flow_runs(prefect) == flow_runs_before


def test_a_dry_run_gives_the_plan_and_computes_nothing(desk: Desk) -> None:
    answer = desk.ask(*BACKTEST, *PERIOD, "--dry-run")

    assert answer["run"]["state"] == "planned"
    assert answer["run"]["plan"]["sessions"] == 21
    assert len(answer["run"]["plan"]["setup_hash"]) == 64
    assert answer["report"] is None
    desk.ask("trades", answer["receipt"]["run_id"], exit_code=4)


def test_a_rule_that_is_added_runs_in_the_desk_that_is_up(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(desk.call("setups", "new", "mine", "--stdout"))
    before = {one["pid"] for one in desk.processes().values()}

    added = desk.ask("setups", "add", str(file))
    answer = desk.ask("backtest", "-s", "mine_v1", "-p", "GER40", "-i", "M15", *PERIOD)

    assert added["outcome"] == "added"
    assert answer["run"]["state"] == "completed"
    assert answer["report"]["provenance"]["setup_hash"] == added["hash"]
    assert {one["pid"] for one in desk.processes().values()} == before


def test_a_run_made_in_prefect_is_adopted_and_completes_under_a_run_id(
    desk: Desk, prefect: PrefectApi
) -> None:
    wait_until(lambda: bool(prefect.call("POST", "/deployments/filter", {"flows": START_FLOW})))
    [deployment] = prefect.call("POST", "/deployments/filter", {"flows": START_FLOW})
    payload = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
    period = {"start": "2025-05-01", "end": "2025-05-30"}

    asked = prefect.call(
        "POST",
        f"/deployments/{deployment['id']}/create_flow_run",
        {"parameters": payload | period, "state": {"type": "SCHEDULED"}},
    )

    wait_until(lambda: prefect.read_flow_run(asked["id"])["state_type"] == "COMPLETED", 10)
    run_id = desk.ask("runs")["runs"][0]["run_id"]
    assert run_id in prefect.read_flow_run(asked["id"])["state"]["message"]
    wait_until(lambda: desk.ask("show", run_id)["run"]["state"] == "completed", 20)
    assert desk.ask("show", run_id)["run"]["door"] == "prefect"
    wait_until(lambda: state_in_prefect(prefect, run_id) == ["COMPLETED"], 30)


START_FLOW = {"name": {"any_": ["start"]}}


def test_a_watch_of_bars_that_are_played_fast_is_followed_until_it_ends(desk: Desk) -> None:
    looks = ("-s", "IB_raid_v1", "-s", "ORB30_break_v1", "-p", "GER40", "-i", "M15")
    played = ("--from", "2025-05-12 08:00", "--speed", "20000", "--every", "1s", "--name", "fast")
    channel = desk.ask("channel", "add", "log", "log:", "--event", "alert")
    watch_id = desk.ask("watch", *looks, *played, "--expires", "7d")["watch_id"]
    with subprocess.Popen(
        [SETUPDESK, "alerts", "fast", "--follow"],
        env=desk.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as follower:
        told = iter(follower.stdout or ())
        lines = [next(told), next(line for line in told if "R, " in line)]
        follower.send_signal(signal.SIGINT)
        assert follower.wait(10) == 130

    ended = desk.ask("unwatch", "fast")
    time.sleep(1)  # What was due before it ended is on its way.
    polls = len(desk.ask("runs", "--watch", watch_id, "-n", "1000")["runs"])
    time.sleep(2.5)

    assert lines[0].startswith("Alerts are printed as they come")
    assert "  outcome  GER40 M15 " in lines[1]
    assert (ended["watch_id"], bool(ended["ended_at"])) == (watch_id, True)
    assert polls > 1
    assert len(desk.ask("runs", "--watch", watch_id, "-n", "1000")["runs"]) == polls
    assert not [one for one in desk.ask("runs")["runs"] if one["request"]["watch"]]
    told_by = [one["told"] for one in desk.ask("alerts", watch_id) if one["kind"] == "signal"]
    assert "delivered" in [receipt["outcome"] for one in told_by for receipt in one]
    desk.call("channel", "revoke", channel["channel_id"])


def test_a_desk_that_runs_is_well_for_everybody_and_in_detail_for_its_owner(desk: Desk) -> None:
    address = desk.processes()["service"]["address"]

    answer = httpx.get(f"{address}/api/v1/health")
    with connect(load_settings({"SETUPDESK_HOME": str(desk.home)})) as client:
        checks = {one["check"]: one["grade"] for one in client.health()["checks"]}

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert {"supervisor", "service", "executor", "prefect", "ledger", "errands"} <= set(checks)
    assert "bad" not in checks.values()


def test_requests_without_the_key_are_turned_away(desk: Desk) -> None:
    address = desk.processes()["service"]["address"]

    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = httpx.post(f"{address}/api/v1/runs", json={}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


def test_no_secret_stands_in_a_log(desk: Desk) -> None:
    desk.ask("runs")

    secrets = [(desk.home / name).read_text().split(":")[-1] for name in ("api.key", "prefect.key")]
    logs = "".join(path.read_text() for path in (desk.home / "logs").iterdir())
    assert logs
    assert not [secret for secret in secrets if secret in logs]


@pytest.fixture
def endless_run(desk: Desk) -> str:
    """Give a run that runs, and never ends by itself."""
    [run_id] = start_endless_runs(desk, 1)
    return run_id


def start_endless_runs(desk: Desk, count: int) -> list[str]:
    """Start runs that never end: one column of their bars is a pipe that nobody fills."""
    desk.call("data", "simulate", "-p", "UK100", "--start", "2024-10-01", "--end", "2025-05-30")
    [column] = desk.home.glob("bars/UK100/M1/*/close.npy")
    column.unlink()
    os.mkfifo(column)
    words = ("backtest", "-s", "IB_raid_v1", "-p", "UK100", "-i", "M15", *PERIOD, "--detach")
    run_ids = [str(desk.ask(*words)["run_id"]) for _ in range(count)]
    wait_until(lambda: {desk.ask("show", one)["run"]["state"] for one in run_ids} == {"running"})
    shutil.rmtree(desk.home / "bars" / "UK100")
    return run_ids


def test_a_running_run_is_cancelled_within_two_seconds_and_keeps_its_row(
    desk: Desk, prefect: PrefectApi, endless_run: str
) -> None:
    executor = desk.processes()["executor"]["pid"]
    with connect(load_settings(desk.environment)) as client:
        client.cancel(endless_run)
        took = wait_until(lambda: client.run(endless_run)["state"] == "cancelled", 5)

    assert took < 2
    assert children_of(executor) == []
    assert desk.ask("cancel", endless_run)["state"] == "cancelled"
    assert desk.ask("show", endless_run)["run"]["reason"] == "cancelled on demand"
    [flow_run] = prefect.find_flow_runs(endless_run)
    wait_until(lambda: prefect.read_flow_run(flow_run["id"])["state_type"] == "CANCELLED", 30)
    wait_until(lambda: read_story(desk, endless_run, "end told to Prefect") != [])
    asked = read_story(desk, endless_run, "cancel asked")
    assert [(event["door"], event["state"]) for event in asked] == [
        ("api", "cancelling"),
        ("cli", "cancelled"),
    ]
    [started] = read_story(desk, endless_run, "process started")
    [killed] = read_story(desk, endless_run, "process killed on demand")
    [ended] = read_story(desk, endless_run, "process ended")
    assert killed["pid"] == started["pid"] == ended["pid"]
    assert ended["exit_code"] == -signal.SIGKILL


def read_story(desk: Desk, run_id: str, event: str) -> list[dict[str, Any]]:
    return [one for one in desk.ask("logs", run_id) if one["event"] == event]


def test_the_queue_is_read_turned_round_and_cancelled_while_all_places_are_taken(
    desk: Desk, prefect: PrefectApi
) -> None:
    first, second = start_endless_runs(desk, 2)
    manual, cancelled, promoted = (
        desk.ask(*BACKTEST, *PERIOD, "--detach")["run_id"] for _ in range(3)
    )
    with connect(load_settings(desk.environment)) as client:
        request = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "live"}
        live = client.ask(request)["run_id"]
        desk.call("prioritize", promoted, "live")

        queue = client.queue(20)

        assert {run["run_id"] for run in queue["running"]} == {first, second}
        assert [run["run_id"] for run in queue["waiting"]] == [promoted, live, manual, cancelled]
        codes = [run["waits_for"]["code"] for run in queue["waiting"]]
        assert codes == ["places", "turn", "priority", "priority"]
        assert "2 of 2 places taken, 4 waiting." in desk.call("runs", "--queue")

        assert client.cancel(cancelled)["state"] == "cancelled"
        wait_until(lambda: state_in_prefect(prefect, cancelled) == ["CANCELLED"], 30)
        client.cancel(first)
        wait_until(lambda: client.run(first)["state"] == "cancelled", 30)
        wait_until(lambda: not client.queue(20)["waiting"])
        client.cancel(second)
        wait_until(lambda: client.run(manual)["finished_at"] is not None)
        started = [client.run(run_id)["started_at"] for run_id in (promoted, live, manual)]
        assert started == sorted(started)
        wait_until(lambda: state_in_prefect(prefect, second) == ["CANCELLED"], 30)


def state_in_prefect(prefect: PrefectApi, run_id: str) -> list[str]:
    return [flow_run["state_type"] for flow_run in prefect.find_flow_runs(run_id)]


def test_a_run_is_cancelled_while_the_executor_is_gone(desk: Desk, endless_run: str) -> None:
    executor = desk.processes()["executor"]["pid"]
    [child] = children_of(executor)
    with connect(load_settings(desk.environment)) as client:
        os.kill(executor, signal.SIGKILL)
        client.cancel(endless_run)
        took = wait_until(lambda: client.run(endless_run)["state"] == "cancelled", 5)

    assert took < 2
    # The kernel ends a child once its parent is taken apart, which takes a moment.
    assert wait_until(lambda: not is_alive(child), 5) < 2
    wait_until(lambda: desk.processes()["executor"]["state"] == "ready")


def test_a_backtest_whose_process_is_killed_is_tried_once_more(
    desk: Desk, prefect: PrefectApi, endless_run: str
) -> None:
    executor = desk.processes()["executor"]["pid"]
    [child] = children_of(executor)
    with connect(load_settings(desk.environment)) as client:
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: client.run(endless_run)["finished_at"] is not None, 20)
        run = client.run(endless_run)

    # Its bars are gone by now, which the second try says.
    assert (run["attempt"], run["state"]) == (2, "failed")
    [flow_run] = prefect.find_flow_runs(endless_run)
    wait_until(lambda: prefect.read_flow_run(flow_run["id"])["state_type"] == "FAILED", 30)
    types = [each["type"] for each in prefect.read_states(flow_run["id"])]
    assert types == ["PENDING", "RUNNING", "PENDING", "RUNNING", "FAILED"]


def test_a_frozen_executor_loses_its_run_within_thirty_seconds_and_cannot_write_it(
    desk: Desk,
) -> None:
    [live] = start_endless_runs(desk, 1)
    executor = desk.processes()["executor"]["pid"]
    with connect(load_settings(desk.environment)) as client:
        os.kill(executor, signal.SIGSTOP)
        took = wait_until(lambda: client.run(live)["state"] != "running", 40)
        os.kill(executor, signal.SIGCONT)
        wait_until(lambda: desk.processes()["executor"]["pid"] != executor, 60)
        wait_until(lambda: client.run(live)["finished_at"] is not None, 60)
        run = client.run(live)

    assert took < 30
    assert (run["attempt"], run["state"]) == (2, "failed")


def count_flow_runs(prefect: PrefectApi) -> int:
    counted: int = prefect.call("POST", "/flow_runs/count", {})
    return counted


def children_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


def test_no_process_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.call("up", "--detach")
    status = desk.ask("status")
    pids = [one["pid"] for one in status["processes"].values()]

    os.kill(status["pid"], signal.SIGKILL)

    wait_until(lambda: not [pid for pid in pids if is_alive(pid)], 20)
    assert desk.ask("status", exit_code=5)["running"] is False
    assert desk.ask("runs")["runs"] == []
    desk.call("data", "simulate", "--start", "2024-10-01", "--end", "2025-05-30")
    assert desk.ask(*BACKTEST, *PERIOD)["run"]["state"] == "completed"
    desk.call("down")


def test_a_desk_ends_with_the_process_that_it_was_told_to_die_with(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with subprocess.Popen(["sleep", "120"]) as other:  # noqa: S607 (any process will do)
        desk.environment["SETUPDESK_DIES_WITH"] = str(other.pid)
        desk.call("up", "--detach")
        status = desk.ask("status")
        pids = [status["pid"], *(one["pid"] for one in status["processes"].values())]

        # Nobody waits for it yet, as nobody does for what a killed run of tests leaves behind.
        os.kill(other.pid, signal.SIGKILL)

        wait_until(lambda: not [pid for pid in pids if is_alive(pid)], 20)
    assert desk.ask("status", exit_code=5)["running"] is False


def test_a_desk_that_died_gets_no_key_and_a_stranger_at_its_port_neither(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(0.5)
        address = f"http://127.0.0.1:{stranger.getsockname()[1]}"
        service = {"address": address, "state": "ready", "pid": 1}
        said = {"pid": 1, "processes": {"service": service}}
        (tmp_path / "desk.json").write_text(json.dumps(said))
        (tmp_path / "desk.lock").touch()

        assert desk.ask("runs")["runs"] == []

        with pytest.raises(TimeoutError):
            stranger.accept()


def test_two_commands_that_need_a_desk_start_one_together(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.call("data", "simulate", "--start", "2024-10-01", "--end", "2025-05-30")
    words = [str(SETUPDESK), *BACKTEST, *PERIOD, "--json"]

    both = [subprocess.Popen(words, env=desk.environment, stdout=subprocess.PIPE) for _ in range(2)]
    answers = [json.loads(one.communicate(timeout=90)[0]) for one in both]
    desk.call("down")

    assert {answer["run"]["state"] for answer in answers} == {"completed"}
    assert len({answer["run"]["run_id"] for answer in answers}) == 2


def is_alive(pid: int) -> bool:
    return read_process_state(pid) not in ("", "Z")


def test_a_process_that_is_killed_comes_back_and_the_desk_works_on(desk: Desk) -> None:
    executor = desk.processes()["executor"]["pid"]

    os.kill(executor, signal.SIGKILL)

    def is_back() -> bool:
        found = desk.processes()["executor"]
        return found["pid"] != executor and found["state"] == "ready"

    wait_until(is_back)
    assert desk.ask(*BACKTEST, *PERIOD)["run"]["state"] == "completed"


def test_the_message_of_a_run_ends_rightly_though_its_bot_is_killed_in_the_middle(
    desk: Desk, bot_api: BotApi
) -> None:
    settings = load_settings({"SETUPDESK_HOME": str(desk.home)})

    def find_bot() -> int:
        return int((find_desk(settings) or {})["processes"]["bot"]["pid"])

    with connect(settings) as client:
        code = client.add_pairing_code(client.whoami()["user"], "trader")["code"]
        before = len(client.runs(1000)["runs"])
    bot_api.hear(f"/start {code}")
    bot_api.wait_for(lambda: any("You speak to the desk as" in one for one in bot_api.texts()))
    bot = find_bot()

    bot_api.hear("/bt IB_raid_v1 GER40 M15 6m rr=2")
    bot_api.wait_for(lambda: any("_v1 GER40 M15\n" in one for one in bot_api.texts()))
    os.kill(bot, signal.SIGKILL)
    # It comes twice where the bot died before it knew that it was taken.
    number = bot_api.wait_for(
        lambda: [key for key, one in bot_api.messages.items() if "completed" in one["text"]], 30
    )[0]
    message = bot_api.messages[number]

    with connect(settings) as client:
        assert len(client.runs(1000)["runs"]) == before + 1
    assert find_bot() != bot
    assert "Win rate" in message["text"]
    assert message["photo"].startswith(b"\x89PNG")
    assert set(bot_api.find_buttons(number)) > {"Chart", "Rerun with…", "Compare"}
    kept = [one for one in desk.home.rglob("*") if one.is_file()]
    assert [one.name for one in kept if TOKEN.encode() in one.read_bytes()] == []
