"""Deliveries of nobody that is known here: counted by the hour, each kind with one example.

An audit row for each would let anybody fill the disk. What was counted since the last write is
lost with the process.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects.sqlite import insert

from setupdesk.adapters.ledger.database import reading, writing
from setupdesk.adapters.ledger.tables import turned_away

MOST_KINDS = 1_000
"""Different ones that are counted apart between two writes."""

MOST_KEPT = 200
"""Characters of an example."""

_ADD = insert(turned_away)
_ADD = _ADD.on_conflict_do_update(
    index_elements=["hour", "address", "reason"],
    set_={"count": turned_away.c.count + _ADD.excluded.count},
)


@dataclass(slots=True)
class TurnedAway:
    """Counts in memory; ``write`` adds to the ledger's rows."""

    engine: Engine
    clock: Callable[[], datetime]
    _counts: dict[tuple[str, str, str], list[int | str]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def count(self, address: str, reason: str, example: str) -> None:
        """Count one delivery from *address*; *example* is its method and path, without secrets."""
        hour = self.clock().strftime("%Y-%m-%dT%H:00Z")
        with self._lock:
            if (hour, address, reason) not in self._counts and len(self._counts) >= MOST_KINDS:
                address = "others"
            entry = self._counts.setdefault((hour, address, reason), [0, example[:MOST_KEPT]])
            entry[0] = int(entry[0]) + 1

    def write(self) -> None:
        """Write down what was counted since the last time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        rows = [
            {"hour": hour, "address": address, "reason": reason, "count": n, "example": example}
            for (hour, address, reason), (n, example) in counts.items()
        ]
        if rows:
            with writing(self.engine) as connection:
                connection.execute(_ADD, rows)

    def load(self, limit: int) -> list[dict[str, Any]]:
        """Load what was counted, the newest hour first."""
        self.write()
        newest = select(turned_away).order_by(turned_away.c.hour.desc(), turned_away.c.address)
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(newest.limit(limit)).mappings()]
