"""Saved requests: a payload under a name, which its user may ask for again and again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from setupdesk.core.free_text import LONGEST_NAME, find_text_problems
from setupdesk.core.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRequest:
    """A payload that a user has kept; it has what was said, so a ``last`` of it moves on."""

    saved_id: str
    user: str
    name: str
    payload: Mapping[str, Any]
    created_at: datetime

    @property
    def name_key(self) -> str:
        """Give what the name is known by: in upper and lower case it is the same."""
        return fold(self.name)


def fold(name: str) -> str:
    """Give what a name is known by."""
    return name.strip().casefold()


def find_name_problems(name: object) -> list[Problem]:
    """Find what is wrong with the name of a saved request."""
    if not isinstance(name, str) or not name.strip():
        message = "The name was missing; say what you call it."
        allowed = (f"1 to {LONGEST_NAME} characters",)
        return [Problem(field="name", code="missing", message=message, allowed=allowed)]
    return find_text_problems("name", name.strip(), LONGEST_NAME)
