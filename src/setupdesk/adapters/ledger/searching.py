"""Searches of runs in the words of the database."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce

from sqlalchemy import ColumnElement, String, cast, exists, func, literal_column, text

from setupdesk.adapters.ledger.tables import audit_log, run
from setupdesk.core.audit_search import AuditSearch
from setupdesk.core.request import Mode
from setupdesk.core.run_search import RunSearch

TURN_OF_ACCEPTANCE: ColumnElement[int] = literal_column("run.rowid")
"""Grows from run to run, whatever the clock did: a run is written when it is accepted, for good."""


def match(search: RunSearch) -> Iterator[ColumnElement[bool]]:
    """Give the conditions of a search."""
    if search.states:
        yield run.c.state.in_(search.states)
    for name in ("setup_id", "symbol", "timeframe", "mode"):
        if value := getattr(search, name):
            yield run.c.request[name].as_string() == value
    users = ((run.c.user, search.user), (run.c.user, search.owner))
    for column, value in ((run.c.door, search.door), *users):
        if value:
            yield column == value
    yield from _match_noted(search)
    yield from _match_watched(search)
    if search.since:
        yield run.c.accepted_at >= _begin(search.since)
    if search.until:
        yield run.c.accepted_at < _begin(search.until) + timedelta(days=1)
    if search.before:
        yield TURN_OF_ACCEPTANCE.op("<")(_TURN_OF.bindparams(before=search.before))


_TURN_OF = text("(SELECT rowid FROM run WHERE run_id = :before)")
_ASKED = [run.c.request[name].as_string() for name in ("setup_id", "symbol", "timeframe")]
_SAID = [func.coalesce(column, "") for column in (run.c.reason, run.c.name, run.c.notes)]
_SHOWN = (run.c.run_id, *_ASKED, run.c.user, *_SAID, cast(run.c.tags, String))
_WORDS = reduce(lambda left, right: left + " " + right, _SHOWN)
"""What the words of a search are looked for in."""


def _match_noted(search: RunSearch) -> Iterator[ColumnElement[bool]]:
    for word in search.words:
        yield _WORDS.contains(word, autoescape=True)
    for tag in search.tags:
        yield _has_tag(tag)


def _match_watched(search: RunSearch) -> Iterator[ColumnElement[bool]]:
    if search.watch:
        # Not looked up in its index, which would sort hundreds of thousands of polls for one page.
        yield literal_column("+run.watch_id", String) == search.watch
    if not search.polls:
        yield run.c.watch_id.is_(None) | (run.c.flow_type != Mode.LIVE.flow_type)


def match_audit(search: AuditSearch) -> Iterator[ColumnElement[bool]]:
    """Give the conditions of a search of the audit log."""
    for name in ("door", "outcome", "user"):
        if value := getattr(search, name):
            yield audit_log.c[name] == value
    for word in search.words:
        yield _ASKED_WORDS.contains(word, autoescape=True)
    if search.since:
        yield audit_log.c.at >= _begin(search.since)
    if search.until:
        yield audit_log.c.at < _begin(search.until) + timedelta(days=1)
    if not search.polls:
        asked = audit_log.c.payload["watch"].as_string()
        mode = func.coalesce(audit_log.c.payload["mode"].as_string(), "")
        yield asked.is_(None) | (mode != Mode.LIVE.value)
    if search.before is not None:
        yield audit_log.c.audit_id < search.before


_ASKED_TEXTS = (
    func.coalesce(audit_log.c.run_id, ""),
    audit_log.c.user,
    cast(audit_log.c.payload, String),
    cast(audit_log.c.problems, String),
)
_ASKED_WORDS = reduce(lambda left, right: left + " " + right, _ASKED_TEXTS)


def _has_tag(tag: str) -> ColumnElement[bool]:
    each = func.json_each(run.c.tags).table_valued("value")
    return exists().select_from(each).where(each.c.value.collate("NOCASE") == tag)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
