"""The ledger as everybody sees who only looks: plain rows, newest first."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, func, select

from setupdesk.adapters.ledger.database import reading
from setupdesk.adapters.ledger.searching import TURN_OF_ACCEPTANCE, match, match_audit
from setupdesk.adapters.ledger.tables import ORDER_OF_TURNS, Row, audit_log, outbox, run
from setupdesk.app.ports import Unsent
from setupdesk.core.audit_search import EVERY_ROW, AuditSearch
from setupdesk.core.errors import NotFoundError
from setupdesk.core.request import Mode
from setupdesk.core.run import RunState
from setupdesk.core.run_search import EVERY_RUN, RunSearch


@dataclass(frozen=True, slots=True)
class Reads:
    """Questions to the ledger."""

    engine: Engine

    def load_run(self, run_id: str) -> Row:
        """Load one run."""
        rows = self._rows(select(run).where(run.c.run_id == run_id))
        if not rows:
            raise NotFoundError("run", run_id)
        return rows[0]

    def load_progress(self, run_id: str) -> Row:
        """Load how a run stands: state, stage, reason and summary."""
        standing = select(run.c.state, run.c.stage, run.c.reason, run.c.summary)
        rows = self._rows(standing.where(run.c.run_id == run_id))
        if not rows:
            raise NotFoundError("run", run_id)
        return rows[0]

    def load_owner(self, run_id: str) -> str:
        """Load who asked for a run."""
        owner: str = self.load_run(run_id)["user"]
        return owner

    def load_runs(self, limit: int, search: RunSearch = EVERY_RUN) -> list[Row]:
        """Load the newest runs that are as searched for, the last accepted first."""
        found = select(run).where(*match(search))
        return self._rows(found.order_by(TURN_OF_ACCEPTANCE.desc()).limit(limit))

    def load_audit_log(
        self, limit: int, user: str | None = None, search: AuditSearch = EVERY_ROW
    ) -> list[Row]:
        """Load the newest rows of the audit log that are as searched for, of all or of one user."""
        newest = select(audit_log).where(*match_audit(search)).order_by(audit_log.c.audit_id.desc())
        found = newest if user is None else newest.where(audit_log.c.user == user)
        return self._rows(found.limit(limit))

    def find_outbox_error(self, run_id: str) -> str | None:
        """Find why a run that waits could not be started so far."""
        with reading(self.engine) as connection:
            return connection.execute(
                select(outbox.c.last_error)
                .where(outbox.c.run_id == run_id, outbox.c.done_at.is_(None))
                .order_by(outbox.c.outbox_id)
                .limit(1)
            ).scalar()

    def count_ahead(self, run_id: str) -> int:
        """Count the runs that wait and whose turn comes before this one's."""
        waiting = select(run.c.run_id).where(run.c.state == RunState.QUEUED)
        with reading(self.engine) as connection:
            turns = list(connection.execute(waiting.order_by(*ORDER_OF_TURNS)).scalars())
        return turns.index(run_id) if run_id in turns else 0

    def find_unsent(self) -> Unsent:
        """Count the errands that are not done, and find the oldest."""
        to_do = outbox.c.done_at.is_(None)
        oldest = select(func.count(), func.min(outbox.c.created_at)).where(to_do)
        failed = select(outbox.c.created_at, outbox.c.last_error).where(
            to_do, outbox.c.last_error.is_not(None)
        )
        with reading(self.engine) as connection:
            number, since = connection.execute(oldest).one()
            stuck = connection.execute(failed.order_by(outbox.c.outbox_id).limit(1)).first()
        return Unsent(
            count=number,
            oldest=since,
            stuck_since=stuck.created_at if stuck else None,
            error=stuck.last_error if stuck else "",
        )

    def load_speeds(self, setup_id: str) -> list[tuple[int, float]]:
        """Load (bars, seconds) of the setup's newest completed runs; those of watches are apart."""
        done = select(run.c.plan, run.c.started_at, run.c.finished_at).where(
            run.c.state == RunState.COMPLETED,
            run.c.watch_id.is_(None),
            run.c.request["setup_id"].as_string() == setup_id,
        )
        with reading(self.engine) as connection:
            rows = connection.execute(done.order_by(TURN_OF_ACCEPTANCE.desc()).limit(20)).all()
        return [
            (row.plan["bars"], (row.finished_at - row.started_at).total_seconds()) for row in rows
        ]

    def load_variants(self, setup_id: str, symbol: str, timeframe: str) -> list[dict[str, Any]]:
        """Load the options of every completed backtest of a setup on one symbol and timeframe."""
        asked = run.c.request
        done = select(asked).where(
            run.c.state == RunState.COMPLETED,
            run.c.watch_id.is_(None),
            asked["mode"].as_string() == Mode.BACKTEST,
            asked["setup_id"].as_string() == setup_id,
            asked["symbol"].as_string() == symbol,
            asked["timeframe"].as_string() == timeframe,
        )
        with reading(self.engine) as connection:
            return [
                {**request["options"], **request["extra"]}
                for request in connection.execute(done).scalars()
            ]

    def _rows(self, query: Select[tuple[object, ...]]) -> list[Row]:
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
