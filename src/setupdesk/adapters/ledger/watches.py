"""Watches in the ledger: what they look at, and what each poll has seen and decided.

A poll writes its checkpoints, the bars that it saw and its alerts in one transaction, and only
while the run is its own: what is killed before it has seen nothing, what comes after sees on.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from setupdesk import __version__
from setupdesk.adapters.ledger.changes import note_change
from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.processes import name_process
from setupdesk.adapters.ledger.schedules import write_schedule
from setupdesk.adapters.ledger.tables import (
    alert,
    look,
    notification,
    run,
    schedule,
    sighting,
    watch,
)
from setupdesk.app.ports import NotStartableError
from setupdesk.app.watch_book import LookState, OpenAlert, Seen, Sighting, write_bar
from setupdesk.core.alert import Alert, Outcome
from setupdesk.core.request import Mode
from setupdesk.core.run import Run, RunState
from setupdesk.core.schedule import Schedule
from setupdesk.core.watch import Look, Watch, load_watch_terms
from setupdesk.market.days import from_ms

_RAISE = insert(alert).on_conflict_do_nothing().returning(alert.c.alert_id)
_LOOK = insert(look)
_STAND = _LOOK.on_conflict_do_update(
    index_elements=["watch_id", "setup_id", "symbol"],
    set_={
        **{
            name: _LOOK.excluded[name]
            for name in ("seen_until", "setup_hash", "fingerprint", "standing", "trouble")
        },
        "run_id": _LOOK.excluded.run_id,
        "at": _LOOK.excluded.at,
    },
)


@dataclass(frozen=True, slots=True)
class Watches:
    """The watches of all users."""

    engine: Engine
    clock: Callable[[], datetime]

    def add(self, made: Watch, schedules: Sequence[Schedule], most: int) -> bool:
        """Write a new watch down with its schedules; False if its user has *most* that go on.

        One that is there already, as the same request came twice at once, stays as it is.
        """
        row = {
            "watch_id": made.watch_id,
            "name": made.name,
            "user": made.user,
            "key_id": made.key_id,
            # What else a signal is known by, beside its rule: alike watches are found by it.
            "terms": {**made.terms.to_json(), "version": made.terms.version},
            "schedule_id": made.schedule_id,
            "parity_schedule_id": made.parity_schedule_id,
            "created_at": made.created_at,
        }
        live = (watch.c.user == made.user, watch.c.ended_at.is_(None))
        count = select(func.count()).select_from(watch).where(*live)
        same = select(watch.c.watch_id).where(watch.c.watch_id == made.watch_id)
        with writing(self.engine) as connection:
            if connection.execute(same).scalar():
                return True
            if connection.execute(count).scalar_one() >= most:
                return False
            for one in schedules:
                write_schedule(connection, one)
            connection.execute(insert(watch).values(row))
            made_by = (self.clock(), made.user, made.user)
            said = {"name": made.name, **made.terms.to_json()}
            note_change(connection, *made_by, "watch made", made.watch_id, said)
        return True

    def end(self, ended: Watch, by: str) -> None:
        """Let a watch look no more; the first time counts."""
        at = self.clock()
        own = [ended.schedule_id, ended.parity_schedule_id]
        with writing(self.engine) as connection:
            of_it = (watch.c.watch_id == ended.watch_id, watch.c.ended_at.is_(None))
            if connection.execute(update(watch).where(*of_it).values(ended_at=at)).rowcount:
                told = ("watch ended", ended.watch_id, {"name": ended.name})
                note_change(connection, at, by, ended.user, *told)
            connection.execute(
                update(schedule)
                .where(schedule.c.schedule_id.in_(own), schedule.c.removed_at.is_(None))
                .values(removed_at=at)
            )

    def load(self, watch_id: str) -> Watch | None:
        """Load a watch, ended or not."""
        wanted = select(watch).where(watch.c.watch_id == watch_id)
        with reading(self.engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return _read_watch(row) if row else None

    def find_name(self, schedule_id: str) -> str | None:
        """Find the name of the watch that goes on and that a schedule belongs to."""
        own = or_(watch.c.schedule_id == schedule_id, watch.c.parity_schedule_id == schedule_id)
        wanted = select(watch.c.name).where(own, watch.c.ended_at.is_(None))
        with reading(self.engine) as connection:
            return connection.execute(wanted).scalar()

    def load_all(self, *, ended: bool = False) -> list[Watch]:
        """Load the watches that go on, or all, the newest first."""
        wanted = select(watch).order_by(watch.c.created_at.desc(), watch.c.watch_id)
        if not ended:
            wanted = wanted.where(watch.c.ended_at.is_(None))
        with reading(self.engine) as connection:
            return [_read_watch(row) for row in connection.execute(wanted)]

    def load_looks(self, watch_id: str) -> list[LookState]:
        """Load where a watch stands with what it has looked at."""
        with reading(self.engine) as connection:
            found = connection.execute(select(look).where(look.c.watch_id == watch_id))
            return [_read_look(row) for row in found]

    def load_bars(self, watch_id: str, since: datetime) -> dict[str, dict[int, list[Any]]]:
        """Load the bars that were seen since then: by symbol and open, in UTC milliseconds.

        Of those that came back with other prices, the last ones.
        """
        wanted = (
            select(sighting.c.symbol, sighting.c.bars)
            .where(sighting.c.watch_id == watch_id, sighting.c.last_bar_at >= since)
            .order_by(sighting.c.sighting_id)
        )
        known: dict[str, dict[int, list[Any]]] = {}
        with reading(self.engine) as connection:
            for row in connection.execute(wanted):
                known.setdefault(row.symbol, {}).update({bar[0]: bar[1:] for bar in row.bars})
        return known

    def load_open_alerts(self, of: Watch, since: datetime) -> list[OpenAlert]:
        """Load the alerts of a watch's signals since then that have no outcome."""
        wanted = select(alert).where(
            is_told_for(of),
            alert.c.bar_at >= since,
            alert.c.outcome_at.is_(None),
            alert.c.setup_id.is_not(None),
        )
        with reading(self.engine) as connection:
            return [
                OpenAlert(
                    alert_id=row.alert_id,
                    look=Look(row.setup_id, row.symbol),
                    side=row.side,
                    level=row.level,
                    bar_at=row.bar_at,
                )
                for row in connection.execute(wanted)
            ]

    def load_alerts(
        self, user: str | None, watch_id: str | None, limit: int
    ) -> list[Mapping[str, Any]]:
        """Load the newest alerts of a user or all, of one watch or all, with their receipts."""
        wanted = _number_alerts().order_by(*(one.desc() for one in _AGE))
        if user is not None:
            wanted = wanted.where(alert.c.user == user)
        if watch_id is not None:
            wanted = wanted.where(alert.c.watch_id == watch_id)
        with reading(self.engine) as connection:
            found = [dict(row) for row in connection.execute(wanted.limit(limit)).mappings()]
            told = _load_receipts(connection, [row["alert_id"] for row in found])
        return [{**row, "told": told.get(row["alert_id"], [])} for row in found]

    def load_alert(self, alert_id: str) -> Mapping[str, Any] | None:
        """Load one alert, as ``load_alerts`` does."""
        this = select(alert.c.watch_id).where(alert.c.alert_id == alert_id).scalar_subquery()
        of_watch = _number_alerts().where(alert.c.watch_id == this).subquery()
        with reading(self.engine) as connection:
            wanted = select(of_watch).where(of_watch.c.alert_id == alert_id)
            found = connection.execute(wanted).mappings().one_or_none()
            told = _load_receipts(connection, [alert_id])
        return None if found is None else {**found, "told": told.get(alert_id, [])}

    def load_polls(self, watch_id: str, limit: int) -> list[Mapping[str, Any]]:
        """Load the newest polls of a watch: run_id, state, when, and what came of it."""
        return self._load_runs(watch_id, Mode.LIVE, limit)

    def load_parity(self, watch_id: str) -> Mapping[str, Any] | None:
        """Load the newest comparison of a watch with a backtest."""
        found = self._load_runs(watch_id, Mode.BACKTEST, 1)
        return found[0] if found else None

    def _load_runs(self, watch_id: str, mode: Mode, limit: int) -> list[Mapping[str, Any]]:
        wanted = (
            select(*(run.c[name] for name in _OF_A_RUN))
            .where(run.c.watch_id == watch_id, run.c.flow_type == mode.flow_type)
            .order_by(run.c.accepted_at.desc())
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    def save(self, of: Run, watched: Watch, seen: Seen) -> list[str]:
        """Write down what a poll has seen, in one; give the ids of the alerts that are new.

        Raises ``NotStartableError`` where the run was taken from its process meanwhile.
        """
        at, by = self.clock(), {"watch_id": watched.watch_id, "run_id": of.run_id}
        with writing(self.engine) as connection:
            _check_own(connection, of.run_id)
            if seen.looks:
                rows = [{**by, "at": at, **_write_look(one)} for one in seen.looks]
                connection.execute(_STAND, rows)
            for one in seen.sightings:
                row = {**by, "at": at, "engine_version": __version__, **_write_sighting(one)}
                connection.execute(insert(sighting).values(row))
            raised = [
                connection.execute(_RAISE, {**by, "user": watched.user, **_write_alert(one, at)})
                for one in seen.alerts
            ]
            fresh = [found for one in raised for found in one.scalars()]
            for outcome in seen.outcomes:
                _write_outcome(connection, outcome, at)
        return fresh


def is_told_for(of: Watch) -> ColumnElement[bool]:
    """Say which alerts are those of a watch; a replay is a market of its own.

    Of two watches on real feeds that change the same in their rules, the first tells a signal.
    """
    own = alert.c.watch_id == of.watch_id
    if of.terms.replay:
        return own
    terms = watch.c.terms
    alike = select(watch.c.watch_id).where(
        watch.c.user == of.user,
        terms["replay_from"].as_string().is_(None),
        terms["version"].as_string() == of.terms.version,
    )
    shared = (
        alert.c.watch_id.in_(alike),
        alert.c.timeframe == of.terms.timeframe,
        alert.c.symbol.in_(of.terms.symbols),
        alert.c.setup_id.in_(of.terms.setups),
    )
    return or_(own, and_(*shared))


_OF_A_RUN = ("run_id", "state", "accepted_at", "finished_at", "reason", "summary")


def _load_receipts(
    connection: Connection, alert_ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    names = ("channel_id", "outcome", "done_at", "attempts", "last_error")
    columns = (notification.c[name] for name in names)
    wanted = select(notification.c.alert_id, *columns).where(notification.c.alert_id.in_(alert_ids))
    told: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(wanted).mappings():
        told.setdefault(row["alert_id"], []).append({name: row[name] for name in names})
    return told


def _check_own(connection: Connection, run_id: str) -> None:
    found = select(run.c.state, run.c.process).where(run.c.run_id == run_id)
    row = connection.execute(found).one()
    if row.state != RunState.RUNNING or row.process != name_process(os.getpid()):
        raise NotStartableError(run_id)


def _write_look(one: LookState) -> dict[str, Any]:
    return {
        "setup_id": one.look.setup_id,
        "symbol": one.look.symbol,
        "seen_until": one.seen_until,
        "setup_hash": one.setup_hash,
        "fingerprint": one.fingerprint,
        "standing": one.standing,
        "trouble": one.trouble,
    }


_AGE = (alert.c.created_at, alert.c.bar_at, alert.c.alert_id)


def _number_alerts() -> Select[Any]:
    # The first of a watch is number 1 for ever, however many are loaded.
    number = func.row_number().over(partition_by=alert.c.watch_id, order_by=_AGE)
    return select(alert, number.label("number"))


def _write_sighting(one: Sighting) -> dict[str, Any]:
    bars, times = one.bars, one.bars.time.tolist()
    return {
        "symbol": one.symbol,
        "kind": one.kind,
        "first_bar_at": from_ms(times[0]),
        "last_bar_at": from_ms(times[-1]),
        "bars": [[at, *write_bar(bars, row)] for row, at in enumerate(times)],
    }


def _write_alert(one: Alert, at: datetime) -> dict[str, Any]:
    return {
        "alert_id": one.alert_id,
        "kind": one.kind.value,
        "setup_id": one.setup_id,
        "setup_hash": one.setup_hash,
        "symbol": one.symbol,
        "timeframe": one.timeframe,
        "side": one.side,
        "level": one.level,
        "bar_at": one.bar_at,
        "said": dict(one.said),
        "created_at": at,
        "expires_at": one.expires_at,
    }


def _write_outcome(connection: Connection, one: Outcome, at: datetime) -> None:
    open_one = (alert.c.alert_id == one.alert_id, alert.c.outcome_at.is_(None))
    values = {"outcome": dict(one.said), "outcome_at": at}
    connection.execute(update(alert).where(*open_one).values(values))


def _read_watch(row: Row[Any]) -> Watch:
    stored = dict(row._mapping)  # noqa: SLF001 (SQLAlchemy's public way, by this name)
    return Watch(**{**stored, "terms": load_watch_terms(stored["terms"])})


def _read_look(row: Row[Any]) -> LookState:
    return LookState(
        look=Look(row.setup_id, row.symbol),
        seen_until=row.seen_until,
        setup_hash=row.setup_hash,
        fingerprint=row.fingerprint,
        standing=row.standing,
        trouble=row.trouble,
    )
