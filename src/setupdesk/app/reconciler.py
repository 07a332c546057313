"""The reconciler: puts right what the ledger, Prefect, the executor and the reports disagree on.

The ledger is right. What is found is written down with what was done, as a repair.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Protocol

from setupdesk.app.differences import (
    NO_RESULT,
    Deed,
    FlowRunFacts,
    Remedy,
    Reports,
    RunFacts,
    Snapshot,
    find_missed,
    find_remedies,
    find_suspects,
    name_runs,
)
from setupdesk.app.ports import Clock, EngineUnavailableError
from setupdesk.core.errors import LedgerUnavailableError
from setupdesk.core.run import RunState

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0
SOON_SECONDS = 5.0
"""The next look, when Prefect or the executor did not answer."""

LOOKS_OF_A_LISTING = 60
"""The reports are listed at one look of so many, and at the first."""


class Ledger(Protocol):
    """The ledger, as far as the reconciler needs it. Each deed is one transaction.

    A deed gives False, and does nothing, where the run is not as the remedy has it any more.
    """

    def load_runs(self, named: Collection[str]) -> Mapping[str, RunFacts]:
        """Load the runs under way, and those *named*."""

    def load_states(self) -> Mapping[str, RunState]:
        """Load the state of every run."""

    def load_found(self, finding: str) -> set[str]:
        """Name the runs for which a finding was written down."""

    def create_again(self, remedy: Remedy) -> bool:
        """Forget the run's flow run, and have it started anew."""

    def lay_to_rest(self, remedy: Remedy) -> bool:
        """End a run that nobody carries out, or start it anew."""

    def stop_again(self, remedy: Remedy) -> bool:
        """Put its cancel into the outbox again."""

    def settle(self, remedy: Remedy) -> bool:
        """Put the settling of an ended run into the outbox."""

    def note(self, remedy: Remedy) -> bool:
        """Write down what was found and done."""


class Engine(Protocol):
    """Prefect, as far as the reconciler needs it."""

    def find_unfinished(self) -> tuple[FlowRunFacts, ...]:
        """Find the flow runs of runs that have not ended."""

    def find_forgotten(self, flow_run_ids: Collection[str]) -> set[str]:
        """Find which of these flow runs there are not."""

    def cancel_ghost(self, flow_run_id: str, message: str) -> None:
        """Cancel a flow run that is no run's."""


class Workers(Protocol):
    """The executor, as far as the reconciler needs it."""

    def ping(self) -> list[str]:
        """Name the runs that the executor holds."""


class ReportFiles(Protocol):
    """The reports, as far as the reconciler needs them."""

    def list_reports(self) -> AbstractSet[str]:
        """Name the runs that have a report."""

    def set_aside(self, run_id: str) -> bool:
        """Put a report where nobody takes it for the run's; False if it is gone."""


@dataclass(slots=True)
class Reconciler:
    """Look at start and every minute; sooner, while somebody does not answer."""

    ledger: Ledger
    engine: Engine
    workers: Workers
    reports: ReportFiles
    wake_dispatcher: Callable[[], None]
    clock: Clock
    looks: int = field(default=0, init=False)
    missed: frozenset[tuple[str, int]] = field(default=frozenset(), init=False)

    def run_for_ever(self, stop: Event) -> None:
        """Look again and again, until *stop*."""
        while not stop.is_set():
            everybody_answered = False
            try:
                everybody_answered = self.look()
            except LedgerUnavailableError:
                log.warning("the ledger cannot be read, so nothing was compared")
            except Exception:
                log.exception("the reconciler met a bug")
                everybody_answered = True
            stop.wait(ROUND_SECONDS if everybody_answered else SOON_SECONDS)

    def look(self) -> bool:
        """Compare once, and put right what can be; False if somebody did not answer."""
        flow_runs = self._ask_engine()
        held = self._ask_executor()
        snapshot = Snapshot(
            at=self.clock(),
            runs=self.ledger.load_runs(name_runs(flow_runs or ())),
            flow_runs=flow_runs or (),
            held=held,
            missed_before=self.missed,
            reports=self._list_reports(),
        )
        if snapshot.reports:
            snapshot = replace(snapshot, known=self.ledger.load_found(NO_RESULT))
        if flow_runs is not None:
            snapshot = replace(snapshot, forgotten=self._ask_for(find_suspects(snapshot)))
        if held is not None:
            self.missed = find_missed(snapshot)
        self.looks += 1
        self._carry_out(find_remedies(snapshot))
        return flow_runs is not None and held is not None

    def _ask_engine(self) -> tuple[FlowRunFacts, ...] | None:
        try:
            return self.engine.find_unfinished()
        except EngineUnavailableError:
            return None

    def _ask_executor(self) -> frozenset[str] | None:
        try:
            return frozenset(self.workers.ping())
        except EngineUnavailableError:
            return None

    def _ask_for(self, flow_run_ids: list[str]) -> AbstractSet[str]:
        try:
            return self.engine.find_forgotten(flow_run_ids)
        except EngineUnavailableError:
            return frozenset()

    def _list_reports(self) -> Reports | None:
        if self.looks % LOOKS_OF_A_LISTING:
            return None
        # A run may end while the files are listed: what is wrong was so before, and is so after.
        before = self.ledger.load_states()
        found = self.reports.list_reports()
        return Reports(
            completed_before={
                run_id for run_id, state in before.items() if state is RunState.COMPLETED
            },
            found=found,
            states_after=self.ledger.load_states(),
        )

    def _carry_out(self, remedies: list[Remedy]) -> None:
        done = [remedy for remedy in remedies if self._try(remedy)]
        for remedy in done:
            _tell(remedy)
        if done:
            self.wake_dispatcher()

    def _try(self, remedy: Remedy) -> bool:
        try:
            return self._do(remedy)
        except (EngineUnavailableError, LedgerUnavailableError):
            # It is found again at the next look.
            return False
        except Exception:
            log.exception("could not be put right: %s: %s", remedy.run_id, remedy.finding)
            return False

    def _do(self, remedy: Remedy) -> bool:
        match remedy.deed:
            case Deed.CREATE:
                return self.ledger.create_again(remedy)
            case Deed.LAY_TO_REST:
                return self.ledger.lay_to_rest(remedy)
            case Deed.STOP:
                return self.ledger.stop_again(remedy)
            case Deed.SETTLE:
                return self.ledger.settle(remedy)
            case Deed.CANCEL_GHOST:
                self.engine.cancel_ghost(str(remedy.flow_run_id), remedy.finding)
            case Deed.SET_ASIDE:
                if not self.reports.set_aside(str(remedy.run_id)):
                    return False
            case Deed.NOTE:
                pass
        return self.ledger.note(remedy)


def _tell(remedy: Remedy) -> None:
    # A run that the ledger does not have gets no log of its own.
    facts = {"run_id": remedy.run_id} if remedy.run else {"flow_run_id": remedy.flow_run_id}
    said = f"{remedy.run_id}: {remedy.finding}" if remedy.run_id else remedy.finding
    log.warning("put right: %s; %s", said, remedy.deed, extra=facts)
