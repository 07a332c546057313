"""The ledger as the doctor sees it: looked at as it is, whatever its migration."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError

from setupdesk.adapters.ledger.chain import write_instant
from setupdesk.adapters.ledger.database import open_as_it_is
from setupdesk.app.dispatcher import MOST_TRIES
from setupdesk.app.doctor.ledger import Ledger, Repair
from setupdesk.app.doctor.processes import RunRow
from setupdesk.core.run import RunState

_UNPAIRED = """
SELECT run_id FROM run LEFT JOIN audit_log USING (run_id)
GROUP BY run_id HAVING sum(outcome = 'accepted') IS NOT 1
UNION SELECT run_id FROM audit_log WHERE outcome = 'accepted'
  AND run_id NOT IN (SELECT run_id FROM run)
ORDER BY run_id
"""
_NEWEST = """
SELECT max(at) FROM (
  SELECT max(accepted_at) AS at FROM run UNION SELECT max(finished_at) FROM run
  UNION SELECT max(at) FROM audit_log UNION SELECT max(created_at) FROM outbox)
"""
_STUCK = """
SELECT created_at, last_error FROM outbox
WHERE done_at IS NULL AND last_error IS NOT NULL ORDER BY outbox_id LIMIT 1
"""
_GIVEN_UP = """
SELECT DISTINCT run_id FROM outbox
WHERE done_at IS NOT NULL AND attempts >= :attempts AND created_at > :since ORDER BY run_id
"""
_RUNS = "SELECT run_id, state, flow_run_id, finished_at, result_sha256 FROM run"


def examine_ledger(path: Path, now: datetime) -> Ledger:
    """See all that can be seen of a ledger; one that cannot be read has faults, raises nothing."""
    try:
        with _looking(path) as connection:
            faults = _list(connection, "PRAGMA integrity_check")
            if faults != ["ok"]:
                return Ledger(faults=tuple(faults))
            if not inspect(connection).has_table("alembic_version"):
                return Ledger(faults=("it has no tables of a desk",))
            return _examine(connection, now)
    except DatabaseError as error:
        return Ledger(faults=(str(error.orig),))


def load_all_runs(path: Path) -> list[RunRow]:
    """Load of every run what Prefect and the stored reports are compared with."""
    with _looking(path) as connection:
        return [
            RunRow(
                run_id=run_id,
                state=RunState(state),
                flow_run_id=flow_run_id,
                finished_at=datetime.fromisoformat(ended) if ended else None,
                result_sha256=sha256,
            )
            for run_id, state, flow_run_id, ended, sha256 in connection.execute(text(_RUNS))
        ]


def _looking(path: Path) -> Connection:
    return open_as_it_is(path).execution_options(reads_only=True).connect()


def _examine(connection: Connection, now: datetime) -> Ledger:
    stuck = connection.execute(text(_STUCK)).one_or_none()
    given_up = {"attempts": MOST_TRIES, "since": write_instant(now - timedelta(days=7))}
    newest = _one(connection, _NEWEST)
    schedules = dict(_load_schedules(connection))
    soon, watches = write_instant(now + timedelta(hours=1)), list(_load_watches(connection))
    return Ledger(
        broken_references=len(_list(connection, "PRAGMA foreign_key_check")),
        revision=_one(connection, "SELECT version_num FROM alembic_version") or "",
        journal_mode=_one(connection, "PRAGMA journal_mode") or "",
        synchronous=int(_one(connection, "PRAGMA synchronous") or 0),
        runs=int(_one(connection, "SELECT count(*) FROM run") or 0),
        missing_run_ids=tuple(_find_missing(connection)),
        unpaired=tuple(_list(connection, _UNPAIRED)),
        newest=datetime.fromisoformat(newest) if newest else None,
        unsent=int(_one(connection, "SELECT count(*) FROM outbox WHERE done_at IS NULL") or 0),
        stuck_since=datetime.fromisoformat(stuck[0]) if stuck else None,
        stuck_by=stuck[1] if stuck else "",
        given_up=tuple(connection.execute(text(_GIVEN_UP), given_up).scalars()),
        schedules=len(schedules),
        schedules_ahead=tuple(one for one, until in schedules.items() if until > soon),
        watches=len(watches),
        blind_watches=tuple(name for name, trouble in watches if trouble),
        repairs=tuple(_load_repairs(connection, now - timedelta(days=1))),
    )


def _find_missing(connection: Connection) -> Iterator[str]:
    known = frozenset(_list(connection, "SELECT run_id FROM run"))
    for day, most in connection.execute(text("SELECT day, n FROM run_counter ORDER BY day")):
        for number in range(1, most + 1):
            run_id = f"run_{day.replace('-', '_')}_{number:03d}"
            if run_id not in known:
                yield run_id


def _load_schedules(connection: Connection) -> Iterator[tuple[str, str]]:
    # Desks of earlier versions have no such table.
    if not inspect(connection).has_table("schedule"):
        return
    query = "SELECT schedule_id, accounted_until FROM schedule WHERE removed_at IS NULL"
    yield from ((one, until) for one, until in connection.execute(text(query)))


def _load_watches(connection: Connection) -> Iterator[tuple[str, bool]]:
    # Desks of earlier versions have no such table.
    if inspect(connection).has_table("watch"):
        yield from ((name, bool(trouble)) for name, trouble in connection.execute(text(_WATCHES)))


_WATCHES = """
SELECT name,
  COALESCE((SELECT run.state FROM run WHERE run.watch_id = watch.watch_id
    AND run.flow_type = 'live_scan_flow' AND run.finished_at IS NOT NULL
    ORDER BY run.accepted_at DESC LIMIT 1), 'completed') <> 'completed'
  OR EXISTS (SELECT 1 FROM look WHERE look.watch_id = watch.watch_id
    AND look.trouble IS NOT NULL AND json_type(watch.terms, '$.replay_from') = 'null')
FROM watch WHERE ended_at IS NULL ORDER BY created_at
"""
"""Each watch that goes on, and whether its last poll failed or one of its looks is in trouble; a
replay that is over is none."""


def _load_repairs(connection: Connection, since: datetime) -> Iterator[Repair]:
    # Desks of earlier versions have no such table.
    if not inspect(connection).has_table("repair"):
        return
    query = text(
        "SELECT at, run_id, finding, deed FROM repair WHERE at > :since ORDER BY repair_id DESC"
    )
    for at, run_id, finding, deed in connection.execute(query, {"since": write_instant(since)}):
        moment = datetime.fromisoformat(at)
        yield Repair(at=moment, run_id=run_id, finding=finding, deed=deed)


def _list(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(text(query))]


def _one(connection: Connection, query: str) -> str | None:
    return connection.execute(text(query)).scalar()
