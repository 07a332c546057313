"""The ledger as the flow and the executor see it: what becomes of a run."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, select, update

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.outbox import (
    INLINE,
    is_to_be_settled,
    lay_to_rest,
    put_errand,
)
from setupdesk.adapters.ledger.processes import is_alive, name_process
from setupdesk.adapters.ledger.tables import run
from setupdesk.app.ports import Draft, NotStartableError
from setupdesk.core.errors import NotFoundError
from setupdesk.core.request import load_request
from setupdesk.core.run import Door, Run, RunState


@dataclass(slots=True)
class Journal:
    """Moves runs forward; only the process that began a run writes what becomes of it."""

    engine: Engine
    clock: Callable[[], datetime]
    worker: str
    """Who carries the runs out: ``executor N``, or ``inline PID`` in the caller's own process."""

    process: str | None = None
    """The process that does it; this one, and each of its children, where nothing is said."""

    def begin(self, run_id: str) -> Run:
        """Take a queued run as started; nobody else can then."""
        begun = {
            "state": RunState.RUNNING,
            "started_at": self.clock(),
            "worker": self.worker,
            "process": self._name_process(),
            "attempt": run.c.attempt + 1,
        }
        with writing(self.engine) as connection:
            row = connection.execute(
                update(run)
                .where(run.c.run_id == run_id, run.c.state == RunState.QUEUED)
                .values(begun)
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

    def finish_completed(self, run_id: str, summary: Mapping[str, Any], draft: Draft) -> None:
        """Publish a run's report and end the run, unless it is somebody else's by now.

        The report is published under the write lock: nobody can take the run meanwhile, and
        there is never a row without its report.
        """
        ended: dict[str, Any] = {"state": RunState.COMPLETED, "finished_at": self.clock()}
        ended |= {"summary": dict(summary), "result_sha256": draft.sha256, "stage": None}
        with writing(self.engine) as connection:
            is_mine = self._change(connection, run_id, ended)
            if is_mine:
                draft.publish()
        if not is_mine:
            draft.discard()

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

    def lay_to_rest(self, run_id: str, reason: str, end: RunState = RunState.CRASHED) -> RunState:
        """End a run whose process is gone, as *end*, or have it tried again; give its state.

        One that somebody else has by now is none of ours, and stays as it is.
        """
        found = select(run.c.state, run.c.worker).where(run.c.run_id == run_id)
        with writing(self.engine) as connection:
            row = connection.execute(found).one_or_none()
            if row and row.worker not in (None, self.worker):
                return RunState(row.state)
            return lay_to_rest(connection, run_id, reason, self.clock(), end)

    def settle(self, run_id: str) -> None:
        """Have Prefect told how a run ended, as its own process may not have done it."""
        with writing(self.engine) as connection:
            if not is_to_be_settled(connection, run_id):
                put_errand(connection, run_id, "settle", self.clock())

    def lay_orphans_to_rest(self) -> None:
        """End the inline runs whose process is gone."""
        under_way = run.c.state.in_([RunState.QUEUED, RunState.RUNNING])
        inline = and_(under_way, run.c.worker.startswith(INLINE))
        with writing(self.engine) as connection:
            for row in connection.execute(select(run.c.run_id, run.c.process).where(inline)).all():
                if not is_alive(row.process):
                    reason = "its process was gone before the run had ended"
                    lay_to_rest(connection, row.run_id, reason, self.clock())

    def _name_process(self) -> str:
        return self.process or name_process(os.getpid())

    def _move(self, run_id: str, **values: Any) -> None:
        with writing(self.engine) as connection:
            self._change(connection, run_id, values)

    def _change(self, connection: Connection, run_id: str, values: Mapping[str, Any]) -> bool:
        # A run that was cancelled or given to somebody else meanwhile is no longer ours.
        mine = and_(run.c.worker == self.worker, run.c.process == self._name_process())
        running = and_(run.c.run_id == run_id, run.c.state == RunState.RUNNING)
        return bool(connection.execute(update(run).where(running, mine).values(values)).rowcount)

    def _end(self, run_id: str, state: RunState, **values: Any) -> None:
        self._move(run_id, state=state, finished_at=self.clock(), stage=None, **values)
