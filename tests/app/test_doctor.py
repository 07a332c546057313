"""Judgements on what no test can bring about for real: networks, versions, other clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from setupdesk.adapters.prefect_api import STATES
from setupdesk.app.doctor import Check, Grade, find_worst
from setupdesk.app.doctor.exposure import (
    judge_hosts,
    judge_keys,
    judge_listening,
    judge_prefect_access,
)
from setupdesk.app.doctor.ledger import Ledger, judge_errands, judge_ledger
from setupdesk.app.doctor.machine import Disk, judge_clocks, judge_disk, judge_versions
from setupdesk.app.doctor.processes import (
    FlowRun,
    Process,
    RunRow,
    judge_agreement,
    judge_processes,
)
from setupdesk.core.run import RunState

NOW = datetime(2025, 10, 31, 12, tzinfo=UTC)
KINDS = {state: kind for state, (kind, _) in STATES.items()}


def test_the_worst_grade_counts() -> None:
    graded = [Check(str(grade), grade, "") for grade in (Grade.WARN, Grade.BAD, Grade.OK)]

    assert find_worst(graded) is Grade.BAD
    assert find_worst(graded[::2]) is Grade.WARN
    assert find_worst([]) is Grade.OK


@pytest.mark.parametrize(
    ("file_system", "grade"),
    [
        ("ext4", "ok"),
        ("tmpfs", "ok"),
        ("fuseblk", "ok"),
        ("nfs4", "bad"),
        ("cifs", "bad"),
        ("fuse.sshfs", "bad"),
        ("9p", "bad"),
    ],
)
def test_a_home_on_a_network_is_bad(file_system: str, grade: str) -> None:
    *_, check = judge_disk(Disk(free=2**40, file_system=file_system, sizes={}))

    assert (check.name, check.grade) == ("file system", grade)


@pytest.mark.parametrize(("free", "grade"), [(199, "bad"), (201, "warn"), (2049, "ok")])
def test_little_room_is_warned_of_in_time(free: int, grade: str) -> None:
    check, _ = judge_disk(Disk(free=free * 2**20, file_system="ext4", sizes={"ledger": 2**20}))

    assert check.grade == grade
    assert "MiB free; ledger 1.0 MiB" in check.seen or "GiB free" in check.seen


def test_an_old_sqlite_and_an_unmet_requirement_are_bad() -> None:
    versions = {"SQLite": "3.34.1"}

    assert judge_versions(versions, (3, 35, 0), []).grade == "ok"
    assert "SQLite 3.35.0 or newer" in judge_versions(versions, (3, 34, 1), []).seen
    assert judge_versions(versions, (3, 40, 0), ["prefect==3.8.8 (3.9.0)"]).grade == "bad"


def test_clocks_that_disagree_are_told() -> None:
    def judge_them(
        newest: timedelta, prefects: timedelta, *, is_synced: bool | None = None
    ) -> tuple[str, str]:
        check = judge_clocks(NOW, NOW + newest, NOW + prefects, is_synced=is_synced)
        return check.grade, check.seen

    none, second, hour = timedelta(0), timedelta(seconds=1), timedelta(hours=1)
    assert judge_them(-hour, second, is_synced=True)[0] == "ok"
    assert judge_them(hour, none) == ("bad", "the ledger is 1:00:00 ahead: the clock went back")
    assert judge_them(none, -hour) == ("warn", "Prefect's clock is 1:00:00 apart")
    assert judge_them(none, none, is_synced=False)[0] == "warn"


def test_a_commit_that_is_not_synced_is_bad() -> None:
    checks = judge_ledger(Ledger(revision="0003", journal_mode="wal", synchronous=1), "0003")

    assert {check.name: check.grade for check in checks}["durability"] == "bad"


def test_an_errand_that_meets_errors_for_long_is_told_while_the_desk_runs() -> None:
    old = Ledger(unsent=2, stuck_since=NOW - timedelta(minutes=7), stuck_by="Prefect is away")
    new = Ledger(unsent=2, stuck_since=NOW - timedelta(seconds=7), stuck_by="Prefect is away")

    stuck, fresh, down = (
        next(judge_errands(ledger, NOW, is_up=is_up))
        for ledger, is_up in [(old, True), (new, True), (old, False)]
    )
    assert (stuck.grade, stuck.seen) == (
        "warn",
        "2 errands, the oldest for 7 min: Prefect is away",
    )
    assert (fresh.grade, down.grade) == ("ok", "ok")


def test_a_process_that_is_started_again_and_again_is_bad() -> None:
    one = Process(name="service", state="restarting", pid=7, is_alive=False, restarts=3)

    (check,) = judge_processes([one], is_up=True)

    assert (check.grade, check.seen) == ("bad", "process 7 is gone, started again 3 times")


def run_row(number: int, state: RunState, age: timedelta) -> RunRow:
    ended = NOW - age if state.is_final else None
    return RunRow(run_id=f"run_{number}", state=state, flow_run_id=f"f{number}", finished_at=ended)


def test_another_end_in_prefect_is_bad_and_one_of_this_moment_is_not() -> None:
    old, new = timedelta(minutes=5), timedelta(seconds=5)
    rows = [
        run_row(1, RunState.COMPLETED, old),
        run_row(2, RunState.CRASHED, old),
        run_row(3, RunState.COMPLETED, new),
        run_row(4, RunState.RUNNING, old),
        run_row(5, RunState.TIMED_OUT, old),
        run_row(6, RunState.FAILED, old),
    ]
    there = [
        FlowRun(flow_run_id="f1", name="run_1", kind="COMPLETED"),
        FlowRun(flow_run_id="f2", name="run_2", kind="RUNNING"),
        FlowRun(flow_run_id="f3", name="run_3", kind="RUNNING"),
        FlowRun(flow_run_id="f4", name="run_4", kind="RUNNING"),
        FlowRun(flow_run_id="f5", name="run_5", kind="FAILED"),
    ]

    agreement, ghosts = judge_agreement(rows, there, KINDS, NOW)
    (agreed, _) = judge_agreement(rows[::2], there[::2], KINDS, NOW)

    assert (agreement.grade, ghosts.grade) == ("bad", "ok")
    assert agreement.seen == "Prefect has another end of run_2 (crashed, there running)"
    assert (agreed.grade, agreed.seen) == ("ok", "Prefect agrees on 3 flow runs")


def test_what_prefect_has_forgotten_is_counted_and_is_not_bad() -> None:
    (agreement, _) = judge_agreement(
        [run_row(1, RunState.COMPLETED, timedelta(hours=1))], [], KINDS, NOW
    )

    assert agreement.grade == "ok"
    assert "1 that ended are not there any more" in agreement.seen


def test_a_flow_run_that_nobody_asked_for_is_a_ghost_until_it_ends() -> None:
    there = [
        FlowRun(flow_run_id="g1", name="run_8", kind="SCHEDULED"),
        FlowRun(flow_run_id="g2", name="run_9", kind="CANCELLED"),
    ]

    *_, ghosts = judge_agreement([], there, KINDS, NOW)

    assert (ghosts.grade, ghosts.seen) == ("bad", "not of this ledger: run_8")


def test_where_the_desk_listens_is_told_and_judged() -> None:
    local = judge_listening("127.0.0.1", [], is_local=True, has_tls=False, proxies=[])
    open_ = judge_listening("::", ["no names"], is_local=False, has_tls=True, proxies=["10.0.0.2"])

    assert (local.grade, local.seen) == (
        Grade.OK,
        "127.0.0.1, reached by this machine only, without TLS",
    )
    assert (open_.grade, open_.seen) == (Grade.BAD, "no names")


def test_a_proxy_without_names_is_warned_of() -> None:
    assert judge_hosts(["127.0.0.1"], behind_proxy=True).grade is Grade.WARN
    assert judge_hosts(["127.0.0.1"], behind_proxy=False).seen.startswith("loopback's;")
    assert "desk.example" in judge_hosts(["desk.example"], behind_proxy=True).seen


def test_a_gap_in_prefects_wall_and_a_weak_key_are_bad() -> None:
    assert judge_prefect_access([], ["127.0.0.1", "::1"]).grade is Grade.OK
    assert judge_prefect_access(["a write was answered 201"], []).grade is Grade.BAD
    assert "listens on 10.0.0.1" in judge_prefect_access([], ["10.0.0.1"]).seen
    assert judge_keys(["weak"]).grade is Grade.BAD
