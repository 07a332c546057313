"""How many runs may wait: what comes on top is refused, instead of waiting without end."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from setupdesk.adapters.ledger.outbox import WAITS
from setupdesk.adapters.ledger.tables import outbox, run
from setupdesk.core.caller import Quota
from setupdesk.core.problem import QUEUE_FULL, TOO_MANY_WAITING, Problem


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most runs that wait at once, of all users and of each."""

    total: int
    per_user: int

    def find_problem(self, connection: Connection, user: str, quota: Quota) -> Problem | None:
        """Say why no further run of *user*, and within the *quota* of a key, can wait.

        It is asked in the transaction that adds the run. It is no answer to keep for the
        request's key: the same request may be right later.
        """
        waiting = select(func.count()).select_from(run).join(outbox).where(WAITS)
        if connection.execute(waiting).scalar_one() >= self.total:
            message = f"{self.total:,} runs wait, and the desk takes no more. {_ADVICE}"
            return Problem(field="queue", code=QUEUE_FULL, message=message)
        if connection.execute(waiting.where(run.c.user == user)).scalar_one() >= self.per_user:
            message = f"{self.per_user:,} runs of {user} wait, the most of one user. {_ADVICE}"
            return Problem(field="queue", code=TOO_MANY_WAITING, message=message)
        most = quota.most_waiting
        of_the_key = waiting.where(run.c.key_id == quota.key_id)
        if most is not None and connection.execute(of_the_key).scalar_one() >= most:
            message = f"{most:,} runs that this key asked for wait, its most. {_ADVICE}"
            return Problem(field="queue", code=TOO_MANY_WAITING, message=message)
        return None


_ADVICE = (
    "Ask again when some have started, or cancel some: `setupdesk runs --queue` shows them, and "
    "most_waiting and most_waiting_per_user in setupdesk.toml are the bounds."
)
