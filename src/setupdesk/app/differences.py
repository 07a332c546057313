"""Differences between the ledger, Prefect, the executor and the reports, and a remedy for each.

Everything here is decided from one snapshot, by pure functions; the reconciler carries it out.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from setupdesk.core.run import EXECUTOR, RunState

FORGOTTEN_AFTER = timedelta(seconds=10)
"""A run that was handed over is looked for in Prefect by then: it may be about to begin."""

NOT_BEGUN_AFTER = timedelta(seconds=30)
CANCELLING_AFTER = timedelta(seconds=10)
UNSETTLED_AFTER = timedelta(seconds=30)
"""So long a run's own process may take to tell Prefect that the run has ended."""

NO_RESULT = "it is completed, and its report is not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run, as the ledger has it."""

    run_id: str
    state: RunState
    attempt: int = 0
    worker: str | None = None
    flow_run_id: str | None = None
    dispatched_at: datetime | None = None
    finished_at: datetime | None = None
    waiting: frozenset[str] = frozenset()
    """Which errands of it are not done: ``start``, ``cancel``, ``settle``."""

    cancelled_at: datetime | None = None
    """When it was last asked to stop."""

    @property
    def is_handed_over(self) -> bool:
        """Say whether it is on its way to the executor, and has not begun."""
        return self.state is RunState.QUEUED and self.dispatched_at is not None

    @property
    def trial(self) -> tuple[str, int]:
        """Name this attempt at the run."""
        return self.run_id, self.attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRunFacts:
    """One flow run of ours that has not ended, as Prefect has it."""

    flow_run_id: str
    run_id: str | None
    """The run that it says it carries out."""

    key: str | None
    """Our dispatcher gives every flow run its run_id as key; nobody else does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The report files, and what the ledger said before and after they were listed."""

    completed_before: AbstractSet[str]
    found: AbstractSet[str]
    states_after: Mapping[str, RunState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What all four say. Prefect and the executor were asked before the ledger was read."""

    at: datetime
    runs: Mapping[str, RunFacts]
    """Those under way, and those that a flow run names."""

    flow_runs: tuple[FlowRunFacts, ...] = ()
    forgotten: AbstractSet[str] = frozenset()
    """Ids of flow runs that the ledger has and Prefect has not."""

    held: AbstractSet[str] | None = None
    """The runs that the executor holds; None where it does not answer."""

    missed_before: AbstractSet[tuple[str, int]] = frozenset()
    """Trials that the ledger had as running at the last look, and the executor did not hold."""

    reports: Reports | None = None
    """None at most looks: it takes a while to list them."""

    known: AbstractSet[str] = frozenset()
    """Runs whose missing report has been found before."""


class Deed(StrEnum):
    """What is done about a difference, in the words that are written down."""

    CREATE = "its flow run is created anew"
    LAY_TO_REST = "started anew, or ended if that was done often enough"
    STOP = "asked the executor to stop it once more"
    SETTLE = "its end is told to Prefect"
    CANCEL_GHOST = "the flow run is cancelled in Prefect"
    SET_ASIDE = "the report is set aside as report.stray.json"
    NOTE = "written down, and nothing else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One difference, and what to do about it."""

    deed: Deed
    finding: str
    run_id: str | None
    run: RunFacts | None = field(default=None, repr=False)
    """As the ledger had it; if it has changed meanwhile, nothing is to be done."""

    flow_run_id: str | None = None


def find_remedies(snapshot: Snapshot) -> list[Remedy]:
    """Find everything that is to be put right."""
    return [
        *_judge_runs(snapshot),
        *_judge_flow_runs(snapshot),
        *(_judge_reports(snapshot.reports, snapshot.known) if snapshot.reports else ()),
    ]


def find_missed(snapshot: Snapshot) -> frozenset[tuple[str, int]]:
    """Name the trials that are said to run, and that the executor does not hold."""
    if snapshot.held is None:
        return frozenset()
    return frozenset(
        run.trial
        for run in snapshot.runs.values()
        if run.state is RunState.RUNNING
        and (run.worker or "").startswith(EXECUTOR)
        and run.run_id not in snapshot.held
    )


def find_suspects(snapshot: Snapshot) -> list[str]:
    """Name the flow runs of which Prefect has to be asked whether it has them."""
    return [
        run.flow_run_id
        for run in snapshot.runs.values()
        if run.flow_run_id and _is_stuck(run, snapshot, FORGOTTEN_AFTER)
    ]


def _is_stuck(run: RunFacts, snapshot: Snapshot, after: timedelta) -> bool:
    return (
        run.is_handed_over
        and not run.waiting
        and _is_absent(run, snapshot)
        and _is_past(run.dispatched_at, snapshot.at, after)
    )


def _is_absent(run: RunFacts, snapshot: Snapshot) -> bool:
    return snapshot.held is not None and run.run_id not in snapshot.held


def _is_past(moment: datetime | None, at: datetime, after: timedelta) -> bool:
    # Of a moment in the future the clock was set back since, and nobody knows how long it is ago.
    return moment is not None and abs(at - moment) > after


def _judge_runs(snapshot: Snapshot) -> Iterator[Remedy]:
    missed = find_missed(snapshot) & snapshot.missed_before
    for run in snapshot.runs.values():
        if run.flow_run_id in snapshot.forgotten and run.is_handed_over:
            yield _of(run, Deed.CREATE, "Prefect has forgotten its flow run")
        elif _is_stuck(run, snapshot, NOT_BEGUN_AFTER):
            reason = "it was handed over, and the executor neither began nor holds it"
            yield _of(run, Deed.LAY_TO_REST, reason)
        elif run.trial in missed:
            reason = "it was running, and the executor does not hold it"
            yield _of(run, Deed.LAY_TO_REST, reason)
        elif run.state is RunState.CANCELLING:
            yield from _judge_cancelling(run, snapshot)


def _judge_cancelling(run: RunFacts, snapshot: Snapshot) -> Iterator[Remedy]:
    slow = _is_past(run.cancelled_at, snapshot.at, CANCELLING_AFTER) or not run.cancelled_at
    if "cancel" in run.waiting or snapshot.held is None or not slow:
        return
    if run.run_id in snapshot.held:
        yield _of(run, Deed.STOP, "it was to be stopped, and goes on")
    else:
        yield _of(run, Deed.LAY_TO_REST, "it was to be stopped, and nobody holds it")


def _judge_flow_runs(snapshot: Snapshot) -> Iterator[Remedy]:
    for flow_run in snapshot.flow_runs:
        run = snapshot.runs.get(flow_run.run_id or "")
        if finding := _find_ghost(flow_run, run):
            yield Remedy(
                deed=Deed.CANCEL_GHOST,
                finding=finding,
                run_id=flow_run.run_id,
                flow_run_id=flow_run.flow_run_id,
            )
        elif run and _is_unsettled(run, snapshot):
            finding = f"it is {run.state}, and stands in Prefect as if it had not ended"
            yield _of(run, Deed.SETTLE, finding, flow_run.flow_run_id)


def _find_ghost(flow_run: FlowRunFacts, run: RunFacts | None) -> str | None:
    if run is None:
        return "Prefect has a flow run of a run that the ledger does not have"
    if flow_run.key != run.run_id:
        return "Prefect has a flow run of it that the desk did not make"
    if run.flow_run_id not in (None, flow_run.flow_run_id) and not run.waiting:
        return "Prefect has a second flow run of it"
    return None


def _is_unsettled(run: RunFacts, snapshot: Snapshot) -> bool:
    ended = run.state.is_final and _is_past(run.finished_at, snapshot.at, UNSETTLED_AFTER)
    return ended and "settle" not in run.waiting and run.run_id not in (snapshot.held or ())


def _judge_reports(reports: Reports, known: AbstractSet[str]) -> Iterator[Remedy]:
    for run_id in sorted(reports.found):
        state = reports.states_after.get(run_id)
        if state is None or (state.is_final and state is not RunState.COMPLETED):
            said = f"is {state}" if state else "has no row in the ledger"
            yield _note(run_id, Deed.SET_ASIDE, f"it {said}, and there is a report")
    for run_id in sorted(reports.completed_before - reports.found - known):
        yield _note(run_id, Deed.NOTE, NO_RESULT)


def _of(run: RunFacts, deed: Deed, finding: str, flow_run_id: str | None = None) -> Remedy:
    return Remedy(deed=deed, finding=finding, run_id=run.run_id, run=run, flow_run_id=flow_run_id)


def _note(run_id: str, deed: Deed, finding: str) -> Remedy:
    return Remedy(deed=deed, finding=finding, run_id=run_id)


def name_runs(flow_runs: Iterable[FlowRunFacts]) -> set[str]:
    """Name the runs that flow runs say they carry out."""
    return {flow_run.run_id for flow_run in flow_runs if flow_run.run_id}
