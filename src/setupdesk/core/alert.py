"""Alerts: what a watch has to say of one signal, or of a feed, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from setupdesk.core.watch import AlertKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message about one live signal; what it says stays as it is."""

    alert_id: str
    """The same for the same signal, so that it comes once."""

    watch_id: str
    kind: AlertKind
    setup_id: str | None
    """None for an alert about a feed."""

    setup_hash: str | None
    symbol: str
    timeframe: str
    side: str | None
    level: str | None
    bar_at: datetime
    """Open of the bar at whose close it was known; of a feed, of the last bar that came. UTC."""

    said: Mapping[str, Any]
    """The sentence, and the figures behind it."""

    expires_at: datetime
    """After it the alert is shown, and not sent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the signal of an alert, as a backtest sees it."""

    alert_id: str
    said: Mapping[str, Any]
    """The verdict; of a trade its R, its entry and exit, and why it ended."""
