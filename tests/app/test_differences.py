"""What the reconciler decides, from snapshots."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from setupdesk.app.differences import (
    NO_RESULT,
    Deed,
    FlowRunFacts,
    Reports,
    RunFacts,
    Snapshot,
    find_missed,
    find_remedies,
    find_suspects,
)
from setupdesk.core.run import RunState

AT = datetime(2025, 10, 31, 12, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()
HANDED_OVER = RunFacts(
    run_id="run_2025_10_31_001",
    state=RunState.QUEUED,
    flow_run_id="one",
    dispatched_at=AT - timedelta(seconds=31),
)
RUNNING = replace(HANDED_OVER, state=RunState.RUNNING, attempt=1, worker="executor 3")
CANCELLING = replace(RUNNING, state=RunState.CANCELLING, cancelled_at=AT - timedelta(seconds=11))
COMPLETED = replace(RUNNING, state=RunState.COMPLETED, finished_at=AT - timedelta(seconds=31))
OURS = FlowRunFacts(flow_run_id="one", run_id=RUNNING.run_id, key=RUNNING.run_id)


def look(run: RunFacts, **more: Any) -> Snapshot:
    facts: dict[str, Any] = {"at": AT, "runs": {run.run_id: run}, "held": NOBODY, **more}
    return Snapshot(**facts)


def decide(run: RunFacts, **more: Any) -> list[Deed]:
    return [remedy.deed for remedy in find_remedies(look(run, **more))]


def test_a_run_handed_over_that_prefect_has_forgotten_is_created_anew() -> None:
    early = replace(HANDED_OVER, dispatched_at=AT - timedelta(seconds=11))

    assert find_suspects(look(early)) == ["one"]
    assert decide(early, forgotten={"one"}) == [Deed.CREATE]
    assert decide(early) == []


@pytest.mark.parametrize("run", [RUNNING, COMPLETED])
def test_a_run_that_runs_or_has_ended_is_never_created_anew(run: RunFacts) -> None:
    assert find_suspects(look(run)) == []
    assert decide(run, forgotten={"one"}) == []


def test_a_run_that_the_executor_neither_holds_nor_began_is_laid_to_rest_after_a_while() -> None:
    early = replace(HANDED_OVER, dispatched_at=AT - timedelta(seconds=29))

    assert decide(HANDED_OVER) == [Deed.LAY_TO_REST]
    assert decide(early) == []
    assert decide(replace(HANDED_OVER, waiting=frozenset({"start"}))) == []
    assert decide(replace(HANDED_OVER, dispatched_at=None)) == []


def test_a_clock_set_back_by_an_hour_keeps_no_run_waiting() -> None:
    assert decide(replace(HANDED_OVER, dispatched_at=AT + timedelta(hours=1))) == [Deed.LAY_TO_REST]


@pytest.mark.parametrize("held", [None, {RUNNING.run_id}])
@pytest.mark.parametrize("run", [HANDED_OVER, RUNNING])
def test_what_the_executor_holds_or_may_hold_is_left_alone(
    run: RunFacts, held: set[str] | None
) -> None:
    assert decide(run, held=held, missed_before={run.trial}, forgotten={"one"}) in (
        [],
        [Deed.CREATE],
    )
    assert decide(run, held=held, missed_before={run.trial}) == []


def test_a_run_that_is_missed_at_two_looks_is_laid_to_rest() -> None:
    assert find_missed(look(RUNNING)) == {RUNNING.trial}
    assert decide(RUNNING) == []
    assert decide(RUNNING, missed_before={RUNNING.trial}) == [Deed.LAY_TO_REST]


def test_another_attempt_and_an_inline_run_are_not_missed() -> None:
    inline = replace(RUNNING, worker="inline 77")

    assert decide(replace(RUNNING, attempt=2), missed_before={RUNNING.trial}) == []
    assert find_missed(look(inline)) == frozenset()


def test_a_cancel_that_takes_long_is_asked_again_or_the_run_laid_to_rest() -> None:
    waits = replace(CANCELLING, waiting=frozenset({"cancel"}))
    early = replace(CANCELLING, cancelled_at=AT - timedelta(seconds=9))

    assert decide(CANCELLING, held={CANCELLING.run_id}) == [Deed.STOP]
    assert decide(CANCELLING) == [Deed.LAY_TO_REST]
    assert decide(CANCELLING, held=None) == decide(waits) == decide(early) == []


@pytest.mark.parametrize("run", [HANDED_OVER, RUNNING, replace(RUNNING, flow_run_id=None)])
def test_the_flow_run_of_a_run_under_way_is_no_ghost(run: RunFacts) -> None:
    assert decide(run, held={run.run_id}, flow_runs=(OURS,)) == []


@pytest.mark.parametrize(
    "ghost",
    [
        replace(OURS, run_id="run_2025_10_31_999"),
        replace(OURS, run_id=None),
        replace(OURS, key=None),
        replace(OURS, flow_run_id="two"),
    ],
)
def test_a_flow_run_without_a_run_and_a_second_one_are_ghosts(ghost: FlowRunFacts) -> None:
    [remedy] = find_remedies(look(RUNNING, held={RUNNING.run_id}, flow_runs=(ghost,)))

    assert remedy.deed is Deed.CANCEL_GHOST
    assert remedy.flow_run_id == ghost.flow_run_id


def test_a_flow_run_that_was_just_made_anew_is_no_ghost() -> None:
    again = replace(HANDED_OVER, dispatched_at=None, waiting=frozenset({"start"}))

    assert decide(again, flow_runs=(replace(OURS, flow_run_id="two"),)) == []


def test_an_end_that_prefect_was_not_told_is_told_when_its_own_process_had_time_to() -> None:
    early = replace(COMPLETED, finished_at=AT - timedelta(seconds=29))
    told_soon = replace(COMPLETED, waiting=frozenset({"settle"}))

    assert decide(COMPLETED, flow_runs=(OURS,)) == [Deed.SETTLE]
    assert decide(COMPLETED, flow_runs=(OURS,), held={COMPLETED.run_id}) == []
    assert decide(early, flow_runs=(OURS,)) == decide(told_soon, flow_runs=(OURS,)) == []


WAITING = (frozenset[str](), frozenset({"start"}), frozenset({"cancel"}), frozenset({"settle"}))
CARRIES_ON = {Deed.CREATE, Deed.LAY_TO_REST, Deed.STOP}


@pytest.mark.parametrize("state", RunState)
def test_nothing_that_is_held_or_has_ended_is_ever_started_again(state: RunState) -> None:
    tried = 0
    for waiting, worker, late, held in product(
        WAITING,
        (None, "executor 3", "inline 77"),
        (timedelta(), timedelta(hours=1)),
        (None, NOBODY, {RUNNING.run_id}),
    ):
        run = replace(
            RUNNING,
            state=state,
            waiting=waiting,
            worker=worker,
            dispatched_at=AT - late,
            finished_at=AT - late,
            cancelled_at=AT - late,
        )
        snapshot = look(
            run, held=held, flow_runs=(OURS,), forgotten={"two"}, missed_before={run.trial}
        )
        deeds = {remedy.deed for remedy in find_remedies(snapshot)}
        tried += bool(deeds)

        if state.is_final:
            assert not deeds & CARRIES_ON
        elif held != NOBODY:
            assert deeds <= {Deed.STOP}

    assert tried


def test_reports_without_a_completed_run_are_set_aside_and_missing_ones_noted_once() -> None:
    states = {
        "run_2025_10_31_001": RunState.COMPLETED,
        "run_2025_10_31_002": RunState.CRASHED,
        "run_2025_10_31_003": RunState.RUNNING,
        "run_2025_10_31_004": RunState.COMPLETED,
    }
    reports = Reports(
        completed_before={"run_2025_10_31_001", "run_2025_10_31_004"},
        found={*list(states)[:3], "run_2025_10_31_005"},
        states_after=states,
    )

    remedies = find_remedies(Snapshot(at=AT, runs={}, reports=reports))

    assert [(one.run_id, one.deed) for one in remedies] == [
        ("run_2025_10_31_002", Deed.SET_ASIDE),
        ("run_2025_10_31_005", Deed.SET_ASIDE),
        ("run_2025_10_31_004", Deed.NOTE),
    ]
    assert remedies[-1].finding == NO_RESULT
    known = Snapshot(at=AT, runs={}, reports=reports, known={"run_2025_10_31_004"})
    assert len(find_remedies(known)) == 2
