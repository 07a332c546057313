"""The doctor: judges what was seen of a desk, and says what to do. What looks is elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


_ORDER = tuple(Grade)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    grade: Grade
    seen: str
    remedy: str = ""
    """What to do, unless all is well."""

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the door shows."""
        return {
            "check": self.name,
            "grade": self.grade,
            "seen": self.seen,
            "remedy": self.remedy or None,
        }


def find_worst(checks: Iterable[Check]) -> Grade:
    """Find the worst grade."""
    return max((check.grade for check in checks), key=_ORDER.index, default=Grade.OK)


def judge(name: str, seen: str, *, bad: str = "", warn: str = "", remedy: str = "") -> Check:
    """Make a check: bad or worth a warning if there is something to say of it, else as *seen*."""
    if bad:
        return Check(name, Grade.BAD, bad, remedy)
    return Check(name, Grade.WARN, warn, remedy) if warn else Check(name, Grade.OK, seen)


def name_some(names: Iterable[str]) -> str:
    """Name the first few, and count the others."""
    listed = list(names)
    more = len(listed) - _NAMED
    return ", ".join(listed[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


_NAMED = 5


def count(number: int, word: str, words: str | None = None) -> str:
    """Write a number with its word."""
    return f"{number:,} {word if number == 1 else words or f'{word}s'}"
