"""What may be wrong with the ledger, its runs, its audit log and its errands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from setupdesk.app.doctor import Check, count, judge, name_some

RESTORE = "setupdesk down; setupdesk restore FILE --replace"
DURABLE = ("wal", 2)
"""Journal, and PRAGMA synchronous: 2 is FULL."""

_SLOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Something that the desk has put right by itself."""

    at: datetime
    run_id: str | None
    finding: str
    deed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What was seen of a ledger; with a fault, nothing else may be known."""

    faults: tuple[str, ...] = ()
    """What SQLite's own check says, or why the file cannot be read."""

    broken_references: int = 0
    revision: str = ""
    journal_mode: str = ""
    synchronous: int = 0
    runs: int = 0
    missing_run_ids: tuple[str, ...] = ()
    unpaired: tuple[str, ...] = ()
    """Runs without exactly one accepted row of the audit log."""

    newest: datetime | None = None
    """The newest time that stands in it."""

    unsent: int = 0
    """Errands that are not done."""

    stuck_since: datetime | None = None
    """The oldest of them that met an error."""

    stuck_by: str = ""
    given_up: tuple[str, ...] = ()
    """Runs with an errand that was given up within a week."""

    schedules: int = 0
    """Those that were not removed."""

    schedules_ahead: tuple[str, ...] = ()
    """Those that wait for the clock to come again to where it was by mistake."""

    watches: int = 0
    """Those that have not ended."""

    blind_watches: tuple[str, ...] = ()
    """Those whose last poll failed, or of which a look cannot be made."""

    repairs: tuple[Repair, ...] = ()
    """Of the last day, the newest first."""


def judge_ledger(ledger: Ledger, head: str) -> Iterator[Check]:
    """Judge the file; *head* is the migration that this version of the desk needs."""
    damage = "; ".join(ledger.faults[:3])
    yield judge(
        "ledger",
        f"whole, {count(ledger.runs, 'run')}, migration {ledger.revision}",
        bad=damage or _judge_references(ledger.broken_references),
        remedy=RESTORE,
    )
    if damage:
        return
    yield _judge_revision(ledger.revision, head)
    mode = (ledger.journal_mode, ledger.synchronous)
    yield judge(
        "durability",
        "write-ahead log, synced at every commit",
        bad="" if mode == DURABLE else f"journal_mode {mode[0]}, synchronous {mode[1]}",
        remedy="setupdesk down, move the home to a local disk, setupdesk up",
    )
    yield judge(
        "run ids",
        "no gap on any day",
        bad=f"missing: {name_some(missing)}" if (missing := ledger.missing_run_ids) else "",
        remedy=RESTORE,
    )
    yield judge(
        "requests",
        "each accepted one has one run and one row in the audit log",
        bad=f"not so: {name_some(ledger.unpaired)}" if ledger.unpaired else "",
        remedy=RESTORE,
    )


def _judge_references(broken: int) -> str:
    return f"{count(broken, 'row names', 'rows name')} something that is not there" * bool(broken)


def _judge_revision(revision: str, head: str) -> Check:
    older, newer = revision < head, revision > head
    return judge(
        "migration",
        f"{revision}, the newest",
        bad=f"{revision}, made by a newer setupdesk than this one, which knows {head}" * newer,
        warn=f"{revision}, this setupdesk needs {head}" * older,
        remedy="setupdesk up migrates it" if older else "install the newer setupdesk again",
    )


def judge_audit_log(found: Mapping[str, Any]) -> Check:
    """Judge what `Anchors.check` has found."""
    rows = count(found["rows"], "row")
    broken = f"row {found['broken_at']}: {found['reason']}; {rows} before it whole"
    return judge(
        "audit log",
        f"{rows} whole, {count(found['anchors'], 'anchor')} up to row {found['anchored']:,}",
        bad="" if found["whole"] else broken,
        warn=f"{rows} whole, but no anchor outside" * bool(found["rows"] and not found["anchors"]),
        remedy="setupdesk audit, and compare with copies of audit.anchors; " + RESTORE
        if not found["whole"]
        else "see whether audit.anchors can be written; it is made with the next request",
    )


def judge_errands(ledger: Ledger, now: datetime, *, is_up: bool) -> Iterator[Check]:
    """Judge what Prefect and the executor have still to be told."""
    waiting = count(ledger.unsent, "errand")
    yield judge(
        "outbox",
        f"{waiting} to do" + ("" if is_up or not ledger.unsent else "; setupdesk up does them"),
        warn=_judge_stuck(ledger, now) if is_up else "",
        remedy="setupdesk status, and logs/service.jsonl",
    )
    yield judge(
        "given up",
        "no errand within a week",
        warn=f"errands of {name_some(ledger.given_up)}" if ledger.given_up else "",
        remedy="setupdesk show RUN says why; ask for it again",
    )


def _judge_stuck(ledger: Ledger, now: datetime) -> str:
    if ledger.stuck_since is None or now - ledger.stuck_since < _SLOW:
        return ""
    minutes = (now - ledger.stuck_since) // _SLOW
    return f"{count(ledger.unsent, 'errand')}, the oldest for {minutes:,} min: {ledger.stuck_by}"


def judge_schedules(ledger: Ledger) -> Check:
    """Judge whether each schedule can be due."""
    ahead = ledger.schedules_ahead
    return judge(
        "schedules",
        count(ledger.schedules, "schedule"),
        warn=f"the clock was ahead, and they wait for it: {name_some(ahead)}" if ahead else "",
        remedy="setupdesk schedule pause, and resume, lets one begin anew",
    )


def judge_watches(ledger: Ledger) -> Check:
    """Judge whether each watch sees its markets."""
    blind = ledger.blind_watches
    return judge(
        "watches",
        count(ledger.watches, "watch", "watches"),
        warn=f"some do not see all that they watch: {name_some(blind)}" if blind else "",
        remedy="setupdesk watches WATCH says of each look what is wrong",
    )


def judge_repairs(repairs: tuple[Repair, ...]) -> Check:
    """Tell what the desk has put right by itself."""
    told = (f"{one.run_id or 'desk'}: {one.finding}, {one.deed}" for one in repairs)
    return judge(
        "repairs",
        "none within a day",
        warn=f"{len(repairs):,} within a day: {name_some(told)}" if repairs else "",
        remedy="nothing: they are done; logs/ has the causes",
    )
