"""The fault tests have teeth: each bug that is planted makes the check fail that is for it."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import drills
from tests.faults.bugs import BUGS

Drill = Callable[[Path, str | None, int], list[str]]

TEETH: tuple[tuple[str, Drill, str], ...] = (
    ("answer_before_commit", drills.cut_power_alone, "lost"),
    ("synchronous_normal", drills.cut_power_alone, "lost"),
    ("group_answers_before_commit", drills.cut_power_in_groups, "lost"),
    ("name_of_the_anchors_is_not_synced", drills.cut_power_alone, "chain"),
    ("audit_row_in_a_transaction_of_its_own", drills.kill_a_few, "audit"),
    ("goes_on_after_a_failed_sync", drills.fail_a_few_syncs, "sync"),
    ("unconfirmed_write_stays_in_the_log", drills.fail_a_few_syncs, "audit"),
    ("bad_request_fails_its_group", drills.crowd, "answers"),
    ("key_is_looked_up_outside_the_lock", drills.press_often, "answers"),
    ("day_follows_the_clock_back", drills.jump_clock, "numbers"),
    ("number_is_taken_in_a_transaction_of_its_own", drills.stay_calm, "numbers"),
    ("no_unique_key", drills.stay_calm, "guards"),
    ("refused_request_is_handed_over", drills.stay_calm, "outbox"),
    ("run_is_not_handed_over", drills.stay_calm, "outbox"),
    ("seal_forgets_the_row_before", drills.stay_calm, "chain"),
    ("anchors_are_not_written", drills.stay_calm, "chain"),
    ("repeat_is_written_anew", drills.stay_calm, "answers"),
    ("conflict_is_not_written_down", drills.stay_calm, "audit"),
)
"""Each bug with the drill that shows it, and the check that has to fail."""


@pytest.mark.parametrize(("bug", "drill", "check"), TEETH, ids=[name for name, _, _ in TEETH])
def test_a_planted_bug_is_noticed(tmp_path: Path, bug: str, drill: Drill, check: str) -> None:
    seed = random.randrange(10**6)

    found = drill(tmp_path, bug, seed)

    assert check in {fault.partition(":")[0] for fault in found}, f"seed {seed}: {found[:5]}"


@pytest.mark.parametrize("drill", [drills.stay_calm, drills.press_often, drills.crowd])
def test_without_a_bug_nothing_is_found(tmp_path: Path, drill: Drill) -> None:
    seed = random.randrange(10**6)

    assert drill(tmp_path, None, seed) == [], f"seed {seed}"


def test_every_bug_has_a_drill() -> None:
    assert {bug for bug, _, _ in TEETH} == set(BUGS)
