from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setupdesk.adapters.ledger.journal import Journal
from setupdesk.app.follow_run import FollowRun, Position, Told, read_position
from setupdesk.core.errors import NotFoundError
from setupdesk.core.run import Door
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import Desk, build_desk
from setupdesk.wiring.running import build_journal

PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    built = build_desk(load_settings({"SETUPDESK_HOME": str(tmp_path)}), hands_over=True)
    built.data_desk.simulate_bars(MARKET)
    yield built
    built.close()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return build_journal(load_settings({"SETUPDESK_HOME": str(tmp_path)}), "executor 1")


def accept(desk: Desk) -> str:
    run_id = desk.start(PAYLOAD, user="ann", door=Door.CLI).run_id
    assert run_id
    return run_id


def tell(told: list[Told]) -> list[tuple[str, object]]:
    names = {"state": "state", "progress": "stage", "log": "event", "end": "state"}
    return [(each.event, each.said[names[each.event]]) for each in told]


def write_log(desk: Desk, run_id: str, text: str) -> None:
    folder = desk.settings.runs / run_id
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.log").open("a") as file:
        file.write(text)


def test_states_and_stages_are_told_when_they_change(desk: Desk, journal: Journal) -> None:
    run_id = accept(desk)
    listener = desk.run_desk.follow(run_id)

    first = listener.look()
    journal.begin(run_id)
    journal.note_stage(run_id, "load: bars")
    second = listener.look()
    journal.note_stage(run_id, "compute")
    third, nothing = listener.look(), listener.look()
    behind = desk.run_desk.follow(run_id, second[-1].position.write()).look()
    journal.finish_failed(run_id, "no bars")
    fourth, waits, last = listener.look(), listener.look(), listener.look()

    assert tell(first) == [("state", "queued")]
    assert tell(second) == [("state", "running"), ("progress", "load: bars")]
    assert tell(third) == tell(behind) == [("progress", "compute")]
    assert nothing == waits == []
    assert tell(fourth) == [("state", "failed")]
    assert tell(last) == [("end", "failed")]
    assert last[0].said["reason"] == "no bars"


def test_a_line_that_is_still_being_written_is_told_when_it_is_whole(desk: Desk) -> None:
    run_id = accept(desk)
    listener = desk.run_desk.follow(run_id)

    write_log(desk, run_id, '{"event": "a"}\n{"event": "b')
    first = listener.look()
    write_log(desk, run_id, '"}\n\n{"event": "c"}\n')
    second = listener.look()

    assert tell(first) == [("log", "a"), ("state", "queued")]
    assert tell(second) == [("log", "b"), ("log", "c")]
    behind = desk.run_desk.follow(run_id, first[0].position.write())
    assert tell(behind.look()) == [("log", "b"), ("log", "c"), ("state", "queued")]


def test_a_long_log_is_told_bit_by_bit_and_whole(desk: Desk) -> None:
    run_id = accept(desk)
    write_log(desk, run_id, "".join(f'{{"event": "{n:01000}"}}\n' for n in range(2_500)))

    told: list[Told] = []
    listener = desk.run_desk.follow(run_id)
    for _ in range(4):
        told += listener.look()
    behind = desk.run_desk.follow(run_id, told[2_000].position.write())
    rest = [each for _ in range(4) for each in behind.look()]

    lines = [each.said["event"] for each in told if each.event == "log"]
    assert lines == [f"{n:01000}" for n in range(2_500)]
    assert [each.said for each in rest] == [each.said for each in told[2_001:]]


def test_a_run_that_is_not_there_has_nothing_to_tell(desk: Desk) -> None:
    listener: FollowRun = desk.run_desk.follow("run_2025_10_31_999")

    with pytest.raises(NotFoundError):
        listener.look()


@given(st.integers(0, 999_999_999), st.sampled_from(["", "queued", "timed_out"]), st.text())
def test_a_position_is_read_as_it_was_written(lines: int, state: str, stage: str) -> None:
    stage = stage.encode("utf-8", "replace").decode()
    position = Position(lines, state, stage)

    written = position.write()

    assert written.isascii()
    assert written.isprintable()
    assert read_position(written) == position
