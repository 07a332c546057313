"""JSON over HTTP, read so that every program understands the same by it, or not at all."""

import json
import math
from typing import Any

from setupdesk.core.problem import Problem

MOST_LEVELS = 5
"""Of objects and lists in each other; the deepest that asks for something has three."""

LARGEST_WHOLE = 2**53
"""Beyond it not every program can tell a whole number from the next one."""


class WrongShapeError(ValueError):
    """The text is not an object that can be read; the words say why."""

    @property
    def problem(self) -> Problem:
        """Give it as a reason of a refusal."""
        return Problem(field="", code="wrong_shape", message=str(self))


def read_object(body: bytes, what: str = "body") -> dict[str, Any]:
    """Read a JSON object, or raise ``WrongShapeError`` in words that begin with *what* it is.

    Names that stand twice, numbers that are not finite, whole ones beyond 2^53 and more than
    five levels are refused; minus zero is zero.
    """
    try:
        read = json.loads(
            body,
            object_pairs_hook=_read_pairs,
            parse_constant=_read_number,
            parse_float=_read_number,
            parse_int=_read_whole,
        )
    except WrongShapeError as wrong:
        raise WrongShapeError(f"The {what} had {wrong}.") from wrong
    except (ValueError, RecursionError) as mistake:
        raise WrongShapeError(f"The {what} was not JSON: {str(mistake)[:100]}.") from mistake
    if not isinstance(read, dict):
        raise WrongShapeError(f"The {what} was {_KINDS[type(read)]}; it has to be a JSON object.")
    if _is_deep(read, MOST_LEVELS):
        raise WrongShapeError(f"The {what} had more than {MOST_LEVELS} levels.")
    return read


_KINDS = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a truth value",
    type(None): "null",
}


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise WrongShapeError(f"the name {name[:50]!r} twice in one object")
        read[name] = value
    return read


def _read_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise WrongShapeError(f"the number {text[:20]}, which is not finite")
    return number + 0.0


def _read_whole(text: str) -> int:
    # Its length says enough of a long one, which takes its time to be read.
    if len(text) > len(str(-LARGEST_WHOLE)) or abs(int(text)) > LARGEST_WHOLE:
        raise WrongShapeError(f"the whole number {text[:20]}, which is beyond 2^53")
    return int(text)


def _is_deep(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deep(one, levels - 1) for one in inner)
