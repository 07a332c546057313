"""What every reader gives: rows as they stand in the file, with their line numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Floats, Ints

Flags = NDArray[np.bool_]


class NotReadableError(Exception):
    """The file cannot be read, for reasons that its owner can understand."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The bars of a file before any check, in its own order."""

    lines: Ints
    """Line of each row in the file, counted from one; of a record where it has no lines."""

    time: Ints
    """UTC milliseconds, or those of a wall clock; zero where ``mistakes`` name the line."""

    prices: Floats
    """Four rows: open, high, low, close; NaN where the file has no number."""

    volume: Floats
    """NaN where the file has none."""

    mistakes: Sequence[str] = ()
    """What the reader found wrong already; the checks add theirs."""

    is_wall: bool = False
    """Whether ``time`` is of the source's own wall clock, so that a clock has to be applied."""

    clock: str | None = None
    """The clock that has to be applied, where the format itself fixes it."""

    is_own: bool = False
    """Whether this product wrote them: at their open, and of bars that it had checked."""

    seed: int | None = None
    """Of the simulated market; None for real bars."""

    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many rows were no bars, by the reason."""

    def take(self, chosen: NDArray[Any]) -> Self:
        """Give the rows *chosen* by place or by flag."""
        return replace(
            self,
            lines=self.lines[chosen],
            time=self.time[chosen],
            prices=self.prices[:, chosen],
            volume=self.volume[chosen],
        )

    def leave_out(self, unwanted: Flags, reason: str) -> Self:
        """Drop the *unwanted* rows and count them."""
        count = int(np.count_nonzero(unwanted))
        if not count:
            return self
        return replace(self.take(~unwanted), left_out={**self.left_out, reason: count})


def name_first(lines: Ints, wrong: Flags, says: str) -> list[str]:
    """Say it of the first *wrong* line and count the others, or say nothing."""
    count = int(np.count_nonzero(wrong))
    if not count:
        return []
    others = f" ({count} such lines)" if count > 1 else ""
    return [f"Line {lines[np.argmax(wrong)]}{others}: {says}"]


class Reader(Protocol):
    """One format."""

    @property
    def name(self) -> str:
        """What the format is called."""

    def recognises(self, content: bytes, file_name: str) -> bool:
        """Say whether *content* looks like this format.

        *file_name* is the path as far as it is known, through any archive, with slashes.
        """

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        """Read *content*, or raise ``NotReadableError``."""
