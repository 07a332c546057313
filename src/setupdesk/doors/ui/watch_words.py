"""How a watch is, in a few words: its state, its heartbeat, its last poll and its parity."""

from datetime import datetime

from setupdesk.doors.ui.figures import seconds
from setupdesk.doors.ui.names import PARITIES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say, say_many
from setupdesk.words.names import STATES

_LATE = 60.0
"""Seconds after which a poll that was due and did not come is told."""


def tell_poll(poll: Json) -> str:
    """Say what came of a poll."""
    summary = poll["summary"]
    if summary is None:
        return str(poll["reason"] or "")
    counts = [
        say_many("{count} looked", "{count} looked", summary["looked"]),
        say_many("{count} without a new bar", "{count} without a new bar", summary["idle"]),
        say_many("{count} troubled", "{count} troubled", summary["troubled"]),
        say_many("{count} alert", "{count} alerts", summary["alerts"]),
        say_many("{count} outcome", "{count} outcomes", summary["outcomes"]),
    ]
    return ", ".join(one for one in counts if not one.startswith("0 "))


def find_state(watch: Json) -> str:
    """Find how a watch is: it looks, is late, troubled or paused, or has ended."""
    if watch["ended_at"]:
        return "ended"
    if watch["next"] is None:
        return "paused"
    if _find_age(watch, watch["next"]) > _LATE:
        return "late"
    return "troubled" if watch["troubled"] else "looks"


def tell_state(watch: Json) -> str:
    """Say in a few words how a watch is."""
    words = {
        "ended": say("ended"),
        "paused": say("paused"),
        "late": say("its poll is late"),
        "troubled": say("looks, with trouble"),
        "looks": say("looks"),
    }
    return words[find_state(watch)]


def tell_heartbeat(watch: Json) -> str:
    """Say how long ago a watch has looked."""
    poll = watch["last_poll"]
    if poll is None:
        return say("never")
    return say("{time} ago", time=seconds(max(1.0, _find_age(watch, poll["accepted_at"]))))


def tell_parity(run: Json | None) -> str:
    """Say what came of the newest comparison with a backtest."""
    if run is None:
        return "--"
    verdict = (run["summary"] or {}).get("verdict")
    return say(PARITIES[verdict][0]) if verdict in PARITIES else name(STATES, run["state"])


def _find_age(watch: Json, then: str) -> float:
    now = datetime.fromisoformat(watch["as_of"])
    return (now - datetime.fromisoformat(then)).total_seconds()
