"""Watches: setups and symbols that are looked at as bars close, and what they may raise."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from setupdesk.core.period import to_iso
from setupdesk.core.rhythm import read_span, write_span
from setupdesk.core.timeframe import Timeframe


class AlertKind(StrEnum):
    """What an alert is about."""

    SIGNAL = "signal"
    """The setup triggered, and its rule trades it."""

    FURTHER = "further"
    """It triggered, and the rule's own limits or prices keep it from being traded."""

    STALE = "stale"
    """A feed gives no new bars while the market is open."""


@dataclass(frozen=True, slots=True)
class Look:
    """One setup on one symbol."""

    setup_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Stored bars as if they came now."""

    starts_at: datetime
    """What its clock showed when the watch began, UTC."""

    speed: float
    """How many times as fast as they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTerms:
    """What is looked at, by which feed, and for how long a signal can be acted on."""

    setups: tuple[str, ...]
    symbols: tuple[str, ...]
    timeframe: Timeframe
    options: Mapping[str, Any]
    """As of a request; the same for every setup."""

    extra: Mapping[str, float | str]
    feeds: Mapping[str, str]
    """By symbol: ``replay``, ``push`` or a vendor's name."""

    replay: Replay | None
    expires: timedelta
    """An alert that is older is shown, and not sent."""

    @property
    def looks(self) -> tuple[Look, ...]:
        """Give every setup on every symbol, symbol by symbol."""
        return tuple(Look(setup, symbol) for symbol in self.symbols for setup in self.setups)

    @property
    def speed(self) -> float:
        """Give how many times as fast as a clock the market goes."""
        return self.replay.speed if self.replay else 1.0

    @property
    def version(self) -> str:
        """Name what was changed in the rules: watches that change the same tell the same."""
        changed = {"options": dict(self.options), "extra": dict(self.extra)}
        return json.dumps(changed, sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """Give the shape that every door shows, and that makes the same terms again."""
        replay = self.replay
        return {
            "setups": list(self.setups),
            "symbols": list(self.symbols),
            "timeframe": self.timeframe,
            "options": dict(self.options),
            "extra": dict(self.extra),
            "feeds": dict(self.feeds),
            "replay_from": to_iso(replay.starts_at) if replay else None,
            "speed": replay.speed if replay else None,
            "expires": write_span(self.expires),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A standing look of a user; what it looks at never changes."""

    watch_id: str
    name: str
    user: str
    key_id: str | None
    terms: WatchTerms
    schedule_id: str | None
    parity_schedule_id: str | None
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def begins_at(self) -> datetime:
        """Give from when on its market is watched, by the clock of its feed."""
        return self.terms.replay.starts_at if self.terms.replay else self.created_at


def load_watch_terms(stored: Mapping[str, Any]) -> WatchTerms:
    """Read back what ``WatchTerms.to_json`` gave, which was valid when it was kept."""
    begins = stored["replay_from"]
    return WatchTerms(
        setups=tuple(stored["setups"]),
        symbols=tuple(stored["symbols"]),
        timeframe=Timeframe(stored["timeframe"]),
        options=stored["options"],
        extra=stored["extra"],
        feeds=stored["feeds"],
        replay=Replay(datetime.fromisoformat(begins), stored["speed"]) if begins else None,
        expires=read_span(stored["expires"]) or timedelta(),
    )


def name_alert(user: str, *identity: str) -> str:
    """Give the id of an alert: the same for the same signal, for ever.

    *identity* of a signal is setup, version of its rule, what was changed in it, symbol,
    timeframe, bar, side and level.
    """
    said = "\n".join((user, *identity))
    return f"alert_{hashlib.sha256(said.encode()).hexdigest()[:24]}"
