"""Levels: the prices and measures that a rule may name, each kind with the names that it gives.

Names are known per session (``ib.high``), at each bar (``vw.mid``), or for a signal only
(``gap.near``, ``ib.opposite``).
"""

from typing import Annotated, Literal

from pydantic import Field

from setupdesk.core.timeframe import Timeframe
from setupdesk.setups.parts import Count, Names, Number, Part, WindowOfDay

Hours = Literal["rth", "full"]
"""Of the session only, or of the whole trading day from roll to roll."""


class _Kind(Part):
    """What all kinds share: which names they give."""

    @property
    def looks_back(self) -> int:
        """How many earlier sessions it looks back on, days without bars allowed for."""
        return 0

    def session_names(self, name: str) -> Names:  # noqa: ARG002 - one shape for all kinds
        """Give the names that have one value for each session."""
        return ()

    def bar_names(self, name: str) -> Names:  # noqa: ARG002
        """Give the names that have a value at each bar."""
        return ()

    def signal_names(self, name: str) -> Names:  # noqa: ARG002
        """Give the names that are known once the setup has triggered."""
        return ()

    def edges(self, name: str) -> Names:  # noqa: ARG002
        """Give the names that a trigger may watch: ``.high`` from below, ``.low`` from above."""
        return ()


class SessionRange(_Kind):
    """The high and low of a window of the day."""

    kind: Literal["session_range"]
    window: WindowOfDay

    def session_names(self, name: str) -> Names:
        """Give the names that have one value for each session."""
        return _under(name, "high", "low", "mid", "range")

    def signal_names(self, name: str) -> Names:
        """Give the sides seen from the trade: ``opposite`` before it, ``behind`` at its back."""
        return _under(name, "opposite", "behind")

    def edges(self, name: str) -> Names:
        """Give the names that a trigger may watch."""
        return _under(name, "high", "low")


class Previous(_Kind):
    """The last completed day or week that has bars."""

    kind: Literal["previous_day", "previous_week"]
    hours: Hours = "rth"

    @property
    def looks_back(self) -> int:
        """Look back on a week, or two."""
        return 6 if self.kind == "previous_day" else 12

    def session_names(self, name: str) -> Names:
        """Give the names that have one value for each session."""
        return _under(name, "open", "high", "low", "close", "mid", "range")

    def signal_names(self, name: str) -> Names:
        """Give the sides seen from the trade."""
        return _under(name, "opposite", "behind")

    def edges(self, name: str) -> Names:
        """Give the names that a trigger may watch."""
        return _under(name, "high", "low")


class Atr(_Kind):
    """Wilder's average true range: on D1 of the last completed day, else at each bar.

    Where the run's bars are coarser than ``timeframe``, it is measured on them.
    """

    kind: Literal["atr"]
    timeframe: Timeframe
    length: Annotated[int, Field(ge=1, le=200)]

    def session_names(self, name: str) -> Names:
        """Give the name, where it is daily."""
        return (name,) if self.timeframe is Timeframe.D1 else ()

    def bar_names(self, name: str) -> Names:
        """Give the name, where it is not."""
        return () if self.timeframe is Timeframe.D1 else (name,)


class Vwap(_Kind):
    """The volume-weighted average price since the session opened, and its deviation."""

    kind: Literal["vwap"]
    anchor: Literal["session"]

    def bar_names(self, name: str) -> Names:
        """Give the names that have a value at each bar."""
        return _under(name, "mid", "sd")


class Swing(_Kind):
    """The last confirmed fractal high and low."""

    kind: Literal["swing"]
    left: Count
    right: Count

    def bar_names(self, name: str) -> Names:
        """Give the names that have a value at each bar."""
        return _under(name, "high", "low")


class Fvg(_Kind):
    """Fair value gaps of at least a size."""

    kind: Literal["fvg"]
    min_size: Number

    def signal_names(self, name: str) -> Names:
        """Give the edges seen from the price at its birth, and the far end of its first bars."""
        return _under(name, "near", "far", "mid", "origin")


class Gap(_Kind):
    """The gap between the session's open and the previous session's close."""

    kind: Literal["gap"]
    hours: Literal["rth"] = "rth"

    @property
    def looks_back(self) -> int:
        """Look back on a week."""
        return 6

    def session_names(self, name: str) -> Names:
        """Give the names that have one value for each session."""
        return _under(name, "size", "direction")


class DayPattern(_Kind):
    """What the previous session was: the narrowest of seven, inside the one before."""

    kind: Literal["day_pattern"]
    patterns: Annotated[tuple[Literal["nr7", "inside"], ...], Field(min_length=1)]

    @property
    def looks_back(self) -> int:
        """Look back on the seven days of an NR7."""
        return 12

    def session_names(self, name: str) -> Names:
        """Give names that are 1 or 0."""
        return _under(name, "any", "nr7", "inside")


Level = Annotated[
    SessionRange | Previous | Atr | Vwap | Swing | Fvg | Gap | DayPattern,
    Field(discriminator="kind"),
]


def _under(name: str, *words: str) -> Names:
    return tuple(f"{name}.{word}" for word in words)
