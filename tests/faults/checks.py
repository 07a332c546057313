"""What a ledger has to hold after anything: each check has a name, and says what it found wrong."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection, DatabaseError, IntegrityError, Row, connect
from typing import Any

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.app.start import Start
from setupdesk.core.errors import KeyConflictError
from setupdesk.core.run import Door
from tests.faults.deliveries import BROKEN, Delivery, build_offer

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Scene:
    """A ledger that was left behind, what was sent to it, and what was answered."""

    home: Path
    deliveries: Sequence[Delivery]
    answers: Sequence[Answer]
    unanswered: int = 0
    """How many deliveries may have been under way, so that they are there or not."""

    disk_fails: bool = False
    """Only then may a delivery be answered that the ledger cannot be used."""

    by_number: Mapping[int, Delivery] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_number", {one.number: one for one in self.deliveries})

    @property
    def receipts(self) -> list[tuple[Delivery, dict[str, Any], str]]:
        """Give each acknowledged delivery with its receipt and the receipt's very text."""
        return [
            (self.by_number[one["number"]], json.loads(one["text"]), one["text"])
            for one in self.answers
            if "text" in one
        ]


def find_faults(scene: Scene, *, replays: bool = True) -> list[str]:
    """Find everything that is wrong, each with the name of its check in front."""
    faults = [f"answers: {one}" for one in check_answers(scene)]
    try:
        with closing(connect(scene.home / "ledger.db")) as ledger:
            ledger.row_factory = Row
            for check in CHECKS:
                name = check.__name__.removeprefix("check_")
                faults += [f"{name}: {one}" for one in check(scene, ledger)]
        faults += [f"chain: {one}" for one in check_chain(scene)]
        if replays and not faults:
            faults += [f"replay: {one}" for one in check_replay(scene)]
    except DatabaseError as error:
        faults.append(f"integrity: {error}")
    return faults


def check_answers(scene: Scene) -> Iterable[str]:
    """Of one key there is one answer, byte for byte, and nobody meets an error that is none."""
    texts: dict[tuple[str, str], str] = {}
    for delivery, _, text in scene.receipts:
        if delivery.key and texts.setdefault((delivery.user, delivery.key), text) != text:
            yield f"{delivery.key} was answered in two ways"
    for one in scene.answers:
        error = one.get("error", "").partition(":")[0]
        if error not in _find_allowed(scene, scene.by_number[one["number"]]):
            yield f"number {one['number']} met {one['error']}"


def _find_allowed(scene: Scene, delivery: Delivery) -> set[str]:
    if delivery.payload == BROKEN:
        return {"TypeError"}
    return {"", "key_conflict"} | ({"ledger_unavailable"} if scene.disk_fails else set())


def check_integrity(_scene: Scene, ledger: Connection) -> Iterable[str]:
    """SQLite finds its file whole, and no row that names another which is not there."""
    found = ledger.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        yield found
    for row in ledger.execute("PRAGMA foreign_key_check"):
        yield f"{row['table']} names a {row['parent']} that is not there"


def check_lost(scene: Scene, ledger: Connection) -> Iterable[str]:
    """Whatever was acknowledged is there, with its very answer."""
    runs = {row["run_id"]: row for row in ledger.execute("SELECT * FROM run")}
    rows = ledger.execute("SELECT * FROM audit_log").fetchall()
    by_key = {(row["user"], row["idempotency_key"]): row for row in rows if row["answer"]}
    kept = Counter((row["outcome"], row["user"], row["run_id"]) for row in rows)
    for delivery, receipt, text in scene.receipts:
        run_id = receipt["run_id"]
        if run_id and run_id not in runs:
            yield f"the run {run_id} of number {delivery.number}"
        elif run_id and json.loads(runs[run_id]["request"]) != receipt["request"]:
            yield f"the request of {run_id} is another"
        if delivery.key:
            row = by_key.get((delivery.user, delivery.key))
            if row is None or row["answer"] != text:
                yield f"the answer of {delivery.key}"
        elif (receipt["status"], delivery.user, run_id) not in kept:
            yield f"the audit row of number {delivery.number}"


def check_numbers(_scene: Scene, ledger: Connection) -> Iterable[str]:
    """Run_ids have no gap and no double within a day, and no day comes back."""
    accepted = "SELECT run_id FROM audit_log WHERE run_id IS NOT NULL ORDER BY audit_id"
    given: Counter[str] = Counter()
    newest = ""
    for (run_id,) in ledger.execute(accepted):
        day = run_id[4:14]
        if day < newest:
            yield f"{run_id} came after {newest}"
        newest = day
        given[day] += 1
        if run_id != f"run_{day}_{given[day]:03d}":
            yield f"{run_id} came as number {given[day]} of its day"
    rows = ledger.execute("SELECT replace(day, '-', '_'), n FROM run_counter")
    counted = {day: n for day, n in rows}  # noqa: C416 (of rows, dict() makes something else)
    if counted != given:
        yield f"{dict(given)} were given, and {counted} counted"


def check_audit(scene: Scene, ledger: Connection) -> Iterable[str]:
    """Each delivery has one audit row, each run one that accepts it, each repeat its first."""
    rows = ledger.execute("SELECT * FROM audit_log").fetchall()
    written = len([one for one in scene.answers if is_written(one)])
    if not written <= len(rows) <= written + scene.unanswered:
        yield f"{len(rows)} rows for {written} answers and {scene.unanswered} under way"
    accepted = [row["run_id"] for row in rows if row["outcome"] == "accepted"]
    runs = [row[0] for row in ledger.execute("SELECT run_id FROM run")]
    if sorted(accepted) != sorted(runs):
        yield f"{len(accepted)} rows accept {len(runs)} runs"
    yield from _check_repeats(rows)


def is_written(answer: Answer) -> bool:
    """Say whether an answer has to stand in the audit log."""
    return "text" in answer or answer["error"] == "key_conflict"


def _check_repeats(rows: Sequence[Row]) -> Iterable[str]:
    keys = {row["audit_id"]: (row["user"], row["idempotency_key"]) for row in rows}
    decided = [keys[row["audit_id"]] for row in rows if row["answer"]]
    if len(set(decided)) != len(decided):
        yield "a key was decided twice"
    for row in rows:
        if row["first_id"] and keys.get(row["first_id"]) != keys[row["audit_id"]]:
            yield f"row {row['audit_id']} repeats a row of another key"


def check_outbox(_scene: Scene, ledger: Connection) -> Iterable[str]:
    """Each run is handed over once, and nothing else is."""
    errands = Counter(
        row[0] for row in ledger.execute("SELECT run_id FROM outbox WHERE kind = 'start'")
    )
    runs = Counter(row[0] for row in ledger.execute("SELECT run_id FROM run"))
    if errands != runs:
        yield f"{errands - runs} too many, {runs - errands} too few"


def check_guards(_scene: Scene, ledger: Connection) -> Iterable[str]:
    """The database itself refuses what our code never does."""
    for deed, (statement, reason) in GUARDED.items():
        ledger.execute("BEGIN")
        try:
            if ledger.execute(statement).rowcount:
                yield f"the ledger lets {deed}"
        except IntegrityError as refusal:
            if reason not in str(refusal):
                yield f"the ledger does not let {deed}, but says {refusal}"
        finally:
            ledger.rollback()


_ONE_MORE_REFUSAL = """
    INSERT INTO audit_log (audit_id, previous, run_id, outcome, idempotency_key,
                           at, user, door, payload, problems, seal)
    SELECT head.audit_id + 1, head.seal, {run_id}, 'refused', row.idempotency_key,
           row.at, row.user, row.door, row.payload, row.problems, row.seal
    FROM audit_log AS row, (SELECT * FROM audit_log ORDER BY audit_id DESC LIMIT 1) AS head
    WHERE row.outcome = 'refused' AND row.idempotency_key IS NOT NULL LIMIT 1
"""
GUARDED = {
    "a key be decided twice": (_ONE_MORE_REFUSAL.format(run_id="NULL"), "UNIQUE"),
    "a refusal have a run": (_ONE_MORE_REFUSAL.format(run_id="'other'"), "CHECK"),
    "an audit row be changed": ("UPDATE audit_log SET user = 'eve'", "append-only"),
    "an audit row be removed": ("DELETE FROM audit_log", "append-only"),
}

CHECKS: Sequence[Callable[[Scene, Connection], Iterable[str]]] = (
    check_integrity,
    check_lost,
    check_numbers,
    check_audit,
    check_outbox,
    check_guards,
)


def check_chain(scene: Scene) -> Iterable[str]:
    """The chain is whole; an anchor saw its head, if a process got as far as to write one."""
    engine = open_database(scene.home / "ledger.db")
    found = Anchors(engine, scene.home / "audit.anchors", clock.now).check()
    if not found["whole"]:
        yield f"broken at {found['broken_at']}: {found['reason']}"
    if any(map(is_written, scene.answers)) and not found["anchors"]:
        yield "no anchor was written"


def check_replay(scene: Scene) -> Iterable[str]:
    """Sent again, a key gets the answer that it got, and one without answer is decided once."""
    offer = build_offer()
    engine = open_database(scene.home / "ledger.db", keeps_connections=True)
    start = Start(lambda: offer, StartLedger(engine, clock.now), lambda: None)
    before = _count(scene.home, "SELECT count(*) FROM run")
    for delivery, _, text in scene.receipts:
        if delivery.key and ask_again(start, delivery) != text:
            yield f"{delivery.key} is answered in another way"
    if _count(scene.home, "SELECT count(*) FROM run") != before:
        yield "a repeat started a run"
    answered = {one["number"] for one in scene.answers}
    for delivery in scene.deliveries:
        is_open = delivery.number not in answered and delivery.payload != BROKEN
        if delivery.key and is_open and ask_again(start, delivery) != ask_again(start, delivery):
            yield f"{delivery.key} is answered in two ways"
    engine.dispose()


def ask_again(start: Start, delivery: Delivery) -> str:
    try:
        return start(
            delivery.payload, user=delivery.user, door=Door.API, key=delivery.key
        ).to_text()
    except KeyConflictError as conflict:
        return conflict.code


def _count(home: Path, query: str) -> int:
    with closing(connect(home / "ledger.db")) as ledger:
        count: int = ledger.execute(query).fetchone()[0]
        return count


def find_outcomes(home: Path) -> list[str]:
    """Give what became of each delivery, in their order."""
    with closing(connect(home / "ledger.db")) as ledger:
        rows = ledger.execute("SELECT outcome FROM audit_log ORDER BY audit_id")
        return [row[0] for row in rows]
