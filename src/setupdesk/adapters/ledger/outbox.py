"""The ledger as the dispatcher sees it: what the outside world has still to be told."""

import contextlib
import os
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, and_, case, func, insert, or_, select, update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import ORDER_OF_TURNS, outbox, run
from setupdesk.app.ports import Errand
from setupdesk.core.errors import NotFoundError, NotWaitingError
from setupdesk.core.run import Priority, RunState

EXECUTOR = "executor"
"""The worker of runs that hold a place; others are carried out in their caller's process."""

HOLDS_A_PLACE = or_(
    and_(run.c.state.in_([RunState.RUNNING, RunState.CANCELLING]), run.c.worker == EXECUTOR),
    and_(run.c.state == RunState.QUEUED, run.c.dispatched_at.is_not(None)),
)
"""In the executor, or on the way to it."""

WAITS = and_(run.c.state == RunState.QUEUED, outbox.c.kind == "start", outbox.c.done_at.is_(None))
"""Still to be started; of a run joined with its errands."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Errands wait here until they are seen done; a crash repeats one, and never loses it."""

    engine: Engine
    clock: Callable[[], datetime]

    def find_due(self, kinds: Collection[str]) -> Errand | None:
        """Find the next errand that may be tried now.

        Cancels go first, then the starts: by priority, and of equals in the order in which the
        runs were accepted; then what Prefect has to be told of runs that ended.
        """
        due = and_(outbox.c.done_at.is_(None), outbox.c.due_at <= self.clock())
        with reading(self.engine) as connection:
            row = connection.execute(
                select(
                    outbox,
                    run.c.flow_type,
                    run.c.flow_run_id,
                    run.c.state,
                    run.c.reason,
                    run.c.request,
                )
                .join(run)
                .where(due, outbox.c.kind.in_(kinds))
                .order_by(
                    case({"cancel": 0, "start": 1}, value=outbox.c.kind, else_=2),
                    *ORDER_OF_TURNS,
                    outbox.c.outbox_id,
                )
                .limit(1)
            ).one_or_none()
        if row is None:
            return None
        request = row.request
        return Errand(
            errand_id=row.outbox_id,
            kind=row.kind,
            run_id=row.run_id,
            flow_type=row.flow_type,
            flow_run_id=row.flow_run_id,
            state=RunState(row.state),
            reason=row.reason,
            tags=(request["setup_id"], request["symbol"], request["timeframe"]),
            attempts=row.attempts,
        )

    def count_busy(self) -> int:
        """Count the runs that hold a place in the executor, or are on their way to it."""
        with reading(self.engine) as connection:
            return connection.execute(
                select(func.count()).select_from(run).where(HOLDS_A_PLACE)
            ).scalar_one()

    def note_flow_run(self, run_id: str, flow_run_id: str) -> RunState:
        """Write down the run's name in Prefect; give the state, it may be cancelled by now."""
        with writing(self.engine) as connection:
            connection.execute(
                update(run).where(run.c.run_id == run_id).values(flow_run_id=flow_run_id)
            )
            state = _load_state(connection, run_id)
            if state.is_final and not _is_to_be_settled(connection, run_id):
                put_errand(connection, run_id, "settle", self.clock())
            return state

    def finish(self, errand: Errand) -> None:
        """Tick the errand off."""
        at = self.clock()
        with writing(self.engine) as connection:
            connection.execute(
                update(outbox).where(outbox.c.outbox_id == errand.errand_id).values(done_at=at)
            )
            if errand.kind == "start":
                connection.execute(
                    update(run).where(run.c.run_id == errand.run_id).values(dispatched_at=at)
                )

    def note_error(self, errand: Errand, error: str) -> None:
        """Write down why an errand waits."""
        known = outbox.c.last_error.is_not_distinct_from(error)
        mine = outbox.c.outbox_id == errand.errand_id
        with writing(self.engine) as connection:
            connection.execute(update(outbox).where(mine, ~known).values(last_error=error))

    def postpone(self, errand: Errand, error: str, wait: timedelta) -> None:
        """Keep the errand for another try after *wait*."""
        with writing(self.engine) as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.outbox_id == errand.errand_id)
                .values(
                    attempts=outbox.c.attempts + 1,
                    last_error=error,
                    due_at=self.clock() + wait,
                )
            )

    def lay_to_rest(self, run_id: str, reason: str) -> None:
        """End a run that the executor does not hold."""
        with writing(self.engine) as connection:
            lay_to_rest(connection, run_id, reason, self.clock())

    def give_up(self, run_id: str, reason: str) -> None:
        """End a run that cannot be started."""
        with writing(self.engine) as connection:
            connection.execute(
                update(run)
                .where(run.c.run_id == run_id, run.c.state == RunState.QUEUED)
                .values(state=RunState.FAILED, finished_at=self.clock(), reason=reason)
            )

    def prioritize(self, run_id: str, priority: Priority) -> Priority:
        """Change the priority of a run that waits; give the one that it had."""
        found = select(run.c.state, run.c.dispatched_at, run.c.priority)
        with writing(self.engine) as connection:
            row = connection.execute(found.where(run.c.run_id == run_id)).one_or_none()
            if row is None:
                raise NotFoundError("run", run_id)
            if row.state != RunState.QUEUED or row.dispatched_at:
                raise NotWaitingError(
                    run_id, "starting" if row.state == RunState.QUEUED else row.state
                )
            connection.execute(update(run).where(run.c.run_id == run_id).values(priority=priority))
            return Priority(row.priority)

    def ask_to_cancel(self, run_id: str) -> RunState:
        """Cancel a run that waits at once, have one that runs stopped; others stay as they are."""
        at = self.clock()
        with writing(self.engine) as connection:
            found = select(run.c.state, run.c.flow_run_id, run.c.worker)
            row = connection.execute(found.where(run.c.run_id == run_id)).one_or_none()
            if row is None:
                raise NotFoundError("run", run_id)
            state = RunState(row.state)
            if state is RunState.QUEUED and row.flow_run_id is None:
                return _cancel_unsent(connection, run_id, at)
            if state not in (RunState.QUEUED, RunState.RUNNING):
                return state
            connection.execute(
                update(run).where(run.c.run_id == run_id).values(state=RunState.CANCELLING)
            )
            pid = find_inline_pid(row.worker)
            if pid is None:
                put_errand(connection, run_id, "cancel", at)
                return RunState.CANCELLING
            lay_to_rest(connection, run_id, "cancelled on demand", at)
        # The row is on the disk, so that whatever the process still does cannot change it.
        interrupt(pid)
        return RunState.CANCELLED


INLINE = "inline "
"""With a pid: the worker of a run that is carried out in its caller's own process."""

MOST_STARTS = 3


def find_inline_pid(worker: str | None) -> int | None:
    """Find the process that carries out an inline run; None for any other run."""
    return int(worker.removeprefix(INLINE)) if worker and worker.startswith(INLINE) else None


def interrupt(pid: int) -> None:
    """Do to a process what Ctrl-C does, if it is one that can carry out a run."""
    with contextlib.suppress(ProcessLookupError, PermissionError, FileNotFoundError):
        words = Path(f"/proc/{pid}/cmdline")
        # The number may be another program's by now.
        if not words.exists() or b"python" in words.read_bytes():
            os.kill(pid, signal.SIGINT)


def put_errand(connection: Connection, run_id: str, kind: str, at: datetime) -> None:
    """Put an errand into the outbox, in the transaction that makes it necessary."""
    row = {"run_id": run_id, "kind": kind, "created_at": at, "due_at": at}
    connection.execute(insert(outbox), row)


def _load_state(connection: Connection, run_id: str) -> RunState:
    state = connection.execute(select(run.c.state).where(run.c.run_id == run_id)).scalar()
    if state is None:
        raise NotFoundError("run", run_id)
    return RunState(state)


def _count_starts(connection: Connection, run_id: str) -> int:
    starts = select(func.count()).where(outbox.c.run_id == run_id, outbox.c.kind == "start")
    return connection.execute(starts).scalar_one()


def _is_to_be_settled(connection: Connection, run_id: str) -> bool:
    settles = select(func.count()).where(
        outbox.c.run_id == run_id, outbox.c.kind == "settle", outbox.c.done_at.is_(None)
    )
    return connection.execute(settles).scalar_one() > 0


def _cancel_unsent(connection: Connection, run_id: str, at: datetime) -> RunState:
    connection.execute(
        update(run)
        .where(run.c.run_id == run_id)
        .values(state=RunState.CANCELLED, finished_at=at, reason="cancelled before it started")
    )
    connection.execute(update(outbox).where(outbox.c.run_id == run_id).values(done_at=at))
    if _count_starts(connection, run_id):
        put_errand(connection, run_id, "settle", at)
    return RunState.CANCELLED


def lay_to_rest(connection: Connection, run_id: str, reason: str, at: datetime) -> None:
    """End a run that nobody carries out any more: cancelled if that was wanted, else crashed.

    One that had not begun is started anew, a few times: nothing of it can have happened.
    """
    state = _load_state(connection, run_id)
    if state.is_final:
        return
    if state is RunState.QUEUED and _count_starts(connection, run_id) < MOST_STARTS:
        connection.execute(update(run).where(run.c.run_id == run_id).values(dispatched_at=None))
        put_errand(connection, run_id, "start", at)
        return
    wanted = state is RunState.CANCELLING
    connection.execute(
        update(run)
        .where(run.c.run_id == run_id)
        .values(
            state=RunState.CANCELLED if wanted else RunState.CRASHED,
            reason="cancelled on demand" if wanted else reason,
            finished_at=at,
            stage=None,
        )
    )
    if _count_starts(connection, run_id):
        put_errand(connection, run_id, "settle", at)
