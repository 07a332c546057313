"""Between the words of a command line and the payload of a request, both ways."""

import copy
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from setupdesk.core.problem import take_suggestion
from setupdesk.doors.cli.access import refuse_usage

_DAY = r"\d{8}|\d{4}[-.]\d{2}[-.]\d{2}"
_FLAGS = {
    "setup_id": "-s",
    "symbol": "-p",
    "timeframe": "-i",
    "start": "--start",
    "end": "--end",
    "last": "--last",
    "at": "--at",
    "options.max_trades": "--max-trades",
    "options.rr_target": "--rr-target",
}


def build_payload(  # noqa: PLR0913 (the flags of one command)
    *,
    setup: str | None,
    symbol: str | None,
    timeframe: str | None,
    start: str | None = None,
    end: str | None = None,
    timerange: str | None = None,
    last: str | None = None,
    rr_target: str | None,
    max_trades: str | None,
    dry_run: bool | None = None,
    settings: Sequence[str],
) -> dict[str, Any]:
    """Build a payload of what was said; what is wrong with it is for START to say."""
    if timerange is not None and (start or end):
        refuse_usage("Give either --timerange, or --start and --end.")
    if wrong := [setting for setting in settings if "=" not in setting]:
        refuse_usage(f"--set takes KEY=VALUE, not {wrong[0]!r}.")
    if timerange is not None:
        start, end = _read_timerange(timerange)
    options = {
        "max_trades": read_value(max_trades),
        "rr_target": read_value(rr_target),
        "dry_run": dry_run,
    }
    fields = {
        "setup_id": setup,
        "symbol": symbol,
        "timeframe": timeframe,
        "start": start,
        "end": end,
        "last": last,
    }
    return {
        **{key: value for key, value in fields.items() if value is not None},
        "options": {key: value for key, value in options.items() if value is not None},
        "extra": dict(read_setting(setting) for setting in settings),
    }


def _read_timerange(text: str) -> tuple[str, str | None]:
    found = re.fullmatch(rf"\s*({_DAY})\s*(?:-|:|\.\.)\s*({_DAY})?\s*", text)
    return (found[1], found[2]) if found else (text, None)


def read_setting(text: str) -> tuple[str, Any]:
    """Read ``key=value``."""
    key, _, value = text.partition("=")
    return key.strip(), read_value(value)


def read_value(text: str | None) -> int | float | str | None:
    """Read a number where it is one, else leave the text as it is."""
    if text is None:
        return None
    for kind in (int, float):
        with suppress(ValueError):
            value = kind(text)
            if math.isfinite(value):
                return value
    return text.strip()


def write_corrected_command(receipt: Mapping[str, Any]) -> str | None:
    """Write the command that would work; None unless every Problem has a suggestion.

    A key that cannot be set is taken to have been meant as the suggested one.
    """
    payload = copy.deepcopy(dict(receipt["request"]))
    for problem in receipt["problems"]:
        if problem["suggestion"] is None:
            return None
        take_suggestion(payload, problem)
    return write_command(payload)


def write_command(payload: Mapping[str, Any]) -> str:
    """Write the command that asks for *payload*."""
    if payload.get("watch"):
        return _write_parity(payload)
    options = payload.get("options", {})
    values = {**payload, **{f"options.{key}": value for key, value in options.items()}}
    words = ["setupdesk", "analyze" if payload.get("mode") == "live" else "backtest"]
    for name, flag in _FLAGS.items():
        if values.get(name) is not None:
            words += [flag, str(values[name])]
    if options.get("dry_run"):
        words.append("--dry-run")
    for key, value in payload.get("extra", {}).items():
        words += ["--set", f"{key}={value}"]
    return shlex.join(words)


def _write_parity(payload: Mapping[str, Any]) -> str:
    words = ["setupdesk", "parity", str(payload["watch"])]
    for name, flag in (("start", "--from"), ("end", "--to"), ("last", "--last")):
        if payload.get(name) is not None:
            words += [flag, str(payload[name])]
    return shlex.join(words)
