"""Refusals: the Problems of one reading, which go on being collected after the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from setupdesk.core.problem import Problem, find_nearest

LONGEST_WORD = 64
"""Of what somebody said, this much is said back."""


@dataclass(slots=True)
class Refusals:
    """What one reading of what a door said has found to be wrong."""

    problems: list[Problem] = field(default_factory=list, init=False)

    def refuse(
        self,
        where: str,
        code: str,
        message: str,
        allowed: Sequence[str] = (),
        suggestion: str | None = None,
    ) -> None:
        """Add a Problem."""
        self.problems.append(
            Problem(
                field=where[:LONGEST_WORD],
                code=code,
                message=message,
                allowed=tuple(allowed),
                suggestion=suggestion,
            )
        )

    def refuse_unknown(self, where: str, code: str, value: object, allowed: Sequence[str]) -> None:
        """Add the Problem of a word that is none of those that are allowed, with the nearest."""
        word = str(value)[:LONGEST_WORD]
        nearest = find_nearest(word, allowed)
        hint = f", did you mean {nearest!r}?" if nearest else "."
        self.refuse(where, code, f"{word!r} is not known{hint}", allowed, nearest)

    def refuse_others(self, place: str, said: Mapping[str, Any], fields: Sequence[str]) -> None:
        """Add a Problem for each key of what was *said* at a *place* that is none of *fields*."""
        for key in said:
            if key not in fields:
                self.refuse_unknown(f"{place}{key}", "unknown_key", key, fields)
