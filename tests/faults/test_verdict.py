"""The verdict over a desk that was killed sees each thing that may be wrong."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.crowd import Letter
from tests.faults.verdict import Evidence, judge

RUN_ID = "run_2025_10_31_001"
REPORT = b"{}"
RECEIPT = json.dumps({"status": "accepted", "run_id": RUN_ID})

ANSWERED_TWICE = Letter({}, "k", 2, [(202, RECEIPT), (202, RECEIPT + " ")])


def build_evidence(home: Path) -> Evidence:
    """Build what one run leaves that went well."""
    folder = home / "runs" / RUN_ID
    folder.mkdir(parents=True)
    (folder / "report.json").write_bytes(REPORT)
    events = [{"event": "task started"}, {"event": "task ended"}]
    (folder / "run.log").write_text("\n".join(json.dumps(event) for event in events))
    run = {
        "run_id": RUN_ID,
        "state": "completed",
        "flow_type": "backtest_flow",
        "attempt": 1,
        "reason": None,
        "traceback": None,
        "result_sha256": hashlib.sha256(REPORT).hexdigest(),
    }
    accepted = {"run_id": RUN_ID, "outcome": "accepted", "idempotency_key": "k"}
    return Evidence(
        home=home,
        runs={RUN_ID: run},
        audit=[accepted],
        open_errands=[],
        flow_runs={RUN_ID: [{"state_type": "COMPLETED"}]},
        letters=[Letter({}, "k", 1, [(202, RECEIPT)])],
        cancels={},
    )


def test_what_went_well_is_found_well(tmp_path: Path) -> None:
    assert judge(build_evidence(tmp_path)) == []


def change_run(evidence: Evidence, **values: Any) -> Evidence:
    return replace(evidence, runs={RUN_ID: {**evidence.runs[RUN_ID], **values}})


def change_audit(evidence: Evidence, *rows: Mapping[str, Any]) -> Evidence:
    return replace(evidence, audit=[{**evidence.audit[0], **row} for row in rows])


WRONGS: tuple[tuple[str, Callable[[Evidence], Evidence]], ...] = (
    ("lost", lambda found: replace(found, runs={})),
    ("unfinished", lambda found: change_run(found, state="running")),
    ("doubled", lambda found: change_run(found, attempt=3)),
    ("doubled", lambda found: change_run(found, attempt=0)),
    ("doubled", lambda found: replace(found, flow_runs={RUN_ID: [*found.flow_runs[RUN_ID]] * 2})),
    ("ghosts", lambda found: replace(found, flow_runs={"run_2025_10_31_002": []})),
    ("ghosts", lambda found: change_audit(found, {"outcome": "refused"})),
    ("states", lambda found: replace(found, flow_runs={RUN_ID: [{"state_type": "RUNNING"}]})),
    ("states", lambda found: replace(found, flow_runs={})),
    ("cancels", lambda found: replace(found, cancels={RUN_ID: "cancelling"})),
    ("cancels", lambda found: change_run(found, state="cancelled", reason="it was late")),
    ("reasons", lambda found: change_run(found, state="crashed")),
    ("reasons", lambda found: change_run(found, reason="a bug of ours: KeyError()")),
    ("audit", change_audit),
    ("audit", lambda found: change_audit(found, {}, {})),
    ("answers", lambda found: replace(found, letters=[ANSWERED_TWICE])),
    ("numbers", lambda found: change_audit(found, {"run_id": "run_2025_10_31_002"})),
    ("results", lambda found: change_run(found, result_sha256="0" * 64)),
)


@pytest.mark.parametrize(("check", "spoil"), WRONGS)
def test_what_is_wrong_is_found(
    tmp_path: Path, check: str, spoil: Callable[[Evidence], Evidence]
) -> None:
    found = judge(spoil(build_evidence(tmp_path)))

    assert check in {fault.partition(":")[0] for fault in found}, found
