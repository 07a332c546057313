"""Words: a rule as sentences that a trader reads, from the rule as it was published."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Row = tuple[str, str]

_CLOCK = re.compile(r"\d\d:\d\d(\s*-\s*\d\d:\d\d)?")
"""A time, or a stretch of time, that names no zone."""

_SECTIONS = {
    "sides": "sides",
    "window": "trigger window",
    "entry": "entry",
    "stop": "stop",
    "target": "target",
    "min_rr": "least reward to risk",
    "exit": "exit",
    "limits": "limits",
}


def tell_rule(raw: Mapping[str, Any]) -> list[Row]:
    """Give what each part of a rule says; a param stands where its value belongs."""
    return list(_tell(raw))


def _tell(raw: Mapping[str, Any]) -> Iterator[Row]:
    yield "timeframes", _say(raw["timeframes"])
    for name, level in raw["levels"].items():
        yield f"level {name}", _say_kind(level)
    for condition in raw.get("filters", ()):
        yield "filter", _say(condition)
    yield "trigger", _say_kind(raw["trigger"])
    for key, word in _SECTIONS.items():
        if key in raw:
            yield word, _say_kind(raw[key]) or "none"


def _say_kind(part: Any) -> str:
    if not isinstance(part, Mapping):
        return _say(part)
    said = [f"{_word(key)} {_say(value)}" for key, value in part.items() if key != "kind"]
    kind = [_word(part["kind"])] if "kind" in part else []
    return ", ".join([*kind, *said])


def _say(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, Mapping):
        return _say_kind(value)
    return f"{value} (the market's clock)" if _CLOCK.fullmatch(str(value)) else str(value)


def _word(key: str) -> str:
    return str(key).replace("_", " ")
