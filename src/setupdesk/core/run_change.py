"""Changes of a run by its user: what it is called, what is said of it, and whose turn it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.free_text import LONGEST_NAME, find_text_problems
from setupdesk.core.problem import find_nearest
from setupdesk.core.refusals import Refusals
from setupdesk.core.run import Priority

LONGEST_NOTES, LONGEST_TAG, MOST_TAGS = 2_000, 30, 10
FIELDS = ("priority", "name", "notes", "tags")

_TAG = re.compile(rf"[A-Za-z0-9][A-Za-z0-9 _.-]{{0,{LONGEST_TAG - 1}}}")


@dataclass(frozen=True, slots=True)
class RunChange:
    """What is to be different of a run, by field: a Priority, a text or None, a list of tags."""

    values: Mapping[str, Any]


def parse_run_change(said: Mapping[str, Any]) -> RunChange:
    """Read what somebody wants to change, or raise InvalidRequestError with every Problem in it.

    What is not said stays as it is; null clears a name, notes and tags.
    """
    reading = _Reading()
    values = {name: reading.read(name, value) for name, value in said.items()}
    if not said:
        message = "Nothing was to be changed; say at least one of them."
        reading.refuse("", "missing", message, FIELDS)
    if reading.problems:
        raise InvalidRequestError(reading.problems)
    return RunChange(values)


class _Reading(Refusals):
    """One pass over what was said."""

    def read(self, name: str, value: object) -> Any:
        match name:
            case "priority":
                return self._read_priority(value)
            case "name":
                return self._read_text(name, value, LONGEST_NAME)
            case "notes":
                return self._read_text(name, value, LONGEST_NOTES, breaks="\n\t")
            case "tags":
                return self._read_tags(value)
        nearest = find_nearest(name[:LONGEST_NAME], FIELDS)
        hint = f", did you mean {nearest!r}?" if nearest else "."
        message = f"{name[:LONGEST_NAME]!r} cannot be changed{hint}"
        return self.refuse(name[:LONGEST_NAME], "unknown_key", message, FIELDS, nearest)

    def _read_priority(self, value: object) -> Priority | None:
        words = {each.word: each for each in Priority}
        if isinstance(value, str) and value in words:
            return words[value]
        said = str(value)[:LONGEST_NAME]
        nearest = find_nearest(said, words)
        message = f"The priority was {said!r}."
        self.refuse("priority", "unknown_priority", message, tuple(words), nearest)
        return None

    def _read_text(self, name: str, value: object, longest: int, breaks: str = "") -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(name, "wrong_type", f"{name} was not a text.", ("a text", "null"))
            return None
        text = value.replace("\r\n", "\n").strip() if breaks else value.strip()
        self.problems += find_text_problems(name, text, longest, breaks)
        return text or None

    def _read_tags(self, value: object) -> list[str]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse("tags", "wrong_type", "tags was not a list.", ("a list of texts", "null"))
            return []
        if len(value) > MOST_TAGS:
            message = f"There were {len(value):,} tags."
            self.refuse("tags", "too_many", message, (f"up to {MOST_TAGS}",))
        # One mistake after the other, but of a flood of them only as many as there may be tags.
        read = [self._read_tag(place, one) for place, one in enumerate(value[:MOST_TAGS])]
        return list(dict.fromkeys(read))

    def _read_tag(self, place: int, value: object) -> str:
        tag = value.strip(" ") if isinstance(value, str) else ""
        if not _TAG.fullmatch(tag):
            message = f"The tag was {str(value)[: LONGEST_TAG + 1]!r}."
            allowed = (f"1 to {LONGEST_TAG} of A-Z a-z 0-9 space _ . -, a letter or a digit first",)
            self.refuse(f"tags.{place}", "wrong_tag", message, allowed)
        return tag
