import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from setupdesk.adapters.ledger.database import open_database, reading
from setupdesk.adapters.ledger.group_commit import GroupCommit
from setupdesk.core.errors import LedgerUnavailableError


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(tmp_path / "ledger.db", keeps_connections=True, patience=0.2)


def insert_day(day: str) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.exec_driver_sql("INSERT INTO run_counter VALUES (?, 1)", (day,))
        return day

    return work


def break_off(connection: Connection) -> str:
    insert_day("broken")(connection)
    raise ValueError("a bad request")


def read_days(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        rows = connection.exec_driver_sql("SELECT day FROM run_counter ORDER BY day")
        return [str(day) for day in rows.scalars()]


def write_at_once(
    writer: GroupCommit, works: list[Callable[[Connection], str]]
) -> list[Future[str]]:
    """Let all *works* wait behind a first one, so that they are committed together."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(connection: Connection) -> str:
        begun.set()
        go_on.wait(10)
        return insert_day("first")(connection)

    with ThreadPoolExecutor(len(works) + 1) as threads:
        first = threads.submit(writer.write, hold)
        begun.wait(10)
        others = [threads.submit(writer.write, work) for work in works]
        while len(writer.waiting) < len(works):
            threading.Event().wait(0.01)
        go_on.set()
    return [first, *others]


def test_all_who_wait_share_one_commit(engine: Engine) -> None:
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)

    done = write_at_once(GroupCommit(engine), [insert_day(str(n)) for n in range(20)])

    assert [one.result() for one in done] == ["first", *(str(n) for n in range(20))]
    assert len(read_days(engine)) == 21
    assert len(commits) == 2


def test_a_bad_request_spoils_no_other(engine: Engine) -> None:
    works = [insert_day("a"), break_off, insert_day("a"), insert_day("b")]

    _, good, bad, twice, other = write_at_once(GroupCommit(engine), works)

    assert {good.done(), other.result()} == {True, "b"}
    assert isinstance(bad.exception(), ValueError)
    assert len([one for one in (good, twice) if one.exception()]) == 1
    assert read_days(engine) == ["a", "b", "first"]


def test_a_commit_that_fails_refuses_all_who_shared_it_and_nobody_later(engine: Engine) -> None:
    def fail(_connection: object) -> None:
        event.remove(engine, "commit", fail)
        raise LedgerUnavailableError("the disk is full")

    writer = GroupCommit(engine)
    event.listen(engine, "commit", fail)

    with pytest.raises(LedgerUnavailableError):
        writer.write(insert_day("a"))

    assert read_days(engine) == []
    assert writer.write(insert_day("b")) == "b"
    assert read_days(engine) == ["b"]


def test_a_locked_ledger_refuses_the_whole_group(engine: Engine, tmp_path: Path) -> None:
    other = open_database(tmp_path / "ledger.db")

    with other.begin(), ThreadPoolExecutor(4) as threads:
        writer = GroupCommit(engine)
        done = [threads.submit(writer.write, insert_day(str(n))) for n in range(4)]
        errors = [one.exception() for one in done]

    assert all(isinstance(error, LedgerUnavailableError) for error in errors)
    assert writer.write(insert_day("later")) == "later"


def test_nobody_waits_for_ever_under_load(engine: Engine) -> None:
    writer = GroupCommit(engine, most=3)

    with ThreadPoolExecutor(32) as threads:
        days = list(threads.map(lambda n: writer.write(insert_day(str(n))), range(500)))

    assert days == [str(n) for n in range(500)]
    assert len(read_days(engine)) == 500
    assert not writer.is_busy
