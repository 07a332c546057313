"""Pace: how many requests a minute may come of one key, or of one address without a right one."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from setupdesk.core.errors import TooFastError

MOST_FOLLOWED = 10_000
"""Keys and addresses that are followed at once; then all of them begin anew."""


@dataclass(slots=True)
class Pace:
    """A bucket of tokens for each who asks: full at first, and again after a minute of silence."""

    steady_clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, who: str, per_minute: int) -> None:
        """Take one token; raises ``TooFastError`` where there is none."""
        now = self.steady_clock()
        left, seen_at = self._buckets.get(who, (float(per_minute), now))
        left = min(left + (now - seen_at) * per_minute / 60, float(per_minute))
        if left < 1:
            self._buckets[who] = left, now
            raise TooFastError(per_minute, math.ceil((1 - left) * 60 / per_minute))
        if len(self._buckets) >= MOST_FOLLOWED:
            self._buckets.clear()
        self._buckets[who] = left - 1, now
