"""Between the words behind a command and the payload of a request, both ways."""

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from setupdesk.doors.telegram.answer import Json

DRY = "dry"
PLACES = ("setup_id", "symbol", "timeframe", "last")
_DAY = r"\d{8}|\d{4}[-.]\d{2}[-.]\d{2}"
_RANGE = re.compile(rf"({_DAY})(?:\.\.|-|:)({_DAY})")
_SHORT = {"rr": "rr_target", "max": "max_trades", "setup": "setup_id"}
_TYPED = {name: short for short, name in _SHORT.items()} | {"setups": "setup", "symbols": "symbol"}
_DASHES = "-\u2013\u2014\u2212"
"""A phone's keyboard makes one dash of two."""

_DRY = (DRY, "dry-run")
_DECIMAL = re.compile(r"([+-]?\d+),(\d{1,2})")
"""With a comma, as most of Europe writes it; of three digits it might part thousands."""

_BARS = re.compile(r"[MHD]\d{1,2}", re.IGNORECASE)
"""A timeframe is known by its look, wherever it stands."""

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
        elif place := next((one for one in PLACES if one not in payload), None):
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
    words = [tell_setting(name, one) for name, one in changed.items() if one is not None]
    return " ".join([*words, *([DRY] if is_dry_run else [])])


def tell_setting(name: str, value: object) -> str:
    """Tell one setting in the word for it."""
    text = f"{value:g}" if isinstance(value, float) else f"{value}"
    return shlex.quote(f"{_TYPED.get(name, name)}={text}")
