"""The book of watches: what they have seen, decided and told, as polls write and read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from setupdesk.core.alert import Alert, Outcome
from setupdesk.core.run import Run
from setupdesk.core.watch import Look, Watch
from setupdesk.market.bars import Bars
from setupdesk.market.days import to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class LookState:
    """Where a watch stands with one setup on one symbol."""

    look: Look
    seen_until: datetime | None
    """Close of the last bar that was seen and decided on."""

    setup_hash: str | None = None
    fingerprint: str | None = None
    """Of the bars that were looked at."""

    standing: Mapping[str, Any] | None = None
    trouble: str | None = None
    """Why it could not be looked at, or what is wrong with its feed."""

    @property
    def until_ms(self) -> int:
        """Give up to when it has seen, in UTC milliseconds; 0 where it never has."""
        return to_ms(self.seen_until) if self.seen_until else 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """Bars as they were seen."""

    symbol: str
    kind: str
    """``seen`` when they were new, ``revised`` when they came back with other prices."""

    bars: Bars


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert whose outcome is not known yet."""

    alert_id: str
    look: Look
    side: str
    level: str
    bar_at: datetime

    @classmethod
    def of(cls, alert: Alert, look: Look) -> Self:
        """Take an alert that was raised just now."""
        return cls(
            alert_id=alert.alert_id,
            look=look,
            side=str(alert.side),
            level=str(alert.level),
            bar_at=alert.bar_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that one poll has seen and decided; it is written down at once or not at all."""

    looks: list[LookState] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


class WatchBook(Protocol):
    """Where watches are kept, and what they have seen."""

    def load(self, watch_id: str) -> Watch | None:
        """Load a watch, ended or not."""

    def load_looks(self, watch_id: str) -> list[LookState]:
        """Load where a watch stands with what it has looked at."""

    def load_bars(self, watch_id: str, since: datetime) -> dict[str, dict[int, list[Any]]]:
        """Load the bars that were seen since then: by symbol and open, in UTC milliseconds."""

    def load_open_alerts(self, of: Watch, since: datetime) -> list[OpenAlert]:
        """Load the alerts of a watch's signals since then that have no outcome.

        Of two watches on real feeds that see the same signal, the first has told it.
        """

    def save(self, run: Run, watch: Watch, seen: Seen) -> list[str]:
        """Write down what a poll has seen, in one; give the ids of the alerts that are new."""


def write_bar(bars: Bars, row: int) -> list[int]:
    """Write a bar as a sighting has it: open, high, low and close in ticks."""
    return [int(getattr(bars, name)[row]) for name in ("open", "high", "low", "close")]
