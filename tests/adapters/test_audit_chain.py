import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.chain import FIRST_SEAL, seal
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.core.problem import Problem
from setupdesk.core.run import Door

PROBLEM = Problem(field="symbol", code="unknown_symbol", message="'GER4O' is not known.")
NOON = datetime(2025, 10, 31, 12, tzinfo=UTC)
PAYLOAD: dict[str, Any] = {"symbol": "GER4O", "extra": {"é": 1.0, "big": 10**20, "nil": None}}


def open_anchors(home: Path) -> Anchors:
    return Anchors(open_database(home / "ledger.db"), home / "audit.anchors", lambda: NOON)


def write_rows(anchors: Anchors, rows: int) -> None:
    start = StartLedger(anchors.engine, lambda: NOON, anchors=anchors)
    for number in range(rows):
        start.refuse({**PAYLOAD, "n": number}, [PROBLEM], "ann", Door.CLI)


def forge(home: Path, *statements: str) -> None:
    """Do what somebody can who has the file: triggers are only a statement away."""
    with sqlite3.connect(home / "ledger.db") as connection:
        for name in ("audit_log_no_update", "audit_log_no_delete", "audit_log_in_order"):
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def read_anchored(home: Path) -> list[int]:
    return [int(line.split()[0]) for line in (home / "audit.anchors").read_text().splitlines()]


def test_an_untouched_log_is_whole(tmp_path: Path) -> None:
    write_rows(open_anchors(tmp_path), 5)

    assert open_anchors(tmp_path).check() == {
        "rows": 5,
        "whole": True,
        "broken_at": None,
        "reason": None,
        "anchors": 1,
        "anchored": 1,
    }


@pytest.mark.parametrize(
    ("statement", "broken_at", "reason"),
    [
        ("UPDATE audit_log SET user = 'bob' WHERE audit_id = 3", 3, "changed after it was sealed"),
        ("UPDATE audit_log SET payload = '{}' WHERE audit_id = 3", 3, "changed after"),
        ("UPDATE audit_log SET at = '2025-01-01T00:00:00+00:00' WHERE audit_id = 3", 3, "changed"),
        ("UPDATE audit_log SET seal = 'x' WHERE audit_id = 3", 3, "changed after it was sealed"),
        ("DELETE FROM audit_log WHERE audit_id = 3", 4, "row 3 should come first"),
        ("DELETE FROM audit_log WHERE audit_id = 1", 2, "row 1 should come first"),
        ("DELETE FROM audit_log WHERE audit_id = 5", 5, "missing: an anchor outside"),
        ("DELETE FROM audit_log", 1, "missing: an anchor outside"),
    ],
)
def test_the_first_row_that_was_forged_is_named(
    tmp_path: Path, statement: str, broken_at: int, reason: str
) -> None:
    anchors = open_anchors(tmp_path)
    write_rows(anchors, 5)
    anchors.write_new()

    forge(tmp_path, statement)

    found = anchors.check()
    assert (found["whole"], found["broken_at"]) == (False, broken_at)
    assert reason in found["reason"]


def test_a_chain_that_was_made_anew_is_betrayed_by_an_anchor(tmp_path: Path) -> None:
    anchors = open_anchors(tmp_path)
    write_rows(anchors, 1)
    row = {
        "audit_id": 1,
        "at": NOON,
        "user": "bob",
        "door": "cli",
        "outcome": "refused",
        "payload": {},
        "problems": [],
        "previous": FIRST_SEAL,
    }

    forge(
        tmp_path,
        f"UPDATE audit_log SET user = 'bob', payload = '{{}}', problems = '[]', "  # noqa: S608
        f"seal = '{seal(row)}'",
    )

    assert (
        anchors.check()["reason"]
        == "an anchor outside the ledger has seen another row in its place"
    )
    (tmp_path / "audit.anchors").unlink()
    assert anchors.check()["whole"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET user = 'bob'",
        "DELETE FROM audit_log",
        "REPLACE INTO audit_log SELECT * FROM audit_log",
    ],
)
def test_the_database_itself_refuses_to_change_a_row(tmp_path: Path, statement: str) -> None:
    write_rows(open_anchors(tmp_path), 2)

    connection = sqlite3.connect(tmp_path / "ledger.db")

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def test_the_head_is_anchored_at_first_then_every_hundred_rows_and_every_minute(
    tmp_path: Path,
) -> None:
    anchors, now = open_anchors(tmp_path), [NOON]
    anchors.clock = lambda: now[0]

    write_rows(anchors, 101)
    assert read_anchored(tmp_path) == [1, 101]
    now[0] += timedelta(minutes=1)
    write_rows(anchors, 2)
    assert read_anchored(tmp_path) == [1, 101, 102]
    anchors.write_new()
    anchors.write_new()
    assert read_anchored(tmp_path) == [1, 101, 102, 103]


def test_a_line_that_a_crash_cut_off_is_not_believed(tmp_path: Path) -> None:
    anchors = open_anchors(tmp_path)
    write_rows(anchors, 2)

    with (tmp_path / "audit.anchors").open("a") as file:
        file.write("2 abc")

    assert anchors.check()["whole"]


def test_an_anchor_that_cannot_be_written_takes_back_no_answer(tmp_path: Path) -> None:
    anchors = open_anchors(tmp_path)
    anchors.path = tmp_path / "nowhere" / "audit.anchors"

    write_rows(anchors, 2)

    assert anchors.check()["rows"] == 2
