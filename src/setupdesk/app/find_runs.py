"""Find runs: those that somebody searches for, a page at a time, the last accepted first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from setupdesk.app.queries import Row, show_row
from setupdesk.core.caller import HOME, Caller
from setupdesk.core.run_search import RunSearch, parse_run_search, write_cursor
from setupdesk.core.symbol import Catalogue

_HIDDEN = {"plan", "traceback", "result_sha256", "worker", "process"}


class Reads(Protocol):
    """The ledger, as far as a search needs it."""

    def load_run(self, run_id: str) -> Row:
        """Load one run."""

    def load_runs(self, limit: int, search: RunSearch) -> list[Row]:
        """Load the newest runs that are as searched for."""


@dataclass(frozen=True, slots=True)
class FindRuns:
    """Find runs in the ledger."""

    reads: Reads
    catalogue: Catalogue

    def __call__(
        self, said: Mapping[str, Any], limit: int, *, seen_by: Caller = HOME
    ) -> dict[str, Any]:
        """Give one page of the runs that are as *said*, and the cursor of the next one.

        Runs that are accepted meanwhile shift no page: they stand before the first. Raises
        ``InvalidRequestError``, and ``NotFoundError`` for a cursor of another ledger.
        """
        search = parse_run_search(said, self.catalogue)
        if not seen_by.sees_all:
            search = replace(search, owner=seen_by.user)
        if search.before:
            self.reads.load_run(search.before)
        rows = self.reads.load_runs(limit + 1, search)
        shown = [
            {key: value for key, value in show_row(row).items() if key not in _HIDDEN}
            for row in rows[:limit]
        ]
        more = len(rows) > limit
        return {"runs": shown, "next_cursor": write_cursor(shown[-1]["run_id"]) if more else None}
