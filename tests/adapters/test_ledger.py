import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Engine,
    NullPool,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from setupdesk.adapters import clock
from setupdesk.adapters.ledger import database
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.bounds import Bounds
from setupdesk.adapters.ledger.database import open_database, reading, writing
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.outbox import LEASE, Outbox
from setupdesk.adapters.ledger.processes import name_process
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.repairs import Repairs
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.tables import HEAD, audit_log, metadata, outbox, run
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.app.ports import NotStartableError
from setupdesk.core.errors import KeyConflictError, LedgerUnavailableError, NotFoundError
from setupdesk.core.problem import Problem
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door, RunState
from setupdesk.core.timeframe import Timeframe
from tests.drafts import NoDraft

REQUEST = Request(
    setup_id="IB_raid_v1",
    symbol="GER40",
    timeframe=Timeframe.M15,
    mode=Mode.BACKTEST,
    start=date(2025, 5, 1),
    end=date(2025, 10, 3),
)
PROBLEM = Problem(field="symbol", code="unknown_symbol", message="'GER4O' is not known.")
NOON = datetime(2025, 10, 31, 12, tzinfo=UTC)
ROW = {
    "audit_id": 2,
    "at": NOON,
    "user": "ann",
    "door": "cli",
    "payload": {},
    "problems": [],
    "previous": "",
    "seal": "",
}


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    return open_database(tmp_path / "ledger.db")


def accept(ledger: Engine, now: Callable[[], datetime] = clock.now) -> str:
    receipt = StartLedger(ledger, now).accept(REQUEST, {"symbol": "GER40"}, "ann", Door.CLI)
    assert receipt.run_id
    return receipt.run_id


def check_audit_log(path: Path) -> dict[str, Any]:
    return Anchors(open_database(path), path.with_name("audit.anchors"), clock.now).check()


def count(ledger: Engine, table: object) -> int:
    with reading(ledger) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


def state_of(ledger: Engine, run_id: str) -> str:
    return str(Reads(ledger).load_run(run_id)["state"])


def test_an_accepted_request_has_a_run_an_audit_row_and_an_errand(ledger: Engine) -> None:
    receipt = StartLedger(ledger, lambda: NOON).accept(REQUEST, {"a": 1}, "ann", Door.CLI)

    assert receipt.run_id == "run_2025_10_31_001"
    assert receipt.flow_type == "backtest_flow"
    assert (receipt.user, receipt.door) == ("ann", "cli")
    assert state_of(ledger, "run_2025_10_31_001") == "queued"
    assert (count(ledger, run), count(ledger, audit_log), count(ledger, outbox)) == (1, 1, 1)


def test_a_refused_request_has_an_audit_row_and_nothing_else(ledger: Engine) -> None:
    receipt = StartLedger(ledger, clock.now).refuse({"a": 1}, [PROBLEM], "ann", Door.CLI)

    assert receipt.run_id is None
    assert (count(ledger, run), count(ledger, audit_log), count(ledger, outbox)) == (0, 1, 0)
    assert Reads(ledger).load_audit_log(5)[0]["problems"][0]["field"] == "symbol"


def test_a_repeat_gets_the_first_answer_and_starts_nothing(ledger: Engine) -> None:
    later = StartLedger(ledger, lambda: NOON + timedelta(days=400))
    first = StartLedger(ledger, lambda: NOON).accept(
        REQUEST, {"a": 1, "b": 2}, "ann", Door.CLI, "k"
    )

    again = later.accept(REQUEST, {"b": 2, "a": 1}, "ann", Door.API, "k")
    as_refusal = later.refuse({"a": 1, "b": 2}, [PROBLEM], "ann", Door.CLI, "k")

    assert first.to_text() == again.to_text() == as_refusal.to_text()
    assert (count(ledger, run), count(ledger, outbox)) == (1, 1)
    newest, *_, oldest = Reads(ledger).load_audit_log(5)
    assert (newest["outcome"], newest["first_id"]) == ("replayed", oldest["audit_id"])
    assert (oldest["outcome"], oldest["first_id"]) == ("accepted", None)


def test_a_refusal_is_repeated_too(ledger: Engine) -> None:
    start = StartLedger(ledger, clock.now)
    first = start.refuse({"a": 1}, [PROBLEM], "ann", Door.CLI, "k")

    again = start.accept(REQUEST, {"a": 1}, "ann", Door.CLI, "k")

    assert again.to_text() == first.to_text()
    assert (again.status, again.problems) == ("refused", (PROBLEM,))
    assert count(ledger, run) == 0


def test_a_key_of_another_request_starts_nothing_and_is_written_down(ledger: Engine) -> None:
    start = StartLedger(ledger, clock.now)
    start.accept(REQUEST, {"a": 1}, "ann", Door.CLI, "k")

    with pytest.raises(KeyConflictError, match="'k'"):
        start.accept(REQUEST, {"a": 2}, "ann", Door.CLI, "k")

    newest = Reads(ledger).load_audit_log(1)[0]
    assert (newest["outcome"], newest["first_id"], newest["payload"]) == ("conflict", 1, {"a": 2})
    assert (count(ledger, run), count(ledger, outbox)) == (1, 1)


def test_a_key_belongs_to_one_user(ledger: Engine) -> None:
    start = StartLedger(ledger, lambda: NOON)

    runs = {start.accept(REQUEST, {}, user, Door.CLI, "k").run_id for user in ("ann", "bob")}

    assert len(runs) == 2


def test_of_many_that_come_at_once_with_one_key_one_is_started(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_database(path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "import test_ledger as t\n"
        "start = t.StartLedger(t.open_database(Path(sys.argv[1])), t.clock.now)\n"
        "for n in range(20): start.accept(t.REQUEST, {}, 'ann', t.Door.CLI, str(n))\n"
    )
    command = [sys.executable, "-c", code, str(path), str(Path(__file__).parent)]
    start = StartLedger(ledger, clock.now)

    others = [subprocess.Popen(command) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        keys = [str(n) for n in range(20)] * 4
        answers = list(threads.map(lambda k: start.accept(REQUEST, {}, "ann", Door.CLI, k), keys))
    assert [other.wait(60) for other in others] == [0, 0]

    assert len({answer.to_text() for answer in answers}) == 20
    assert (count(ledger, run), count(ledger, audit_log)) == (20, 120)


def test_a_key_is_found_without_a_look_at_every_row(ledger: Engine) -> None:
    seen: list[str] = []
    event.listen(ledger, "before_cursor_execute", lambda *said: seen.append(said[2]))
    StartLedger(ledger, clock.now).refuse({}, [PROBLEM], "ann", Door.CLI, "k")

    [query] = [one for one in seen if one.startswith("SELECT") and "idempotency_key = ?" in one]
    with reading(ledger) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", ("ann", "k")).all()
    assert "USING INDEX audit_log_by_key" in plan[0].detail


def test_a_key_can_be_decided_once_even_without_our_code(ledger: Engine) -> None:
    start = StartLedger(ledger, clock.now)
    start.refuse({}, [PROBLEM], "ann", Door.CLI, "k")
    twice = ROW | {"outcome": "refused", "idempotency_key": "k"}

    with pytest.raises(IntegrityError, match="idempotency_key"), writing(ledger) as connection:
        connection.execute(insert(audit_log).values(twice))


def test_what_would_wait_beyond_the_bounds_is_refused_with_an_audit_row(ledger: Engine) -> None:
    start = StartLedger(ledger, clock.now, bounds=Bounds(total=3, per_user=2))

    def ask(user: str) -> tuple[str, list[str]]:
        receipt = start.accept(REQUEST, {}, user, Door.API)
        return receipt.status, [one.code for one in receipt.problems]

    answers = [ask(user) for user in ("ann", "ann", "ann", "bob", "bob")]

    outcomes = ["accepted", "accepted", "refused", "accepted", "refused"]
    assert [status for status, _ in answers] == outcomes
    assert [codes for _, codes in answers] == [[], [], ["too_many_waiting"], [], ["queue_full"]]
    rows = list(reversed(Reads(ledger).load_audit_log(9)))
    assert [row["outcome"] for row in rows] == outcomes
    assert rows[2]["problems"][0]["code"] == "too_many_waiting"
    assert (count(ledger, run), count(ledger, outbox)) == (3, 3)


def test_what_has_started_or_was_cancelled_waits_no_more_and_makes_room(ledger: Engine) -> None:
    start = StartLedger(ledger, clock.now, bounds=Bounds(total=2, per_user=2))
    errands = Outbox(ledger, clock.now)
    taken, cancelled = (start.accept(REQUEST, {}, "ann", Door.API).run_id for _ in range(2))
    assert start.accept(REQUEST, {}, "ann", Door.API).is_too_early

    errand = errands.take_due({"start"})
    assert errand
    assert errand.run_id == taken
    errands.finish(errand)
    errands.ask_to_cancel(str(cancelled))

    again = [start.accept(REQUEST, {}, "ann", Door.API).status for _ in range(3)]
    assert again == ["accepted", "accepted", "refused"]


def test_the_bound_holds_over_threads(ledger: Engine) -> None:
    start = StartLedger(ledger, clock.now, bounds=Bounds(total=10, per_user=10))

    with ThreadPoolExecutor(4) as threads:
        asked = threads.map(lambda _: start.accept(REQUEST, {}, "ann", Door.API), range(25))
        accepted = [receipt for receipt in asked if receipt.run_id]

    assert len(accepted) == 10
    assert max(str(one.run_id) for one in accepted).endswith("_010")


def test_a_full_queue_decides_nothing_for_a_key(ledger: Engine) -> None:
    start = StartLedger(ledger, clock.now, bounds=Bounds(total=1, per_user=1))
    first = start.accept(REQUEST, {"n": 1}, "ann", Door.API, "first")

    early = start.accept(REQUEST, {"n": 2}, "ann", Door.API, "k")
    again = start.accept(REQUEST, {"n": 1}, "ann", Door.API, "first")
    Outbox(ledger, clock.now).ask_to_cancel(str(first.run_id))
    later = start.accept(REQUEST, {"n": 2}, "ann", Door.API, "k")

    assert early.is_too_early
    assert again.to_text() == first.to_text()
    assert later.status == "accepted"


def test_a_request_that_cannot_be_written_leaves_no_trace_and_no_gap(ledger: Engine) -> None:
    accept(ledger, lambda: NOON)
    with pytest.raises(TypeError):
        StartLedger(ledger, lambda: NOON).accept(REQUEST, {"a": object()}, "ann", Door.CLI)

    assert accept(ledger, lambda: NOON) == "run_2025_10_31_002"
    assert count(ledger, run) == 2


def test_numbers_begin_anew_each_utc_day_and_widen_past_999(ledger: Engine) -> None:
    accept(ledger, lambda: NOON)
    with writing(ledger) as connection:
        connection.exec_driver_sql("UPDATE run_counter SET n = 998")

    assert accept(ledger, lambda: NOON) == "run_2025_10_31_999"
    assert accept(ledger, lambda: NOON) == "run_2025_10_31_1000"
    assert accept(ledger, lambda: NOON + timedelta(hours=12)) == "run_2025_11_01_001"


def test_a_clock_that_goes_back_reuses_no_number(ledger: Engine) -> None:
    accept(ledger, lambda: NOON)

    assert accept(ledger, lambda: NOON - timedelta(days=3)) == "run_2025_10_31_002"


def test_numbers_follow_no_clock_that_jumps_to_and_fro_over_midnight(ledger: Engine) -> None:
    jumps = iter([0, 13, -40, 12, -1, 30, 13, 36, -100, 35] * 4)

    with ThreadPoolExecutor(4) as threads:
        now = lambda: NOON + timedelta(hours=next(jumps))  # noqa: E731
        list(threads.map(lambda _: accept(ledger, now), range(40)))

    ids = [row["run_id"] for row in reversed(Reads(ledger).load_audit_log(100))]
    days = [run_id[:14] for run_id in ids]
    assert days == sorted(days)
    assert len(set(days)) == 3
    assert ids == [f"{day}_{days[:n].count(day) + 1:03d}" for n, day in enumerate(days)]


def test_a_ledger_that_stays_locked_refuses_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    patient, hasty = open_database(path), open_database(path, patience=0.05)

    with writing(patient), pytest.raises(LedgerUnavailableError, match="database is locked"):
        accept(hasty, lambda: NOON)

    assert accept(hasty, lambda: NOON) == "run_2025_10_31_001"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the disk fail")
def test_a_failing_fsync_refuses_the_request_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_database(path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "import test_ledger as t\n"
        "ledger = t.open_database(Path(sys.argv[1]), keeps_connections=True)\n"
        "for n in range(12):\n"
        "    try: print(t.accept(ledger, lambda: t.NOON))\n"
        "    except t.LedgerUnavailableError as error: print(error)\n"
    )
    strace = ["strace", "-f", "-o", "/dev/null", "-e", "inject=fdatasync,fsync:error=EIO:when=4+3"]
    command = [*strace, sys.executable, "-c", code, str(path), str(Path(__file__).parent)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "ptrace" in done.stderr.lower() and not done.stdout:
        pytest.skip("strace is not allowed here")

    lines = done.stdout.splitlines()
    accepted = [line for line in lines if line.startswith("run_")]
    assert len(lines) == 12
    assert any("disk I/O error" in line for line in lines)
    assert accepted == [f"run_2025_10_31_{n:03d}" for n in range(1, len(accepted) + 1)]
    assert accept(open_database(path), lambda: NOON).endswith(f"{len(accepted) + 1:03d}")
    assert check_audit_log(path)["rows"] == len(accepted) + 1


def test_numbers_have_no_gap_and_no_double_over_threads_and_processes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_database(path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "import test_ledger as t\n"
        "ledger = t.open_database(Path(sys.argv[1]))\n"
        "for _ in range(25): t.accept(ledger, lambda: t.NOON)\n"
    )
    command = [sys.executable, "-c", code, str(path), str(Path(__file__).parent)]

    others = [subprocess.Popen(command) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: accept(ledger, lambda: NOON), range(50)))
    assert [other.wait(60) for other in others] == [0, 0]

    with reading(ledger) as connection:
        ids = set(connection.execute(select(run.c.run_id)).scalars())
    assert ids == {f"run_2025_10_31_{n:03d}" for n in range(1, 101)}


def test_the_audit_log_can_only_grow(ledger: Engine) -> None:
    accept(ledger)

    for change in (update(audit_log).values(user="bob"), delete(audit_log)):
        with pytest.raises(IntegrityError, match="append-only"), writing(ledger) as connection:
            connection.execute(change)


def test_a_refusal_with_a_run_cannot_be_written(ledger: Engine) -> None:
    for outcome, run_id in (("refused", accept(ledger)), ("accepted", None), ("maybe", None)):
        with pytest.raises(IntegrityError, match="CHECK"), writing(ledger) as connection:
            connection.execute(
                insert(audit_log).values(ROW | {"outcome": outcome, "run_id": run_id})
            )


def test_naive_times_are_refused(ledger: Engine) -> None:
    with pytest.raises(Exception, match="aware"):
        accept(ledger, lambda: NOON.replace(tzinfo=None))


def test_every_commit_reaches_the_disk(ledger: Engine) -> None:
    with reading(ledger) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_the_migrations_make_the_tables_that_the_code_knows(ledger: Engine) -> None:
    scripts = ScriptDirectory(str(Path(database.__file__).parent / "migrations"))

    with ledger.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)

    assert scripts.get_current_head() == HEAD
    assert difference == []


def test_a_ledger_of_the_first_release_keeps_its_audit_log(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with create_engine(f"sqlite:///{path}").begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for user in ("ann", "bob"):
            connection.exec_driver_sql(
                "INSERT INTO audit_log (at, user, door, outcome, payload, problems) "
                "VALUES (?, ?, 'cli', 'refused', '{}', '[]')",
                (NOON.isoformat(), user),
            )

    ledger = open_database(path)

    assert [row["user"] for row in Reads(ledger).load_audit_log(5)] == ["bob", "ann"]
    accept(ledger)
    assert Reads(ledger).load_audit_log(1)[0]["audit_id"] == 3
    assert check_audit_log(path)["rows"] == 3
    assert check_audit_log(path)["whole"]
    with pytest.raises(IntegrityError, match="append-only"), writing(ledger) as connection:
        connection.execute(delete(audit_log))


def test_the_runs_of_an_older_desk_get_a_priority(tmp_path: Path) -> None:
    scripts = str(Path(database.__file__).parent / "migrations")
    row = (
        "INSERT INTO run (run_id, flow_type, state, request, user, door, accepted_at) "
        "VALUES (?, ?, 'completed', '{}', 'ann', 'cli', '2025-10-31T12:00:00.000000+00:00')"
    )
    old = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}", poolclass=NullPool)
    with old.begin() as connection:
        config = Config()
        config.set_main_option("script_location", scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for flow, run_id in (
            ("backtest", "run_2025_10_31_001"),
            ("live_scan", "run_2025_10_31_002"),
        ):
            connection.exec_driver_sql(row, (run_id, f"{flow}_flow"))

    ledger = open_database(tmp_path / "ledger.db")

    found = {one["flow_type"]: one["priority"] for one in Reads(ledger).load_runs(5)}
    assert found == {"backtest_flow": 1, "live_scan_flow": 0}


def test_two_processes_may_find_an_empty_home_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from setupdesk.adapters.ledger.database import open_database\n"
        "open_database(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new" / "ledger.db")]

    started = [subprocess.Popen(command) for _ in range(3)]

    assert [process.wait(60) for process in started] == [0, 0, 0]


def test_a_run_can_be_begun_once(ledger: Engine) -> None:
    run_id, journal = accept(ledger), Journal(ledger, clock.now, "executor 1")

    begun = journal.begin(run_id)

    assert begun.request == REQUEST
    assert state_of(ledger, run_id) == "running"
    with pytest.raises(NotStartableError):
        journal.begin(run_id)


def test_a_final_state_is_never_written_again(ledger: Engine) -> None:
    run_id, journal = accept(ledger), Journal(ledger, clock.now, "executor 1")
    journal.begin(run_id)
    journal.finish_completed(run_id, {"trades": 1}, NoDraft())

    journal.finish_failed(run_id, "too late")
    journal.lay_to_rest(run_id, "too late")

    assert state_of(ledger, run_id) == "completed"
    assert Outbox(ledger, clock.now).take_due({"settle"}) is None


def test_a_backtest_whose_process_died_is_tried_once_more_and_then_reported(ledger: Engine) -> None:
    run_id, journal = accept(ledger), Journal(ledger, clock.now, "executor 1")
    errands = Outbox(ledger, clock.now)
    hand_over(errands)
    journal.begin(run_id)

    assert journal.lay_to_rest(run_id, "its process was killed by SIGKILL") is RunState.QUEUED

    assert hand_over(errands) == run_id
    assert Reads(ledger).load_run(run_id)["reason"] == (
        "tried again: its process was killed by SIGKILL"
    )
    journal.begin(run_id)
    assert journal.lay_to_rest(run_id, "its process was killed again") is RunState.CRASHED
    errand = errands.take_due({"start", "settle"})
    assert errand
    assert (errand.kind, errand.run_id, errand.state) == ("settle", run_id, RunState.CRASHED)
    row = Reads(ledger).load_run(run_id)
    assert (row["attempt"], row["reason"]) == (2, "its process was killed again")
    deeds = [one["deed"] for one in Repairs(ledger, clock.now).load_repairs(5)]
    assert deeds == ["the run is crashed", "the run was started anew"]


@pytest.mark.parametrize("end", [RunState.TIMED_OUT, RunState.CRASHED])
def test_what_is_not_worth_a_second_try_ends_at_once(ledger: Engine, end: RunState) -> None:
    request = REQUEST if end is RunState.TIMED_OUT else replace(REQUEST, mode=Mode.LIVE)
    run_id = StartLedger(ledger, clock.now).accept(request, {}, "ann", Door.CLI).run_id
    assert run_id
    hand_over(Outbox(ledger, clock.now))
    journal = Journal(ledger, clock.now, "executor 1")
    journal.begin(run_id)

    assert journal.lay_to_rest(run_id, "it took too long", end) is end

    assert state_of(ledger, run_id) == end


def test_a_desk_that_is_stopped_costs_a_backtest_no_attempt(ledger: Engine) -> None:
    run_id, journal = accept(ledger), Journal(ledger, clock.now, "executor 1")
    errands = Outbox(ledger, clock.now)

    for _ in range(5):
        assert hand_over(errands) == run_id
        journal.begin(run_id)
        stopped = "the desk was stopped while it ran"
        assert journal.lay_to_rest(run_id, stopped, RunState.QUEUED) is RunState.QUEUED

    hand_over(errands)
    journal.begin(run_id)
    assert Reads(ledger).load_run(run_id)["attempt"] == 1
    assert journal.lay_to_rest(run_id, "killed") is RunState.QUEUED


def test_whoever_lost_a_run_cannot_write_it_any_more(ledger: Engine) -> None:
    run_id, errands = accept(ledger), Outbox(ledger, clock.now)
    hand_over(errands)
    frozen = Journal(ledger, clock.now, "executor 1")
    frozen.begin(run_id)
    frozen.lay_to_rest(run_id, "no sign of life")
    hand_over(errands)
    Journal(ledger, clock.now, "executor 2").begin(run_id)

    frozen.note_stage(run_id, "a zombie")
    draft = NoDraft()
    frozen.finish_completed(run_id, {"trades": 1}, draft)

    assert not draft.is_published
    row = Reads(ledger).load_run(run_id)
    assert (row["state"], row["stage"], row["summary"]) == ("running", None, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [("completed", "running"), ("cancelled", "queued"), ("cancelling", "running")],
)
def test_the_ledger_itself_lets_no_state_go_back(ledger: Engine, before: str, after: str) -> None:
    run_id = accept(ledger)
    with writing(ledger) as connection:
        connection.execute(update(run).values(state=before))

    with pytest.raises(IntegrityError, match="only moves forward"), writing(ledger) as connection:
        connection.execute(update(run).values(state=after))
    with pytest.raises(IntegrityError, match="is kept"), writing(ledger) as connection:
        connection.execute(delete(run))

    assert state_of(ledger, run_id) == before


def hand_over(errands: Outbox) -> str:
    errand = errands.take_due({"start"})
    assert errand
    errands.finish(errand)
    return errand.run_id


def test_what_an_executor_left_behind_is_ended_but_not_what_runs_elsewhere(ledger: Engine) -> None:
    mine, cancelled, elsewhere = accept(ledger), accept(ledger), accept(ledger)
    workers = Workers(ledger, clock.now)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    journal = Journal(ledger, clock.now, workers.register(dead.pid))
    for run_id in (mine, cancelled):
        hand_over(Outbox(ledger, clock.now))
        journal.begin(run_id)
    Outbox(ledger, clock.now).ask_to_cancel(cancelled)
    Journal(ledger, clock.now, "inline 1").begin(elsewhere)

    workers.register(os.getpid())

    assert [state_of(ledger, one) for one in (mine, cancelled, elsewhere)] == [
        "queued",
        "cancelled",
        "running",
    ]
    assert not workers.beat(journal.worker)


def test_an_executor_that_lives_is_not_ended_by_another(ledger: Engine) -> None:
    run_id, workers = accept(ledger), Workers(ledger, clock.now)
    with subprocess.Popen(["sleep", "60"]) as other:  # noqa: S607 (any process will do)
        first = workers.register(other.pid)
        hand_over(Outbox(ledger, clock.now))
        Journal(ledger, clock.now, first).begin(run_id)

        second = workers.register(os.getpid())

        other.kill()
    assert workers.beat(first)
    assert workers.load_beats() == {first: 1, second: 0}
    assert state_of(ledger, run_id) == "running"


def test_a_run_that_an_executor_took_and_never_began_is_started_anew(ledger: Engine) -> None:
    run_id, errands = accept(ledger), Outbox(ledger, clock.now)
    hand_over(errands)
    assert errands.count_busy() == 1

    Workers(ledger, clock.now).register(os.getpid())

    assert errands.count_busy() == 0
    assert hand_over(errands) == run_id


def test_a_run_that_dies_before_it_was_seen_handed_over_gives_its_place_back(
    ledger: Engine,
) -> None:
    run_id, errands = accept(ledger), Outbox(ledger, clock.now)
    errand = errands.take_due({"start"})
    assert errand

    Journal(ledger, clock.now, "executor 1").lay_to_rest(run_id, "its process was killed")
    errands.finish(errand)

    assert errands.count_busy() == 0
    assert hand_over(errands) == run_id
    assert errands.count_busy() == 1


def test_an_errand_belongs_to_one_dispatcher_at_a_time(ledger: Engine) -> None:
    accept(ledger)
    now = [clock.now()]
    errands = Outbox(ledger, lambda: now[0])
    frozen = errands.take_due({"start"})
    assert frozen

    assert errands.take_due({"start"}) is None
    now[0] += LEASE
    taken = errands.take_due({"start"})
    assert taken
    errands.finish(frozen)
    errands.postpone(frozen, "a zombie", timedelta(seconds=5))

    assert taken.fence == frozen.fence + 1
    assert not Reads(ledger).load_run(taken.run_id)["dispatched_at"]
    errands.finish(taken)
    assert Reads(ledger).load_run(taken.run_id)["dispatched_at"] == now[0]


def test_a_new_leader_waits_for_no_lease_of_the_one_before(ledger: Engine) -> None:
    accept(ledger)
    errands = Outbox(ledger, clock.now)
    frozen = errands.take_due({"start"})

    errands.take_over()

    taken = errands.take_due({"start"})
    assert frozen
    assert taken
    errands.finish(frozen)
    assert errands.count_busy() == 0


def test_a_clock_that_is_set_back_delays_no_errand(ledger: Engine) -> None:
    now = [clock.now()]
    accept(ledger, lambda: now[0])
    errands = Outbox(ledger, lambda: now[0])
    assert errands.take_due({"start"})

    now[0] -= timedelta(hours=1)

    assert errands.take_due({"start"})


def test_prefect_has_to_be_told_once_how_a_run_ended(ledger: Engine) -> None:
    run_id, journal = accept(ledger), Journal(ledger, clock.now, "executor 1")
    hand_over(Outbox(ledger, clock.now))
    journal.begin(run_id)
    journal.finish_completed(run_id, {}, NoDraft())

    journal.settle(run_id)
    journal.settle(run_id)

    errands = Outbox(ledger, clock.now)
    errand = errands.take_due({"settle"})
    assert errand
    assert (errand.run_id, errand.state) == (run_id, RunState.COMPLETED)
    errands.finish(errand)
    assert errands.take_due({"settle"}) is None


def test_a_run_that_never_begins_is_given_up_after_a_few_starts(ledger: Engine) -> None:
    run_id, errands = accept(ledger), Outbox(ledger, clock.now)
    starts = 0
    while errand := errands.take_due({"start"}):
        errands.finish(errand)
        starts += 1
        Journal(ledger, clock.now, "executor 1").lay_to_rest(run_id, "Prefect could not be reached")

    assert starts == 3
    assert state_of(ledger, run_id) == "crashed"


def test_an_inline_run_whose_process_is_gone_is_ended(ledger: Engine) -> None:
    lost, alive = accept_inline(ledger), accept_inline(ledger)
    with subprocess.Popen(["sleep", "60"]) as dead:  # noqa: S607 (any process will do)
        name = name_process(dead.pid)
        dead.kill()
    Journal(ledger, clock.now, "inline 1", name).begin(lost)
    mine = Journal(ledger, clock.now, f"inline {os.getpid()}")
    mine.begin(alive)

    mine.lay_orphans_to_rest()

    assert state_of(ledger, lost) == "crashed"
    assert state_of(ledger, alive) == "running"


def test_an_inline_run_whose_process_is_gone_before_it_began_is_ended(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from tests.adapters.test_ledger import accept_inline, open_database\n"
        "print(accept_inline(open_database(Path(sys.argv[1]))))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "ledger.db")]
    run_id = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    ledger = open_database(tmp_path / "ledger.db")

    Journal(ledger, clock.now, f"inline {os.getpid()}").lay_orphans_to_rest()

    assert state_of(ledger, run_id) == "crashed"
    assert Outbox(ledger, clock.now).take_due({"start", "settle"}) is None


def test_a_run_that_waits_is_cancelled_at_once(ledger: Engine) -> None:
    run_id, errands = accept(ledger), Outbox(ledger, clock.now)

    state = errands.ask_to_cancel(run_id)

    assert state is RunState.CANCELLED
    assert errands.take_due({"start", "cancel"}) is None
    errand = errands.take_due({"settle"})
    assert errand
    assert errand.run_id == run_id
    with pytest.raises(NotStartableError):
        Journal(ledger, clock.now, "executor 1").begin(run_id)


def test_a_run_that_runs_is_cancelled_by_an_errand_that_goes_first(ledger: Engine) -> None:
    run_id, errands = accept(ledger), Outbox(ledger, clock.now)
    accept(ledger)
    Journal(ledger, clock.now, "executor 1").begin(run_id)

    state = errands.ask_to_cancel(run_id)

    errand = errands.take_due({"start", "cancel"})
    assert state is RunState.CANCELLING
    assert errand
    assert (errand.kind, errand.run_id) == ("cancel", run_id)


def test_a_run_in_another_process_is_interrupted_and_cancelled_at_once(ledger: Engine) -> None:
    code = (
        "import sys, time\n"
        "print('up', flush=True)\n"
        "try: time.sleep(60)\n"
        "except KeyboardInterrupt: sys.exit(7)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        run_id = accept_inline(ledger)
        name = name_process(process.pid)
        Journal(ledger, clock.now, f"inline {process.pid}", name).begin(run_id)

        state = Outbox(ledger, clock.now).ask_to_cancel(run_id)

        assert process.wait(20) == 7
    assert state is RunState.CANCELLED
    assert state_of(ledger, run_id) == "cancelled"
    assert Outbox(ledger, clock.now).take_due({"start", "cancel", "settle"}) is None


def test_another_program_that_got_the_number_of_a_process_is_left_alone(ledger: Engine) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        run_id = accept_inline(ledger)
        boot, _, began = name_process(stranger.pid).partition(":")
        before = f"{boot}:{int(began) - 1}"
        Journal(ledger, clock.now, f"inline {stranger.pid}", before).begin(run_id)

        state = Outbox(ledger, clock.now).ask_to_cancel(run_id)

        with pytest.raises(subprocess.TimeoutExpired):
            stranger.wait(0.2)
        stranger.kill()
    assert state is RunState.CANCELLED


def accept_inline(ledger: Engine) -> str:
    start = StartLedger(ledger, clock.now, hands_over=False)
    return str(start.accept(REQUEST, {}, "ann", Door.CLI).run_id)


def test_cancelling_twice_or_too_late_changes_nothing(ledger: Engine) -> None:
    run_id, errands = accept(ledger), Outbox(ledger, clock.now)
    errands.ask_to_cancel(run_id)

    assert errands.ask_to_cancel(run_id) is RunState.CANCELLED
    with pytest.raises(NotFoundError):
        errands.ask_to_cancel("run_2025_10_31_999")


def test_a_postponed_errand_waits_and_is_not_lost(ledger: Engine) -> None:
    accept(ledger)
    now = [clock.now()]
    errands = Outbox(ledger, lambda: now[0])
    errand = errands.take_due({"start"})
    assert errand

    errands.postpone(errand, "Prefect cannot be reached", timedelta(seconds=5))

    assert errands.take_due({"start"}) is None
    now[0] += timedelta(seconds=6)
    again = errands.take_due({"start"})
    assert again
    assert again.attempts == 1
    assert Reads(ledger).find_outbox_error(errand.run_id) == "Prefect cannot be reached"
