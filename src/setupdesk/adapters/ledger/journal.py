"""The ledger as the flow and the executor see it: what becomes of a run."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, or_, select, update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.outbox import INLINE, lay_to_rest
from setupdesk.adapters.ledger.tables import run
from setupdesk.app.ports import NotStartableError
from setupdesk.core.errors import NotFoundError
from setupdesk.core.request import load_request
from setupdesk.core.run import Door, Run, RunState


@dataclass(frozen=True, slots=True)
class Journal:
    """Moves runs forward; a run in a final state is never written again."""

    engine: Engine
    clock: Callable[[], datetime]
    worker: str
    """Who carries the runs out: ``executor``, or ``inline PID`` in the caller's own process."""

    def begin(self, run_id: str) -> Run:
        """Take a queued run as started; nobody else can then."""
        with writing(self.engine) as connection:
            row = connection.execute(
                update(run)
                .where(run.c.run_id == run_id, run.c.state == RunState.QUEUED)
                .values(state=RunState.RUNNING, started_at=self.clock(), worker=self.worker)
                .returning(run)
            ).one_or_none()
        if row is None:
            raise NotStartableError(run_id)
        return Run(
            run_id=row.run_id,
            request=load_request(row.request),
            user=row.user,
            door=Door(row.door),
            accepted_at=row.accepted_at,
        )

    def note_stage(self, run_id: str, stage: str) -> None:
        """Write down what the run is doing now."""
        self._move(run_id, stage=stage)

    def note_plan(self, run_id: str, plan: Mapping[str, Any]) -> None:
        """Keep the Plan of a run."""
        self._move(run_id, plan=dict(plan))

    def finish_planned(self, run_id: str) -> None:
        """End a dry run: its Plan is all there is."""
        self._end(run_id, RunState.PLANNED)

    def finish_completed(self, run_id: str, summary: Mapping[str, Any], sha256: str) -> None:
        """End a run whose result is stored; *sha256* is that of the stored file."""
        self._end(run_id, RunState.COMPLETED, summary=dict(summary), result_sha256=sha256)

    def finish_failed(self, run_id: str, reason: str, traceback: str | None = None) -> None:
        """End a run that could not be carried out; a traceback says that it was a bug of ours."""
        self._end(run_id, RunState.FAILED, reason=reason, traceback=traceback)

    def is_final(self, run_id: str) -> bool:
        """Say whether nothing more will happen to the run."""
        with reading(self.engine) as connection:
            state = connection.execute(select(run.c.state).where(run.c.run_id == run_id)).scalar()
        if state is None:
            raise NotFoundError("run", run_id)
        return RunState(state).is_final

    def lay_to_rest(self, run_id: str, reason: str) -> None:
        """End a run whose process is gone: cancelled if somebody wanted that, else crashed."""
        with writing(self.engine) as connection:
            lay_to_rest(connection, run_id, reason, self.clock())

    def lay_all_to_rest(self) -> list[str]:
        """End every run that an executor which is gone has left behind; give their ids.

        What it was given and had not begun is started anew.
        """
        reason = "the executor was gone before the run had ended"
        under_way = and_(
            run.c.state.in_([RunState.RUNNING, RunState.CANCELLING]), run.c.worker == self.worker
        )
        not_begun = and_(run.c.state == RunState.QUEUED, run.c.dispatched_at.is_not(None))
        lost = select(run.c.run_id).where(or_(under_way, not_begun)).order_by(run.c.run_id)
        with writing(self.engine) as connection:
            found = list(connection.execute(lost).scalars())
            for run_id in found:
                lay_to_rest(connection, run_id, reason, self.clock())
        return found

    def lay_orphans_to_rest(self) -> None:
        """End the inline runs whose process is gone."""
        inline = and_(run.c.state == RunState.RUNNING, run.c.worker.startswith(INLINE))
        with writing(self.engine) as connection:
            for row in connection.execute(select(run.c.run_id, run.c.worker).where(inline)).all():
                if not _is_alive(int(row.worker.removeprefix(INLINE))):
                    reason = "its process was gone before the run had ended"
                    lay_to_rest(connection, row.run_id, reason, self.clock())

    def _move(self, run_id: str, **values: Any) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                update(run)
                .where(run.c.run_id == run_id, run.c.state == RunState.RUNNING)
                .values(**values)
            )

    def _end(self, run_id: str, state: RunState, **values: Any) -> None:
        # A run that was cancelled or given up meanwhile keeps that state.
        self._move(run_id, state=state, finished_at=self.clock(), stage=None, **values)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
