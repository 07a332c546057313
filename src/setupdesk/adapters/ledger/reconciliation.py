"""The ledger as the reconciler sees it: runs and their errands, and deeds that leave a repair."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    func,
    or_,
    select,
    update,
)

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.outbox import lay_to_rest, put_errand
from setupdesk.adapters.ledger.processes import kill_group
from setupdesk.adapters.ledger.repairs import note_repair
from setupdesk.adapters.ledger.tables import outbox, repair, run
from setupdesk.app.differences import Remedy, RunFacts
from setupdesk.core.run import RunState

_FACTS = (
    *(run.c.run_id, run.c.state, run.c.attempt, run.c.worker, run.c.flow_run_id),
    *(run.c.dispatched_at, run.c.finished_at),
)
_UNDER_WAY = or_(
    run.c.state.in_([RunState.RUNNING, RunState.CANCELLING]),
    and_(run.c.state == RunState.QUEUED, run.c.dispatched_at.is_not(None)),
)
_AT_ONCE = 500
"""Run ids that one question names."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Facts for a look, and what may be done after it."""

    engine: Engine
    clock: Callable[[], datetime]

    def load_runs(self, named: Collection[str]) -> dict[str, RunFacts]:
        """Load the runs under way, and those *named*."""
        with reading(self.engine) as connection:
            rows = list(connection.execute(select(*_FACTS).where(_UNDER_WAY)))
            for some in _split(named):
                rows += connection.execute(select(*_FACTS).where(run.c.run_id.in_(some)))
            waiting = _load_waiting(connection)
            cancelled = _load_cancelled(connection)
        return {
            row.run_id: _build_facts(row, waiting.get(row.run_id, set()), cancelled) for row in rows
        }

    def load_states(self) -> dict[str, RunState]:
        """Load the state of every run."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(run.c.run_id, run.c.state))
            return {row.run_id: RunState(row.state) for row in rows}

    def load_found(self, finding: str) -> set[str]:
        """Name the runs for which a finding was written down."""
        found = select(repair.c.run_id).where(repair.c.finding == finding)
        with reading(self.engine) as connection:
            return set(connection.execute(found).scalars())

    def create_again(self, remedy: Remedy) -> bool:
        """Forget the run's flow run, and have it started anew."""
        with self._while_as_it_was(remedy) as connection:
            if connection is None:
                return False
            connection.execute(update(run).where(_is(remedy)).values(flow_run_id=None))
            lay_to_rest(connection, str(remedy.run_id), remedy.finding, self.clock())
            return True

    def lay_to_rest(self, remedy: Remedy) -> bool:
        """End a run that nobody carries out, or start it anew; the ledger notes which."""
        with self._while_as_it_was(remedy) as connection:
            if connection is None:
                return False
            process = connection.execute(select(run.c.process).where(_is(remedy))).scalar()
            lay_to_rest(connection, str(remedy.run_id), remedy.finding, self.clock())
        # Nobody holds it, and it may live all the same.
        kill_group(process)
        return True

    def stop_again(self, remedy: Remedy) -> bool:
        """Put its cancel into the outbox again."""
        with self._while_as_it_was(remedy) as connection:
            if connection is None:
                return False
            put_errand(connection, str(remedy.run_id), "cancel", self.clock())
            self._note(connection, remedy)
            return True

    def settle(self, remedy: Remedy) -> bool:
        """Put the settling of an ended run into the outbox."""
        with self._while_as_it_was(remedy) as connection:
            if connection is None:
                return False
            known = func.coalesce(run.c.flow_run_id, remedy.flow_run_id)
            connection.execute(update(run).where(_is(remedy)).values(flow_run_id=known))
            put_errand(connection, str(remedy.run_id), "settle", self.clock())
            self._note(connection, remedy)
            return True

    def note(self, remedy: Remedy) -> bool:
        """Write down what was found and done."""
        with writing(self.engine) as connection:
            self._note(connection, remedy)
        return True

    def _note(self, connection: Connection, remedy: Remedy) -> None:
        note_repair(connection, self.clock(), remedy.run_id, remedy.finding, remedy.deed)

    @contextmanager
    def _while_as_it_was(self, remedy: Remedy) -> Iterator[Connection | None]:
        """Give the transaction, if the run is still as it was when it was looked at."""
        with writing(self.engine) as connection:
            facts = remedy.run
            row = connection.execute(select(*_FACTS).where(_is(remedy))).one_or_none()
            waiting = _load_waiting(connection, run_id=remedy.run_id).get(str(remedy.run_id), set())
            same = (
                row is not None
                and facts is not None
                and _build_facts(row, waiting, {row.run_id: facts.cancelled_at}) == facts
            )
            yield connection if same else None


def _is(remedy: Remedy) -> ColumnElement[bool]:
    return run.c.run_id == remedy.run_id


def _split(run_ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(run_ids)
    for first in range(0, len(ordered), _AT_ONCE):
        yield ordered[first : first + _AT_ONCE]


def _load_waiting(connection: Connection, run_id: str | None = None) -> dict[str, set[str]]:
    undone = select(outbox.c.run_id, outbox.c.kind).where(outbox.c.done_at.is_(None))
    if run_id:
        undone = undone.where(outbox.c.run_id == run_id)
    waiting: dict[str, set[str]] = {}
    for row in connection.execute(undone):
        waiting.setdefault(row.run_id, set()).add(row.kind)
    return waiting


def _load_cancelled(connection: Connection) -> dict[str, datetime | None]:
    asked = (
        select(outbox.c.run_id, func.max(outbox.c.created_at).label("at"))
        .join(run)
        .where(outbox.c.kind == "cancel", run.c.state == RunState.CANCELLING)
        .group_by(outbox.c.run_id)
    )
    return {row.run_id: row.at for row in connection.execute(asked)}


def _build_facts(
    row: Row[*tuple[Any, ...]], waiting: set[str], cancelled: dict[str, datetime | None]
) -> RunFacts:
    return RunFacts(
        run_id=row.run_id,
        state=RunState(row.state),
        attempt=row.attempt,
        worker=row.worker,
        flow_run_id=row.flow_run_id,
        dispatched_at=row.dispatched_at,
        finished_at=row.finished_at,
        waiting=frozenset(waiting),
        cancelled_at=cancelled.get(row.run_id),
    )
