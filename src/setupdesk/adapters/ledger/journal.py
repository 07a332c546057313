"""The ledger as the flow and the executor see it: what becomes of a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, select, update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.outbox import lay_to_rest, put_errand
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
    """Who carries the runs out: ``executor``, or ``inline`` in the caller's own process."""

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
        under_way = select(run.c.run_id).where(
            run.c.state.in_([RunState.RUNNING, RunState.CANCELLING]),
            run.c.worker == self.worker,
        )
        not_begun = and_(run.c.state == RunState.QUEUED, run.c.dispatched_at.is_not(None))
        with writing(self.engine) as connection:
            lost = list(connection.execute(under_way.order_by(run.c.run_id)).scalars())
            for run_id in lost:
                lay_to_rest(connection, run_id, reason, self.clock())
            again = update(run).where(not_begun).values(dispatched_at=None).returning(run.c.run_id)
            for run_id in connection.execute(again).scalars().all():
                put_errand(connection, run_id, "start", self.clock())
        return lost

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
