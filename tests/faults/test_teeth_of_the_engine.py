"""Each bug that is planted on the way from the outbox to the result makes its check fail."""

import json
from pathlib import Path

import pytest

from tests.commands import run_module
from tests.faults.engine_bugs import BUGS
from tests.faults.handing_over import DRILLS

TEETH: tuple[tuple[str, str, str], ...] = (
    ("ticked_off_before_it_is_sent", "kill_dispatchers", "lost"),
    ("no_key_at_prefect", "kill_dispatchers", "doubled"),
    ("leases_outlive_their_dispatcher", "kill_dispatchers", "unfinished"),
    ("executor_forgets_what_it_was_given", "use_real_executor", "lost"),
    ("late_dispatcher_is_believed", "be_late", "fence"),
    ("anybody_writes_a_run", "wake_up", "zombie"),
    ("anybody_lays_a_run_to_rest", "wake_up", "zombie"),
    ("report_is_published_by_anybody", "wake_up", "zombie"),
    ("anew_without_an_errand", "kill_executors", "lost"),
    ("tried_again_for_ever", "kill_executors", "retries"),
    ("dead_executors_keep_their_runs", "kill_executors", "lost"),
    ("row_before_its_report", "die_while_storing", "results"),
    ("silence_by_the_wall_clock", "set_clock", "false"),
    ("cancelled_run_is_tried_again", "cancel_and_kill", "cancels"),
)
"""Each bug with the drill that shows it, and the check that has to fail."""


def drill(folder: Path, name: str, *bugs: str) -> list[str]:
    done = run_module("tests.faults.handing_over", folder, name, *bugs)
    assert not done.returncode, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("bug", "name", "check"), TEETH, ids=[name for name, _, _ in TEETH])
def test_a_planted_bug_is_noticed(tmp_path: Path, bug: str, name: str, check: str) -> None:
    found = drill(tmp_path, name, bug)

    assert check in {fault.partition(":")[0] for fault in found}, found[:5]


@pytest.mark.parametrize("name", DRILLS)
def test_without_a_bug_nothing_is_found(tmp_path: Path, name: str) -> None:
    assert drill(tmp_path, name) == []


def test_every_bug_has_a_drill() -> None:
    assert {bug for bug, _, _ in TEETH} == set(BUGS)
