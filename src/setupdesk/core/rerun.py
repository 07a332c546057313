"""Reruns: the payload of an earlier run, with what is to be different this time."""

from collections.abc import Mapping
from typing import Any

_PERIOD = ("start", "end", "last")
_OF_WATCH = ("watch", "mode", *_PERIOD)


def build_rerun(asked: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give the normalized request *asked* with *changes*, which START judges as any payload.

    ``options`` and ``extra`` change name by name, and null takes a name away. ``last`` takes the
    place of start and end, and a live request has no period. What is asked of a watch is all
    said by the watch but its period.
    """
    if asked.get("watch"):
        asked = {name: asked[name] for name in asked if name in _OF_WATCH}
        changes = {name: value for name, value in changes.items() if value not in ({}, None)}
    kept = dict(asked)
    if changes.get("last") is not None or changes.get("mode") == "live":
        kept = {name: value for name, value in kept.items() if name not in _PERIOD}
    payload = {**kept, **changes}
    for name in ("options", "extra"):
        if isinstance(changes.get(name), Mapping):
            joined = {**kept.get(name, {}), **changes[name]}
            payload[name] = {key: value for key, value in joined.items() if value is not None}
    return payload
