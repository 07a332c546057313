"""Between the words behind ``/watch`` and the watch that is asked for, both ways."""

import copy
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from setupdesk.core.problem import take_suggestion
from setupdesk.doors.telegram.answer import Json
from setupdesk.doors.telegram.correcting import is_meant
from setupdesk.doors.telegram.line import DRY, is_dry, read_value

USUAL = "usual"
"""In the place of a rhythm or a feed: what the desk takes where none is said."""

_PLACES = ("setups", "symbols", "timeframe")
_MANY = ("setups", "symbols")
_NAMES = {
    "setup": "setups",
    "symbol": "symbols",
    "from": "replay_from",
    "at-bar-close": "at_bar_close",
    "rr": "rr_target",
    "max": "max_trades",
}
_PLAIN = ("timeframe", "name", "every", "at_bar_close", "feed", "replay_from", "expires")
_OPTIONS = ("rr_target", "max_trades")


def read_watch(words: Sequence[str]) -> Json:
    """Read ``IB_raid_v1,ORB30_break_v1 GER40 M15 every=5m``; what is wrong is for the desk to say.

    What is read may have ``dry``, and ``usual`` as its rhythm and feed: see ``find_wish``.
    """
    said: Json = {"options": {}, "extra": {}}
    places = iter(_PLACES)
    for word in _join_spans(words):
        if is_dry(word):
            said[DRY] = True
        elif "=" in word:
            key, _, text = word.partition("=")
            _set(said, _NAMES.get(key, key), text)
        else:
            # What has no place is no parameter of a setup either, and is refused as one.
            _set(said, next(places, word), word)
    return said


def _join_spans(words: Sequence[str]) -> list[str]:
    """Join ``every`` and its span, for so it is said."""
    joined: list[str] = []
    for word in words:
        if joined[-1:] == ["every"]:
            joined[-1] = f"every={word}"
        else:
            joined.append(word)
    return joined


def _set(said: Json, name: str, text: str) -> None:
    if name in _MANY:
        said[name] = [one for one in text.split(",") if one]
    elif name in _PLAIN:
        said[name] = text
    elif name == "speed":
        said[name] = read_value(text)
    else:
        said["options" if name in _OPTIONS else "extra"][name] = read_value(text)


def find_wish(said: Mapping[str, Any]) -> Json:
    """Find what the desk is asked for: without what is usual, and without empty parts."""
    return {
        name: value for name, value in said.items() if name != DRY and value not in (USUAL, {}, [])
    }


def write_watch(said: Mapping[str, Any]) -> str:
    """Write the words that ask for a watch."""
    words = []
    for name in (*_MANY, *_PLAIN, "speed"):
        value = said.get(name)
        if value not in (None, []):
            text = ",".join(value) if name in _MANY else f"{value}"
            words.append(shlex.quote(f"{name}={text}"))
    for name, value in {**(said.get("options") or {}), **(said.get("extra") or {})}.items():
        words.append(shlex.quote(f"{name}={value}"))
    return " ".join([*words, *([DRY] if said.get(DRY) else [])])


def correct_watch(said: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]) -> Json | None:
    """Give the watch that was meant; None unless every Problem has a suggestion of it."""
    corrected = copy.deepcopy(dict(said))
    for problem in problems:
        if not is_meant(problem, said):
            return None
        take_suggestion(corrected, problem)
    return corrected
