"""The run desk: what users do with runs that there are: name them, repeat them, follow them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from structlog.contextvars import bound_contextvars

from setupdesk.app.follow_run import FollowRun, read_position
from setupdesk.app.queries import Queries, show_row
from setupdesk.app.start import Start
from setupdesk.core.caller import Caller
from setupdesk.core.rerun import build_rerun
from setupdesk.core.run import Door, Receipt
from setupdesk.core.run_change import RunChange, parse_run_change

log = logging.getLogger(__name__)


class Changes(Protocol):
    """Where what is said of runs is kept."""

    def change(self, run_id: str, change: RunChange) -> dict[str, Any]:
        """Change what is said of a run, all or nothing; give what it was before, by field."""


@dataclass(frozen=True, slots=True)
class RunDesk:
    """Changes, repeats and follows runs."""

    queries: Queries
    start: Start
    changes: Changes
    wake_dispatcher: Callable[[], None]

    def change(
        self, run_id: str, said: Mapping[str, Any], *, user: str, door: Door
    ) -> dict[str, Any]:
        """Change a run's name, notes, tags, or turn while it waits; its log says who did."""
        change = parse_run_change(said)
        earlier = show_row(self.changes.change(run_id, change))
        now = show_row(change.values)
        with bound_contextvars(run_id=run_id):
            for field, value in now.items():
                told = {"now": value, "earlier": earlier[field], "user": user, "door": door}
                log.info("%s changed", field, extra=told)
        self.wake_dispatcher()
        return {"run_id": run_id, **now, "earlier": earlier}

    def rerun(
        self,
        run_id: str,
        changes: Mapping[str, Any],
        caller: Caller,
        door: Door,
        key: str | None = None,
    ) -> Receipt:
        """Ask for what was asked before, with *changes*; the new run's log names the old one."""
        asked = self.queries.run(run_id)["request"]
        payload = build_rerun(asked, changes)
        receipt = self.start(payload, user=caller.user, door=door, key=key, quota=caller.quota)
        if receipt.run_id and not receipt.first_text:
            with bound_contextvars(run_id=receipt.run_id):
                log.info("it is a rerun", extra={"of": run_id})
        return receipt

    def follow(self, run_id: str, last_heard: str | None = None) -> FollowRun:
        """Follow a run for one listener, who has heard of it up to *last_heard*."""
        reads, results = self.queries.reads, self.queries.results
        return FollowRun(reads, results, run_id, read_position(last_heard))
