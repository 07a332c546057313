"""Moments, durations and spans: how a rule says when, such as ``session.end - 2h`` or ``45m``."""

import re
from dataclasses import dataclass
from datetime import time
from typing import Self

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.days import is_zone

_DURATION = re.compile(r"([1-9][0-9]{0,3})(m|h|bars)")
_EDGE = re.compile(r"([A-Za-z]\w*)\.(start|end)(?:\s*([+-])\s*(\w+))?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?:\s+([A-Za-z][\w/+-]*))?")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)(?:\s+(\S+))?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MINUTES = {"m": 1, "h": 60}


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, in minutes or in bars."""

    minutes: int = 0
    bars: int = 0

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read ``45m``, ``1h`` or ``3bars``."""
        found = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"write a duration such as 45m, 1h or 3bars, not {text!r}")
        count, unit = int(found[1]), found[2]
        return cls(bars=count) if unit == "bars" else cls(minutes=count * _MINUTES[unit])

    def in_bars(self, timeframe: Timeframe) -> int:
        """Count the whole bars that fit, at least one."""
        return self.bars or max(1, self.minutes // timeframe.minutes)

    def in_milliseconds(self, timeframe: Timeframe) -> int:
        """Give the length for bars of *timeframe*."""
        return self.minutes * 60_000 + self.bars * timeframe.milliseconds


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant of each session: the start or end of something with a shift, or a wall clock."""

    of: str
    """``session``, a level that has a window, or a window of the symbol; empty for a clock."""

    edge: str
    """``start`` or ``end``."""

    shift: Duration
    sign: int
    at: time | None = None
    zone: str | None = None
    """Of ``at``; None is the market's own."""

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read ``ib.end``, ``session.end - 2h`` or ``10:00 America/New_York``."""
        words = text.strip() if isinstance(text, str) else ""
        if found := _EDGE.fullmatch(words):
            shift = Duration.parse(found[4]) if found[4] else Duration()
            return cls(found[1], found[2], shift, -1 if found[3] == "-" else 1)
        if found := _CLOCK.fullmatch(words):
            at = time(int(found[1]), int(found[2]))
            return cls("", "start", Duration(), 1, at, _zone(found[3]))
        raise ValueError(
            "write a moment such as ib.end, session.end - 2h or 10:00 America/New_York, "
            f"not {text!r}"
        )

    def shift_ms(self, timeframe: Timeframe) -> int:
        """Give the signed shift in milliseconds."""
        return self.sign * self.shift.in_milliseconds(timeframe)


@dataclass(frozen=True, slots=True)
class Span:
    """A window of the day: one that the symbol names, or one that the rule spells out."""

    name: str | None
    start: time = time()
    end: time = time()
    zone: str | None = None
    """None is the market's own."""

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read ``initial_balance`` or ``00:00-07:00 Europe/London``."""
        words = text.strip() if isinstance(text, str) else ""
        if _NAME.fullmatch(words):
            return cls(words)
        if found := _SPAN.fullmatch(words):
            hours = [int(found[place]) for place in range(1, 5)]
            return cls(None, time(hours[0], hours[1]), time(hours[2], hours[3]), _zone(found[5]))
        raise ValueError(
            f"write a window such as initial_balance or 00:00-07:00 Europe/London, not {text!r}"
        )

    def __str__(self) -> str:
        return self.name or f"{self.start:%H:%M}-{self.end:%H:%M}"

    def in_zone(self, market: str) -> Window:
        """Give the window that is spelt out."""
        return Window(start=self.start, end=self.end, zone=self.zone or market)


def _zone(name: str | None) -> str | None:
    if name is not None and not is_zone(name):
        raise ValueError(f"{name!r} is not an IANA time zone such as America/New_York")
    return name
