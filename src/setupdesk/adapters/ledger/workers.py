"""The ledger as executors keep their lease of life in it, and as the service watches them.

An executor shows that it lives by a beat every few seconds. Beats are counted and not timed:
whoever watches sees by its own steady clock how long none has come, so that a clock which is
set forward or back ends nobody and keeps nobody alive.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, and_, insert, or_, select, update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.outbox import lay_to_rest
from setupdesk.adapters.ledger.processes import has_process, kill_group
from setupdesk.adapters.ledger.repairs import note_repair
from setupdesk.adapters.ledger.tables import run, worker
from setupdesk.core.run import EXECUTOR, RunState


@dataclass(frozen=True, slots=True)
class Workers:
    """Executors that live, and what is done when one does no more."""

    engine: Engine
    clock: Callable[[], datetime]

    def register(self, pid: int) -> str:
        """Take up the executor of the process *pid*, end those that are gone; give its name."""
        with writing(self.engine) as connection:
            for row in connection.execute(select(worker).where(worker.c.ended_at.is_(None))).all():
                if row.pid == pid or not has_process(row.pid):
                    _end_worker(connection, row.worker_id, _GONE, self.clock())
            _restart_not_begun(connection, _GONE, self.clock())
            new = insert(worker).values(pid=pid, started_at=self.clock())
            made = connection.execute(new.returning(worker.c.worker_id))
            return f"{EXECUTOR}{made.scalar_one()}"

    def beat(self, name: str) -> bool:
        """Show that the executor lives; False if it was ended and must let go of its runs."""
        mine = and_(worker.c.worker_id == _number(name), worker.c.ended_at.is_(None))
        with writing(self.engine) as connection:
            beaten = update(worker).where(mine).values(beats=worker.c.beats + 1)
            return bool(connection.execute(beaten).rowcount)

    def load_beats(self) -> dict[str, int]:
        """Load how often each executor that lives has beaten."""
        alive = select(worker.c.worker_id, worker.c.beats).where(worker.c.ended_at.is_(None))
        with reading(self.engine) as connection:
            return {f"{EXECUTOR}{row.worker_id}": row.beats for row in connection.execute(alive)}

    def end(self, name: str, reason: str) -> list[str]:
        """End an executor; its runs are tried again or reported. Gives their ids."""
        # The processes first: one that stands still may hold the very lock that is needed here.
        for process in self._load_processes(name):
            kill_group(process)
        with writing(self.engine) as connection:
            ended = _end_worker(connection, _number(name), reason, self.clock())
        for process in ended.values():
            kill_group(process)
        return list(ended)

    def _load_processes(self, name: str) -> list[str]:
        held = and_(run.c.worker == name, run.c.state.in_([RunState.RUNNING, RunState.CANCELLING]))
        with reading(self.engine) as connection:
            return list(connection.execute(select(run.c.process).where(held)).scalars())


_GONE = "the executor was gone before the run had ended"


def _number(name: str) -> int:
    return int(name.removeprefix(EXECUTOR))


def _end_worker(
    connection: Connection, worker_id: int, reason: str, at: datetime
) -> dict[str, str]:
    still = and_(worker.c.worker_id == worker_id, worker.c.ended_at.is_(None))
    ended = update(worker).where(still).values(ended_at=at, reason=reason)
    if not connection.execute(ended).rowcount:
        return {}
    held = and_(
        run.c.worker == f"{EXECUTOR}{worker_id}",
        run.c.state.in_([RunState.RUNNING, RunState.CANCELLING]),
    )
    rows = connection.execute(select(run.c.run_id, run.c.process).where(held)).all()
    for row in rows:
        lay_to_rest(connection, row.run_id, reason, at)
    if rows:
        note_repair(connection, at, None, f"{EXECUTOR}{worker_id}: {reason}", "its runs were ended")
    return {row.run_id: row.process for row in rows}


def _restart_not_begun(connection: Connection, reason: str, at: datetime) -> None:
    # What an executor was given and had not begun, and what one of an older version held.
    given = and_(run.c.state == RunState.QUEUED, run.c.dispatched_at.is_not(None))
    old = and_(
        run.c.worker == f"{EXECUTOR}0", run.c.state.in_([RunState.RUNNING, RunState.CANCELLING])
    )
    lost = select(run.c.run_id).where(or_(given, old)).order_by(run.c.run_id)
    for run_id in connection.execute(lost).scalars().all():
        lay_to_rest(connection, run_id, reason, at)
