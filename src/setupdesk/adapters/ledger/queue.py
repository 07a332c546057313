"""The ledger as the queue shows it: who holds a place, who waits, and what runs took."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, literal_column, select

from setupdesk.adapters.ledger.database import reading
from setupdesk.adapters.ledger.outbox import HOLDS_A_PLACE, IS_WITHIN_QUOTA, WAITS
from setupdesk.adapters.ledger.tables import ORDER_OF_ACCEPTANCE, ORDER_OF_TURNS, outbox, run
from setupdesk.app.queue import Past, Snapshot
from setupdesk.core.run import RunState

_SHOWN = (
    *(run.c.run_id, run.c.flow_type, run.c.state, run.c.request, run.c.user, run.c.door),
    *(run.c.priority, run.c.accepted_at, run.c.started_at, run.c.stage, run.c.key_id),
)
_MOST_PAST = 500


@dataclass(frozen=True, slots=True)
class QueueReads:
    """One look at the queue."""

    engine: Engine

    def load_queue(self) -> Snapshot:
        """Load who runs, who waits, and the newest completed runs, all at one moment."""
        running = select(*_SHOWN).where(HOLDS_A_PLACE).order_by(*ORDER_OF_ACCEPTANCE)
        waiting = (
            select(
                *_SHOWN, outbox.c.attempts, outbox.c.last_error, IS_WITHIN_QUOTA.label("may_run")
            )
            .join(outbox, outbox.c.run_id == run.c.run_id)
            .where(WAITS)
            .order_by(*ORDER_OF_TURNS)
        )
        with reading(self.engine) as connection:
            return Snapshot(
                running=[dict(row) for row in connection.execute(running).mappings()],
                waiting=[dict(row) for row in connection.execute(waiting).mappings()],
                past=_load_past(connection),
            )


def _load_past(connection: Connection) -> list[Past]:
    # The index on the state gives the newest without a look at all the others. Polls are apart:
    # there are so many that they would leave no room for what takes time.
    newest = (
        select(
            run.c.request["setup_id"].as_string().label("setup_id"),
            run.c.plan["bars"].as_integer().label("bars"),
            *(run.c.flow_type, run.c.started_at, run.c.finished_at),
        )
        .where(run.c.state == RunState.COMPLETED, run.c.watch_id.is_(None))
        .order_by(literal_column("run.rowid").desc())
        .limit(_MOST_PAST)
    )
    return [
        Past(
            setup_id=row.setup_id,
            flow_type=row.flow_type,
            seconds=(row.finished_at - row.started_at).total_seconds(),
            bars=row.bars or 0,
        )
        for row in connection.execute(newest)
    ]
