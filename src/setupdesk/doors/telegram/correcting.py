"""What was meant by a request that was refused, as far as its Problems tell it."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from setupdesk.core.problem import take_suggestion
from setupdesk.doors.telegram.answer import Json
from setupdesk.doors.telegram.line import PLACES, tell_setting

_GUESSED = ("out_of_bounds", "wrong_period", "wrong_type")
"""Problems whose suggestion is one that is allowed, and not what was meant."""

_PERIOD = re.compile(r"\d+[dwmy]|ytd")


def correct(receipt: Mapping[str, Any]) -> Json | None:
    """Give the payload that was meant; None unless every Problem has a suggestion of it."""
    payload = copy.deepcopy(dict(receipt["request"]))
    for problem in receipt["problems"]:
        if not is_meant(problem, receipt["request"]):
            return None
        take_suggestion(payload, problem)
    return payload


def is_meant(problem: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Say whether what a Problem suggests is likely to be what was meant."""
    is_guessed = problem["code"] in _GUESSED or has_no_place(problem, request)
    return problem["suggestion"] is not None and not is_guessed


def has_no_place(problem: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Say whether a Problem is about a word that was one too many."""
    place, _, last = problem["field"].rpartition(".")
    return problem["code"] == "unknown_key" and (request.get(place) or {}).get(last) == last


def tell_correction(problem: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Tell what would be taken in place of what was refused: ``setup=IB_raid_v1``."""
    place, _, last = problem["field"].rpartition(".")
    if problem["code"] != "unknown_key":
        return tell_setting(last, problem["suggestion"])
    return tell_setting(problem["suggestion"], request[place][last])


def reorder(receipt: Mapping[str, Any]) -> Json | None:
    """Give the payload with each refused word where it is known; None where it is known nowhere.

    The words are those that stood at each other's places, such as the symbol before the setup.
    """
    request = receipt["request"]
    wrong = {one["field"]: one for one in receipt["problems"] if one["field"] in PLACES}
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
