"""The ledger's tables. A change here comes with a migration; a test compares the two."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
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

HEAD = "0010"
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
    Column("key_id", String),
    Column("name", String),
    Column("notes", String),
    Column("tags", JSON, nullable=False, server_default="[]"),
    Column("watch_id", String),
    Index("run_by_state", "state"),
    Index("run_by_watch", "watch_id", "flow_type", "accepted_at"),
    Index("run_of_no_watch", "state", sqlite_where=text("watch_id IS NULL")),
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

api_key = Table(
    "api_key",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("sha256", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("user", String, nullable=False),
    Column("role", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("requests_per_minute", Integer),
    Column("most_waiting", Integer),
    Column("most_running", Integer),
    Column("most_bars", Integer),
    CheckConstraint("role IN ('viewer', 'trader', 'admin')", name="role_is_known"),
)

turned_away = Table(
    "turned_away",
    metadata,
    Column("hour", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("reason", String, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("example", String, nullable=False),
)
"""Deliveries of nobody that is known here, which are counted and not each written down."""

hook = Table(
    "hook",
    metadata,
    Column("hook_id", String, primary_key=True),
    Column("sha256", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("user", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("senders", JSON, nullable=False),
    Column("key_id", String),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    CheckConstraint("kind IN ('tradingview', 'standard')", name="kind_is_known"),
)

channel = Table(
    "channel",
    metadata,
    Column("channel_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("user", String, nullable=False),
    Column("url", String, nullable=False),
    Column("events", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("manner", JSON, nullable=False),
)

mute = Table(
    "mute",
    metadata,
    Column("channel_id", String, ForeignKey("channel.channel_id"), primary_key=True),
    Column("setup_id", String, primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("zone", String, nullable=False),
    Column("muted_at", UtcTime, nullable=False),
)

notification = Table(
    "notification",
    metadata,
    Column("notification_id", Integer, primary_key=True, autoincrement=True),
    # Random, so that no desk, and no restored backup, gives an id to two messages.
    Column(
        "message_id",
        String,
        nullable=False,
        unique=True,
        server_default=text("('note_' || lower(hex(randomblob(16))))"),
    ),
    Column("channel_id", String, ForeignKey("channel.channel_id"), nullable=False),
    Column("event", String, nullable=False),
    Column("run_id", String, ForeignKey("run.run_id")),
    Column("alert_id", String, ForeignKey("alert.alert_id")),
    Column("digest_id", Integer, ForeignKey("notification.notification_id")),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("outcome", String),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", String),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcTime),
    CheckConstraint(
        "event IN ('run_finished', 'run_failed', 'alert', 'digest')", name="event_is_known"
    ),
    CheckConstraint(
        "outcome IN ('delivered', 'given_up', 'expired', 'held', 'muted')",
        name="outcome_is_known",
    ),
    CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name="only_done_has_an_outcome"),
    Index("notification_to_do", "done_at", "due_at"),
    Index("notification_by_alert", "alert_id"),
    Index("notification_held", "channel_id", sqlite_where=text("outcome = 'held'")),
    sqlite_autoincrement=True,
)

schedule = Table(
    "schedule",
    metadata,
    Column("schedule_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("user", String, nullable=False),
    Column("key_id", String),
    Column("terms", JSON, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    Column("accounted_until", UtcTime, nullable=False),
)

DUE = text("tick.outcome = 'due'")
"""Of a tick that START has to be asked for. SQLite takes the index only for these very words."""

tick = Table(
    "tick",
    metadata,
    Column("schedule_id", String, ForeignKey("schedule.schedule_id"), primary_key=True),
    Column("due_at", UtcTime, primary_key=True),
    Column("outcome", String, nullable=False),
    Column("reason", String),
    Column("run_ids", JSON, nullable=False, server_default="[]"),
    Column("at", UtcTime, nullable=False),
    CheckConstraint(
        "outcome IN ('due', 'fired', 'skipped_overlap', 'missed_late', 'coalesced', 'paused', "
        "'refused')",
        name="outcome_is_known",
    ),
    Index("tick_to_start", "schedule_id", "due_at", sqlite_where=text("outcome = 'due'")),
)
"""One row for each time at which a schedule was due, whatever became of it."""

change_log = Table(
    "change_log",
    metadata,
    Column("change_id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("user", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("deed", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("said", JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""Who changed which schedule or watch, and how; rows are only added."""

watch = Table(
    "watch",
    metadata,
    Column("watch_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("user", String, nullable=False),
    Column("key_id", String),
    Column("terms", JSON, nullable=False),
    Column("schedule_id", String, ForeignKey("schedule.schedule_id")),
    Column("parity_schedule_id", String, ForeignKey("schedule.schedule_id")),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)

look = Table(
    "look",
    metadata,
    Column("watch_id", String, ForeignKey("watch.watch_id"), primary_key=True),
    Column("setup_id", String, primary_key=True),
    Column("symbol", String, primary_key=True),
    Column("seen_until", UtcTime),
    Column("setup_hash", String),
    Column("fingerprint", String),
    Column("standing", JSON),
    Column("trouble", String),
    Column("run_id", String, ForeignKey("run.run_id")),
    Column("at", UtcTime),
)
"""Where a watch stands with one setup on one symbol: up to which bar it has seen and decided."""

sighting = Table(
    "sighting",
    metadata,
    Column("sighting_id", Integer, primary_key=True, autoincrement=True),
    Column("watch_id", String, ForeignKey("watch.watch_id"), nullable=False),
    Column("symbol", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("first_bar_at", UtcTime, nullable=False),
    Column("last_bar_at", UtcTime, nullable=False),
    Column("bars", JSON, nullable=False),
    Column("run_id", String, ForeignKey("run.run_id"), nullable=False),
    Column("engine_version", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint("kind IN ('seen', 'revised')", name="kind_is_known"),
    Index("sighting_by_bar", "watch_id", "symbol", "last_bar_at"),
    sqlite_autoincrement=True,
)
"""Bars as a watch saw them: each when it was new, and again if it came with other prices."""

alert = Table(
    "alert",
    metadata,
    Column("alert_id", String, primary_key=True),
    Column("watch_id", String, ForeignKey("watch.watch_id"), nullable=False),
    Column("user", String, nullable=False),
    Column("run_id", String, ForeignKey("run.run_id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("setup_id", String),
    Column("setup_hash", String),
    Column("symbol", String, nullable=False),
    Column("timeframe", String, nullable=False),
    Column("side", String),
    Column("level", String),
    Column("bar_at", UtcTime, nullable=False),
    Column("said", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("outcome", JSON),
    Column("outcome_at", UtcTime),
    CheckConstraint("kind IN ('signal', 'further', 'stale')", name="kind_is_known"),
    Index("alert_by_user", "user", "created_at"),
    Index("alert_by_watch", "watch_id", "bar_at"),
)

saved_request = Table(
    "saved_request",
    metadata,
    Column("saved_id", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("name", String, nullable=False),
    Column("name_key", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index("saved_request_by_name", "user", "name_key", unique=True),
)

pairing_code = Table(
    "pairing_code",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("role", String, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    CheckConstraint("role IN ('viewer', 'trader', 'admin')", name="role_is_known"),
)

Row = Mapping[str, Any]
