"""The ledger as START sees it: number a request, write it down, hand it over."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert

from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.bounds import Bounds
from setupdesk.adapters.ledger.chain import FIRST_SEAL, seal
from setupdesk.adapters.ledger.database import reading
from setupdesk.adapters.ledger.group_commit import GroupCommit
from setupdesk.adapters.ledger.outbox import INLINE, put_errand
from setupdesk.adapters.ledger.processes import name_process
from setupdesk.adapters.ledger.tables import DECIDES, audit_log, run, run_counter
from setupdesk.core.caller import NO_QUOTA, Quota
from setupdesk.core.errors import KeyConflictError
from setupdesk.core.problem import Problem
from setupdesk.core.request import Request
from setupdesk.core.run import Door, Priority, Receipt, RunState, find_priority, load_receipt

# Statements are built once: building them takes longer than SQLite takes to carry them out.
_NEWEST_DAY = select(func.max(run_counter.c.day))
_COUNT_RUN = (
    insert(run_counter)
    .on_conflict_do_update(index_elements=["day"], set_={"n": run_counter.c.n + 1})
    .returning(run_counter.c.n)
)
_INSERT_RUN, _INSERT_AUDIT = insert(run), insert(audit_log)
_HEAD = (
    select(audit_log.c.audit_id, audit_log.c.seal).order_by(audit_log.c.audit_id.desc()).limit(1)
)
_FIRST = select(audit_log).where(
    audit_log.c.user == bindparam("sender"),
    audit_log.c.idempotency_key == bindparam("key"),
    DECIDES,
)

Decide = Callable[[Connection, datetime], Receipt]


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What came by a door; with a key, perhaps not for the first time."""

    payload: Mapping[str, Any]
    user: str
    door: Door
    key: str | None
    quota: Quota = NO_QUOTA


@dataclass(slots=True)
class StartLedger:
    """Each call is written whole or not at all; when it returns, what it says is on the disk."""

    engine: Engine
    clock: Callable[[], datetime]
    hands_over: bool = True
    """False where the caller carries the run out by itself, so that nobody else starts it."""

    bounds: Bounds | None = None
    """How many runs may wait; None where none waits."""

    anchors: Anchors | None = None
    writer: GroupCommit = field(init=False)

    def __post_init__(self) -> None:
        self.writer = GroupCommit(self.engine)

    def accept(  # noqa: PLR0913 (a delivery, and how much may be asked for)
        self,
        request: Request,
        payload: Mapping[str, Any],
        user: str,
        door: Door,
        key: str | None = None,
        *,
        quota: Quota = NO_QUOTA,
    ) -> Receipt:
        """Write run, audit row and outbox row under the next run_id of the UTC day.

        Where too many runs wait, it is refused instead, and its key stays free.
        """
        delivery = _Delivery(payload, user, door, key, quota)
        return self._answer(
            delivery, lambda connection, at: self._accept(connection, at, delivery, request)
        )

    def refuse(
        self,
        payload: Mapping[str, Any],
        problems: Sequence[Problem],
        user: str,
        door: Door,
        key: str | None = None,
    ) -> Receipt:
        """Write the audit row of a refusal, and nothing else."""
        delivery = _Delivery(payload, user, door, key)
        return self._answer(
            delivery, lambda connection, at: _refuse(connection, at, delivery, problems)
        )

    def has_room(self, user: str, quota: Quota = NO_QUOTA) -> bool:
        """Say whether one more run of *user*, and within the *quota*, may wait at this moment."""
        with reading(self.engine) as connection:
            return not (self.bounds and self.bounds.find_problem(connection, user, quota))

    def _answer(self, delivery: _Delivery, decide: Decide) -> Receipt:
        def write(connection: Connection) -> Receipt | None:
            # Key, time and number are read under the write lock: of two at once one is first.
            at = self.clock()
            if first := _find_first(connection, delivery):
                return _repeat(connection, at, delivery, first)
            return decide(connection, at)

        receipt = self.writer.write(write)
        if self.anchors:
            self.anchors.count_row()
        if receipt is None:
            raise KeyConflictError(str(delivery.key))
        return receipt

    def _accept(
        self, connection: Connection, at: datetime, delivery: _Delivery, request: Request
    ) -> Receipt:
        user, quota = delivery.user, delivery.quota
        if self.bounds and (full := self.bounds.find_problem(connection, user, quota)):
            # Without the key, for which this would be the answer for ever.
            return _refuse(connection, at, replace(delivery, key=None), [full])
        receipt = Receipt(
            status="accepted",
            run_id=_next_run_id(connection, at),
            request=request.to_json(),
            timestamp=at,
            flow_type=request.mode.flow_type,
            user=delivery.user,
            door=delivery.door,
        )
        pid = None if self.hands_over else os.getpid()
        priority = find_priority(request.mode, delivery.door)
        _write_run(connection, receipt, priority, pid, quota.key_id)
        _write_audit(connection, delivery, receipt)
        if self.hands_over and receipt.run_id:
            put_errand(connection, receipt.run_id, "start", at)
        return receipt


def _refuse(
    connection: Connection, at: datetime, delivery: _Delivery, problems: Sequence[Problem]
) -> Receipt:
    receipt = Receipt(
        status="refused",
        run_id=None,
        request=dict(delivery.payload),
        timestamp=at,
        flow_type=None,
        user=delivery.user,
        door=delivery.door,
        problems=tuple(problems),
    )
    _write_audit(connection, delivery, receipt)
    return receipt


def _find_first(connection: Connection, delivery: _Delivery) -> Row[Any] | None:
    if delivery.key is None:
        return None
    named = {"sender": delivery.user, "key": delivery.key}
    return connection.execute(_FIRST, named).one_or_none()


def _repeat(
    connection: Connection, at: datetime, delivery: _Delivery, first: Row[Any]
) -> Receipt | None:
    """Write down that a key came again; give the first answer, or None to another request."""
    is_same = _canonical(delivery.payload) == _canonical(first.payload)
    _append(
        connection,
        at,
        delivery,
        outcome="replayed" if is_same else "conflict",
        first_id=first.audit_id,
    )
    return load_receipt(first.answer) if is_same else None


def _canonical(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, sort_keys=True)


def _write_run(
    connection: Connection,
    receipt: Receipt,
    priority: Priority,
    pid: int | None,
    key_id: str | None,
) -> None:
    row = {
        "run_id": receipt.run_id,
        "flow_type": receipt.flow_type,
        "state": RunState.QUEUED,
        "request": receipt.request,
        "user": receipt.user,
        "door": receipt.door,
        "accepted_at": receipt.timestamp,
        "priority": priority,
        "worker": pid and f"{INLINE}{pid}",
        "process": pid and name_process(pid),
        "key_id": key_id,
        "watch_id": receipt.request.get("watch"),
    }
    connection.execute(_INSERT_RUN, row)


def _write_audit(connection: Connection, delivery: _Delivery, receipt: Receipt) -> None:
    _append(
        connection,
        receipt.timestamp,
        delivery,
        outcome=receipt.status,
        run_id=receipt.run_id,
        problems=[problem.to_json() for problem in receipt.problems],
        answer=receipt.to_text() if delivery.key else None,
    )


def _append(connection: Connection, at: datetime, delivery: _Delivery, **values: Any) -> None:
    head = connection.execute(_HEAD).one_or_none()
    row = {
        "audit_id": head.audit_id + 1 if head else 1,
        "previous": head.seal if head else FIRST_SEAL,
        "at": at,
        "user": delivery.user,
        "door": delivery.door,
        "payload": dict(delivery.payload),
        "problems": [],
        "idempotency_key": delivery.key,
        **values,
    }
    connection.execute(_INSERT_AUDIT, {**row, "seal": seal(row)})


def _next_run_id(connection: Connection, at: datetime) -> str:
    # The counter lives in the request's own transaction, so a refused or broken request
    # leaves no gap; a clock that goes back goes on numbering the newest day.
    newest = connection.execute(_NEWEST_DAY).scalar()
    day = max(at.date().isoformat(), newest or "")
    count = connection.execute(_COUNT_RUN, {"day": day, "n": 1}).scalar_one()
    return f"run_{day.replace('-', '_')}_{count:03d}"
