"""What watches saw and said, as parity reads it back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, or_, select

from setupdesk.adapters.ledger.database import reading
from setupdesk.adapters.ledger.tables import alert, sighting, watch
from setupdesk.app.seen_bars import Begin, PastSighting, Said
from setupdesk.core.watch import AlertKind, Watch
from setupdesk.market.days import to_ms

_SIGNALS = (AlertKind.SIGNAL.value, AlertKind.FURTHER.value)


@dataclass(frozen=True, slots=True)
class WatchPast:
    """The sightings and signals of all watches."""

    engine: Engine

    def find_begin(self, watch_id: str, symbol: str) -> Begin | None:
        """Find the first bars that a watch saw of a symbol; None where it saw none."""
        wanted = (
            select(sighting.c.first_bar_at, sighting.c.last_bar_at)
            .where(sighting.c.watch_id == watch_id, sighting.c.symbol == symbol)
            .order_by(sighting.c.sighting_id)
            .limit(1)
        )
        with reading(self.engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return row and Begin(first_ms=to_ms(row.first_bar_at), last_ms=to_ms(row.last_bar_at))

    def load_sightings(
        self, watch_id: str, symbol: str, since: datetime, until: datetime
    ) -> list[PastSighting]:
        """Load what a watch saw of a symbol's bars from *since* to *until*, in order."""
        wanted = (
            select(sighting)
            .where(
                sighting.c.watch_id == watch_id,
                sighting.c.symbol == symbol,
                sighting.c.last_bar_at >= since,
                sighting.c.first_bar_at < until,
            )
            .order_by(sighting.c.sighting_id)
        )
        with reading(self.engine) as connection:
            return [
                PastSighting(row.kind, row.bars, row.at, row.engine_version)
                for row in connection.execute(wanted)
            ]

    def load_said(self, of: Watch, symbol: str, since: datetime, until: datetime) -> list[Said]:
        """Load the signals of bars from *since* to *until* that a watch has told its user.

        Of two watches on real feeds that see the same signal, the first tells it; what the
        others of this user have told is among them.
        """
        wanted = (
            select(alert, watch.c.terms)
            .join(watch, watch.c.watch_id == alert.c.watch_id)
            .where(
                _find_tellers(of),
                alert.c.kind.in_(_SIGNALS),
                alert.c.symbol == symbol,
                alert.c.timeframe == of.terms.timeframe,
                alert.c.bar_at >= since,
                alert.c.bar_at < until,
            )
            .order_by(alert.c.bar_at, alert.c.alert_id)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(wanted).all()
        return list(_read_said(rows, of))


def _find_tellers(of: Watch) -> ColumnElement[bool]:
    own = alert.c.watch_id == of.watch_id
    return own if of.terms.replay else or_(own, alert.c.user == of.user)


def _read_said(rows: Sequence[Row[Any]], of: Watch) -> Iterator[Said]:
    for row in rows:
        is_own = row.watch_id == of.watch_id
        if is_own or row.terms["replay_from"] is None:
            yield Said(
                setup_id=row.setup_id,
                setup_hash=row.setup_hash,
                known_ms=to_ms(row.bar_at) + of.terms.timeframe.milliseconds,
                side=row.side,
                level=row.level,
                is_own=is_own,
            )
