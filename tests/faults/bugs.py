"""Bugs that a fault test has to notice: each is planted into a child by patching the product.

``BUGS`` names them. A new one is a function here and a row in ``test_teeth.py``.
"""

import json
from collections.abc import Callable
from datetime import datetime
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection

from setupdesk.adapters.ledger import anchors, database, group_commit, start
from setupdesk.adapters.ledger.chain import seal
from setupdesk.adapters.ledger.outbox import put_errand
from setupdesk.core.run import load_receipt

BUGS: dict[str, Callable[[], None]] = {}

Work = Callable[[Connection], Any]


def bug(plant: Callable[[], None]) -> Callable[[], None]:
    BUGS[plant.__name__] = plant
    return plant


def put(where: object, name: str, wrong: object) -> None:
    """Put something wrong in the place of what the product has there."""
    assert hasattr(where, name), f"{where} has no {name} any more: plant the bug elsewhere"
    setattr(where, name, wrong)


@bug
def answer_before_commit() -> None:
    under_way: list[Any] = []

    def write(self: group_commit.GroupCommit, work: Work) -> Any:
        while under_way:
            under_way.pop().__exit__(None, None, None)
        transaction = self.engine.begin()
        value = work(transaction.__enter__())
        under_way.append(transaction)
        return value

    put(group_commit.GroupCommit, "write", write)


@bug
def group_answers_before_commit() -> None:
    def commit(self: group_commit.GroupCommit, batch: list[Any]) -> None:
        with database.writing(self.engine) as connection:
            for entry in batch:
                entry.value = entry.work(connection)
            for entry in batch[1:]:
                entry.is_decided = True
                entry.turn.release()

    put(group_commit.GroupCommit, "_commit", commit)


@bug
def bad_request_fails_its_group() -> None:
    def commit(self: group_commit.GroupCommit, batch: list[Any]) -> None:
        with database.writing(self.engine) as connection:
            for entry in batch:
                entry.value = entry.work(connection)

    put(group_commit.GroupCommit, "_commit", commit)


@bug
def synchronous_normal() -> None:
    set_up = database._set_up

    def set_up_hastily(connection: SqliteConnection, record: object) -> None:
        set_up(connection, record)
        connection.execute("PRAGMA synchronous = NORMAL")

    put(database, "_set_up", set_up_hastily)


@bug
def goes_on_after_a_failed_sync() -> None:
    put(database, "stop_after_failed_sync", lambda _engine, _tell: None)


@bug
def unconfirmed_write_stays_in_the_log() -> None:
    put(database, "_void_unconfirmed", lambda _engine: None)


@bug
def no_unique_key() -> None:
    look_up = start._find_first

    def look_up_without_index(connection: Connection, delivery: Any) -> Any:
        connection.exec_driver_sql("DROP INDEX IF EXISTS audit_log_by_key")
        return look_up(connection, delivery)

    put(start, "_find_first", look_up_without_index)


@bug
def key_is_looked_up_outside_the_lock() -> None:
    look_up, answer = start._find_first, start.StartLedger._answer

    def answer_hastily(self: start.StartLedger, delivery: Any, decide: Any) -> Any:
        with database.reading(self.engine) as connection:
            first = look_up(connection, delivery)

        def decide_as_seen(connection: Connection, at: datetime) -> Any:
            if first:
                return start._repeat(connection, at, delivery, first)
            return decide(connection, at)

        return answer(self, delivery, decide_as_seen)

    put(start, "_find_first", lambda _connection, _delivery: None)
    put(start.StartLedger, "_answer", answer_hastily)


@bug
def number_is_taken_in_a_transaction_of_its_own() -> None:
    accept, take = start.StartLedger.accept, start._next_run_id
    taken = [""]

    def accept_in_two(self: start.StartLedger, *words: Any, **named: Any) -> Any:
        taken[0] = self.writer.write(lambda connection: take(connection, self.clock()))
        return accept(self, *words, **named)

    put(start, "_next_run_id", lambda _connection, _at: taken[0])
    put(start.StartLedger, "accept", accept_in_two)


@bug
def audit_row_in_a_transaction_of_its_own() -> None:
    write_audit, write = start._write_audit, group_commit.GroupCommit.write
    put_off: list[Any] = []

    def write_in_two(self: group_commit.GroupCommit, work: Work) -> Any:
        value = write(self, work)
        if put_off:
            write(self, lambda connection: write_audit(connection, *put_off.pop()))
        return value

    put(start, "_write_audit", lambda _connection, *words: put_off.append(words))
    put(group_commit.GroupCommit, "write", write_in_two)


@bug
def refused_request_is_handed_over() -> None:
    refuse = start._refuse

    def refuse_and_start(connection: Connection, at: Any, delivery: Any, problems: Any) -> Any:
        receipt = refuse(connection, at, delivery, problems)
        newest = connection.exec_driver_sql("SELECT max(run_id) FROM run").scalar()
        if newest:
            put_errand(connection, newest, "start", at)
        return receipt

    put(start, "_refuse", refuse_and_start)


@bug
def run_is_not_handed_over() -> None:
    put(start, "put_errand", lambda *_words: None)


@bug
def day_follows_the_clock_back() -> None:
    def next_run_id(connection: Connection, at: datetime) -> str:
        day = at.date().isoformat()
        count = connection.execute(start._COUNT_RUN, {"day": day, "n": 1}).scalar_one()
        return f"run_{day.replace('-', '_')}_{count:03d}"

    put(start, "_next_run_id", next_run_id)


@bug
def seal_forgets_the_row_before() -> None:
    put(start, "seal", lambda row: seal({**row, "previous": ""}))


@bug
def anchors_are_not_written() -> None:
    put(anchors.Anchors, "_write", lambda _self: None)


@bug
def name_of_the_anchors_is_not_synced() -> None:
    put(anchors, "sync_folder", lambda _folder: None)


@bug
def repeat_is_written_anew() -> None:
    def load_anew(text: str) -> Any:
        return load_receipt(json.dumps(json.loads(text), separators=(",", ":")))

    put(start, "load_receipt", load_anew)


@bug
def conflict_is_not_written_down() -> None:
    repeat = start._repeat

    def repeat_quietly(connection: Connection, at: Any, delivery: Any, first: Any) -> Any:
        is_same = start._canonical(delivery.payload) == start._canonical(first.payload)
        return repeat(connection, at, delivery, first) if is_same else None

    put(start, "_repeat", repeat_quietly)
