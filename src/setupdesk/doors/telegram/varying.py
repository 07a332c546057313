"""Rerun with...: a run's own request is the beginning of another one, changed bit by bit."""

import copy
from collections.abc import Mapping
from typing import Any

from setupdesk.doors.telegram.answer import Answer, Asked, Button
from setupdesk.doors.telegram.card import need_run
from setupdesk.doors.telegram.figures import market, period
from setupdesk.doors.telegram.line import read_payload, write_words
from setupdesk.doors.telegram.offering import ACROSS, lay
from setupdesk.doors.telegram.requests import ASK, MODES
from setupdesk.doors.telegram.speech import say
from setupdesk.words import mark

_PARTS = {
    "setup_id": mark("Setup"),
    "symbol": mark("Symbol"),
    "timeframe": mark("Timeframe"),
    "last": mark("Period"),
    "rr_target": mark("Target in R"),
}
_DATES = ("start", "end", "last")


def ask_again(asked: Asked) -> Answer:
    """Show what a run was asked with: to be started anew as it was, or changed before."""
    request = asked.desk.run(need_run(asked))["request"]
    return _offer("analyze" if request["mode"] == "live" else "bt", request)


def vary(asked: Asked) -> Answer:
    """Show a request that is put together, and what of it can be changed."""
    deed, *words = asked.words
    return _offer(deed, read_payload(words, MODES.get(deed, "backtest")))


def _offer(deed: str, payload: Mapping[str, Any]) -> Answer:
    line = f"{deed} {write_words(payload)}"
    when = period(payload) if payload.get("start") or deed == "analyze" else payload.get("last")
    lines = [market(payload), str(when or ""), f"/{line}", "", say("What shall be another one?")]
    parts = [
        Button(say(text), f"step {deed} {write_words(_open(payload, part))}")
        for part, text in _PARTS.items()
        if not (part == "last" and deed == "analyze")
    ]
    leave = Button(say("Leave it"), "drop")
    return Answer("\n".join(lines), (*lay(parts, ACROSS), (Button(say("Start"), line), leave)))


def _open(payload: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Leave a part of a request open, so that it is asked for."""
    said = copy.deepcopy(dict(payload))
    if part == "rr_target":
        said["options"] = {**(said.get("options") or {}), part: ASK}
    for name in _DATES if part == "last" else (part,):
        said.pop(name, None)
    if part == "setup_id":
        # They are the setup's own.
        said["extra"] = {}
    return said
