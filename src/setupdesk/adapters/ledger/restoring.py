"""The ledger after a restore: nothing that it says of processes is true any more."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, and_, inspect, or_, select, text

from setupdesk.adapters.ledger.chain import write_instant
from setupdesk.adapters.ledger.database import writing
from setupdesk.adapters.ledger.outbox import lay_to_rest
from setupdesk.adapters.ledger.tables import outbox, run
from setupdesk.core.run import RunState

REASON = "it was under way when the backup was made"


def let_go_of_processes(engine: Engine, clock: Callable[[], datetime]) -> list[str]:
    """Try anew, or report, each run that some process had in hand; give their ids.

    Their pids belong to anybody by now.
    """
    to_start = select(outbox.c.run_id).where(outbox.c.kind == "start", outbox.c.done_at.is_(None))
    under_way = run.c.state.in_([RunState.RUNNING, RunState.CANCELLING])
    handed_over = and_(run.c.state == RunState.QUEUED, run.c.run_id.not_in(to_start))
    held = select(run.c.run_id).where(or_(under_way, handed_over)).order_by(run.c.run_id)
    has_workers = inspect(engine).has_table("worker")
    with writing(engine) as connection:
        found = list(connection.execute(held).scalars())
        for run_id in found:
            lay_to_rest(connection, run_id, REASON, clock())
        if has_workers:
            ended = {"at": write_instant(clock()), "reason": REASON}
            statement = "UPDATE worker SET ended_at = :at, reason = :reason WHERE ended_at IS NULL"
            connection.execute(text(statement), ended)
    return found
