"""Mistakes in plain words: what is wrong with a rule file, for people who write one."""

import json
import math
from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import ValidationError

_TAGGED = {"levels": 2}
"""Where Pydantic puts the kind of a part into the path, which no file shows."""


def put_in_words(
    error: ValidationError, under: tuple[str, ...] = (), ignored: tuple[str, ...] = ()
) -> list[str]:
    """Translate Pydantic's messages, each with the path of the wrong value.

    *ignored* are the types of those that are no mistakes here.
    """
    return [
        _sentence(_path((*under, *one["loc"])), one["type"], one)
        for one in error.errors(include_url=False)
        if one["type"] not in ignored
    ]


def find_odd_values(raw: dict[Any, Any]) -> list[str]:
    """Find what YAML can say and a rule cannot: empty, yes/no, dates, endless numbers."""
    return list(_odd_values("", raw))


def _odd_values(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if isinstance(key, str):
                yield from _odd_values(f"{path}.{key}" if path else key, one)
            else:
                yield f"{path or 'the rule'}: the key {key!r} must be text, put it in quotes"
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _odd_values(f"{path}.{number}", one)
    elif reason := _why_odd(value):
        yield f"{path}: {reason}"


def _why_odd(value: Any) -> str | None:
    if value is None:
        return "nothing stands here (a comma in an unquoted text splits it)"
    if isinstance(value, bool):
        return "true and false mean nothing here"
    if isinstance(value, date):
        return f"{value} is read as a date, put it in quotes"
    if isinstance(value, float) and not math.isfinite(value):
        return "the number must be finite"
    return None if isinstance(value, str | int | float) else f"{value!r} is not a text or number"


def _path(loc: tuple[int | str, ...]) -> str:
    tag = _TAGGED.get(str(loc[0])) if loc else None
    return ".".join(str(one) for place, one in enumerate(loc) if place != tag)


def _sentence(path: str, kind: str, error: Any) -> str:
    known = error.get("ctx", {})
    facts = {"path": path, "was": _show(error["input"]), "why": error["msg"], **known}
    sentence = _SENTENCES.get(kind, "{path}: {was} is wrong: {why}").format_map(facts)
    return sentence.removeprefix(": ")


def _show(value: Any) -> str:
    # As it stands in a file: no reader knows how Python writes a time, a list or yes.
    return repr(value) if isinstance(value, str) else json.dumps(value, default=str)


_SENTENCES = {
    "missing": "{path}: it is missing",
    "extra_forbidden": "{path}: there is no such key",
    "union_tag_invalid": "{path}.kind: {tag!r} is not one of {expected_tags}",
    "union_tag_not_found": "{path}.kind: it is missing",
    "literal_error": "{path}: {was} is not one of {expected}",
    "enum": "{path}: {was} is not one of {expected}",
    "string_type": "{path}: it must be text, {was} is not (put it in quotes)",
    "string_pattern_mismatch": "{path}: {was} does not have the form {pattern}",
    "value_error": "{path}: {error}",
}
"""Pydantic's own words name its machinery; these name what stands in the file."""
