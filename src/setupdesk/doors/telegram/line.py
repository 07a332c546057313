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
_SHORT = {"rr": "rr_target", "max": "max_trades", "setup": "setup_id"}
_TYPED = {name: short for short, name in _SHORT.items()} | {"setups": "setup", "symbols": "symbol"}
_DASHES = "-\u2013\u2014\u2212"
"""A phone's keyboard makes one dash of two."""

_DRY = (DRY, "dry-run")
_DECIMAL = re.compile(r"([+-]?\d+),(\d{1,2})")
"""With a comma, as most of Europe writes it; of three digits it might part thousands."""

_GUESSED = ("out_of_bounds", "wrong_period", "wrong_type")
"""Problems whose suggestion is one that is allowed, and not what was meant."""

_BARS = re.compile(r"[MHD]\d{1,2}", re.IGNORECASE)
"""A timeframe is known by its look, wherever it stands."""

_PERIOD = re.compile(r"\d+[dwmy]|ytd")
_STRAIGHT = str.maketrans("“”„«»", '"' * 5)
_OPTIONS = ("rr_target", "max_trades")
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
    for word in sorted(words, key=lambda one: not _BARS.fullmatch(one)):
        if is_dry(word):
            payload["options"]["dry_run"] = True
        elif _BARS.fullmatch(word) and "timeframe" not in payload:
            payload["timeframe"] = word
        elif "=" in word:
            _read_setting(payload, word)
        elif found := _RANGE.fullmatch(word):
            payload["start"], payload["end"] = found.groups()
        elif place := next((one for one in _PLACES if one not in payload), None):
            payload[place] = word
        else:
            # What has no place is no parameter of a setup either, and is refused as one.
            payload["extra"][word] = word
    return payload


def is_dry(word: str) -> bool:
    """Say whether a word asks for a dry run."""
    return word.lower().lstrip(_DASHES) in _DRY


def _read_setting(payload: Json, word: str) -> None:
    typed, _, text = word.partition("=")
    key = _SHORT.get(typed, typed)
    if key in _FIELDS:
        payload[key] = text
    elif key in _OPTIONS:
        payload["options"][key] = read_value(text)
    else:
        payload["extra"][key] = read_value(text)


def read_value(text: str) -> int | float | str:
    """Read a number where one is written, be it ``2.5`` or ``2,5``."""
    found = _DECIMAL.fullmatch(text)
    written = f"{found[1]}.{found[2]}" if found else text
    for kind in (int, float):
        with suppress(ValueError):
            value = kind(written)
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


def tell_changes(of: Mapping[str, Any]) -> str:
    """Tell what is asked otherwise than the rule says, in the words for it: ``rr=2.5 max=1``."""
    changed = {**(of.get("options") or {}), **(of.get("extra") or {})}
    is_dry_run = changed.pop("dry_run", False)
    words = [_tell_setting(name, one) for name, one in changed.items() if one is not None]
    return " ".join([*words, *([DRY] if is_dry_run else [])])


def _tell_setting(name: str, value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else f"{value}"
    return shlex.quote(f"{_TYPED.get(name, name)}={text}")


def tell_correction(problem: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Tell what would be taken in place of what was refused: ``setup=IB_raid_v1``."""
    place, _, last = problem["field"].rpartition(".")
    if problem["code"] != "unknown_key":
        return _tell_setting(last, problem["suggestion"])
    return _tell_setting(problem["suggestion"], request[place][last])


def is_meant(problem: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Say whether what a Problem suggests is likely to be what was meant."""
    is_guessed = problem["code"] in _GUESSED or has_no_place(problem, request)
    return problem["suggestion"] is not None and not is_guessed


def has_no_place(problem: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Say whether a Problem is about a word that was one too many."""
    place, _, last = problem["field"].rpartition(".")
    return problem["code"] == "unknown_key" and (request.get(place) or {}).get(last) == last


def reorder(receipt: Mapping[str, Any]) -> Json | None:
    """Give the payload with each refused word where it is known; None where it is known nowhere.

    The words are those that stood at each other's places, such as the symbol before the setup.
    """
    request = receipt["request"]
    wrong = {one["field"]: one for one in receipt["problems"] if one["field"] in _PLACES}
    words = [str(request[place]) for place in wrong if request.get(place)]
    found = {place: one for one in words for place in wrong if _fits(one, wrong[place])}
    # Each word has a place of its own.
    if sorted(found.values()) != sorted(words):
        return None
    ordered = {name: value for name, value in request.items() if name not in wrong} | found
    return None if ordered == request else ordered


def _fits(word: str, problem: Mapping[str, Any]) -> bool:
    if problem["field"] == "last":
        return bool(_PERIOD.fullmatch(word))
    return word in problem["allowed"]


def correct(receipt: Mapping[str, Any]) -> Json | None:
    """Give the payload that was meant; None unless every Problem has a suggestion of it."""
    payload = copy.deepcopy(dict(receipt["request"]))
    for problem in receipt["problems"]:
        *above, last = problem["field"].split(".")
        if not is_meant(problem, receipt["request"]):
            return None
        holder = payload
        for part in above:
            holder = holder.setdefault(part, {})
        if problem["code"] == "unknown_key":
            holder[problem["suggestion"]] = holder.pop(last, None)
        else:
            holder[last] = problem["suggestion"]
    return payload
