"""Queries: what the doors show. Reads only, straight from the ledger, as plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, islice
from typing import Any, Protocol

from setupdesk.app.ports import ResultStore
from setupdesk.core.audit_search import AuditSearch, parse_audit_search
from setupdesk.core.errors import NotFinishedError, NotFoundError
from setupdesk.core.period import to_iso
from setupdesk.core.run import Priority, RunState
from setupdesk.core.timeframe import Timeframe

Row = Mapping[str, Any]


class Reads(Protocol):
    """The ledger, as far as queries need it."""

    def load_run(self, run_id: str) -> Row:
        """Load one run."""

    def load_progress(self, run_id: str) -> Row:
        """Load how a run stands: state, stage, reason and summary."""

    def load_audit_log(self, limit: int, user: str | None, search: AuditSearch) -> list[Row]:
        """Load the newest rows of the audit log that are as searched for, of all or of one user."""

    def load_owner(self, run_id: str) -> str:
        """Load who asked for a run."""

    def find_outbox_error(self, run_id: str) -> str | None:
        """Find why a run that waits could not be started so far."""

    def count_ahead(self, run_id: str) -> int:
        """Count the runs that wait and whose turn comes before this one's."""


class Repairs(Protocol):
    """What the desk has put right by itself."""

    def load_repairs(self, limit: int) -> list[Row]:
        """Load the newest repairs."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Everything that a door can look at."""

    reads: Reads
    results: ResultStore
    repaired: Repairs

    def run(self, run_id: str) -> dict[str, Any]:
        """Give all that is known of a run except its report."""
        row = show_row(self.reads.load_run(run_id))
        if row["state"] == RunState.QUEUED:
            row["ahead"] = self.reads.count_ahead(run_id)
            row["waits_for"] = self.reads.find_outbox_error(run_id) or "a free place"
        return row

    def run_owner(self, run_id: str) -> str:
        """Give who asked for a run; raises ``NotFoundError`` where there is none."""
        return self.reads.load_owner(run_id)

    def result(self, run_id: str) -> dict[str, Any]:
        """Give the report of a completed run."""
        row = self.reads.load_run(run_id)
        if row["state"] != RunState.COMPLETED:
            raise NotFinishedError(run_id, row["state"])
        return self.results.load(run_id, row["result_sha256"])

    def trades(self, run_id: str) -> list[dict[str, Any]]:
        """List the trades of a completed run, each with the run and the rule that made it.

        What is asked of a watch has none.
        """
        report = self.result(run_id)
        if not report["trades"]:
            return []
        made_by = {
            "run_id": run_id,
            "setup_id": self.reads.load_run(run_id)["request"]["setup_id"],
            "setup_hash": report["provenance"]["setup_hash"],
        }
        return [made_by | trade for trade in report["trades"]]

    def equity(self, run_id: str) -> list[dict[str, Any]]:
        """Give the sum of R after each trade of a completed run, and how far below its high."""
        points = self.result(run_id).get("equity", [])
        highs = accumulate((point["r"] for point in points), max, initial=0.0)
        depths = (
            {"drawdown_r": round(high - point["r"], 10)}
            for point, high in zip(points, islice(highs, 1, None), strict=True)
        )
        return [point | depth for point, depth in zip(points, depths, strict=True)]

    def signals(self, run_id: str) -> list[dict[str, Any]]:
        """List the candidates of a completed run, each with its verdict and why."""
        found = self.result(run_id)["candidates"]
        return [_leave_out(candidate, "evidence") for candidate in found]

    def evidence(self, run_id: str, candidate: int | None = None) -> list[dict[str, Any]]:
        """Give what was asked of each *candidate* of a completed run, or of one, in order.

        Raises ``NotFoundError`` for the number of a candidate that there is not.
        """
        found = self.result(run_id)["candidates"]
        if candidate is not None and not 1 <= candidate <= len(found):
            raise NotFoundError("candidate", str(candidate), hint=f" of {len(found)}.")
        chosen = found if candidate is None else [found[candidate - 1]]
        return [
            {"candidate": one["number"], "verdict": one["verdict"], "conditions": one["evidence"]}
            for one in chosen
        ]

    def log_events(self, run_id: str) -> list[dict[str, Any]]:
        """Give the log of a run, event by event."""
        self.reads.load_run(run_id)
        return self.results.load_log(run_id)

    def audit_log(
        self, limit: int, user: str | None = None, said: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """List the newest requests that are as *said*, accepted and refused, of all or of a *user*.

        Raises ``InvalidRequestError`` for what cannot be searched for.
        """
        search = parse_audit_search(said or {})
        return [show_row(row) for row in self.reads.load_audit_log(limit, user, search)]

    def repairs(self, limit: int) -> list[dict[str, Any]]:
        """List what the desk has put right by itself, the newest first."""
        return [show_row(row) for row in self.repaired.load_repairs(limit)]

    def timeframes(self) -> list[str]:
        """List the timeframes."""
        return list(Timeframe)


def _leave_out(row: Row, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def show_row(row: Row) -> dict[str, Any]:
    """Give a row of the ledger as JSON."""
    shown = {
        key: to_iso(value) if isinstance(value, datetime) else value for key, value in row.items()
    }
    if "priority" in row:
        shown["priority"] = Priority(row["priority"]).word
    return shown
