"""How the pages write intervals, markets and moments; what there is none of is ``--``."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from setupdesk.doors.ui.speech import say
from setupdesk.words.figures import NONE, in_r

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:.-])")


def verbatim(text: str) -> str:
    """Write what somebody has named so that none of it is markup of the page."""
    return _MARKUP.sub(r"\\\1", text)


def span(ends: list[float] | None, write: Callable[[float], str] = in_r) -> str:
    """Write an interval."""
    return say("{low} to {high}", low=write(ends[0]), high=write(ends[1])) if ends else NONE


def seconds(value: float | None) -> str:
    """Write how long something takes."""
    if value is None:
        return NONE
    if value < 1:
        return say("less than a second")
    return (
        say("{n} s", n=f"{value:,.0f}") if value < 120 else say("{n} min", n=f"{value / 60:,.0f}")
    )


def duration(value: float) -> str:
    """Write in a sentence how long a run takes."""
    if value < 1:
        return say("It takes less than a second.")
    return say("It takes about {time}.", time=seconds(value))


def bounds(allowed: str) -> str:
    """Write what the API allows for a parameter, such as ``0 to 1``."""
    low, between, high = allowed.partition(" to ")
    return say("{low} to {high}", low=low, high=high) if between else allowed


def moment(text: str | None) -> str:
    """Write an instant of the API, in UTC."""
    return f"{text[:19].replace('T', ' ')} UTC" if text else NONE


def day_and_time(text: str | None) -> str:
    """Write an instant on the clock on which the API has written it."""
    return text[:16].replace("T", " ") if text else NONE


def market(request: Mapping[str, Any]) -> str:
    """Write what a run is about."""
    names = (request.get("setup_id"), request.get("symbol"), request.get("timeframe"))
    return "  ".join(str(name) for name in names if name) or str(request.get("watch") or NONE)


def period(request: Mapping[str, Any]) -> str:
    """Write the period of a run; its end is inclusive."""
    if request.get("start"):
        return say("{start} to {end} inclusive", start=request["start"], end=request["end"])
    if request.get("watch") and request.get("mode") == "backtest":
        return say("all that it has seen")
    return say("as of {at}", at=moment(request["at"])) if request.get("at") else say("now")
