"""Problems: the reasons why START refuses a request, in one shape for every door."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason of a refusal."""

    field: str
    """Path of the wrong value in the payload, such as ``options.max_trades``."""

    code: str
    """Stable word for programs, such as ``unknown_symbol``."""

    message: str
    allowed: tuple[str, ...] = ()
    suggestion: str | None = None
    """The nearest value that would be accepted."""

    @property
    def sentence(self) -> str:
        """Say it in words, with what is allowed where that is short."""
        allowed = ", ".join(self.allowed)
        return f"{self.message} Allowed: {allowed}." if 0 < len(allowed) <= 80 else self.message

    def to_json(self) -> dict[str, Any]:
        """Give the shape that every door shows."""
        return asdict(self)


QUEUE_FULL, TOO_MANY_WAITING = "queue_full", "too_many_waiting"
"""Codes of requests that are right, and come at a moment when too many runs wait."""


def load_problem(stored: Mapping[str, Any]) -> Problem:
    """Read back what ``Problem.to_json`` gave."""
    return Problem(**{**stored, "allowed": tuple(stored["allowed"])})


_SEVERAL = ("setups", "symbols")
"""Fields of several names."""


def take_suggestion(said: dict[str, Any], problem: Mapping[str, Any]) -> None:
    """Put what a Problem suggests in the place of what was wrong, in what was *said*.

    A key that cannot be set is taken to have been meant as the suggested one.
    """
    *path, last = problem["field"].split(".")
    holder, suggestion = said, problem["suggestion"]
    for part in path:
        holder = holder.setdefault(part, {})
    if problem["code"] == "unknown_key" and last in holder:
        holder[suggestion] = holder.pop(last)
    elif not path and last in _SEVERAL:
        # The Problem quotes the name that it is about.
        quoted = (suggestion if repr(one) in problem["message"] else one for one in holder[last])
        holder[last] = list(quoted)
    else:
        holder[last] = suggestion


def find_nearest(wrong: str, allowed: Iterable[str]) -> str | None:
    """Find the allowed word that *wrong* was probably meant to be."""
    by_folded = {word.casefold(): str(word) for word in allowed}
    close = get_close_matches(wrong.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
