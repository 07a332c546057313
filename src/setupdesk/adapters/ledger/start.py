"""The ledger as START sees it: number a request, write it down, hand it over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from setupdesk.adapters.ledger.bounds import Bounds
from setupdesk.adapters.ledger.database import writing
from setupdesk.adapters.ledger.outbox import put_errand
from setupdesk.adapters.ledger.tables import audit_log, run, run_counter
from setupdesk.core.problem import Problem
from setupdesk.core.request import Request
from setupdesk.core.run import Door, Receipt, RunState, find_priority


@dataclass(frozen=True, slots=True)
class StartLedger:
    """Each call is one transaction; when it returns, what it says is on the disk."""

    engine: Engine
    clock: Callable[[], datetime]
    hands_over: bool = True
    """False where the caller carries the run out by itself, so that nobody else starts it."""

    bounds: Bounds | None = None
    """How many runs may wait; None where none waits."""

    def accept(
        self, request: Request, payload: Mapping[str, Any], user: str, door: Door
    ) -> Receipt:
        """Write run, audit row and outbox row under the next run_id of the UTC day.

        Where too many runs wait, it is refused instead.
        """
        with writing(self.engine) as connection:
            at = self.clock()
            if self.bounds and (too_many := self.bounds.find_problem(connection, user)):
                _write_audit(connection, at, user, door, payload, problems=[too_many])
                return _build_refusal(payload, [too_many], at, user, door)
            run_id = _next_run_id(connection, at)
            connection.execute(
                insert(run).values(
                    run_id=run_id,
                    flow_type=request.mode.flow_type,
                    state=RunState.QUEUED,
                    request=request.to_json(),
                    user=user,
                    door=door,
                    accepted_at=at,
                    priority=find_priority(request.mode, door),
                )
            )
            _write_audit(connection, at, user, door, payload, run_id=run_id)
            if self.hands_over:
                put_errand(connection, run_id, "start", at)
        return Receipt(
            status="accepted",
            run_id=run_id,
            request=request.to_json(),
            timestamp=at,
            flow_type=request.mode.flow_type,
            user=user,
            door=door,
        )

    def refuse(
        self, payload: Mapping[str, Any], problems: Sequence[Problem], user: str, door: Door
    ) -> Receipt:
        """Write the audit row of a refusal, and nothing else."""
        with writing(self.engine) as connection:
            at = self.clock()
            _write_audit(connection, at, user, door, payload, problems=problems)
        return _build_refusal(payload, problems, at, user, door)


def _build_refusal(
    payload: Mapping[str, Any], problems: Sequence[Problem], at: datetime, user: str, door: Door
) -> Receipt:
    return Receipt(
        status="refused",
        run_id=None,
        request=dict(payload),
        timestamp=at,
        flow_type=None,
        user=user,
        door=door,
        problems=tuple(problems),
    )


def _next_run_id(connection: Connection, at: datetime) -> str:
    # The counter lives in the request's own transaction, so a refused or broken request
    # leaves no gap; a clock that goes back goes on numbering the newest day.
    newest = connection.execute(select(func.max(run_counter.c.day))).scalar()
    day = max(at.date().isoformat(), newest or "")
    count = connection.execute(
        update(run_counter)
        .where(run_counter.c.day == day)
        .values(n=run_counter.c.n + 1)
        .returning(run_counter.c.n)
    ).scalar()
    if count is None:
        connection.execute(insert(run_counter).values(day=day, n=1))
        count = 1
    return f"run_{day.replace('-', '_')}_{count:03d}"


def _write_audit(  # noqa: PLR0913 (the columns of a row)
    connection: Connection,
    at: datetime,
    user: str,
    door: Door,
    payload: Mapping[str, Any],
    *,
    run_id: str | None = None,
    problems: Sequence[Problem] = (),
) -> None:
    connection.execute(
        insert(audit_log).values(
            at=at,
            user=user,
            door=door,
            outcome="accepted" if run_id else "refused",
            run_id=run_id,
            payload=dict(payload),
            problems=[problem.to_json() for problem in problems],
        )
    )
