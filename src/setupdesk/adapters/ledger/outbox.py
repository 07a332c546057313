"""The ledger as the dispatcher sees it: what the outside world has still to be told."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    and_,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.leases import is_free, is_past
from setupdesk.adapters.ledger.processes import interrupt, kill_group
from setupdesk.adapters.ledger.repairs import note_repair
from setupdesk.adapters.ledger.tables import ORDER_OF_TURNS, api_key, outbox, run
from setupdesk.app.ports import Errand
from setupdesk.core.errors import NotFoundError, NotWaitingError
from setupdesk.core.run import EXECUTOR, RunState
from setupdesk.core.run_change import RunChange

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long an errand is its dispatcher's own: longer than any call of it may take."""


def _holds_a_place(one: FromClause) -> ColumnElement[bool]:
    return or_(
        and_(
            one.c.state.in_([RunState.RUNNING, RunState.CANCELLING]),
            one.c.worker.startswith(EXECUTOR),
        ),
        and_(one.c.state == RunState.QUEUED, one.c.dispatched_at.is_not(None)),
    )


HOLDS_A_PLACE = _holds_a_place(run)
"""In the executor, or on the way to it."""

WAITS = and_(run.c.state == RunState.QUEUED, outbox.c.kind == "start", outbox.c.done_at.is_(None))
"""Still to be started; of a run joined with its errands."""

_other = run.alias("other")
_MOST_RUNNING = (
    select(api_key.c.most_running).where(api_key.c.key_id == run.c.key_id).scalar_subquery()
)
_RUNNING = (
    select(func.count())
    .select_from(_other)
    .where(_other.c.key_id == run.c.key_id, _holds_a_place(_other))
    .scalar_subquery()
)
IS_WITHIN_QUOTA = or_(outbox.c.kind != "start", _MOST_RUNNING.is_(None), _RUNNING < _MOST_RUNNING)
"""No more runs of one key are carried out at once than it allows; of a run with its errand."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Errands wait here until they are seen done; a crash repeats one, and never loses it."""

    engine: Engine
    clock: Callable[[], datetime]

    def take_over(self) -> None:
        """Break every lease: whoever calls this knows that no other dispatcher lives."""
        leased = and_(outbox.c.done_at.is_(None), outbox.c.lease_until.is_not(None))
        with writing(self.engine) as connection:
            connection.execute(update(outbox).where(leased).values(lease_until=None))

    def take_due(self, kinds: Collection[str]) -> Errand | None:
        """Take the next errand that may be tried now; it is the caller's own for a while.

        Cancels go first, then the starts: by priority, and of equals in the order in which the
        runs were accepted; then what Prefect has to be told of runs that ended.
        """
        at = self.clock()
        due = is_past(outbox.c.due_at, at, CLOCK_SLACK)
        free = and_(outbox.c.done_at.is_(None), due, is_free(outbox.c.lease_until, at, CLOCK_SLACK))
        next_one = (
            select(outbox.c.outbox_id)
            .join(run)
            .where(free, outbox.c.kind.in_(kinds), IS_WITHIN_QUOTA)
            .order_by(
                case({"cancel": 0, "start": 1}, value=outbox.c.kind, else_=2),
                *ORDER_OF_TURNS,
                outbox.c.outbox_id,
            )
            .limit(1)
        )
        with reading(self.engine) as connection:
            errand_id = connection.execute(next_one).scalar()
        return None if errand_id is None else self._take(errand_id)

    def _take(self, errand_id: int) -> Errand | None:
        at = self.clock()
        free = is_free(outbox.c.lease_until, at, CLOCK_SLACK)
        mine = and_(outbox.c.outbox_id == errand_id, outbox.c.done_at.is_(None), free)
        leased = {"fence": outbox.c.fence + 1, "lease_until": at + LEASE}
        with writing(self.engine) as connection:
            if not connection.execute(update(outbox).where(mine).values(leased)).rowcount:
                return None
            row = connection.execute(
                select(outbox, *_OF_THE_RUN).join(run).where(outbox.c.outbox_id == errand_id)
            ).one()
        return Errand(
            errand_id=row.outbox_id,
            fence=row.fence,
            kind=row.kind,
            run_id=row.run_id,
            flow_type=row.flow_type,
            flow_run_id=row.flow_run_id,
            state=RunState(row.state),
            reason=row.reason,
            tags=tuple(row.request[name] for name in ("setup_id", "symbol", "timeframe")),
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
            if state.is_final and not is_to_be_settled(connection, run_id):
                put_errand(connection, run_id, "settle", self.clock())
            return state

    def finish(self, errand: Errand) -> None:
        """Tick the errand off."""
        at = self.clock()
        with writing(self.engine) as connection:
            is_mine = _change(connection, errand, {"done_at": at, "lease_until": None})
            if is_mine and errand.kind == "start":
                # Its process may have died meanwhile: then it is to be started anew, and waits.
                given = and_(run.c.run_id == errand.run_id, ~_is_to_be_started)
                connection.execute(update(run).where(given).values(dispatched_at=at))

    def release(self, errand: Errand, error: str | None = None) -> None:
        """Give the errand back to be tried again; *error* says why it waits."""
        with writing(self.engine) as connection:
            _change(connection, errand, {"lease_until": None, "last_error": error})

    def postpone(self, errand: Errand, error: str, wait: timedelta) -> None:
        """Keep the errand for another try after *wait*."""
        later = {
            "attempts": outbox.c.attempts + 1,
            "last_error": error,
            "due_at": self.clock() + wait,
            "lease_until": None,
        }
        with writing(self.engine) as connection:
            _change(connection, errand, later)

    def lay_to_rest(self, run_id: str, reason: str) -> None:
        """End a run that the executor does not hold, and its process, should there be one."""
        with writing(self.engine) as connection:
            process = connection.execute(
                select(run.c.process).where(run.c.run_id == run_id)
            ).scalar()
            lay_to_rest(connection, run_id, reason, self.clock())
        kill_group(process)

    def give_up(self, run_id: str, reason: str) -> None:
        """End a run that cannot be started."""
        with writing(self.engine) as connection:
            connection.execute(
                update(run)
                .where(run.c.run_id == run_id, run.c.state == RunState.QUEUED)
                .values(state=RunState.FAILED, finished_at=self.clock(), reason=reason)
            )

    def change(self, run_id: str, change: RunChange) -> dict[str, Any]:
        """Change what is said of a run, all or nothing; give what it was before, by field.

        Raises ``NotWaitingError`` for the priority of a run that does not wait any more.
        """
        columns = [run.c[name] for name in change.values]
        found = select(run.c.state, run.c.dispatched_at, *columns)
        with writing(self.engine) as connection:
            row = connection.execute(found.where(run.c.run_id == run_id)).mappings().one_or_none()
            if row is None:
                raise NotFoundError("run", run_id)
            if "priority" in change.values:
                _check_waiting(run_id, row["state"], row["dispatched_at"])
            connection.execute(update(run).where(run.c.run_id == run_id).values(change.values))
        return {name: row[name] for name in change.values}

    def load_under_way(self) -> dict[str, str]:
        """Load the runs that Prefect has as under way, by the ids of their flow runs."""
        under_way = run.c.state.in_([RunState.QUEUED, RunState.RUNNING])
        known = select(run.c.flow_run_id, run.c.run_id)
        with reading(self.engine) as connection:
            found = connection.execute(known.where(under_way, run.c.flow_run_id.is_not(None)))
            return {row.flow_run_id: row.run_id for row in found}

    def ask_to_cancel(self, run_id: str) -> RunState:
        """Cancel a run that waits at once, have one that runs stopped; others stay as they are."""
        at = self.clock()
        with writing(self.engine) as connection:
            found = select(run.c.state, run.c.flow_run_id, run.c.worker, run.c.process)
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
            if not (row.worker or "").startswith(INLINE):
                put_errand(connection, run_id, "cancel", at)
                return RunState.CANCELLING
            lay_to_rest(connection, run_id, "cancelled on demand", at)
        # The row is on the disk, so that whatever the process still does cannot change it.
        interrupt(row.process)
        return RunState.CANCELLED


INLINE = "inline "
"""With a pid: the worker of a run that is carried out in its caller's own process."""

MOST_STARTS = 3
"""How often a run is handed to the executor, and does not begin, before that is reported."""

MOST_ATTEMPTS = 2
"""How often a backtest may begin: one that crashes is tried once more."""

CLOCK_SLACK = timedelta(seconds=60)
"""Nothing is put off for longer: a time beyond it was written before the clock went back."""

_OF_THE_RUN = (*(run.c.flow_type, run.c.flow_run_id, run.c.state, run.c.reason, run.c.request),)


_INSERT = insert(outbox)

_is_to_be_started = exists().where(
    outbox.c.run_id == run.c.run_id, outbox.c.kind == "start", outbox.c.done_at.is_(None)
)


def _check_waiting(run_id: str, state: str, dispatched_at: datetime | None) -> None:
    if state != RunState.QUEUED or dispatched_at:
        raise NotWaitingError(run_id, "starting" if state == RunState.QUEUED else state)


def _change(connection: Connection, errand: Errand, values: dict[str, Any]) -> bool:
    # Whoever was too slow, and lost the errand to somebody else, changes nothing of it.
    mine = and_(outbox.c.outbox_id == errand.errand_id, outbox.c.fence == errand.fence)
    changed = connection.execute(update(outbox).where(mine).values(values)).rowcount
    if not changed:
        log.warning("%s of %s was taken over by another dispatcher", errand.kind, errand.run_id)
    return bool(changed)


def put_errand(connection: Connection, run_id: str, kind: str, at: datetime) -> None:
    """Put an errand into the outbox, in the transaction that makes it necessary."""
    row = {"run_id": run_id, "kind": kind, "created_at": at, "due_at": at}
    connection.execute(_INSERT, row)


def _load_state(connection: Connection, run_id: str) -> RunState:
    state = connection.execute(select(run.c.state).where(run.c.run_id == run_id)).scalar()
    if state is None:
        raise NotFoundError("run", run_id)
    return RunState(state)


def _count_starts(connection: Connection, run_id: str) -> int:
    starts = select(func.count()).where(outbox.c.run_id == run_id, outbox.c.kind == "start")
    return connection.execute(starts).scalar_one()


def is_to_be_settled(connection: Connection, run_id: str) -> bool:
    """Say whether Prefect has still to be told how the run ended."""
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


def lay_to_rest(
    connection: Connection,
    run_id: str,
    reason: str,
    at: datetime,
    end: RunState = RunState.CRASHED,
) -> RunState:
    """End a run that nobody carries out any more: cancelled if that was wanted, else as *end*.

    *end* may be ``QUEUED``: then a backtest waits again, and this attempt of it does not count.
    One that had not begun is started anew, a few times: nothing of it can have happened. A
    backtest that crashed is tried once more. An inline run was never handed over, and ends with
    its caller's process. Gives the state that the run has now.
    """
    found = select(run.c.state, run.c.attempt, run.c.flow_type)
    row = connection.execute(found.where(run.c.run_id == run_id)).one_or_none()
    if row is None:
        raise NotFoundError("run", run_id)
    state = RunState(row.state)
    if state.is_final:
        return state
    if state is RunState.CANCELLING:
        return _end(connection, run_id, RunState.CANCELLED, "cancelled on demand", at)
    starts = _count_starts(connection, run_id)
    may_repeat = state is RunState.RUNNING and row.flow_type == "backtest_flow" and starts > 0
    if may_repeat and end is RunState.QUEUED:
        return _wait_again(connection, run_id, reason, at)
    is_unbegun = state is RunState.QUEUED and 0 < starts < MOST_STARTS + row.attempt
    is_left = may_repeat and end is RunState.CRASHED and row.attempt < MOST_ATTEMPTS
    if is_unbegun or is_left:
        return _start_anew(connection, run_id, reason, at)
    if end is not RunState.TIMED_OUT:
        end = RunState.CRASHED
        note_repair(connection, at, run_id, reason, "the run is crashed")
    return _end(connection, run_id, end, reason, at)


_NOBODY = {
    "state": RunState.QUEUED,
    "worker": None,
    "process": None,
    "dispatched_at": None,
    "stage": None,
}


def _start_anew(connection: Connection, run_id: str, reason: str, at: datetime) -> RunState:
    again = {"reason": f"tried again: {reason}", **_NOBODY}
    connection.execute(update(run).where(run.c.run_id == run_id).values(again))
    put_errand(connection, run_id, "start", at)
    note_repair(connection, at, run_id, reason, "the run was started anew")
    return RunState.QUEUED


def _wait_again(connection: Connection, run_id: str, reason: str, at: datetime) -> RunState:
    # What ended it was no fault of its own: neither the attempt nor the start counts.
    waits = {"reason": f"waits again: {reason}", "attempt": run.c.attempt - 1, **_NOBODY}
    connection.execute(update(run).where(run.c.run_id == run_id).values(waits))
    last = select(func.max(outbox.c.outbox_id)).where(
        outbox.c.run_id == run_id, outbox.c.kind == "start"
    )
    undone = {"done_at": None, "due_at": at, "lease_until": None}
    connection.execute(
        update(outbox).where(outbox.c.outbox_id == last.scalar_subquery()).values(undone)
    )
    return RunState.QUEUED


def _end(connection: Connection, run_id: str, end: RunState, reason: str, at: datetime) -> RunState:
    values = {"state": end, "reason": reason, "finished_at": at, "stage": None}
    connection.execute(update(run).where(run.c.run_id == run_id).values(values))
    if _count_starts(connection, run_id):
        put_errand(connection, run_id, "settle", at)
    return end
