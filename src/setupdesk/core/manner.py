"""The manner of a channel: which alerts are told there, how loud, when not, and how many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from setupdesk.core.watch import AlertKind

USUAL_PER_HOUR, MOST_PER_HOUR = 60, 3600
HOUR = timedelta(hours=1)
SHORTEST_HOLD = timedelta(minutes=10)
"""What is too much is held for so long at least, so that digests are no flood of their own."""

_MINUTE = timedelta(minutes=1)


class Loudness(StrEnum):
    """How one kind of alerts is told."""

    ON = "on"
    SILENT = "silent"
    """Told, and marked as what needs no sound."""

    OFF = "off"


USUAL_KINDS: Mapping[AlertKind, Loudness] = MappingProxyType(
    {
        AlertKind.SIGNAL: Loudness.ON,
        AlertKind.FURTHER: Loudness.OFF,
        AlertKind.STALE: Loudness.ON,
    }
)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which no alert is told, on the wall clock of a zone; they may span midnight."""

    begins: time
    ends: time
    zone: str

    def find_end(self, at: datetime) -> datetime | None:
        """Give when the quiet hours that *at* lies in are over, UTC; None if it lies in none."""
        if not self._has(at):
            return None
        # Minute by minute: the wall clock may skip or repeat the one at which they end.
        minute = at.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
        while self._has(minute):
            minute += _MINUTE
        return minute

    def _has(self, at: datetime) -> bool:
        wall = at.astimezone(ZoneInfo(self.zone)).time()
        if self.begins < self.ends:
            return self.begins <= wall < self.ends
        return wall >= self.begins or wall < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What its owner wants of a channel, as far as alerts go."""

    kinds: Mapping[AlertKind, Loudness]
    quiet: Quiet | None = None
    most_per_hour: int = USUAL_PER_HOUR

    def is_silent(self, kind: str) -> bool:
        """Say whether alerts of this kind need no sound."""
        return self.kinds[AlertKind(kind)] == Loudness.SILENT

    def find_quiet_end(self, at: datetime) -> datetime | None:
        """Give when the quiet hours are over, UTC; None where *at* lies in none."""
        return self.quiet.find_end(at) if self.quiet else None

    def find_release(self, at: datetime, told: Sequence[datetime]) -> datetime | None:
        """Give until when an alert that is due at *at* is held; None if it may be told.

        *told* are the times of the alerts that were told in the hour before, the newest first,
        ``most_per_hour`` of them at most.
        """
        if until := self.find_quiet_end(at):
            return until
        if len(told) < self.most_per_hour:
            return None
        freed = max(told[-1] + HOUR, at + SHORTEST_HOLD)
        return self.find_quiet_end(freed) or freed

    def to_json(self) -> dict[str, Any]:
        """Give the shape that is kept, and that every door shows."""
        quiet = self.quiet
        return {
            "kinds": {kind.value: loudness.value for kind, loudness in self.kinds.items()},
            "quiet": quiet
            and {
                "from": f"{quiet.begins:%H:%M}",
                "to": f"{quiet.ends:%H:%M}",
                "zone": quiet.zone,
            },
            "most_per_hour": self.most_per_hour,
        }


USUAL = Manner(kinds=USUAL_KINDS)


def load_manner(stored: Mapping[str, Any]) -> Manner:
    """Read back what ``Manner.to_json`` gave; what is not there is as usual."""
    kinds = {AlertKind(kind): Loudness(how) for kind, how in stored.get("kinds", {}).items()}
    quiet = stored.get("quiet")
    return Manner(
        kinds={**USUAL_KINDS, **kinds},
        quiet=quiet
        and Quiet(
            time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["to"]), quiet["zone"]
        ),
        most_per_hour=stored.get("most_per_hour", USUAL_PER_HOUR),
    )
