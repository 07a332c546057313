"""Health: whether the desk can do now what it is for, in a few quick looks, for who watches it.

What takes longer to find out, or is no matter of this moment, is the doctor's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from setupdesk.app.doctor import Check, Grade, count, judge
from setupdesk.app.doctor.processes import LOOK, Process, judge_processes
from setupdesk.app.ports import Clock, EngineUnavailableError, Unsent
from setupdesk.core.errors import LedgerUnavailableError

SLOW = timedelta(minutes=1)
"""An errand that meets errors for longer means that the desk does not do its work."""


class Errands(Protocol):
    """The ledger, as far as health needs it."""

    def find_unsent(self) -> Unsent:
        """Count the errands that are not done, and find the oldest."""


class Prefect(Protocol):
    """Prefect, as far as health needs it."""

    def is_ready(self) -> bool:
        """Say whether the server answers."""


class Executor(Protocol):
    """The executor, as far as health needs it."""

    def ping(self) -> list[str]:
        """Name the runs that the executor holds."""


@dataclass(frozen=True, slots=True)
class ShowHealth:
    """Look at each part of a desk that runs."""

    errands: Errands
    prefect: Prefect
    executor: Executor
    find_processes: Callable[[], Sequence[Process]]
    clock: Clock
    find_fault: Callable[[], str] = str
    """Says what is wrong with the Scheduler; empty where nothing is."""

    def __call__(self) -> dict[str, Any]:
        """Give each check, and the names of those that are bad."""
        checks = [
            *judge_processes(self.find_processes(), is_up=True),
            *self._look_at_ledger(),
            self._look_at_prefect(),
            self._look_at_executor(),
        ]
        return {
            "status": "unwell" if (bad := _find_bad(checks)) else "ok",
            "bad": bad,
            "checks": [check.to_json() for check in checks],
        }

    def _look_at_ledger(self) -> list[Check]:
        try:
            unsent = self.errands.find_unsent()
        except LedgerUnavailableError as error:
            return [Check("ledger", Grade.BAD, str(error), "setupdesk doctor")]
        readable = Check("ledger", Grade.OK, "it can be read")
        return [readable, self._judge_errands(unsent), self._look_at_scheduler()]

    def _look_at_scheduler(self) -> Check:
        remedy = f"{LOOK}; setupdesk schedule pause, and resume, begins anew from now"
        return judge("scheduler", "it is not behind", bad=self.find_fault(), remedy=remedy)

    def _judge_errands(self, unsent: Unsent) -> Check:
        at = self.clock()
        waiting = count(unsent.count, "errand") + " to do"
        if unsent.oldest:
            waiting += f", the oldest for {_in_seconds(at - unsent.oldest)}"
        stuck = unsent.stuck_since is not None and at - unsent.stuck_since > SLOW
        return judge(
            "errands", waiting, bad=f"{waiting}: {unsent.error}" if stuck else "", remedy=LOOK
        )

    def _look_at_prefect(self) -> Check:
        silent = "" if self.prefect.is_ready() else "Prefect does not answer"
        return judge("prefect answers", "yes", bad=silent, remedy=LOOK)

    def _look_at_executor(self) -> Check:
        try:
            held = self.executor.ping()
        except EngineUnavailableError as error:
            return Check("executor answers", Grade.BAD, str(error), LOOK)
        return Check("executor answers", Grade.OK, f"yes, it holds {count(len(held), 'run')}")


def _find_bad(checks: Sequence[Check]) -> list[str]:
    return [check.name for check in checks if check.grade is Grade.BAD]


def _in_seconds(age: timedelta) -> str:
    return f"{max(age.total_seconds(), 0):,.0f} s"
