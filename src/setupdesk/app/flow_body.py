"""What a flow does with a run, with or without Prefect around it."""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from setupdesk.app.ports import Journal, ResultStore
from setupdesk.core.errors import SetupdeskError
from setupdesk.core.run import Run

log = logging.getLogger("setupdesk.flow")


class SetupManager(Protocol):
    """The step that a flow hands its run to; gives None for a dry run."""

    def __call__(self, run: Run) -> dict[str, Any] | None:
        """Plan the run and have it carried out."""


@dataclass(frozen=True, slots=True)
class FlowBody:
    """Take the run, hand it to the Setup Manager, keep what comes of it."""

    journal: Journal
    setup_manager: SetupManager
    results: ResultStore

    def __call__(self, run_id: str) -> None:
        """Carry out one run; whatever happens, the ledger says how it ended."""
        run = self.journal.begin(run_id)
        request = run.request
        what = {name: getattr(request, name) for name in ("setup_id", "symbol", "timeframe")}
        log.info("task started", extra={**what, "user": run.user})
        self._carry_out(run)

    def _carry_out(self, run: Run) -> None:
        run_id = run.run_id
        try:
            report = self.setup_manager(run)
            if report is None:
                self.journal.finish_planned(run_id)
            else:
                draft = self.results.draft(run_id, report)
                self.journal.finish_completed(run_id, _summarize(report), draft)
        except SetupdeskError as error:
            log.error("task failed: %s", error)  # noqa: TRY400 (not our bug)
            self.journal.finish_failed(run_id, str(error))
            raise
        except MemoryError:
            log.exception("task failed")
            self.journal.finish_failed(run_id, _TOO_MUCH_MEMORY)
            raise
        except Exception as bug:
            log.exception("task failed")
            self.journal.finish_failed(run_id, f"a bug of ours: {bug!r}", traceback.format_exc())
            raise
        log.info("task ended")


_TOO_MUCH_MEMORY = (
    "it needed more memory than a run may take: a shorter period needs less, and run_memory_mb in "
    "setupdesk.toml is the limit"
)


def _summarize(report: Mapping[str, Any]) -> dict[str, Any]:
    """Give the few figures that lists of runs show."""
    if "summary" in report:
        return dict(report["summary"])
    statistics = report["statistics"]
    return {
        "verdict": report["verdict"]["code"],
        **{
            key: statistics[key]
            for key in ("trades", "total_r", "expectancy_r", "expectancy_interval")
        },
    }
