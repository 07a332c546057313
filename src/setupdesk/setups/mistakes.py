"""Mistakes in plain words: what is wrong with a rule file, for people who write one."""

import json
import math
from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import ValidationError

_TAGGED = {"levels": 2}
"""Where Pydantic puts the kind of a part into the path, which no file shows."""


_KEY = "[key]"
"""Where Pydantic means a key itself, and not what stands under it."""


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
    shown = (str(one) for place, one in enumerate(loc) if place != tag)
    return ".".join(one for one in shown if one != _KEY)


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
    "too_short": "{path}: {was} is wrong: it has {actual_length} parts, {min_length} are needed",
    "too_long": "{path}: {was} is wrong: it has {actual_length} parts, {max_length} are allowed",
    **dict.fromkeys(
        ("model_type", "dict_type"), "{path}: it must be a table of keys, {was} is not"
    ),
    **dict.fromkeys(("tuple_type", "list_type"), "{path}: it must be a list, {was} is not"),
    **dict.fromkeys(
        ("bool_type", "bool_parsing"), "{path}: it must be true or false, {was} is not"
    ),
    **dict.fromkeys(
        ("time_type", "time_parsing"), "{path}: it must be a time such as 09:00:00, {was} is not"
    ),
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_from_float"),
        "{path}: it must be a whole number, {was} is not",
    ),
    **dict.fromkeys(("float_type", "float_parsing"), "{path}: it must be a number, {was} is not"),
}
"""Pydantic's own words name its machinery; these name what stands in the file."""
