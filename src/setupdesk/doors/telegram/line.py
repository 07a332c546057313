"""Between the words behind a command and the payload of a request, both ways."""

import copy
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from setupdesk.doors.telegram.answer import Json

DRY = "dry"
_PLACES = ("setup_id", "symbol", "timeframe", "last")
_DAY = r"\d{8}|\d{4}[-.]\d{2}[-.]\d{2}"
_RANGE = re.compile(rf"({_DAY})(?:\.\.|-|:)({_DAY})")
_SHORT = {"rr": "rr_target", "max": "max_trades"}
_STRAIGHT = str.maketrans("“”„«»", '"' * 5)
_FIELDS = ("setup_id", "symbol", "timeframe", "start", "end", "last", "at")


def split_words(line: str) -> list[str]:
    """Split a line as a terminal does; quotation marks of a phone's keyboard are marks too."""
    straight = line.translate(_STRAIGHT)
    with suppress(ValueError):
        return shlex.split(straight)
    return straight.split()


def read_payload(words: Sequence[str], mode: str) -> Json:
    """Read ``IB_raid_v1 GER40 M15 6m rr=2``; what is wrong with it is for START to say."""
    payload: Json = {"mode": mode, "options": {}, "extra": {}}
    places = iter(_PLACES)
    for word in words:
        if word == DRY:
            payload["options"]["dry_run"] = True
        elif "=" in word:
            _read_setting(payload, word)
        elif found := _RANGE.fullmatch(word):
            payload["start"], payload["end"] = found.groups()
        else:
            payload[next(places, "last")] = word
    return payload


def _read_setting(payload: Json, word: str) -> None:
    key, _, text = word.partition("=")
    if key in _FIELDS:
        payload[key] = text
    elif key in (*_SHORT, *_SHORT.values()):
        payload["options"][_SHORT.get(key, key)] = read_value(text)
    else:
        payload["extra"][key] = read_value(text)


def read_value(text: str) -> int | float | str:
    """Read a number where one is written."""
    for kind in (int, float):
        with suppress(ValueError):
            value = kind(text)
            if math.isfinite(value):
                return value
    return text


def write_words(payload: Mapping[str, Any]) -> str:
    """Write the words that ask for *payload*."""
    named = {name: payload[name] for name in _FIELDS if payload.get(name) is not None}
    options = payload.get("options") or {}
    named |= {name: value for name, value in options.items() if name != "dry_run"}
    named |= payload.get("extra") or {}
    words = [shlex.quote(f"{name}={text}") for name, text in named.items() if text is not None]
    return " ".join([*words, *([DRY] if options.get("dry_run") else [])])


def correct(receipt: Mapping[str, Any]) -> Json | None:
    """Give the payload that would be accepted; None unless every Problem has a suggestion."""
    payload = copy.deepcopy(dict(receipt["request"]))
    for problem in receipt["problems"]:
        *above, last = problem["field"].split(".")
        if problem["suggestion"] is None:
            return None
        holder = payload
        for part in above:
            holder = holder.setdefault(part, {})
        if problem["code"] == "unknown_key":
            holder[problem["suggestion"]] = holder.pop(last, None)
        else:
            holder[last] = problem["suggestion"]
    return payload
