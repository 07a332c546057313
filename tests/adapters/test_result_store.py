import json
import re
from pathlib import Path

import pytest

from setupdesk.adapters.result_store import ResultStore
from setupdesk.core.errors import DamagedResultError

RUN_ID = "run_2025_10_31_001"
REPORT = {"trades": [{"r": -1.0}], "note": "é"}


def save(store: ResultStore) -> str:
    draft = store.draft(RUN_ID, REPORT)
    draft.publish()
    return draft.sha256


def test_a_draft_is_no_report_yet(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "runs")

    draft = store.draft(RUN_ID, REPORT)

    assert store.is_whole(RUN_ID, draft.sha256) is None
    draft.discard()
    assert store.list_drafts() == []


def test_a_stored_report_comes_back(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "runs")

    sha256 = save(store)

    assert store.load(RUN_ID, sha256) == REPORT


@pytest.mark.parametrize("position", [0, 12, -1])
def test_a_changed_byte_is_told_with_what_to_do(tmp_path: Path, position: int) -> None:
    store = ResultStore(tmp_path / "runs")
    sha256 = save(store)
    path = tmp_path / "runs" / RUN_ID / "report.json"
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)

    with pytest.raises(DamagedResultError, match=f"{RUN_ID} is damaged.*again.*restore"):
        store.load(RUN_ID, sha256)


def test_a_report_that_is_gone_is_damage_and_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DamagedResultError, match=re.escape("No such file")):
        ResultStore(tmp_path / "runs").load(RUN_ID, "0" * 64)

    assert list(tmp_path.iterdir()) == []


def test_the_draft_of_a_crash_is_no_report_and_hinders_none(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "runs")
    folder = tmp_path / "runs" / RUN_ID
    folder.mkdir(parents=True)
    (folder / "report.7.draft").write_text(json.dumps(REPORT)[:9])

    with pytest.raises(DamagedResultError):
        store.load(RUN_ID, "0" * 64)
    assert store.load(RUN_ID, save(store)) == REPORT
