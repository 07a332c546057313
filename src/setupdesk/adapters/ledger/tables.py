"""The ledger's tables. A change here comes with a migration; a test compares the two."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    func,
    text,
)

from setupdesk.adapters.ledger.chain import write_instant

HEAD = "0004"
"""The newest migration."""


class UtcTime(TypeDecorator[datetime]):
    """An aware instant, stored as ISO text in UTC so that it sorts and reads everywhere."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write it as it is sealed; naive times are refused."""
        return None if value is None else write_instant(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the instant back as UTC."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

run_counter = Table(
    "run_counter",
    metadata,
    Column("day", String, primary_key=True),
    Column("n", Integer, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("flow_type", String, nullable=False),
    Column("state", String, nullable=False),
    Column("request", JSON, nullable=False),
    Column("user", String, nullable=False),
    Column("door", String, nullable=False),
    Column("accepted_at", UtcTime, nullable=False),
    Column("dispatched_at", UtcTime),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("worker", String),
    Column("stage", String),
    Column("reason", String),
    Column("traceback", String),
    Column("flow_run_id", String),
    Column("summary", JSON),
    Column("plan", JSON),
    Column("result_sha256", String),
    Column("priority", Integer, nullable=False, server_default="1"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("process", String),
    Index("run_by_state", "state"),
)

ORDER_OF_ACCEPTANCE = (func.substr(run.c.run_id, 1, 14), func.length(run.c.run_id), run.c.run_id)
"""By day and number, which a clock that goes back does not turn round; 1000 comes after 999."""

ORDER_OF_TURNS = (run.c.priority, *ORDER_OF_ACCEPTANCE)
"""Whose turn it is, of the runs that wait."""

DECIDES = text("outcome IN ('accepted', 'refused')")
"""Of an audit row: the first with its key. SQLite takes the index only for these very words."""

audit_log = Table(
    "audit_log",
    metadata,
    Column("audit_id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("user", String, nullable=False),
    Column("door", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("run_id", String, ForeignKey("run.run_id"), unique=True),
    Column("payload", JSON, nullable=False),
    Column("problems", JSON, nullable=False),
    Column("idempotency_key", String),
    Column("answer", String),
    Column("first_id", Integer, ForeignKey("audit_log.audit_id")),
    Column("previous", String, nullable=False),
    Column("seal", String, nullable=False),
    CheckConstraint(
        "outcome IN ('accepted', 'refused', 'replayed', 'conflict')", name="outcome_is_known"
    ),
    CheckConstraint("(outcome = 'accepted') = (run_id IS NOT NULL)", name="only_accepted_runs"),
    CheckConstraint(
        "(outcome IN ('replayed', 'conflict')) = (first_id IS NOT NULL)",
        name="only_repeats_have_a_first",
    ),
    Index(
        "audit_log_by_key",
        "user",
        "idempotency_key",
        unique=True,
        sqlite_where=DECIDES,
    ),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String, ForeignKey("run.run_id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("last_error", String),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcTime),
    CheckConstraint("kind IN ('start', 'cancel', 'settle')", name="kind_is_known"),
    Index("outbox_to_do", "done_at", "due_at"),
    sqlite_autoincrement=True,
)

worker = Table(
    "worker",
    metadata,
    Column("worker_id", Integer, primary_key=True, autoincrement=True),
    Column("pid", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("beats", Integer, nullable=False, server_default="0"),
    Column("ended_at", UtcTime),
    Column("reason", String),
    sqlite_autoincrement=True,
)

repair = Table(
    "repair",
    metadata,
    Column("repair_id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("run_id", String),
    Column("finding", String, nullable=False),
    Column("deed", String, nullable=False),
    sqlite_autoincrement=True,
)

Row = Mapping[str, Any]
