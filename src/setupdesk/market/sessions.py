"""Sessions: the trading days of an exchange, as instants and as rows of bars."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of an exchange, with its real hours (half days close early)."""

    day: date
    opens_ms: int
    """UTC milliseconds."""

    closes_ms: int
    """UTC milliseconds, exclusive: no bar of the session opens at or after it."""
