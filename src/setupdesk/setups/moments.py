"""Moments and durations: how a rule says when, such as ``session.end - 2h`` or ``45m``."""

import re
from dataclasses import dataclass
from typing import Self

from setupdesk.core.timeframe import Timeframe

_DURATION = re.compile(r"([1-9][0-9]{0,3})(m|h|bars)")
_MOMENT = re.compile(r"([A-Za-z]\w*)\.(start|end)(?:\s*([+-])\s*(\w+))?")
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
    """An instant of each session: the start or end of something, and a shift."""

    of: str
    """``session`` or the name of a level that has a window."""

    edge: str
    """``start`` or ``end``."""

    shift: Duration
    sign: int

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read ``ib.end``, ``session.start + 1h`` or ``session.end - 2h``."""
        found = _MOMENT.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"write a moment such as ib.end or session.end - 2h, not {text!r}")
        shift = Duration.parse(found[4]) if found[4] else Duration()
        return cls(found[1], found[2], shift, -1 if found[3] == "-" else 1)

    def shift_ms(self, timeframe: Timeframe) -> int:
        """Give the signed shift in milliseconds."""
        return self.sign * self.shift.in_milliseconds(timeframe)
