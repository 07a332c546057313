"""What may be wrong with the processes of a desk, and between its ledger and Prefect."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from setupdesk.app.doctor import Check, Grade, count, judge, name_some
from setupdesk.core.run import RunState

LOOK = "setupdesk status, and logs/NAME.jsonl and logs/NAME.log of that process"
_GRACE = timedelta(seconds=30)
"""So long a run may have ended before Prefect has to know it."""

_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process, as the supervisor describes it."""

    name: str
    state: str
    pid: int
    is_alive: bool
    is_frozen: bool = False
    """Whether a signal has stopped it, and it waits for another to go on."""

    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run, as far as Prefect and its stored report have to agree with it."""

    run_id: str
    state: RunState
    flow_run_id: str | None
    finished_at: datetime | None
    result_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """A flow run of one of our deployments."""

    flow_run_id: str
    name: str
    kind: str
    """Type of its state, as Prefect calls it."""


def judge_processes(processes: Iterable[Process], *, is_up: bool) -> Iterator[Check]:
    """Judge each process of a desk that runs; of one that does not, say that."""
    if not is_up:
        yield Check("desk", Grade.OK, "down, so Prefect was not asked; setupdesk up starts it")
    for one in processes:
        again = f", started again {count(one.restarts, 'time')}" if one.restarts else ""
        yield judge(
            one.name,
            f"{one.state}, process {one.pid}",
            bad=_find_fault(one, again),
            warn=f"{one.state}{again}" if one.state != "ready" or again else "",
            remedy=f"kill -CONT {one.pid}" if one.is_frozen else LOOK,
        )


def _find_fault(one: Process, again: str) -> str:
    if not one.is_alive or one.state == "restarting":
        return f"process {one.pid} is gone{again}"
    return f"process {one.pid} is frozen: it was stopped by a signal" if one.is_frozen else ""


def judge_agreement(
    runs: Iterable[RunRow], flow_runs: Iterable[FlowRun], kinds: dict[RunState, str], now: datetime
) -> Iterator[Check]:
    """Judge whether Prefect, which was asked first, says the same of each run as the ledger.

    *kinds* has, for each state in which a run has ended, how Prefect calls it. What Prefect has
    forgotten is no disagreement: the ledger is the record.
    """
    rows, found = {run.run_id: run for run in runs}, list(flow_runs)
    by_id = {flow_run.flow_run_id: flow_run for flow_run in found}
    ghosts = [each.name for each in found if each.kind not in _ENDED and each.name not in rows]
    ended = [run for run in rows.values() if run.state.is_final and _is_settled(run, now)]
    forgotten = sum(bool(run.flow_run_id) and run.flow_run_id not in by_id for run in ended)
    other = [
        f"{run.run_id} ({run.state}, there {known.kind.lower()})"
        for run in ended
        if (known := by_id.get(run.flow_run_id or "")) and known.kind != kinds[run.state]
    ]
    yield judge(
        "agreement",
        f"Prefect agrees on {count(len(found), 'flow run')}"
        + f"; {forgotten:,} that ended are not there any more" * bool(forgotten),
        bad=f"Prefect has another end of {name_some(other)}" if other else "",
        remedy="the ledger is right, and Prefect is told again; if it stays so, logs/service.jsonl",
    )
    yield judge(
        "ghosts",
        "no flow run without a run",
        bad=f"not of this ledger: {name_some(ghosts)}" if ghosts else "",
        remedy="cancel them in Prefect's UI; nothing but START may make runs",
    )


def _is_settled(run: RunRow, now: datetime) -> bool:
    return run.finished_at is not None and now - run.finished_at > _GRACE
