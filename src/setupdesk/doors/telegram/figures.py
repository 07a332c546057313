"""How the bot writes intervals, markets and moments; what there is none of is ``--``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from setupdesk.doors.telegram.line import tell_changes
from setupdesk.doors.telegram.speech import say
from setupdesk.words.figures import NONE, in_r


def span(ends: list[float] | None, write: Callable[[float], str] = in_r) -> str:
    """Write an interval in brackets; nothing where there is none."""
    if not ends:
        return ""
    return f" ({say('{low} to {high}', low=write(ends[0]), high=write(ends[1]))})"


def seconds(value: float | None) -> str:
    """Write how long something takes."""
    if value is None:
        return NONE
    if value < 1:
        return say("less than a second")
    if value < 120:
        return say("{n} s", n=f"{value:,.0f}")
    return say("{n} min", n=f"{value / 60:,.0f}")


def duration(value: float) -> str:
    """Write in a sentence how long a run takes."""
    if value < 1:
        return say("It takes less than a second.")
    return say("It takes about {time}.", time=seconds(value))


def foretell(plan: Mapping[str, Any]) -> list[str]:
    """Write how much a run walks through; the bars are those from its first session on."""
    bars = plan["bars"] - plan["warm_up_bars"]
    return [f"{say('Sessions')}: {plan['sessions']:,}", f"{say('Bars')}: {bars:,}"]


def moment(text: str | None, *, is_exact: bool = False) -> str:
    """Write an instant of the API, in UTC, to the minute, or to the second where it is exact."""
    return f"{text[: 19 if is_exact else 16].replace('T', ' ')} UTC" if text else NONE


def ticks(moments: Sequence[str]) -> str:
    """Write the next instants of a rhythm: to the second where one is within a minute."""
    is_exact = any(one[17:19] != "00" for one in moments)
    return ", ".join(moment(one, is_exact=is_exact) for one in moments)


def market(request: Mapping[str, Any]) -> str:
    """Write what a run is about, with what it asks otherwise than its rule says."""
    names = (request.get("setup_id"), request.get("symbol"), request.get("timeframe"))
    parts = (*names, tell_changes(request))
    return " ".join(str(one) for one in parts if one) or str(request.get("watch") or NONE)


def period(request: Mapping[str, Any]) -> str:
    """Write the period of a run; its end is inclusive."""
    if request.get("start"):
        return say("{start} to {end} inclusive", start=request["start"], end=request["end"])
    return say("as of {at}", at=moment(request["at"])) if request.get("at") else say("now")
